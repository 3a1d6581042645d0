#!/bin/bash
# The dashboard's page in Debian's Chromium, on the LAN of real boards: every action, and the end of them all.
# shellcheck source=tests/lab/lib.sh disable=SC2317 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 3
eventually 'a bramble of three' 60 agree 3 b1 b2 b3
learn_names b1 b2 b3
master=$(status b1 .master)
address=$(status b1 ".nodes[] | select(.name == \"$master\") | .address")
answers() { "$lab" lan curl -sf -m 5 -o /dev/null "http://$address:8080/ui/"; }
eventually "the gateway of $master serves the page" 30 answers
assert 'a function for the picture' ctl b1 store deploy figlet --replicas 3
assert 'and another' ctl b2 store deploy env
eventually 'figlet runs' 60 fn_is b1 figlet .available_replicas 3

# not in an argument: the password is the bramble's
BRAMBLE_USER=$(ctl b1 auth -o json | jq -r .user) BRAMBLE_PASSWORD=$(ctl b1 auth -o json | jq -r .password)
export BRAMBLE_USER BRAMBLE_PASSWORD POWER=${POWER-1}
said=$(mktemp)
"$lab" lan "$here/../ui/run" "http://$address:8080" 2>&1 | tee "$said" | grep --line-buffered -vxE '[0-9]+ passed, [0-9]+ failed'
sum=$(grep -xE '[0-9]+ passed, [0-9]+ failed' "$said" | tail -n 1)
rm -f "$said"
add_sum "$sum"

# The page said that all are off: so it is, seen from outside.
if [ -n "$POWER" ]; then
	all_off() { [ "$("$lab" list | awk 'NR > 1 && $5 == "off"' | wc -l)" = 3 ]; }
	eventually 'all boards are off, seen from outside' 60 all_off
fi
finish
