#!/bin/bash
# test_scale.sh - two boards: replicas follow the load, go to zero and come back by a call, are paused
# and resumed, are replaced without a failed call; what cannot start says why.  As root.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

lab_up 2
eventually 'one bramble' 30 is b1 '[.nodes[] | select(.state == "up")] | length' 2
eventually 'that both know' 30 is b2 '[.nodes[] | select(.state == "up")] | length' 2
assert 'images' import_images b1 hello web crash
read -r user password < <(run b1 agentctl auth -o json | jq -r '"\(.user) \(.password)"')
lan() { "$lab" lan "$@"; }
host=10.77.0.11:8080
api() { lan curl -s -u "$user:$password" "$@"; } # CURL'S ARGUMENTS
code() { api -o /dev/null -w '%{http_code}' "$@"; }
deploy() { # JSON: answers with the code, what was said is in $said
	said=$(api -w '\n%{http_code}' -X POST -d "$1" "http://$host/system/functions")
	[ "${said##*$'\n'}" = 202 ]
}
call() { lan curl -s -m 20 -w '%{http_code}' -o /dev/null "http://$host/function/$1"; }
reps() { fn b1 "$1" .replicas; }
have() { [ "$(fn b1 "$1" "$2" 2>/dev/null)" -ge "$3" ]; } # NAME FILTER LEAST
answered() { # NAME: how often a replica of it came to answer, on both boards
	local b n=0
	for b in b1 b2; do
		n=$((n + $(run "$b" journalctl -q --no-pager -o cat -u bramble-agent | grep -c "^$1 (replica [0-9]*) answers after")))
	done
	echo $n
}
load() { # SECONDS CONNECTIONS NAME [BODY]: in the background; its words are in $work/NAME
	local script=$work/post.lua
	printf 'wrk.method = "POST"\nwrk.body = "%s"\n' "${4:-}" >"$script"
	lan wrk -t1 -c"$2" -d"$1s" --timeout 10s ${4:+-s "$script"} "http://$host/function/$3" >"$work/$3" &
	loading=$!
}
errors() { grep -E 'Non-2xx|Socket errors' "$work/$1"; }
work=$(mktemp -d)
trap 'show_boards; [ -n "${KEEP:-}" ] || "$lab" down; rm -rf "$work"' EXIT

# --- labels ----------------------------------------------------------------------------------------
while IFS='|' read -r label value; do
	deploy "{\"service\":\"bad\",\"image\":\"bramble/web\",\"labels\":{\"$label\":\"$value\"}}"
	has "$label=$value is refused with its name" "$label.*400$" "$(tr '\n' ' ' <<<"$said" | sed 's/ $//')"
done <<'END'
com.openfaas.scale.min|-1
com.openfaas.scale.max|0
com.openfaas.scale.factor|101
com.openfaas.scale.zero|maybe
com.openfaas.scale.zero-duration|soon
com.openfaas.scale.type|memory
com.openfaas.scale.target|0
com.openfaas.scale.target-proportion|90
com.openfaas.scale.down.window|1h
bramble.scale.zero|sleep
END
equal 'of which nothing is left' '' "$(reps bad)"

# --- up and down with the load -----------------------------------------------------------------------
assert 'right labels are taken' deploy '{"service":"web","image":"bramble/web","labels":{"com.openfaas.scale.max":"4","com.openfaas.scale.target":"20","com.openfaas.scale.type":"rps","com.openfaas.scale.target-proportion":"0.9","com.openfaas.scale.down.window":"4s"},"limits":{"memory":"20Mi"}}'
eventually 'it answers' 20 says 200 call web
eventually 'one replica' 20 fn_is b1 web .available_replicas 1
begun=$EPOCHREALTIME
load 8 4 web
eventually 'more are wanted' 5 have web .replicas 4
has 'within two seconds of the load' '^(0|1)\.|^2\.[0-3]' "$(awk -v a="$EPOCHREALTIME" -v b="$begun" 'BEGIN { printf "%.2f", a - b }')"
eventually 'and there are' 20 fn_is b1 web .available_replicas 4
has 'on both boards' '^2$' "$(fn b1 web '[.placements[].node] | unique | length')"
usage=$(api "http://$host/system/function/web?usage=1")
assert 'what they use is told' jq -e '.usage.cpu > 10 and .usage.totalMemoryBytes > 100000' <<<"$usage"
equal 'only to those who ask' null "$(api "http://$host/system/function/web" | jq .usage)"
wait $loading
equal 'no call failed meanwhile' '' "$(errors web)"
eventually 'without load one is left' 20 fn_is b1 web .replicas 1
eventually 'and no other place' 20 fn_is b1 web '.placements | length' 1

# --- a person's word ---------------------------------------------------------------------------------
assert 'a person scales' ctl b2 scale web 3
eventually 'three answer' 20 fn_is b1 web .available_replicas 3
assert 'that holds without any load' always 7 fn_is b1 web .replicas 3

# --- to zero and back --------------------------------------------------------------------------------
assert 'one that naps' deploy '{"service":"nap","image":"bramble/hello","labels":{"com.openfaas.scale.zero":"true","com.openfaas.scale.zero-duration":"3s"}}'
eventually 'it answers' 20 says 200 call nap
eventually 'it is at zero after three seconds' 20 fn_is b1 nap .replicas 0
eventually 'and has no place' 20 fn_is b1 nap '.placements | length' 0
before=$(answered nap)
codes=$(lan curl -sZ --parallel-immediate --parallel-max 100 -o /dev/null -w '%{http_code}\n' "http://$host/function/nap?[1-100]" 2>/dev/null | sort | uniq -c | tr -s ' ')
equal 'a hundred callers at once are answered' ' 100 200' "$codes"
equal 'by one replica' "$((before + 1))" "$(answered nap)"
has 'which is all there is' '^1$' "$(reps nap)"
eventually 'and naps again' 20 fn_is b1 nap .replicas 0
for b in b1 b2; do
	equal "a call through $b wakes it too" 200 "$(lan curl -s -o /dev/null -w '%{http_code}' "http://10.77.0.$((10 + ${b#b})):8080/function/nap")"
	eventually 'zero again' 20 fn_is b1 nap '.placements | length' 0
