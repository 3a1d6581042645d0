# lib.sh - what the lab's tests share.  Sourced by tests/lab/test_*.sh, which end with `finish`.
# A test waits with a deadline for what it wants to see; a check that something does NOT happen has a
# twin beside it that shows that it can.
# shellcheck shell=bash disable=SC2034 # some variables are read by the tests only
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
lab=$here/lab
passed=0 failed=0
build_lock=/run/bramble-lab/build.lock # as in lab: one build at a time
mkdir -p "${build_lock%/*}"

# A second lab beside a demo that may be up.
export BRAMBLE_LAB=${BRAMBLE_LAB:-/var/tmp/bramble-lab-test} BRAMBLE_LAB_PREFIX=${BRAMBLE_LAB_PREFIX:-brtest}

ok() {
	passed=$((passed + 1))
	echo "ok    $*"
}
not_ok() { # NAME [DETAIL...]
	failed=$((failed + 1))
	echo "FAIL  $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/      /' | tail -n 25
}

# assert NAME COMMAND...: its exit status is 0.
assert() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "\$ $*" "$said"; fi
}
# refuse NAME PATTERN COMMAND...: it fails (not by a signal), and says why.
refuse() {
	local name=$1 pattern=$2 said status
	shift 2
	said=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ]; then
		not_ok "$name" "\$ $*" 'was not refused' "$said"
	elif [ $status -ge 124 ] || ! grep -qiE -- "$pattern" <<<"$said"; then
		not_ok "$name" "\$ $*" "status $status, and no /$pattern/ in:" "$said"
	else
		ok "$name"
	fi
}
equal() { # NAME WANT GOT
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want: $2" "got:  $3"; fi
}
match() { # NAME EXTENDED-REGEX GOT
	if grep -qE -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "want: /$2/" "got:  $3"; fi
}

# wait_until SECONDS COMMAND...: tries again until it succeeds or the time is over.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
# eventually NAME SECONDS COMMAND...: an assert that may take a while; says how long it took.
eventually() {
	local name=$1 seconds=$2 t=$EPOCHREALTIME
	shift 2
	if wait_until "$seconds" "$@"; then
		ok "$name ($(awk -v a="$EPOCHREALTIME" -v b="$t" 'BEGIN { printf "%.1f", a - b }') s)"
	else
		not_ok "$name" "not within $seconds s: $*" "$("$@" 2>&1)"
	fi
}
# always SECONDS COMMAND...: succeeds the whole time.
always() {
	local end=$((SECONDS + $1))
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" || return 1
		sleep 0.1
	done
}

# Everything a person would look at after a failure.
show_boards() {
	local b
	[ "${failed:-0}" -gt 0 ] || return 0
	for b in $("$lab" list 2>/dev/null | awk 'NR > 1 && $5 == "on" { print $1 }'); do
		echo "--- $b: bramble's last words"
		"$lab" run "$b" journalctl -q --no-pager -n "${LINES_SHOWN:-25}" -o short-precise \
			-u bramble-agent -u bramble-gateway 2>&1 | cut -c1-300
	done
}

# The lab goes down however the test ends.  Left up for a look with KEEP=1.
lab_up() { # lab's arguments
	trap 'show_boards; [ -n "${KEEP:-}" ] || "$lab" down' EXIT
	trap 'exit 1' INT TERM
	"$lab" down
	"$lab" up "$@" || {
		not_ok "lab up $*"
		finish
	}
}

# ---- bramble ----------------------------------------------------------------------------------
run() { "$lab" run "$@"; }
ctl() { "$lab" run "$1" agentctl "${@:2}" </dev/null; }                   # BOARD ARGS...
status() { ctl "$1" status -o json | jq -r "$2"; }                        # BOARD FILTER
is() { [ "$(status "$1" "$2" 2>/dev/null)" = "$3" ]; }                    # BOARD FILTER WANT
fn() { ctl "$1" functions -o json | jq -r ".[] | select(.name == \"$2\") | $3"; } # BOARD NAME FILTER
fn_is() { [ "$(fn "$1" "$2" "$3" 2>/dev/null)" = "$4" ]; }
invoke() { run "$1" agentctl invoke "$2"; }                               # BOARD NAME, input on stdin
says() { [ "$1" = "$("${@:2}" 2>/dev/null)" ]; }                          # WANT COMMAND...

# All of these boards name the same master, leader and number of boards that are up.
agree() { # UP BOARD...
	local up=$1 b answers
	shift
	answers=$(for b; do
		status "$b" '"\(.master) \(.leader) \([.nodes[] | select(.state == "up")] | length)"' 2>/dev/null || echo none
	done | sort -u)
	[[ $answers =~ ^[a-z][-a-z0-9]*\ [a-z][-a-z0-9]*\ $up$ && $answers != *null* ]] || { echo "$answers" && return 1; }
}
# The images of these functions, built and imported on a board.
import_images() { # BOARD NAME...
	local b=$1 n
	shift
	"$here/images" "$BRAMBLE_LAB/images" "$@" || return
	for n; do run "$b" agentctl import - <"$BRAMBLE_LAB/images/$n.tar" || return; done
}
# Slot of a name, learned once a test: names are kept for ever.
declare -A slot_of=()
learn_names() { # BOARD...
	local b
	for b; do slot_of[$(run "$b" hostname)]=$b; done
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
