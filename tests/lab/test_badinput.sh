#!/bin/bash
# Bad input for the agent as a whole: hostile requests and frames, also with a board's own
# certificate; askers that go away; what is left when agents and containerd die in the middle.
# test_hostile.sh has what a person or a stranger on the LAN may do wrong.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 4
boards=(b1 b2 b3 b4)
frames=$here/frames
well() { agree "${2:-4}" "$1" && grep -q '^Hello from' <<<"$(echo | invoke "$1" hello)"; }
pids() { for b in "${boards[@]:0:3}"; do run "$b" systemctl show -P MainPID bramble-agent bramble-gateway; done | xargs; }
inside() { echo "/proc/$(cat "$BRAMBLE_LAB/boards/$1/init.pid")/root/run/${2:-bramble/agent.sock}"; } # BOARD [SOCKET]
status_of() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }

eventually 'a bramble of four' 30 agree 4 "${boards[@]}"
assert 'images' import_images b1 hello web
assert 'a function' ctl b1 deploy hello --image bramble/hello --replicas 4
assert 'another' ctl b1 deploy web --image bramble/web --replicas 4
eventually 'they answer' 30 well b2
before=$(pids)

# --- agentctl: JSON is JSON, exit codes, help ------------------------------------------------------------
json() { run b1 agentctl -o json "$@" </dev/null | jq -e . >/dev/null; }
for v in status nodes functions doctor auth version 'secret list' 'namespace list' 'scale hello 4' 'logs web' 'invoke hello -d x' 'deploy web --image bramble/web'; do
	# shellcheck disable=SC2086 # words
	assert "-o json: $v" json $v
done
for v in status nodes doctor import deploy functions invoke scale remove logs secret namespace auth pki version; do
	has "help: $v" "^usage: agentctl $v" "$(ctl b1 $v --help)"
	equal "misuse: $v" 2 "$(status_of ctl b1 $v --frobnicate)"
done
equal 'no agent is a failure' 1 "$(status_of ctl b1 --socket /nowhere status)"
equal 'no replicas are ready at once' 0 "$(status_of timeout 10 "$lab" run b1 agentctl deploy none --image bramble/web --replicas 0)"
assert 'and gone' ctl b1 remove none

# --- requests ------------------------------------------------------------------------------------------------
ask() { "$frames" REQUEST 1 "$1" | "$frames" ask "$(inside b1 "${2:-}")"; }
has 'a request is answered' '^REPLY \{"version"' "$(ask '{"verb":"version"}')"
deep=$(printf '[%.0s' {1..20000})
while IFS='|' read -r code request; do
	has "refused: ${request:0:60}" "^REPLY .*\"code\":$code\}" "$(ask "${request/DEEP/$deep}")"
