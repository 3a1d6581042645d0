#!/bin/bash
# test_twin.sh - two boards with one serial number on one LAN (a bad batch, or a device tree that was
# copied): the one that is a member stays it, the other is refused and named, and doctor on both says what
# to do.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 3
boards=(b1 b2 b3)
log_of() { run "$1" journalctl -q --no-pager -o cat -u bramble-agent; }
logged() { log_of "$1" | grep -E -- "$2"; } # BOARD PATTERN
doctor() { ctl "$1" doctor 2>&1 || :; }
doctor_says() { doctor "$1" | grep -E -- "$2"; } # BOARD PATTERN
ip_of() { echo "10\\.77\\.0\\.$((10 + ${1#b}))"; }
file_of() { echo "$BRAMBLE_LAB/boards/$1/fixture/sys/firmware/devicetree/base/serial-number"; }
serial() { tr -d '\0' <"$(file_of "$1")"; }
here_is() { status "$1" ".nodes[] | select(.name == \"$2\") | \"\\(.id) \\(.address) \\(.state)\""; } # ASKED NAME
swap_in() { # SERIAL-FILE: the twin's slot gets another board, with this serial and an empty card
	# In order: what announced it is taken back.  After a power cut mDNS would remember it for minutes.
	run "$twin" systemctl stop bramble-agent
	"$lab" off "$twin"
	"$lab" flash "$twin"
	cp "$1" "$(file_of "$twin")"
	"$lab" on "$twin"
	eventually "$twin is another board now" 20 says "$(serial "$twin")" run "$twin" sh -c 'tr -d "\0" </sys/firmware/devicetree/base/serial-number'
}
# The twin of VICTIM is refused by REFUSER, and nothing else happens.
refused_twin() { # VICTIM REFUSER
	local victim=$1 refuser=$2 name before b
	name=$(run "$victim" hostname)
	before=$(here_is "$refuser" "$name")
	has "$name is there" "^$(serial "$victim") $(ip_of "$victim") up\$" "$before"
	swap_in "$(file_of "$victim")"
	eventually "the twin of $name is refused" 40 logged "$refuser" "$(ip_of "$twin") has the serial of $name, which is there at $(ip_of "$victim"): it is refused"
	for b in "$victim:$twin" "$twin:$victim"; do
		eventually "doctor of ${b%:*} names the other one" 20 doctor_says "${b%:*}" "serial .*$(ip_of "${b#*:}") calls itself this board"
		has 'and what to do' 'flash its card anew' "$(doctor "${b%:*}")"
		equal 'it is logged once' 1 "$(logged "${b%:*}" "has this board's own serial" | grep -c .)"
	done
	eventually 'the board that was there before is missed' 20 agree 2 "$victim" "$refuser"
	assert 'the others go on as they were' always 5 agree 2 "$victim" "$refuser"
	equal "$name is where it was" "$before" "$(here_is "$refuser" "$name")"
	equal 'nobody came in' 3 "$(status "$refuser" '.nodes | length')"
	equal 'it is said once' 1 "$(logged "$refuser" "$(ip_of "$twin") has the serial of $name" | grep -c .)"
}

eventually 'a bramble of three' 40 agree 3 "${boards[@]}"
learn_names "${boards[@]}"
leader=${slot_of[$(status b1 .leader)]}
others=$(printf '%s\n' "${boards[@]}" | grep -vx "$leader" | xargs)
member=${others% *} twin=${others#* }
called=$(run "$twin" hostname)
own=$(mktemp)
trap 'show_boards; [ -n "${KEEP:-}" ] || "$lab" down; rm -f "$own"' EXIT
cp "$(file_of "$twin")" "$own"
has 'doctor: nobody else has the serial' 'serial .*seen at no other board' "$(doctor "$leader")"

refused_twin "$member" "$leader"
refused_twin "$leader" "$member"

# With a serial of its own it is a board as any other.
swap_in "$own"
eventually 'with its own serial it is a member again' 60 agree 3 "${boards[@]}"
equal 'under its name' "$called" "$(run "$twin" hostname)"
for b in "$leader" "$member"; do
	assert 'restart the agent, as doctor says' run "$b" systemctl restart bramble-agent
	eventually 'doctor: nobody else has it any more' 20 doctor_says "$b" 'serial .*seen at no other board'
done
finish
