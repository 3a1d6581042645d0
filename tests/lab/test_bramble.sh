#!/bin/bash
# Four boards become a bramble and run functions: the first whole path, on real parts.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2030,SC2031 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 4
boards=(b1 b2 b3 b4)

# --- formation ------------------------------------------------------------------------------------
eventually 'all boards name one master and see four boards' 30 agree 4 "${boards[@]}"
equal 'names are m1, w1, w2, w3' 'm1 w1 w2 w3' "$(status b1 '[.nodes[].name] | sort | join(" ")')"
equal 'the cluster has the name of its keys' home "$(status b1 .cluster)"
eventually 'three of four boards vote' 10 says '3 3' status b1 '"\(.voters) \(.voters_up)"'
equal 'one board leads' 1 "$(status b1 '[.nodes[] | select(.leader)] | length')"
equal 'one board is the master' m1 "$(status b1 '.nodes[] | select(.role == "master").name')"
for b in "${boards[@]}"; do
	eventually "$b takes its name through hostnamed" 10 run "$b" sh -c 'grep -qE "^(m1|w[123])$" /etc/hostname'
done
learn_names "${boards[@]}"
equal 'the host names are the four names' 'm1 w1 w2 w3' "$(printf '%s\n' "${!slot_of[@]}" | sort | xargs)"