done
assert 'a person puts another to zero' ctl b1 scale web 0
eventually 'it is' 20 fn_is b1 web '.placements | length' 0
equal 'a call wakes it as well' 200 "$(call web)"

# --- paused ------------------------------------------------------------------------------------------
assert 'one that freezes' deploy '{"service":"ice","image":"bramble/hello","labels":{"com.openfaas.scale.zero":"true","com.openfaas.scale.zero-duration":"2s","bramble.scale.zero":"freeze"}}'
eventually 'it answers' 20 says 200 call ice
id=$(fn b1 ice '.placements[0].id')
paused() { for b in b1 b2; do run "$b" sh -c 'cat /sys/fs/cgroup/freezer/*/*/freezer.state /sys/fs/cgroup/*/cgroup.freeze /sys/fs/cgroup/*/*/cgroup.freeze 2>/dev/null'; done | grep -cxE 'FROZEN|1'; }
frozen() { fn_is b1 ice .replicas 0 && fn_is b1 ice '.placements[0].state' frozen && says 1 paused; }
eventually 'it is frozen' 30 frozen
equal 'the API says zero' '0 0' "$(api "http://$host/system/function/ice" | jq -r '"\(.replicas) \(.availableReplicas)"')"
for b in b1 b2; do
	t=$(lan curl -s -o /dev/null -w '%{http_code} %{time_total}' "http://10.77.0.$((10 + ${b#b})):8080/function/ice")
	has "a call through $b is answered at once ($t)" '^200 0\.[01]' "$t"
	equal 'by the same replica' "$id" "$(fn b1 ice '.placements[0].id')"
	eventually 'it is counted again' 10 fn_is b1 ice .replicas 1
	eventually 'and frozen again' 30 frozen
done
for b in b1 b2; do
	assert "the agent of $b is restarted" run $b systemctl restart bramble-agent
done
eventually 'it is frozen again' 40 frozen
equal 'the same one' "$id" "$(fn b1 ice '.placements[0].id')"
equal 'and answers' 200 "$(call ice)"
eventually 'and freezes' 30 frozen
for b in b1 b2; do run $b systemctl stop bramble-agent; done
equal 'without an agent that could wake it it is not frozen' 0 "$(paused)"
for b in b1 b2; do run $b systemctl start bramble-agent; done
eventually 'with one it is' 40 frozen
assert 'removed while it is frozen' ctl b1 remove ice
eventually 'nothing of it is left' 20 says 0 paused

# --- replaced without a failed call --------------------------------------------------------------------
spec() { echo "{\"service\":\"roll\",\"image\":\"bramble/hello\",\"envVars\":{\"N\":\"$1\"},\"labels\":{\"com.openfaas.scale.min\":\"$2\",\"com.openfaas.scale.max\":\"$2\"}}"; }
updated() { fn_is b1 roll '[.placements[] | select(.state == "ready")] | length' "$1" && fn_is b1 roll '.placements | length' "$1" && [ "$(fn b1 roll '[.placements[].id] | min')" -gt "$2" ]; }
for n in 1 2; do
	assert "$n replicas" deploy "$(spec 0 $n)"
	eventually 'they answer' 30 fn_is b1 roll .available_replicas $n
	newest=$(fn b1 roll '[.placements[].id] | max')
	load 12 4 roll body
	{ sleep 3; echo slowly; } | lan curl -s -T - -X POST -w ' %{http_code}' "http://$host/function/roll" >"$work/slow" &
	slow=$!
	sleep 1 # of load before
	assert 'updated under load' deploy "$(spec 1 $n)"
	eventually 'all are new' 20 updated $n "$newest"
	newest=$(fn b1 roll '[.placements[].id] | max')
	assert 'and again' deploy "$(spec 2 $n)"
	eventually 'all are new' 20 updated $n "$newest"
	wait $loading
	has 'there was load' '[0-9]+ requests in' "$(cat "$work/roll")"
	equal 'no call failed' '' "$(errors roll)"
	wait $slow
	has 'not even one that took three seconds' 'slowly 200$' "$(tr '\n' ' ' <"$work/slow" | tr -s ' ')"
done

# --- what cannot start says why ------------------------------------------------------------------------
assert 'one that crashes' deploy '{"service":"crash","image":"bramble/crash"}'
begun=$SECONDS
said=$(lan curl -s -m 30 -w ' %{http_code}' "http://$host/function/crash")
has 'its caller hears why' 'ended with status 1.* 503$' "${said//$'\n'/}"
assert 'within seconds' [ $((SECONDS - begun)) -le 4 ]
has 'describe says it' 'ended with status 1' "$(api "http://$host/system/function/crash" | jq -r '.annotations["bramble.reason"]')"
eventually 'it is tried less and less often' 20 run b1 sh -c 'agentctl functions | grep "next try in [48] s"'
equal 'one that works says nothing' null "$(api "http://$host/system/function/roll" | jq '.annotations')"
assert 'one that is too large' deploy '{"service":"huge","image":"bramble/web","limits":{"memory":"8Gi"}}'
eventually 'its caller hears why' 10 eval 'lan curl -s -m 20 "http://$host/function/huge" | grep "no board has"'

finish
