#!/bin/bash
# test_boards.sh - four boards: one is drained under load without a failed call, a leader hands over
# first, what has nowhere to go stays and is named; names change and last; an LED blinks.  As root.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$(readlink -f "$0")")/lib.sh"

lab_up 4
boards=(b1 b2 b3 b4)
eventually 'a bramble of four' 40 agree 4 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[123])$" /etc/hostname'; done
learn_names "${boards[@]}"
assert 'images' import_images b1 hello web
work=$(mktemp -d)
trap 'show_boards; [ -n "${KEEP:-}" ] || "$lab" down; rm -rf "$work"' EXIT
lan() { "$lab" lan "$@"; }
at() { echo "10.77.0.$((10 + ${1#b})):8080"; } # SLOT: its gateway
node() { status "$1" ".nodes[] | select(.name == \"$2\") | $3"; } # ASKED NAME FILTER
node_is() { [ "$(node "$1" "$2" "$3" 2>/dev/null)" = "$4" ]; }
on_board() { ctl "$1" functions -o json | jq "[.[].placements[] | select(.node == \"$2\")] | length"; }
place() { fn "$1" "$2" "[.placements[] | select(.node == \"$3\")] | length"; } # ASKED FUNCTION BOARD
load() { # SECONDS SLOT NAME: four callers in the background; their words are in $work/SLOT
	printf 'wrk.method = "POST"\nwrk.body = "x"\n' >"$work/post.lua"
	lan wrk -t1 -c4 -d"$1s" --timeout 10s -s "$work/post.lua" "http://$(at "$2")/function/$3" >"$work/$2" &
	loading+=($!)
}
loaded() { # NAME SLOT...: all answered, and there was something to answer
	local name=$1 s
	shift
	wait "${loading[@]}"
	loading=()
	for s; do
		has "$name: there was load on $s" '[1-9][0-9]* requests in' "$(cat "$work/$s")"
		equal "$name: no call through $s failed" '' "$(grep -E 'Non-2xx|Socket errors' "$work/$s")"
	done
}
loading=()

# --- what cannot be ----------------------------------------------------------------------------------
refuse 'drain of nobody' "no board is called 'nobody'" ctl b2 drain nobody
refuse 'drain without a board' 'drain takes BOARD' ctl b2 drain
refuse 'uncordon of nobody' "no board is called 'nobody'" ctl b3 uncordon nobody
refuse 'rename of nobody' "no board is called 'nobody'" ctl b3 rename nobody kitchen
refuse 'locate nobody' "no board is called 'nobody'" ctl b3 locate nobody

# --- a board is drained under load ----------------------------------------------------------------------
# load must not fill the boards: what is to move needs room
assert 'hello on every board' ctl b1 deploy hello --image bramble/hello --replicas 4 --memory 20Mi --label com.openfaas.scale.max=8
assert 'and a program that serves http' ctl b1 deploy page --image bramble/web --replicas 4 --memory 20Mi --label com.openfaas.scale.max=4
leads=$(status b1 .leader)
name=$(for n in w1 w2 w3; do [ "$n" = "$leads" ] || echo $n; done | head -n 1)
slot=${slot_of[$name]}
other=${slot_of[$leads]}
equal 'it has one replica of each' 2 "$(on_board b1 "$name")"
equal 'it is not cordoned' 'false false' "$(node b1 "$name" '"\(.cordoned) \(.drained)"')"
load 12 "$slot" hello
load 12 "$other" page
{ sleep 3; echo slowly; } | lan curl -s -T - -X POST -w ' %{http_code}' "http://$(at "$slot")/function/hello" >"$work/slow" &
slow=$!
sleep 1 # of load before
said=$(timeout 100 "$lab" run "${slot_of[m1]}" agentctl drain "$name" </dev/null 2>&1)
equal 'it is drained' 0 $?
has 'what happens is shown' "$name: [0-9]+ replicas? ha(s|ve) to move" "$said"
has 'and how to go back' "$name is drained: agentctl uncordon $name" "$said"
equal 'nothing is there' 0 "$(on_board b1 "$name")"
equal 'no process either' '' "$(run "$slot" ctr -n openfaas-fn task ls | awk 'NR > 1')"
equal 'all replicas are elsewhere' 'true true' "$(for f in hello page; do fn b1 $f '.replicas >= 4 and .available_replicas == .replicas'; done | xargs)"
equal 'status says it' 'true true' "$(node "$slot" "$name" '"\(.cordoned) \(.drained)"')"
has 'and its table' "^$name .*worker, cordoned" "$(ctl "$slot" status)"
wait $slow
has 'a call that took three seconds too' 'slowly 200$' "$(tr '\n' ' ' <"$work/slow" | tr -s ' ')"
loaded 'drain' "$slot" "$other"

assert 'drained again: nothing happens' timeout 20 "$lab" run b1 agentctl drain "$name"
equal 'as JSON it is the board' "$name true" "$(ctl b2 drain "$name" -o json | jq -r '"\(.name) \(.drained)"')"
assert 'more replicas' ctl b1 scale hello 7
eventually 'are elsewhere' 30 fn_is b1 hello '.replicas >= 7 and .available_replicas == .replicas' true # load may want eight
equal 'not there' 0 "$(on_board b1 "$name")"

