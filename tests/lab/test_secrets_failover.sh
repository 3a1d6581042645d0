#!/bin/bash
# Three boards: the one that leads goes off, and the secrets are still there, can be changed, and reach
# what runs and what starts; a copied log or snapshot alone tells nothing.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 3
eventually 'three boards' 30 agree 3 b1 b2 b3
learn_names b1 b2 b3
all=(m1 w1 w2)
assert 'images' import_images m1 secret
secret() { printf '%s' "$2" | run "$1" agentctl secret "${@:3}"; } # BOARD VALUE ARGS...
first=$(printf 'copper-%s' wren-1) second=$(printf 'silver-%s' wren-2) third=$(printf 'golden-%s' wren-3)
assert 'a secret' secret m1 "$first" create k
holders() { local b n=0; for b in "${all[@]}"; do ! run "$b" test -s /var/lib/bramble/secrets.key || n=$((n + 1)); done; echo "$n"; }
assert 'it is sealed with a key that more than one board has' [ "$(holders)" -ge 2 ]
has_key() { for b in "${all[@]}"; do run "$b" test -s /var/lib/bramble/secrets.key || return; done; }
eventually 'every board has the key' 10 has_key
for b in "${all[@]}"; do has "$b: doctor says so" 'PASS.*secrets' "$(ctl "$b" doctor)"; done
assert 'a function' ctl m1 deploy reader --image bramble/secret --replicas 3 --secret k
eventually 'three voters' 20 says '3 3' status m1 '"\(.voters) \(.voters_up)"'

leader=$(status m1 .leader)
mapfile -t rest < <(printf '%s\n' "${all[@]}" | grep -vx "$leader")
"$lab" off "$leader"
eventually "$leader is off, another leads" 20 agree 2 "${rest[@]}"
each() { # BOARD: what the replicas that run have
	local a
	for a in $(fn "$1" reader '.placements[] | select(.state == "ready").address'); do
		run "$1" curl -s -m 5 -d x "http://$a:8080/" | tail -n 1
	done | sort -u
}
want='k mode=400 uid=1234 tmpfs read-only value='
eventually 'the secret is changed without it' 15 secret "${rest[0]}" "$second" update k
eventually 'and reaches what runs' 20 says "$want$second" each "${rest[0]}"
assert 'more replicas' ctl "${rest[0]}" scale reader 4
eventually 'they start' 60 fn_is "${rest[0]}" reader .available_replicas 4
equal 'with the new value' "$want$second" "$(each "${rest[0]}")"
"$lab" on "$leader"
eventually 'the first is back' 60 agree 3 "${all[@]}"
eventually 'it may change it too' 15 secret "$leader" "$third" update k
eventually 'and all have that' 20 says "$want$third" each "$leader"

# The cards: the charter's log and snapshots are there, the values are not.
for b in "${all[@]}"; do
	has "$b: its card has the charter" 'raft' "$(run "$b" ls /var/lib/bramble)"
	for v in "$first" "$second" "$third"; do
		equal "$b: and no value in it" '' "$(run "$b" sh -c 'text=$(cat); grep -rlF -- "$text" /var/lib/bramble' <<<"$v")"
	done
done
run "$leader" sh -c 'printf "%s" "$(cat)" >/var/lib/bramble/twin' <<<"$third"
equal 'what is there is found' /var/lib/bramble/twin "$(run "$leader" sh -c 'text=$(cat); grep -rlF -- "$text" /var/lib/bramble' <<<"$third")"
finish
