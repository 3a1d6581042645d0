# bed.sh - sourced by the tests of OUT/bramble-gateway with OUT as $1: a folder, processes that end with the
# test, stand-ins for the gateway's neighbours, the gateway itself, all on loopback, and its clients.
# These tests have hundreds of checks each: what passed is only counted.
# shellcheck shell=bash disable=SC2034 # shared with the sourcing
out=${1:?usage: ${0##*/} OUT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
checks_quiet=1
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"

# Sanitizers take memory of their own, so that of the gateway cannot be judged then.
sanitized() { case $out in *san*) return 0 ;; *) return 1 ;; esac }
peer() { "${CC:-gcc}" -std=gnu17 -O1 -D_GNU_SOURCE -o "$dir/$1" "$here/$1.c" || exit 1; } # NAME: builds it

# ---- who is there --------------------------------------------------------------------------------
declare -A port
backend() { # NAME: a function that answers by its path; its port is ${port[NAME]}
	"$dir/gateway_peer" function "$1" >"$dir/$1.port" &
	pids+=($!)
	wait_until 5 test -s "$dir/$1.port"
	port[$1]=$(cat "$dir/$1.port")
}
agent() { # PROGRAM ARGUMENT...: a fake agent, which is told by lines to descriptor 9; its requests are in asked
	mkfifo "$dir/told"
	"$dir/$1" agent "$dir/agent.sock" "${@:2}" <"$dir/told" >>"$dir/asked" &
	pids+=($!)
	exec 9>"$dir/told"
	wait_until 5 test -S "$dir/agent.sock"
}
gateway() { # OPTION...: sets gateway, its process; gport, its port; url
	: >"$dir/log"
	"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/agent.sock" --config "$here/gateway.conf" "$@" 2>"$dir/log" &
	gateway=$!
	pids+=("$gateway")
	wait_until 10 grep -q 'listening on' "$dir/log" || { cat "$dir/log"; exit 1; }
	gport=$(sed -n 's/.*listening on .* port //p' "$dir/log")
	url=http://127.0.0.1:$gport
}
descriptors() { find "/proc/$gateway/fd" -type l 2>/dev/null | wc -l; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status"; }

# ---- clients -------------------------------------------------------------------------------------
call() { curl -s -m 10 "$@"; }
code() { call -o /dev/null -w '%{http_code}' "$@"; }

# ---- the end -------------------------------------------------------------------------------------
no_findings() { # LOG...: no sanitizer has complained
	local said
	! said=$(grep -hE 'ERROR: |runtime error' "$@") || not_ok 'a sanitizer found something' "$said" "$(cat "$@")"
}
# With what leaked, under sanitizers.
ended() { # the gateway was told to end, and does
	wait "$gateway"
	equal 'ends in order' 0 $?
	no_findings "$dir/log"
	[ "$failed" = 0 ] || tail -n 20 "$dir/log"
	finish
}