# --- an update is ready when nobody answers as before -----------------------------------------------------
colours() { # what every gateway answers right now
	local s n
	for n in 1 2 3; do for s in "${boards[@]}"; do
		lan curl -s -m 10 "http://$(at "$s")/function/site/env" | grep -o 'COLOUR=.*'
	done; done | sort -u
}
assert 'one with a colour' ctl b1 deploy site --image bramble/web --replicas 3 --memory 20Mi --env COLOUR=red
equal 'is ready with it' COLOUR=red "$(colours)"
for colour in green blue; do
	assert 'an update' ctl b2 deploy site --image bramble/web --replicas 3 --memory 20Mi --env COLOUR=$colour
	equal 'is ready when all replicas are new' COLOUR=$colour "$(colours)"
done
equal 'and none of it is on the cordoned board' 0 "$(on_board b1 "$name")"
assert 'restart its agent' run "$slot" systemctl restart bramble-agent
eventually 'it is as it was' 20 node_is b1 "$name" '"\(.state) \(.cordoned) \(.drained)"' 'up true true'

# --- the leader hands over ----------------------------------------------------------------------------------
assert 'one at zero' ctl b1 deploy nap --image bramble/hello
assert 'it naps' ctl b1 scale nap 0
eventually 'really' 20 fn_is b1 nap '.placements | length' 0
leads=$(status b1 .leader)
slot2=${slot_of[$leads]}
for b in "${boards[@]}"; do [ "$b" = "$slot" ] || [ "$b" = "$slot2" ] || other=$b; done
load 12 "$slot2" hello
load 12 "$other" page
sleep 1 # of load before
assert 'the leader is to be drained' ctl "$other" drain "$leads" --no-wait
# a busy machine may need longer to start it, while all else moves, than a caller is kept waiting
woken() { lan curl -s -m 20 -w ' %{http_code} after %{time_total} s' -d x "http://$(at "$other")/function/nap" | grep ' 200 after'; }
eventually 'a call wakes a function meanwhile' 40 woken
handed_over() { local l; l=$(status "$other" .leader) && [ -n "$l" ] && [ "$l" != "$leads" ]; }
eventually 'another one leads' 15 handed_over
assert 'and it is drained' timeout 100 "$lab" run "$other" agentctl drain "$leads"
has 'the log says so' 'hands leadership over to' "$(run "$slot2" journalctl -q --no-pager -o cat -u bramble-agent)"
equal 'not to the other one that is drained' false "$(status "$other" ".leader == \"$name\"")"
loaded 'drain of the leader' "$slot2" "$other"
equal 'nothing is there' 0 "$(on_board "$other" "$leads")"
assert 'it does not take leadership back' always 5 handed_over

