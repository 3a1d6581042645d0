# gateway_bed.sh - sourced by the gateway's tests with OUT as $1 and their gateway options in 'options':
# checks that count, two backends, a fake agent, and the gateway between them, all on loopback.
# shellcheck shell=bash disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; shared with the sourcing
out=${1:?usage: test_gateway*.sh OUT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d)
pids=()
passed=0 failed=0
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

"${CC:-gcc}" -std=gnu17 -O1 -D_GNU_SOURCE -o "$dir/peer" "$here/gateway_peer.c" || exit 1

ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	printf 'FAIL  %s\n' "$1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | head -c 2000 | cat -A | sed 's/^/      /' | head -n 20
}
# check NAME WANT GOT: the text is exactly this;  has NAME REGEX GOT;  hasnt NAME REGEX GOT
check() { if [ "$2" = "$3" ]; then ok; else bad "$1" "wanted: $2
got: $3"; fi; }
has() { if grep -qE -- "$2" <<<"$3"; then ok; else bad "$1: wanted /$2/ in" "$3"; fi; }
hasnt() { if grep -qE -- "$2" <<<"$3"; then bad "$1: did not want /$2/ in" "$3"; else ok; fi; }
# until SECONDS COMMAND...: tries until it succeeds
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}

# ---- who is there --------------------------------------------------------------------------------
declare -A port
backend() { # NAME
	"$dir/peer" function "$1" >"$dir/$1.port" &
	pids+=($!)
	until_true 5 test -s "$dir/$1.port"
	port[$1]=$(cat "$dir/$1.port")
}
backend one
backend two
dead=$(printf '%d' $((port[one] + 1)))
while "$dir/peer" hold 127.0.0.1 "$dead" 1 </dev/null 2>/dev/null | grep -q '^1$'; do dead=$((dead + 1)); done

mkfifo "$dir/state"
"$dir/peer" agent "$dir/agent.sock" <"$dir/state" >"$dir/asked" &
pids+=($!)
exec 9>"$dir/state"
: >"$dir/log"
"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/agent.sock" --config "$here/gateway.conf" \
	"${options[@]}" 2>"$dir/log" &
gateway=$!
pids+=("$gateway")
until_true 10 grep -q 'listening on' "$dir/log" || { cat "$dir/log"; exit 1; }
gport=$(sed -n 's/.*listening on .* port //p' "$dir/log")
url=http://127.0.0.1:$gport
auth=(-u admin:secret)
call() { curl -s -m 10 "$@"; }
code() { curl -s -m 10 -o /dev/null -w '%{http_code}' "$@"; }
raw() { # sends stdin as it is, prints what comes back until the end of the connection
	exec 8<>"/dev/tcp/127.0.0.1/$gport"
	cat >&8
	timeout 8 cat <&8
	exec 8>&-
}
asked() { tail -n 1 "$dir/asked"; }

instance() { # ID NAME-OF-BACKEND|PORT READY LOCAL
	printf '{"id":%d,"node":"w1","local":%s,"address":"127.0.0.1","port":%d,"ready":%s}' \
		"$1" "$4" "${port[$2]:-$2}" "$3"
}
function_json() { # NAME NAMESPACE REPLICAS AVAILABLE INVOCATIONS REASON SPEC INSTANCES
	printf '{"name":"%s","namespace":"%s","image":"docker.io/library/x:1","replicas":%d,"available":%d,"invocations":%d,"created":1700000000,"reason":"%s","spec":%s,"instances":[%s]}' "$@"
}
state() { # FUNCTION...
	local IFS=,
	printf '{"cluster":"home","node":"m1","auth":{"user":"admin","password":"secret"},"arch":"armhf","functions":[%s]}\n' "$*" >&9
}
