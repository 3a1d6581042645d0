# lib.sh - what the lab's tests share.  Sourced by tests/lab/test_*.sh, which end with `finish`.
# shellcheck shell=bash disable=SC2034 # some variables are read by the tests only
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
lab=$here/lab
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"
build_lock=/run/bramble-lab/build.lock # as in lab: one build at a time
mkdir -p "${build_lock%/*}"

# A second lab beside a demo that may be up.
export BRAMBLE_LAB=${BRAMBLE_LAB:-/var/tmp/bramble-lab-test} BRAMBLE_LAB_PREFIX=${BRAMBLE_LAB_PREFIX:-brtest}

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