# --- nowhere to go ----------------------------------------------------------------------------------------
eventually 'all agree who leads' 30 agree 4 "${boards[@]}"
# eventually: a board that was too busy to hear its leader for a moment says "try again"
for f in hello page site; do eventually 'fewer of each' 15 ctl "$other" scale $f 1; done
eventually 'and there are' 30 eval '[ "$(ctl "$other" functions -o json | jq "[.[].placements[]] | length")" = 4 ]'
assert 'one that fills a board' ctl "$other" deploy big --image bramble/hello --memory 300Mi --replicas 2
left=$(status "$other" '[.nodes[] | select(.cordoned | not).name] | join(" ")')
one=${left% *} two=${left#* }
equal 'two boards are left, with one each' '1 1' "$(place "$other" big "$one") $(place "$other" big "$two")"
refuse 'a third one is not drained' "$one is not drained: (big|hello) has nowhere to go: no other board has .* free for it" ctl "$other" drain "$one"
equal 'and is not cordoned' false "$(node "$other" "$one" .cordoned)"
assert 'with less to carry' ctl "$other" remove big
assert 'it is' timeout 100 "$lab" run "$other" agentctl drain "$one"
equal 'one board carries all' true "$(ctl "$other" functions -o json | jq "[.[].placements[].node] | unique == [\"$two\"]")"
refuse 'which cannot be drained too' "$two is not drained: .* has nowhere to go: no other board is fit" ctl "$other" drain "$two"
for n in "$name" "$leads" "$one"; do assert "uncordon $n" ctl b1 uncordon "$n"; done
assert 'and once more' ctl b1 uncordon "$name"
equal 'nobody is cordoned' 0 "$(status b1 '[.nodes[] | select(.cordoned)] | length')"
assert 'eight replicas' ctl b1 scale hello 8
eventually 'spread over all again' 30 fn_is b1 hello '[.placements[] | select(.state == "ready").node] | unique | length' 4

# --- a name -----------------------------------------------------------------------------------------------
while IFS='|' read -r wanted why; do
	refuse "'$wanted' is no name" "$why" ctl b1 rename "$name" "$wanted"
done <<END
Kitchen|made of a-z, 0-9 and '-' only
a.b|made of a-z
-x|no option|no '-' at its ends
12|is not a number
bramble|means something else
m1|another board is called 'm1'
END
assert "$name becomes kitchen" ctl b1 rename "$name" kitchen
slot_of[kitchen]=$slot
eventually 'its host name' 10 says kitchen run "$slot" hostname
eventually 'over a reboot too' 10 says kitchen run "$slot" cat /etc/hostname
eventually 'in /etc/hosts' 10 run "$slot" grep -qE '^127\.0\.1\.1[[:space:]]+kitchen' /etc/hosts
equal 'and its old name is not' '' "$(run "$slot" grep -w "$name" /etc/hosts)"
address=$(at "$slot")
resolves() { [ "$(run "$other" avahi-resolve -4 -n kitchen.local 2>/dev/null | awk '{ print $2 }')" = "${address%:*}" ]; }
eventually 'and others find it by mDNS' 20 resolves
assert 'status knows it on all boards' eval 'for b in "${boards[@]}"; do node_is $b kitchen .state up || exit 1; done'
equal 'and nobody is called as it was' '' "$(node b1 "$name" .name)"
refuse 'the old name is unknown' "no board is called '$name'" ctl b1 drain "$name"
equal 'its functions are there still' true "$(ctl b1 functions -o json | jq '[.[].placements[] | select(.node == "kitchen" and .state == "ready")] | length > 0')"
has 'and answer through its gateway' '^Hello' "$(lan curl -s -m 10 -d x "http://$(at "$slot")/function/hello")"
assert 'the same name again is none of a change' ctl b1 rename kitchen kitchen
assert 'a power cut' "$lab" off "$slot"
eventually 'it is down' 20 node_is "$other" kitchen .state down
is_down() { grep -q 'kitchen is down' <<<"$(ctl "$other" rename kitchen cellar 2>&1)"; }
eventually 'a board that is off gets no name' 15 is_down # if it led, the next leader waits for all first
assert 'power' "$lab" on "$slot"
eventually 'it is back by that name' 60 node_is "$other" kitchen .state up
equal 'host name' kitchen "$(run "$slot" hostname)"
leads=$(status b1 .leader)
assert 'a leader has another name too' ctl b2 rename "$leads" tower
slot2=${slot_of[$leads]}
eventually 'takes it' 10 says tower run "$slot2" cat /etc/hostname
eventually 'and leads on' 10 says tower status b1 .leader
assert 'restart it' run "$slot2" systemctl restart bramble-agent
eventually 'all agree' 40 eval '[ "$(for b in "${boards[@]}"; do status $b "[.nodes[] | select(.state == \"up\").name] | sort | join(\" \")"; done | sort -u | grep -c .)" = 1 ] && node_is b1 tower .state up'
assert 'names may go round' ctl b1 rename kitchen "$leads"
eventually 'it is called so' 10 says "$leads" run "$slot" cat /etc/hostname
assert 'and back' ctl b1 rename "$leads" kitchen
eventually 'as before' 10 says kitchen run "$slot" cat /etc/hostname

# --- where is it? -----------------------------------------------------------------------------------------
led() { cat "$BRAMBLE_LAB/boards/$1/fixture/sys/class/leds/ACT/$2"; } # SLOT FILE
lit() { [ "$(led "$1" brightness)" = 255 ]; }
dark() { [ "$(led "$1" brightness)" = 0 ]; }
has 'an LED shows what the card does' '\[mmc0\]' "$(led "$slot" trigger)"
equal 'it blinks, asked on another board' "kitchen ACT 3" "$(ctl "$other" locate kitchen 3 -o json | jq -r '"\(.board) \(.led) \(.seconds)"')"
for n in 1 2; do
	eventually 'on' 2 lit "$slot"
	eventually 'off' 2 dark "$slot"
done
equal 'without its trigger' none "$(led "$slot" trigger)"
eventually 'and shows the card again' 8 says mmc0 led "$slot" trigger
has 'this board itself' 'the LED ACT of kitchen blinks for 30 s' "$(ctl "$slot" locate kitchen)"
equal 'blinks' none "$(led "$slot" trigger)"
run "$slot" systemctl kill -s KILL bramble-agent
eventually 'its agent dies, and the next one gives it back' 20 says mmc0 led "$slot" trigger
eventually 'it is back' 20 node_is "$other" kitchen .state up
assert 'once more' ctl "$slot" locate kitchen 60
assert 'stopped by a restart' run "$slot" systemctl restart bramble-agent
equal 'it is given back' mmc0 "$(led "$slot" trigger)"
eventually 'it is up' 20 node_is "$other" kitchen .state up
assert 'for an hour' ctl "$other" locate kitchen 3600
has 'no: enough' 'blinks no more' "$(ctl "$other" locate kitchen 0)"
equal 'it is given back' mmc0 "$(led "$slot" trigger)"
refuse 'for longer' 'up to 3600' ctl "$other" locate kitchen 3601
refuse 'for no number' "is no number of seconds" ctl "$other" locate kitchen soon
rm -r "$BRAMBLE_LAB/boards/$slot/fixture/sys/class/leds/ACT"
refuse 'a board without one says so' 'kitchen cannot be found by its LED: this board has no LED' ctl "$other" locate kitchen

finish