# --- what each board is: by its device tree, and as the status says it -----------------------------
declare -A id_of=([b1]=3B+ [b2]=3B [b3]=3B+ [b4]=2B) clock_of=([b1]=1400 [b2]=1200 [b3]=1400 [b4]=900)
node() { status b1 ".nodes[] | select(.address == \"$1\") | $2"; } # ADDRESS FILTER
for b in "${boards[@]}"; do
	a=10.77.0.$((10 + ${b#b}))
	equal "$b: board" "${id_of[$b]} 4 ${clock_of[$b]}" "$(node $a '"\(.board.id) \(.board.cores) \(.board.clock_mhz)"')"
	equal "$b: model" "$(run $b cat /sys/firmware/devicetree/base/model | tr -d '\0')" "$(node $a .board.model)"
	equal "$b: the serial is the id" "$(run $b cat /sys/firmware/devicetree/base/serial-number | tr -d '\0')" "$(node $a .id)"
	equal "$b: the board's 1 GB, not the host's RAM" true "$(node $a '.memory.total_bytes <= 1073741824 and .memory.total_bytes > 900000000')"
	equal "$b: some of it is free" true "$(node $a '.memory.available_bytes > 0 and .memory.available_bytes < .memory.total_bytes')"
	equal "$b: temperature" 48.3 "$(node $a '.temperature_c * 10 | round / 10')"
done
"$lab" sensor b2 temp 79500
"$lab" sensor b4 under-voltage 1
eventually 'a hot board shows' 10 says 79.5 node 10.77.0.12 .temperature_c
eventually 'under-voltage shows, in words' 10 says 'true under-voltage now' node 10.77.0.14 '"\(.power.under_voltage) \(.power.words)"'
"$lab" sensor b4 under-voltage 0
eventually 'and is over' 10 says false node 10.77.0.14 .power.under_voltage
has 'the table has the columns' '^NAME +ROLE +BOARD +CPU +RAM +TEMP +POWER +NET +UP' "$(ctl b3 status)"
equal 'it has no colour where there is no terminal' 0 "$(ctl b3 status | grep -c $'\e')"
for b in "${boards[@]}"; do assert "$b: doctor finds nothing wrong" ctl "$b" doctor; done
has 'nodes lists the boards' 'Raspberry Pi 2 Model B' "$(ctl b1 nodes)"
in_mdns() { says "m1.local $(run m1 ip -4 -o addr show eth0 | awk '{ sub("/.*", "", $4); print $4 }')" sh -c "'$lab' run w1 avahi-resolve -4 -n m1.local | tr '\t' ' '"; }
eventually 'avahi shows the board under its name' 10 in_mdns

# --- a function: imported on one board, runs on others ----------------------------------------------
assert 'images are imported on one board' import_images w3 hello wordcount web shout
assert 'deploy' ctl w3 deploy hello --image bramble/hello --replicas 3
eventually 'three replicas' 30 fn_is b1 hello .available_replicas 3
equal 'on three boards' 3 "$(fn b1 hello '[.placements[].node] | unique | length')"
for b in "${boards[@]}"; do
	has "$b invokes it" '^Hello from .*hi there' "$(echo 'hi there' | invoke "$b" hello | xargs)"
done
for a in $(fn b1 hello '.placements[].address'); do
	for b in "${boards[@]}"; do
		has "$b reaches the replica at $a" '^Hello from' "$(run $b curl -s -m 5 -d x "http://$a:8080/")"
	done
done
assert 'deploy a second one' ctl w1 deploy wordcount --image docker.io/bramble/wordcount:latest
equal 'it counts' '1 4 24' "$(echo 'four boards, one bramble' | invoke w2 wordcount | awk '{ $3 -= 1; print }')"
equal 'functions lists both' 'hello wordcount' "$(ctl w2 functions -o json | jq -r '[.[].name] | sort | join(" ")')"
eventually 'calls are counted' 10 sh -c "[ \"\$('$lab' run b1 agentctl functions -o json | jq '.[] | select(.name == \"hello\").invocations')\" -ge 4 ]"
eventually 'each board says the same number' 10 sh -c "[ \"\$(for b in b1 b2 b3 b4; do '$lab' run \$b agentctl functions -o json | jq '.[] | select(.name == \"hello\").invocations'; done | sort -u | wc -l)\" = 1 ]"
assert 'scale down' ctl m1 scale hello 1
eventually 'one replica is left' 30 fn_is b2 hello '.placements | length' 1
has 'and it answers' '^Hello from' "$(echo | invoke w3 hello)"
assert 'scale to none' ctl m1 scale hello 0
eventually 'none is left' 30 fn_is b2 hello '.placements | length' 0
assert 'and up again' ctl m1 scale hello 2
eventually 'two replicas' 30 fn_is b2 hello .available_replicas 2

# --- the gateway's HTTP API --------------------------------------------------------------------------
user=$(ctl m1 auth -o json | jq -r .user) password=$(ctl m1 auth -o json | jq -r .password)
equal 'all boards know the same password' "$password" "$(ctl w3 auth -o json | jq -r .password)"
api() { # METHOD PATH [BODY]: as another computer on the LAN; prints status and body
	local answer
	answer=$("$lab" lan curl -s -m 30 -u "${login:-$user:$password}" -X "$1" -w '\n%{http_code}' \
		${3:+-H 'Content-Type: application/json' -d "$3"} "http://${via:-10.77.0.12}:8080$2")
	echo "${answer##*$'\n'} ${answer%$'\n'*}"
}
code() { local answer; answer=$(api "$@") && echo "${answer%% *}"; }
equal 'healthz' 200 "$(code GET /healthz)"
equal 'no password, no list' 401 "$(login=: code GET /system/functions)"
equal 'a wrong one neither' 401 "$(login=$user:wrong code GET /system/functions)"
has 'with it there is one' '^200 .*"name":"hello"' "$(api GET /system/functions)"
equal 'PUT of a function that does not exist' 404 "$(code PUT /system/functions '{"service":"site","image":"bramble/web"}')"
spec='{"service":"site","image":"bramble/web","labels":{"com.openfaas.scale.min":"3"},"envVars":{"COLOUR":"green"},"limits":{"memory":"20Mi","cpu":"500m"},"readOnlyRootFilesystem":true}'
equal 'POST makes it' 202 "$(code POST /system/functions "$spec")"
eventually 'three replicas of it' 30 fn_is b1 site .available_replicas 3
has 'GET shows what was deployed, verbatim' '"memory":"20Mi"' "$(api GET /system/function/site)"
equal 'as FunctionStatus' 'site bramble/web 3' "$(api GET /system/function/site | cut -d' ' -f2- |
	jq -r '"\(.name) \(.image) \(.availableReplicas)"' | sed 's#docker.io/##; s#:latest##')"
has 'it is called through any board, with its path' '^200 .* /a/b\?c=d' "$(via=10.77.0.14 login=: api GET '/function/site/a/b?c=d')"
has 'and by its long name' '^200 .* /' "$(login=: api POST /function/site.openfaas-fn/ x)"
has 'its environment is what was asked for' 'COLOUR=green' "$(login=: api GET /function/site/env)"
# A gateway prefers an idle replica on its own board: ask all of them, one of which has none.
callees() {
	for n in 1 2 3 4 5 6; do
		for via in 10.77.0.11 10.77.0.12 10.77.0.13 10.77.0.14; do login=: api GET /function/site/ | cut -d' ' -f3 | grep .; done
	done | sort | uniq -c
}
three_callees() { # the addresses, where there are not three
	local all
	all=$(callees)
	[ "$(wc -l <<<"$all")" = 3 ] || { echo "$all" && return 1; }
}
eventually 'calls are spread over its replicas' 10 three_callees
# --- what Prometheus reads ------------------------------------------------------------------------------
metric() { # BOARD NAME-AND-LABELS
	"$lab" lan curl -s -m 10 "http://10.77.0.$((10 + ${1#b})):8080/metrics" |
		awk -v n="$2" '{ v = $NF; sub(/ [^ ]*$/, "") } $0 == n { print v }'
}
of_all() { for b in "${boards[@]}"; do metric "$b" "$1"; done | sort -n | xargs; }
equal 'every board has figures of its own' '48.312 48.312 48.312 79.5' "$(of_all 'node_thermal_zone_temp{type="cpu-thermal",zone="0"}')"
equal 'one board leads, and all say so' '0 0 0 1' "$(of_all bramble_board_leader)"
equal 'all see all' '4 4 4 4' "$(of_all bramble_members_up)"
equal 'all see the replicas' '3 3 3 3' "$(of_all 'gateway_service_ready_count{function_name="site.openfaas-fn"}')"
equal 'all agents answer their gateways' '1 1 1 1' "$(of_all bramble_agent_up)"
before=$(metric b4 'gateway_function_invocation_total{code="200",function_name="site.openfaas-fn"}')
via=10.77.0.14 login=: api GET /function/site/ >/dev/null
equal 'a call is counted by the gateway that took it' $((before + 1)) \
	"$(metric b4 'gateway_function_invocation_total{code="200",function_name="site.openfaas-fn"}')"
equal 'targets names all boards' 'm1 w1 w2 w3' "$(ctl w2 targets | jq -r '[.[].labels.board] | sort | join(" ")')"
all_targets() { ctl w2 targets | jq -r '.[].targets[]' | while read -r t; do "$lab" lan curl -sf -m 5 -o /dev/null "http://$t/metrics" </dev/null || echo "$t"; done; }
equal 'and where they answer' '' "$(all_targets)"

equal 'an unknown function' 404 "$(login=: code GET /function/nobody)"
equal 'an unknown path' 404 "$(code GET /system/nothing)"
equal 'a wrong verb' 405 "$(code DELETE /system/info)"
equal 'info says who serves' bramble "$(api GET /system/info | cut -d' ' -f2- | jq -r .provider.provider)"
equal 'scale' 202 "$(code POST /system/scale-function/site '{"serviceName":"site","replicas":2}')"
eventually 'two replicas of it' 30 fn_is b3 site '.placements | length' 2
equal 'update' 202 "$(code PUT /system/functions "${spec/green/blue}")"
blue() { grep -q COLOUR=blue <<<"$(login=: api GET /function/site/env)"; }
eventually 'the new one answers' 30 always 2 blue

# --- what a container may ----------------------------------------------------------------------------
eventually 'the old replicas are gone' 30 fn_is b3 site '[.placements[] | select(.state == "ready")] | length' 3
where=$(fn b1 site '[.placements[] | select(.state == "ready").node][0]')
pid=$(run "$where" pgrep -x web | head -n 1)
has 'it is a task of containerd' "^[^ ]+ +$pid +RUNNING" "$(run "$where" ctr -n openfaas-fn task ls)"
proc() { run "$where" awk -v k="$1:" '$1 == k { print $2 }' "/proc/$pid/status"; }
equal 'it gains no privileges' 1 "$(proc NoNewPrivs)"
equal 'it has a seccomp filter' 2 "$(proc Seccomp)"
equal 'it may not change the network or mount' 0 "$((0x$(proc CapEff) & (1 << 12 | 1 << 21)))"
limit=$(run "$where" sh -c "c=\$(grep -E ':memory:|^0::' /proc/$pid/cgroup | head -n 1 | cut -d: -f3)
	cat /sys/fs/cgroup/memory\$c/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup\$c/memory.max")
equal 'its memory limit is applied' $((20 * 1024 * 1024)) "$limit"
root_mount() { run "$where" awk '$5 == "/" { print $6 }' "/proc/$1/mountinfo"; }
has 'its root is read-only' '^ro(,|$)' "$(root_mount "$pid")"
other=$(fn b1 hello '[.placements[] | select(.state == "ready").node][0]')
has 'unlike that of a function that did not ask for it' '^rw(,|$)' \
	"$(where=$other && root_mount "$(run "$other" pgrep -f fwatchdog | head -n 1)")"
equal 'DELETE' 202 "$(code DELETE /system/functions '{"functionName":"site"}')"
eventually 'it is gone' 20 says 404 code GET /system/function/site
eventually 'and its processes' 20 sh -c "! '$lab' run '$where' pgrep -x web"

# --- logs, remove ---------------------------------------------------------------------------------------
assert 'deploy a third' ctl m1 deploy page --image bramble/web
eventually 'what it wrote is in the logs, asked on any board' 20 sh -c "'$lab' run w2 agentctl logs page | grep -q 'listening on 8080'"
for f in page hello wordcount; do assert "remove $f" ctl w1 remove $f; done
eventually 'nothing is left of them' 20 says 0 sh -c "'$lab' run b1 agentctl functions -o json | jq length"
refuse 'removing what is not there' 'does not exist' ctl w1 remove hello
finish