done <<'END'
400|
400|{
400|[]
400|{}
400|{"verb":1}
400|{"verb":"dance"}
400|{"verb":DEEP
400|{"verb":"status","verb":"status"}
400|{"verb":"version"} x
400|{"verb":"deploy"}
400|{"verb":"deploy","spec":[]}
400|{"verb":"deploy","spec":{"service":"../x","image":"bramble/hello"}}
400|{"verb":"deploy","spec":{"service":"x","image":"bramble/hello","limits":{"memory":"-5Mi"}}}
400|{"verb":"deploy","spec":{"service":"x","image":"bramble/hello","limits":{"memory":5}}}
400|{"verb":"deploy","spec":{"service":"x","image":"bramble/hello","namespace":"../etc"}}
400|{"verb":"deploy","spec":{"service":"x","image":"bramble/hello","labels":{"com.openfaas.scale.min":"-1"}}}
400|{"verb":"scale","name":"hello","replicas":-1}
400|{"verb":"scale","name":"hello","replicas":1e400}
400|{"verb":"scale","name":"hello","replicas":1.5}
400|{"verb":"remove","name":"\u0000"}
400|{"verb":"image","name":"../x","digest":"sha256:zz","size":1}
400|{"verb":"import","name":"../../x"}
400|{"verb":"blob","digest":"sha256:../../etc/passwd"}
400|{"verb":"log-lines","name":"hello","namespace":"a=b"}
400|{"verb":"logs","name":"../x"}
404|{"verb":"logs","name":"nosuch"}
403|{"verb":"secret-get","name":"k"}
403|{"verb":"secret-key"}
403|{"verb":"kube-key"}
403|{"verb":"kube-founded"}
403|{"verb":"image-spare","name":"i"}
403|{"verb":"registry-give","host":"docker.io"}
403|{"verb":"registry-keep","host":"docker.io","user":"u","password":"p"}
400|{"verb":"secret-set","name":"../x","value":"v"}
400|{"verb":"secret-set","name":"k","rawValue":"no base64"}
400|{"verb":"secret-set","name":"k","value":"x\u0000y"}
409|{"verb":"namespace-set","name":"openfaas-fn","only_new":true}
400|{"verb":"namespace-set","name":"a.b"}
400|{"verb":"namespace-set","name":"n","labels":{"a":1}}
END
assert 'an error that quotes the request is JSON' sh -c "printf '%s' '$(ask $'{"verb":"\xff\xfe"}')' | cut -d' ' -f2- | iconv -f UTF-8 -t UTF-8 >/dev/null"
for v in auth import doctor secret-get secret-key registry-give registry-keep registry-login registry-logins; do
	has "the gateway may not ask for $v" '"code":403' "$(ask "{\"verb\":\"$v\"}" bramble/gateway.sock)"
done
for f in '\0\0\0\0\a' '\0\0\0\04\a' '\xff\xff\xff\xff\a' '\0\0\0\05\0' '\0\0\0\05\r' '\0\0\0\05\xff'; do
	has "no frame: $f" '^CLOSED' "$( printf '%b\0\0\0\1' "$f" | "$frames" ask "$(inside b1)")"
done
many() { for i in {1..400}; do printf '%s\0' REQUEST "$i" '{"verb":"watch"}'; done | xargs -0 "$frames" | "$frames" ask "$(inside b1)" 20; }
has 'one connection cannot take all requests' '"code":503' "$(many)"
has 'others are answered' '^REPLY \{"version"' "$(ask '{"verb":"version"}')"

# --- frames of a board: its own certificate, but not its agent ----------------------------------------------------
id=$(status b1 '.nodes[] | select(.address == "10.77.0.14").id')
target=$(status b1 '.nodes[] | select(.leader).address')
[ "$target" != 10.77.0.14 ] || target=10.77.0.11
run b4 systemctl stop bramble-agent
card=$BRAMBLE_LAB/boards/b4/bramble
tls() { timeout 3 "$lab" lan openssl s_client -quiet -nocommands -connect "$target:7373" -tls1_3 -CAfile "$BRAMBLE_LAB/pki/ca.crt" \
	-cert "$card/board.crt" -cert_chain "$card/board.crt" -key "$card/board.key" 2>/dev/null | tr -c '[:print:]' ' '; }
as_board() { # PURPOSE FRAME...
	local purpose=$1
	shift
	{ "$frames" hello "$id" "$purpose" && "$frames" "$@" && sleep 0.3; } | tls
}
has 'a board may ask' '"version"' "$(as_board 3 REQUEST 1 '{"verb":"version"}')"
for v in auth import doctor logs watch calls; do
	has "but not for $v" '"code":403' "$(as_board 3 REQUEST 1 "{\"verb\":\"$v\"}")"
done
has 'nor for a secret that no replica of its own needs' '"code":403' "$(as_board 3 REQUEST 1 '{"verb":"secret-get","name":"k"}')"
equal 'a hello of another board is refused' '' "$({ "$frames" hello 00000000c0ffee00 3 && "$frames" REQUEST 1 '{"verb":"version"}' && sleep 0.3; } | tls)"
for t in VIEW JOIN JOINED REPORT ORDERS REQUEST DATA END EVENT REPLY; do
	for n in 1 60 100000; do as_board 1 $t 1 -$n >/dev/null; done &
done
for n in 1 8 16 24 1000 300000; do as_board 2 RAFT 0 -$n >/dev/null; done &
wait
run b4 systemctl start bramble-agent
eventually 'the bramble is well' 20 well b1
equal 'no agent was started anew' "$before" "$(pids)"

# --- askers that go away ----------------------------------------------------------------------------------------------
open_files() { run b1 sh -c 'ls "/proc/$(pgrep -xo bramble-agent)/fd" | wc -l'; }
files=$(open_files)
for n in {1..10}; do
	run b1 timeout -s KILL "0.$n" agentctl import - < <(cat "$BRAMBLE_LAB/images/web.tar" && sleep 1) >/dev/null 2>&1 &
	run b1 timeout -s KILL "0.$n" agentctl logs -f web >/dev/null 2>&1 &
	{ "$frames" REQUEST 1 '{"verb":"watch"}'; } | timeout "0.$n" "$frames" ask "$(inside b1 bramble/gateway.sock)" >/dev/null 2>&1 &
done
wait
run b1 sh -c 'for i in $(seq 70); do head -c 1000000 /dev/urandom | agentctl import - 2>/dev/null; done'
few() { [ "$(open_files)" -le $((files + 5)) ]; }
eventually 'nothing of them is left' 20 few
assert 'an import works' import_images b1 hello

# --- logs: large, and not text ---------------------------------------------------------------------------------------------
for b in b1 b2; do "$frames" log "$(inside $b systemd/journal/socket)" web 2000 4000; done
lines() { ctl b3 logs web --tail 2000 | grep -c 'xxxx$'; }
eventually 'logs of many megabytes come whole' 30 says 4000 lines
equal 'also to who reads slowly' 4000 "$(ctl b1 logs web --tail 2000 | { sleep 2; grep -c 'xxxx$'; })"
equal 'as JSON too, whatever was written' 4000 "$(ctl b3 -o json logs web --tail 2000 | iconv -f UTF-8 -t UTF-8 | jq '[.[] | select(.text | endswith("x"))] | length')"
equal 'no old line where none is asked for' 0 "$(ctl b1 logs web --tail 0 | wc -l)"

# --- containerd and agents die in the middle ----------------------------------------------------------------------------------
run b2 systemctl stop containerd
run b2 pkill -9 -x web
run b2 systemctl start containerd
eventually 'what died while containerd was away runs again' 30 run b2 pgrep -x web
for n in 1 2 3 4 5 6; do
	ctl b3 scale web $((n % 2 * 10)) >/dev/null 2>&1
	run "b$((n % 4 + 1))" systemctl kill -s KILL bramble-agent
	[ $((n % 3)) != 0 ] || run "b$((n % 4 + 1))" systemctl kill -s KILL containerd
	wait_until 10 agree 4 "${boards[@]}"
done
assert 'in the end six are wanted' ctl b3 scale web 6
eventually 'six answer' 60 fn_is b1 web .available_replicas 6
exact() { # BOARD: containers, tasks, networks and processes are those that are placed here
	local name want have
	name=$(run "$1" hostname)
	want=$(status b1 "[.functions[].placements[] | select(.node == \"$name\")] | length")
	have=$(run "$1" sh -c 'ctr -n openfaas-fn c ls -q | wc -l; ctr -n openfaas-fn t ls -q | wc -l; ls /run/bramble/netns | wc -l; pgrep -x "web|fwatchdog" | wc -l' | xargs)
	[ "$have" = "$want $want $want $want" ] || { echo "$name: $want wanted, $have (containers, tasks, networks, processes)" && return 1; }
}
for b in "${boards[@]}"; do eventually "$b: nothing double, nothing left over" 30 exact "$b"; done

# --- forged records of members; one list of peers for all boards -----------------------------------------------------------------
cluster=$(run b1 timeout 5 avahi-browse -rpt _bramble._tcp | grep -o '"cluster=[0-9a-f]*"' | head -n 1 | tr -d '"')
leader=$(status b1 '.nodes[] | select(.leader).address')
lead=b$((${leader##*.} - 10))
n=0
for node in $(status b1 '.nodes[].id'); do
	n=$((n + 1)) # says that all members are on b4, where nobody listens
	run b4 timeout 40 avahi-publish-service "member-$n" _bramble._tcp 1 proto=1 "$cluster" node="$node" board=3B+ state=member >/dev/null 2>&1 &
done
eventually 'forged records of members are on the air' 10 sh -c "'$lab' run b1 timeout 3 avahi-browse -pt _bramble._tcp | grep -q member-2"
asked=b1
[ $lead != b1 ] || asked=b2
run $lead systemctl stop bramble-agent
another() { l=$(status "$asked" '.nodes[] | select(.leader).address' 2>/dev/null) && [ -n "$l" ] && [ "$l" != "$leader" ]; }
eventually 'voters find each other nevertheless' 15 another
run $lead sh -c 'printf "peers = 10.77.0.11 10.77.0.12 10.77.0.13 10.77.0.14\n" >>/etc/bramble/bramble.conf'
assert 'the same list of peers on all boards is right' run $lead bramble-agent --check-config
run $lead systemctl start bramble-agent
eventually 'and its board is back' 20 agree 4 "${boards[@]}"
equal 'and takes itself for no clone' 0 "$(run $lead journalctl -q --no-pager -o cat -u bramble-agent | grep -c cloned)"
eventually 'all is well' 20 well b1

for b in "${boards[@]}"; do
	said=$(run "$b" journalctl -q --no-pager -o cat -u bramble-agent _SYSTEMD_UNIT=bramble-agent.service)
	equal "$b: no agent died of it" 0 "$(grep -cE 'AddressSanitizer|runtime error|Assertion' <<<"$said")"
	equal "$b: no line is said again and again" '' "$(grep -vE 'listening|Listening|xxxx' <<<"$said" | sort | uniq -c | awk '$1 > 30' | head -n 3)"
done
finish
