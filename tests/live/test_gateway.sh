#!/bin/bash
# test_gateway.sh OUT - runs OUT/bramble-gateway on loopback between a fake agent and backends that
# behave and misbehave (gateway_peer.c).  No root.  Last line: N passed, N failed.
# shellcheck source=tests/live/gateway_bed.sh disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
options=(--timeout 2 --wait 2 --head-timeout 1 --idle-timeout 3 --connections 40)
. "$(dirname "$0")/gateway_bed.sh"

spec='{"service":"hello","image":"x:1","envProcess":"","envVars":{"A":"b"},"labels":{"com.openfaas.scale.min":"1"},"annotations":{},"constraints":[],"secrets":["s"],"limits":{"memory":"5Mi"},"requests":{},"readOnlyRootFilesystem":false,"registryAuth":"hidden"}'
hello() { function_json hello openfaas-fn 1 1 "${1:-17}" "" "$spec" "$(instance 1 one true true)"; }
others() {
	function_json both openfaas-fn 2 2 0 "" '{"service":"both","image":"y"}' "$(instance 2 one true true),$(instance 3 two true false)"
	printf ,
	function_json half openfaas-fn 2 2 0 "" '{"service":"half","image":"y"}' "$(instance 4 "$dead" true true),$(instance 5 two true false)"
	printf ,
	function_json dead openfaas-fn 1 1 0 "" '{"service":"dead","image":"y"}' "$(instance 6 "$dead" true true)"
	printf ,
	function_json none openfaas-fn 1 0 0 "the image is no image" '{"service":"none","image":"y"}' "$(instance 7 one false true)"
	printf ,
	function_json zero openfaas-fn 0 0 0 "" '{"service":"zero","image":"y"}' ""
	printf ,
	function_json hello dev 1 1 0 "" '{"service":"hello","image":"y"}' "$(instance 8 two true false)"
	printf ,
	function_json silent openfaas-fn 1 1 0 "" '{"service":"silent","image":"y"}' "$(instance 9 two true false)"
}

# ---- before the agent has said anything ----------------------------------------------------------
equal 'healthz before a state' 503 "$(code "$url/healthz")"
equal 'a call before a state' 503 "$(code "$url/function/hello")"
equal 'management before a state' 503 "$(code "${auth[@]}" "$url/system/functions")"
state "$(hello)" "$(others)"
wait_until 5 test "$(code "$url/healthz")" = 200 || :
wait_until 5 eval '[ "$(code "$url/healthz")" = 200 ]' && ok || not_ok 'healthz with a state'

# ---- management ------------------------------------------------------------------------------------
equal 'no credentials' 401 "$(code "$url/system/functions")"
equal 'wrong credentials' 401 "$(code -u admin:secre "$url/system/functions")"
equal 'wrong user' 401 "$(code -u admi:secret "$url/system/functions")"
equal 'the words of a 401' 'invalid credentials' "$(call -u a:b "$url/system/info")"
has 'the challenge' 'WWW-Authenticate: Basic realm="Restricted"' "$(call -i "$url/system/functions")"
equal 'a rubbish scheme' 401 "$(code -H 'Authorization: Basic !!!' "$url/system/functions")"
want='{"name":"hello","image":"x:1","namespace":"openfaas-fn","envVars":{"A":"b"},"secrets":["s"],"limits":{"memory":"5Mi"},"labels":{"com.openfaas.scale.min":"1","faas_function":"hello"},"invocationCount":17,"replicas":1,"availableReplicas":1,"createdAt":"2023-11-14T22:13:20Z"}'
equal 'a function' "$want" "$(call "${auth[@]}" "$url/system/function/hello")"
equal 'a function with its namespace' "$want" "$(call "${auth[@]}" "$url/system/function/hello.openfaas-fn")"
has 'a function of another namespace' '"image":"y","namespace":"dev"' \
	"$(call "${auth[@]}" "$url/system/function/hello?namespace=dev")"
equal 'no such function' 404 "$(code "${auth[@]}" "$url/system/function/nobody")"
has 'the list' '^\[\{"name":"both".*"name":"hello".*\]$' "$(call "${auth[@]}" "$url/system/functions")"
hasnt 'the list is of one namespace' '"dev"' "$(call "${auth[@]}" "$url/system/functions")"
has 'the list of another namespace' '^\[\{"name":"hello","image":"y","namespace":"dev"[^]]*\]$' \
	"$(call "${auth[@]}" "$url/system/functions?namespace=dev")"
has 'scaled to zero' '"replicas":0,"availableReplicas":0' "$(call "${auth[@]}" "$url/system/function/zero")"
has 'info' '"provider":"bramble".*"orchestration":".+".*"commit_message":".+".*"arch":"armhf"' \
	"$(call "${auth[@]}" "$url/system/info")"
deploy() { code "${auth[@]}" -X "$1" -d "$2" "$url/system/functions"; }
equal 'deploy' 202 "$(deploy POST '{"service":"new","image":"a"}')"
equal 'what the agent was asked' '{"verb":"deploy","spec":{"service":"new","image":"a"},"only_new":false,"only_existing":false}' "$(asked)"
equal 'update' 202 "$(deploy PUT '{"service":"new","image":"a"}')"
has 'update of what exists only' '"only_existing":true' "$(asked)"
equal 'update of what does not exist' 404 "$(deploy PUT '{"service":"missing","image":"a"}')"
equal 'the agent finds a wrong limit' 400 "$(deploy POST '{"service":"x","image":"a","limits":{"memory":"-5Mi"}}')"
has 'and says why' "limits.memory '-5Mi' is no size" \
	"$(call "${auth[@]}" -d '{"service":"x","image":"a","limits":{"memory":"-5Mi"}}' "$url/system/functions")"
equal 'no service' 400 "$(deploy POST '{"image":"a"}')"
equal 'no JSON' 400 "$(deploy POST '{"service":')"
equal 'no object' 400 "$(deploy POST '[1]')"
equal 'no body' 400 "$(deploy POST '')"
head -c 140000 /dev/zero | tr '\0' ' ' >"$dir/big"
equal 'too large a body' 413 "$(code "${auth[@]}" -X POST --data-binary @"$dir/big" "$url/system/functions")"
equal 'too large a chunked body' 413 "$(code "${auth[@]}" -X POST -H 'Transfer-Encoding: chunked' --data-binary @"$dir/big" "$url/system/functions")"
equal 'remove' 202 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"hello.dev"}' "$url/system/functions")"
equal 'what the agent was asked' '{"verb":"remove","name":"hello","namespace":"dev"}' "$(asked)"
equal 'remove nothing' 404 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"missing","namespace":"x"}' "$url/system/functions")"
equal 'remove without a name' 400 "$(code "${auth[@]}" -X DELETE -d '{}' "$url/system/functions")"
equal 'remove a path' 400 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"a/../b"}' "$url/system/functions")"
scale() { code "${auth[@]}" -X POST -d "$2" "$url/system/scale-function/$1"; }
equal 'scale' 202 "$(scale hello '{"serviceName":"hello","replicas":3}')"
equal 'what the agent was asked' '{"verb":"scale","name":"hello","namespace":"openfaas-fn","replicas":3}' "$(asked)"
equal 'scale to -1' 400 "$(scale hello '{"replicas":-1}')"
equal 'scale to 65' 400 "$(scale hello '{"replicas":65}')"
equal 'scale to 1.5' 400 "$(scale hello '{"replicas":1.5}')"
equal 'scale to nothing' 400 "$(scale hello '{}')"
equal 'scale another' 400 "$(scale hello '{"serviceName":"other","replicas":1}')"
equal 'scale nobody' 404 "$(scale missing '{"replicas":1}')"

# ---- secrets, namespaces, alerts -----------------------------------------------------------------
sys() { code "${auth[@]}" -X "$1" ${3:+-d "$3"} "$url/system/$2"; } # METHOD PATH [BODY]
says() { call "${auth[@]}" -X "$1" ${3:+-d "$3"} "$url/system/$2"; }
equal 'secrets' '[{"name":"s","namespace":"dev"}]' "$(says GET 'secrets?namespace=dev')"
equal 'what the agent was asked' '{"verb":"secrets","namespace":"dev"}' "$(asked)"
equal 'secrets without a namespace' 200 "$(sys GET secrets)"
equal 'create a secret' 201 "$(sys POST secrets '{"name":"k","namespace":"dev","value":"v","more":1}')"
equal 'what the agent was asked' '{"verb":"secret-set","name":"k","namespace":"dev","value":"v","only_new":true,"only_existing":false}' "$(asked)"
equal 'update a secret' 202 "$(sys PUT secrets '{"name":"k","rawValue":"dg=="}')"
equal 'what the agent was asked' '{"verb":"secret-set","name":"k","rawValue":"dg==","only_new":false,"only_existing":true}' "$(asked)"
equal 'remove a secret' 202 "$(sys DELETE secrets '{"name":"k","value":"never passed on"}')"
equal 'what the agent was asked' '{"verb":"secret-remove","name":"k"}' "$(asked)"
equal 'a secret that exists' 409 "$(sys POST secrets '{"name":"taken","value":"v"}')"
equal 'a secret that does not' 404 "$(sys PUT secrets '{"name":"missing","value":"v"}')"
equal 'a secret with a wrong value' 400 "$(sys POST secrets '{"name":"k","value":7}')"
equal 'a secret without a body' 400 "$(sys POST secrets)"
equal 'no credentials, no secrets' 401 "$(code "$url/system/secrets")"
equal 'PATCH of secrets' 405 "$(sys PATCH secrets)"
equal 'namespaces' '["dev","openfaas-fn"]' "$(says GET namespaces)"
equal 'a namespace' '{"name":"dev","labels":{"a":"b"}}' "$(says GET namespace/dev)"
equal 'make a namespace' 201 "$(sys POST namespace/ '{"name":"dev","labels":{"a":"b"}}')"
equal 'what the agent was asked' '{"verb":"namespace-set","name":"dev","labels":{"a":"b"},"only_new":true,"only_existing":false}' "$(asked)"
equal 'make one by its path' 201 "$(sys POST namespace/dev '{"name":"dev"}')"
equal 'describe a namespace' 202 "$(sys PUT namespace/dev '{"name":"dev","annotations":{}}')"
has 'what the agent was asked' '"only_existing":true' "$(asked)"
equal 'remove a namespace' 202 "$(sys DELETE namespace/dev '{"name":"dev"}')"
equal 'what the agent was asked' '{"verb":"namespace-remove","name":"dev"}' "$(asked)"
equal 'a namespace that does not exist' 404 "$(sys GET namespace/missing)"
equal 'a namespace that exists' 409 "$(sys POST namespace/ '{"name":"taken"}')"
equal 'two names' 400 "$(sys PUT namespace/dev '{"name":"other"}')"
equal 'no name' 400 "$(sys POST namespace/ '{}')"
equal 'GET of no namespace' 405 "$(sys GET namespace/)"
equal 'a namespace of two parts' 404 "$(sys GET namespace/a/b)"

alert() { printf '{"status":"%s","alerts":[{"status":"%s","labels":{"alertname":"%s","function_name":"%s"}}]}' "$1" "$1" "${3:-APIHighInvocationRate}" "$2"; }
equal 'an alert fires' 200 "$(sys POST alert "$(alert firing hello.openfaas-fn)")"
equal 'what the agent was asked' '{"verb":"scale","name":"hello","namespace":"openfaas-fn","replicas":5,"by_load":true}' "$(asked)"
equal 'an alert is over' 200 "$(sys POST alert "$(alert resolved both)")"
equal 'what the agent was asked' '{"verb":"scale","name":"both","namespace":"openfaas-fn","replicas":1,"by_load":true}' "$(asked)"
before=$(wc -l <"$dir/asked")
equal 'over, and it has what it should' 200 "$(sys POST alert "$(alert resolved hello)")"
equal 'an alert of another kind' 200 "$(sys POST alert "$(alert firing hello HighTemperature)")"
equal 'an alert of nobody' 200 "$(sys POST alert "$(alert firing nobody.x)")"
equal 'no alerts' 200 "$(sys POST alert '{"alerts":[]}')"
equal 'of these the agent was asked nothing' "$before" "$(wc -l <"$dir/asked")"
equal 'two alerts' 200 "$(sys POST alert "$(printf '{"alerts":[%s,%s]}' \
	"$(alert firing hello | sed 's/.*alerts":\[//; s/\]}$//')" "$(alert firing zero | sed 's/.*alerts":\[//; s/\]}$//')")")"
equal 'both were scaled' $((before + 2)) "$(wc -l <"$dir/asked")"
equal 'junk is no alert' 400 "$(sys POST alert '{"alerts":[{}]}')"
equal 'nor is this' 400 "$(sys POST alert '{"alerts":{"status":"firing"}}')"
equal 'nor this' 400 "$(sys POST alert '{"status":"firing"}')"
equal 'nor that' 400 "$(sys POST alert 'x')"
equal 'GET of alert' 405 "$(sys GET alert)"

# ---- logs --------------------------------------------------------------------------------------------
logs() { call "${auth[@]}" "$url/system/logs?$1"; }
logs_code() { code "${auth[@]}" "$url/system/logs?$1"; }
line='{"name":"hello","namespace":"openfaas-fn","instance":"7","timestamp":"2023-11-14T22:13:20.123451Z","text":"line 1 \""}'
equal 'logs' "$line" "$(logs name=hello | head -n 1)"
equal 'all lines' 3 "$(logs name=hello | wc -l)"
equal 'what the agent was asked' '{"verb":"logs","name":"hello","namespace":"openfaas-fn","tail":4294967295,"follow":false,"greet":true}' "$(asked)"
answer=$(call -i "${auth[@]}" "$url/system/logs?name=hello.openfaas-fn&tail=-1&since=2023-11-14T23:13:20%2B01:00&instance=hello-7&follow=0")
has 'of what type they are' '^Content-Type: application/x-ndjson' "$answer"
has 'in chunks' '^Transfer-Encoding: chunked' "$answer"
equal 'what the agent was asked' '{"verb":"logs","name":"hello","namespace":"openfaas-fn","instance":"7","since_usec":1.7e+15,"tail":4294967295,"follow":false,"greet":true}' "$(asked)"
equal 'a tail' 200 "$(logs_code 'name=hello&tail=5&instance=7')"
has 'what the agent was asked' '"instance":"7","tail":5,' "$(asked)"
equal 'in HTTP/1.0' "$line" "$(call -0 "${auth[@]}" "$url/system/logs?name=hello" | head -n 1)"
equal 'HEAD of logs' 200 "$(code -I "${auth[@]}" "$url/system/logs?name=hello")"
equal 'logs of nobody' 404 "$(logs_code name=nobody)"
equal 'logs of another namespace' 404 "$(logs_code 'name=both&namespace=dev')"
for wrong in '' 'name=a/b' 'name=hello&since=yesterday' 'name=hello&tail=x' 'name=hello&tail=1.5' 'name=hello&follow=maybe' 'name=hello&instance=x' 'name=%zz'; do
	equal "logs?$wrong" 400 "$(logs_code "$wrong")"
done
has 'and says why' 'RFC 3339' "$(logs 'name=hello&since=1')"
equal 'no credentials, no logs' 401 "$(code "$url/system/logs?name=hello")"
equal 'a journal that cannot be read' 500 "$(logs_code name=zero)"
equal 'and says why' 'no journal' "$(logs name=zero)"
curl -sN -m 10 "${auth[@]}" "$url/system/logs?name=dead" >"$dir/cut"
status=$?
case $status in 18 | 56) ok ;; *) not_ok "logs that break off are not taken for whole: $status" ;; esac
curl -sN "${auth[@]}" "$url/system/logs?name=hello&follow=true&tail=-1" >"$dir/followed" &
reader=$!
wait_until 5 eval '[ "$(wc -l <"$dir/followed")" = 3 ]' && ok || not_ok 'each line at once' "$(cat "$dir/followed")"
kill -0 $reader && ok || not_ok 'following goes on'
kill $reader
wait $reader 2>/dev/null
wait_until 5 grep -q '^log reader gone$' "$dir/asked" && ok || not_ok 'a reader that goes away ends the stream'
# a slow reader holds its function's lines back, nobody else
curl -sN --limit-rate 4k "${auth[@]}" "$url/system/logs?name=both&follow=1" >/dev/null &
reader=$!
wait_until 5 eval 'grep -q "\"name\":\"both\".*\"follow\":true" "$dir/asked"'
equal 'somebody else beside it' 'one GET /' "$(call "$url/function/hello")"
read -rt 1 <> <(:) || :
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status")
sanitized && ok || { [ "$rss" -lt 12000 ] && ok || not_ok "logs, back-pressure: $rss KB"; }
kill $reader
wait $reader 2>/dev/null
wait_until 5 grep -q '^log reader gone after few$' "$dir/asked" && ok || not_ok 'back-pressure reaches the agent' "$(tail -n 3 "$dir/asked")"
following() { grep -c '"name":"hello".*"follow":true' "$dir/asked"; }
readers=() earlier=$(following)
for _ in {1..16}; do
	curl -sN "${auth[@]}" "$url/system/logs?name=hello&follow=true" >/dev/null &
	readers+=($!)
done
# all of them first: each look is a reader itself, whose place another may find taken
wait_until 5 eval '[ "$(following)" = $((earlier + 16)) ]'
full() { [ "$(logs_code 'name=hello')" = 503 ]; }
wait_until 5 full && ok || not_ok 'at most 16 readers'
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null
not_full() { [ "$(logs_code 'name=hello')" = 200 ]; }
wait_until 5 not_full && ok || not_ok 'and again when they have gone'
# who is not read any more cannot be seen to go, and logs have no end
exec 8<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /system/logs?name=hello&follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\r\n%06000d' 0 >&8
# what it sent on and nobody read makes a reset of the end, if it is still there then
timeout 5 cat <&8 >/dev/null 2>&1
[ $? != 124 ] && ok || not_ok 'a reader that sends on and on is let go'
exec 8>&-

equal 'unknown path' 404 "$(code "$url/nowhere")"
equal 'unknown path below system' 404 "$(code "${auth[@]}" "$url/system/nowhere")"
equal 'wrong verb' 405 "$(code "${auth[@]}" -X PATCH "$url/system/functions")"
has 'the right verbs' '^Allow: GET, HEAD, POST, PUT, DELETE' "$(call -i -X PATCH "$url/system/functions")"
has 'the root' '^Location: /ui/' "$(call -i "$url/")"
equal 'the root' 307 "$(code "$url/")"
equal 'HEAD' 200 "$(code -I "$url/healthz")"

# ---- calls -----------------------------------------------------------------------------------------
f=$url/function/hello
equal 'a call' 'one GET /' "$(call "$f")"
equal 'a path' 'one GET /a/b' "$(call "$f/a/b")"
equal 'a query' 'one POST /a?x=1&y=%20' "$(call -X POST "$f/a?x=1&y=%20")"
equal 'a query and no path' 'one GET /?x' "$(call "$f?x")"
equal 'a namespace' 'two GET /' "$(call "$f.dev")"
equal 'nobody' 404 "$(code "$url/function/nobody")"
equal 'no name' 404 "$(code "$url/function/")"
equal 'an odd name' 404 "$(code "$url/function/a%2fb")"
has 'our own errors are marked' '^X-OpenFaaS-Internal: bramble' "$(call -i "$url/function/nobody")"
for m in PUT DELETE PATCH OPTIONS PROPFIND; do
	equal "method $m" "one $m /" "$(call -X $m "$f")"
done
head=$(call -H 'Keep-Alive: 5' -H 'Connection: X-Mine' -H 'X-Mine: 1' -H 'TE: trailers' \
	-H 'X-Other: kept' -H 'X-Forwarded-For: 10.1.1.1' -H 'Proxy-Authorization: x' "$f/head")
hasnt 'hop-by-hop headers' '^(Connection|Keep-Alive|X-Mine|TE|Proxy-Authorization):' "$head"
has 'other headers' '^X-Other: kept' "$head"
has 'X-Forwarded-For' '^X-Forwarded-For: 10.1.1.1, 127.0.0.1' "$head"
has 'X-Forwarded-Host' "^X-Forwarded-Host: 127.0.0.1:$gport" "$head"
has 'X-Call-Id' '^X-Call-Id: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' "$head"
has 'X-Start-Time' '^X-Start-Time: 1[0-9]{18}' "$head"
has 'a given X-Call-Id' '^X-Call-Id: mine' "$(call -H 'X-Call-Id: mine' "$f/head")"
answer=$(call -i -H 'X-Call-Id: mine' "$f")
has 'X-Call-Id comes back' '^X-Call-Id: mine' "$answer"
has 'X-Start-Time comes back' '^X-Start-Time: 1[0-9]{18}' "$answer"
equal 'ids differ' 20 "$(for _ in {1..20}; do call "$f/head"; done | grep -c '^X-Call-Id' |
	head -1)"
answer=$(call -i "$f/chunked")
has 'chunks stay' '^Transfer-Encoding: chunked' "$answer"
has 'chunks arrive' 'onetwo$' "$answer"
hasnt 'hop-by-hop headers of the answer' '^(Keep-Alive|X-Gone):' "$answer"
answer=$(call -i -0 "$f/chunked")
hasnt 'no chunks for HTTP/1.0' '^Transfer-Encoding' "$answer"
has 'but their bytes' '^onetwo$' "$answer"
equal 'a redirect' 302 "$(code "$f/redirect")"
has 'a redirect' '^Location: http://elsewhere/' "$(call -i "$f/redirect")"
equal '204' 204 "$(code "$f/204")"
equal '304' 304 "$(code "$f/304")"
has 'HEAD has the length' '^Content-Length: 12' "$(call -I "$f/x")"
equal 'until the end' 'until the end' "$(call "$f/until-close")"
has 'early hints' '103 Early Hints' "$(call -i "$f/hints")"
has 'and the answer behind them' 'after hints' "$(call -i "$f/hints")"

head -c 3000000 /dev/urandom >"$dir/body"
call --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || not_ok '3 MB there and back'
call -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || not_ok '3 MB there and back in chunks'
call -H 'Expect: 100-continue' --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || not_ok '3 MB there and back after 100-continue'
has '100-continue is answered' '100 Continue' "$(call -i -H 'Expect: 100-continue' -d x "$f/length")"
hasnt '100-continue is not passed on' '^Expect' "$(call -H 'Expect: 100-continue' -d x "$f/head")"
equal 'no 100 for nobody' 404 "$(code -H 'Expect: 100-continue' --data-binary @"$dir/body" "$url/function/nobody")"
equal 'a large answer' 50000000 "$(call "$f/large?50000000" | wc -c)"
equal 'an early answer' 413 "$(code --data-binary @"$dir/body" "$f/early")"

# back-pressure: nobody reads, so the gateway does not fill up with what the function sends
exec 7<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /function/hello/large?200000000 HTTP/1.1\r\nHost: x\r\n\r\n' >&7
head -c 1000 <&7 >/dev/null
read -rt 0.5 <> <(:) || :
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status")
sanitized && ok || { [ "$rss" -lt 12000 ] && ok || not_ok "back-pressure: $rss KB"; }
exec 7>&-

# a stream arrives piece by piece
curl -sN -m 10 "$f/events?$dir/seen" >"$dir/events" &
reader=$!
wait_until 5 grep -q first "$dir/events" && ok || not_ok 'the first event before the second'
hasnt 'the second only later' second "$(cat "$dir/events")"
touch "$dir/seen"
wait $reader
has 'then the second' 'data: second' "$(cat "$dir/events")"

# a tunnel
exec 7<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /function/hello/upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n' >&7
answer=$(head -c 200 <&7 | cat & printf 'ping\n' >&7; read -rt 0.3 <> <(:) || :; printf 'bye\n' >&7; wait)
has 'an upgrade' '101 Switching' "$answer"
has 'its headers' '^Upgrade: test' "$answer"
has 'its bytes' '^ping' "$answer"
exec 7>&-
answer=$(call -i -H 'Connection: Upgrade' -H 'Upgrade: test' "$f/x")
has 'an upgrade that is not taken' 'one GET /x' "$answer"
equal 'an upgrade that nobody asked for' 502 "$(code "$f/upgrade")"

# ---- connections ------------------------------------------------------------------------------------
before=$(call "$f/count" | cut -d' ' -f1)
for _ in {1..10}; do call -o /dev/null "$f"; done
equal 'connections to a function are kept' "$before" "$(call "$f/count" | cut -d' ' -f1)"
answer=$(printf 'GET /function/hello/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\nPOST /function/hello/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /function/hello/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | raw)
equal 'pipelined requests' 'one GET /1|one POST /2|one GET /3|' \
	"$(grep -aE '^one' <<<"$answer" | tr '\n' '|')"
answer=$(printf 'GET /function/hello HTTP/1.0\r\n\r\n' | raw)
has 'HTTP/1.0' '^one GET /' "$answer"
has 'HTTP/1.0 ends' '^Connection: close' "$answer"
answer=$(printf 'GET /function/hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /function/hello/2 HTTP/1.0\r\n\r\n' | raw)
has 'HTTP/1.0 kept' '^Connection: keep-alive' "$answer"
has 'HTTP/1.0 kept' '^one GET /2' "$answer"
for i in {1..20}; do call "$url/function/both"; done >"$dir/both"
equal 'this board first' '20' "$(grep -c '^one' "$dir/both")"
# four streams at a time are two on each board
for i in {1..4}; do
	: >"$dir/spread.$i"
	curl -siN -m 10 "$url/function/both/events?$dir/spread" >"$dir/spread.$i" &
	w[i]=$!
	wait_until 5 grep -q first "$dir/spread.$i"
done
equal 'calls at a time are spread' '2 2' \
	"$(cat "$dir"/spread.? | grep -c '^X-Backend: one') $(cat "$dir"/spread.? | grep -c '^X-Backend: two')"
touch "$dir/spread"
for i in {1..4}; do wait "${w[i]}"; done
for i in {1..5}; do call "$url/function/half"; done >"$dir/half"
equal 'a dead replica costs no call' 5 "$(grep -c '^two' "$dir/half")"
equal 'a dead replica, with a body' 3000000 "$(call --data-binary @"$dir/body" "$url/function/half/length")"
equal 'only a dead replica' 502 "$(code "$url/function/dead")"
has 'and why' "The function 'dead' cannot be reached: connection refused" "$(call "$url/function/dead")"
has 'a function that is not ready' "has no replica that is ready: the image is no image" \
	"$(call "$url/function/none")"
equal 'a function that is not ready' 503 "$(code "$url/function/none")"

# ---- a function at zero --------------------------------------------------------------------------------
wakes() { grep -c '"verb":"wake","name":"zero","namespace":"openfaas-fn"' "$dir/asked" || :; }
for i in {1..20}; do call -o /dev/null -w '%{http_code}\n' "$url/function/zero" >"$dir/woken.$i" & w[i]=$!; done
wait_until 5 eval '[ "$(wakes)" -ge 1 ]' && ok || not_ok 'a call to a function at zero asks for a replica'
wait_until 5 eval 'grep "\"verb\":\"calls\"" "$dir/asked" | grep -q "\"name\":\"zero\",[^}]*\"waiting\":20"' && ok || not_ok 'who waits is told'
equal 'once for all callers' 1 "$(wakes)"
woken() { function_json zero openfaas-fn 1 1 0 "" '{"service":"zero","image":"y"}' "$(instance 20 two true false)"; }
state "$(hello)" "$(others)" "$(woken)"
for i in {1..20}; do wait "${w[i]}"; done
equal 'all are answered when there is one' 20 "$(cat "$dir"/woken.* | grep -cx 200)"
state "$(hello)" "$(others)"
wait_until 5 eval 'call "${auth[@]}" "$url/system/function/zero" | grep -q "\"replicas\":0"' && ok || not_ok 'zero again'
call -w '%{http_code}' "$url/function/zero" >"$dir/stuck" & w[1]=$!
wait_until 5 eval '[ "$(wakes)" -ge 2 ]' && ok || not_ok 'asks again'
state "$(hello)" "$(others)" "$(function_json zero openfaas-fn 1 0 0 'its process ended with status 1' '{"service":"zero","image":"y"}' "" | sed 's/"spec"/"stuck":true,"spec"/')"
wait "${w[1]}"
has 'one that cannot start fails its callers with the reason' "The function 'zero' has no replica: its process ended with status 1." "$(cat "$dir/stuck")"
has 'with 503' '503' "$(tail -c 3 "$dir/stuck")"
has 'and describe shows it' '"annotations":{"bramble.reason":"its process ended with status 1"}' "$(call "${auth[@]}" "$url/system/function/zero")"
state "$(hello)" "$(others)" "$(function_json missing openfaas-fn 0 0 0 "" '{"service":"missing","image":"y"}' "")"
wait_until 5 eval '[ "$(code "${auth[@]}" "$url/system/function/missing")" = 200 ]' && ok || not_ok 'one that the agent does not know'
has 'the refusal of a wake is told' "has no replica: there is no such function" "$(call "$url/function/missing")"
unled() { function_json unled openfaas-fn "$1" "$1" 0 "" '{"service":"unled","image":"y"}' "$2"; }
state "$(hello)" "$(others)" "$(unled 0 "")"
wait_until 5 eval '[ "$(code "${auth[@]}" "$url/system/function/unled")" = 200 ]' && ok || not_ok 'a function at zero whose bramble has no leader'
call -o /dev/null -w '%{http_code}' "$url/function/unled" >"$dir/unled" & w[1]=$!
wait_until 5 eval '[ "$(grep -c "\"wake\",\"name\":\"unled\"" "$dir/asked")" = 2 ]' && ok || not_ok 'a wake without a leader is asked for again'
state "$(hello)" "$(others)" "$(unled 1 "$(instance 21 two true false)")"
wait "${w[1]}"
equal 'and its caller waits for that' 200 "$(cat "$dir/unled")"
shown() { call "${auth[@]}" "$url/system/function/hello" | sed 's/.*"invocationCount":\([0-9]*\).*/\1/'; }
before=$(shown)
printf '{"counts":[{"name":"hello","namespace":"openfaas-fn","invocations":%d},{"name":"nobody","namespace":"openfaas-fn","invocations":1}]}\n' $((before + 1000)) >&9
wait_until 5 eval '[ "$(shown)" = $((before + 1000)) ]' && ok || not_ok 'counts alone are taken' "$(shown)"
has 'no usage where the agent tells none' '"name":"hello"' "$(call "${auth[@]}" "$url/system/function/hello?usage=1")"
has 'the agent is asked for usage' '{"verb":"usage","name":"hello","namespace":"openfaas-fn"}' "$(grep '"usage"' "$dir/asked")"
state "$(hello)" "$(others)"

# ---- a function that misbehaves -----------------------------------------------------------------------
equal 'closes at once' 502 "$(code "$f/close")"
has 'closes at once' 'closed the connection without an answer' "$(call -d x "$f/close")"
equal 'garbage' 502 "$(code "$f/garbage")"
equal 'both lengths' 502 "$(code "$f/both-lengths")"
equal 'never answers' 504 "$(code "$f/never")"
equal 'more than it said' 12345 "$(call "$f/more")"
equal 'and the next call' 'one GET /' "$(call "$f")"
call "$f/less" >/dev/null
case $? in 18 | 56) ok ;; *) not_ok 'less than it said' ;; esac
equal 'a bad chunk before anything was passed on' 502 "$(code "$f/bad-chunk")"
call "$f/bad-chunk-later" >/dev/null
case $? in 18 | 56) ok ;; *) not_ok 'a bad chunk' ;; esac
call "$f/stall" >/dev/null
case $? in 18 | 56) ok ;; *) not_ok 'a stalled answer' ;; esac
for _ in {1..5}; do
	equal 'a connection that ends after the answer' ok "$(call "$f/close-after")"
done
equal 'and the next call' 'one GET /' "$(call "$f")"

# ---- a client that misbehaves ---------------------------------------------------------------------------
hostile() { # NAME STATUS BYTES
	local got
	got=$(printf "$3" | raw | head -n 1 | tr -d '\r')
	has "hostile: $1" "^HTTP/1.1 $2 " "$got"
}
hostile 'both lengths' 400 'POST /function/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
hostile 'bare LF' 400 'GET / HTTP/1.1\nHost: x\n\n'
hostile 'no host' 400 'GET / HTTP/1.1\r\n\r\n'
hostile 'a coding' 501 'POST /function/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n'
hostile 'HTTP/2' 505 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
hostile 'a bad chunk' 400 'POST /function/hello/length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
hostile 'a bad chunk for the API' 401 'POST /system/functions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
hostile 'a large head' 431 "GET / HTTP/1.1\r\nHost: x\r\nX: $(head -c 40000 /dev/zero | tr '\0' a)\r\n\r\n"
hostile 'many headers' 431 "GET / HTTP/1.1\r\nHost: x\r\n$(printf 'A: b\\r\\n%.0s' {1..70})\r\n"
hostile 'a slow head' 408 'GET /function/hello HTT'
hostile 'an absolute target' 404 'GET http://x/function/hello HTTP/1.1\r\nHost: x\r\n\r\n'
got=$({ printf 'GET /a'; for _ in {1..12}; do printf x; read -rt 0.1 <> <(:) || :; done; } | raw | head -n 1)
has 'drop by drop' '408' "$got"
printf '' | raw >/dev/null
# 100 connections that send nothing: those over the limit of 40 wait, none is lost
for i in {1..60}; do eval "exec $((100 + i))<>/dev/tcp/127.0.0.1/$gport"; done
equal 'a call beside idle connections' 'one GET /' "$(call "$f")"
for i in {1..60}; do eval "exec $((100 + i))>&-"; done
equal 'a call after them' 'one GET /' "$(call "$f")"

# thousands of clients that cut, garble, pipeline and leave, while replicas come and go
"$dir/gateway_peer" storm "$gport" "${STORM:-2000}" "${STORM_SEED:-1}" &
storm=$!
while kill -0 $storm 2>/dev/null; do
	state "$(hello)" "$(others)"
	state "$(others)"
	state "$(hello | sed 's/"id":1/"id":11/')" "$(others | sed 's/"port":\([0-9]*\),"ready":true/"port":\1,"ready":false/')"
	state "$(hello)" "$(others)"
	read -rt 0.05 <> <(:) || :
done
wait $storm
equal 'a storm of bad clients is over' 0 $?
wait_until 10 eval '[ "$(call "$f")" = "one GET /" ]' && ok || not_ok 'a call after the storm'
equal 'many calls after the storm' 20 "$(for _ in {1..20}; do call "$url/function/both"; done | grep -c '^one\|^two')"

# ---- the agent comes and goes ------------------------------------------------------------------------------
count() { call "${auth[@]}" "$url/system/function/hello" | sed -n 's/.*"invocationCount":\([0-9]*\).*/\1/p'; }
wait_until 5 eval 'grep -q "\"verb\":\"calls\".*\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"count\":" "$dir/asked"' && ok || not_ok 'calls are told'
before=$(count)
told() { grep -o '"name":"hello","namespace":"openfaas-fn","count":[0-9]*' "$dir/asked" | awk -F: '{ n += $4 } END { print n + 0 }'; }
wait_until 5 eval 'a=$(told); read -rt 1.5 <> <(:) || :; [ "$a" = "$(told)" ]'
told=$(told)
call "$f" >/dev/null
equal 'a call counts at once' $((before + 1)) "$(count)"
wait_until 5 eval '[ "$(told)" = $((told + 1)) ]' && ok || not_ok "every call is told: $told, then $(told)"
state "$(hello $((before + 1)))" "$(others)" # the agent has counted
call "$f" >/dev/null
equal 'and once only' $((before + 2)) "$(count)"
# a waiting call is woken by the state
call "$url/function/none" >"$dir/woken" &
waiter=$!
read -rt 0.3 <> <(:) || :
state "$(hello)" "$(others | sed 's/"port":\([0-9]*\),"ready":false/"port":\1,"ready":true/')"
wait $waiter
equal 'a waiting call is woken' 'one GET /' "$(cat "$dir/woken")"
echo 'hang up' >&9
equal 'a call without the agent' 'one GET /' "$(call "$f")"
wait_until 5 grep -q 'connected to the agent again' "$dir/log" && ok || not_ok 'connects again'
wait_until 5 eval '[ "$(deploy POST "{\"service\":\"new\",\"image\":\"a\"}")" = 202 ]' && ok || not_ok 'deploys again'
state "$(others)"
wait_until 5 eval '[ "$(code "$f")" = 404 ]' && ok || not_ok 'a function that was removed'
state 'rubbish'
equal 'a rubbish state is ignored' 'two GET /' "$(call "$url/function/hello.dev")"

# ---- how it is started ---
misused() { "$out/bramble-gateway" "$@" >/dev/null 2>"$dir/misused"; echo $?; }
equal 'an unknown option' 2 "$(misused --bogus 1)"
equal 'an option without its value' 2 "$(misused --listen)"
equal 'a wrong port' 2 "$(misused --listen 127.0.0.1:99999)"
equal 'a wrong address' 2 "$(misused --config "$here/gateway.conf" --listen nowhere:1)"
equal 'a wrong number' 2 "$(misused --connections 0)"
equal 'no such configuration' 2 "$(misused --config "$dir/none")"
equal 'a port in use' 1 "$(misused --config "$here/gateway.conf" --listen "127.0.0.1:$gport")"
has 'and it says so' 'address already in use' "$(cat "$dir/misused")"
printf '[gateway]\r\nport = x\r\n' >"$dir/wrong.conf"
equal 'a wrong configuration' 2 "$(misused --config "$dir/wrong.conf")"
has 'with file and line' 'wrong.conf.*2' "$(cat "$dir/misused")"
has 'help' '--connections N' "$("$out/bramble-gateway" --help)"
has 'version' '^bramble-gateway [0-9]' "$("$out/bramble-gateway" --version)"

# a listener that was kept over a restart, and a client that has waited at it
if command -v systemd-socket-activate >/dev/null; then
	kport=$((20000 + RANDOM % 20000))
	systemd-socket-activate -l "127.0.0.1:$kport" --fdname=http "$out/bramble-gateway" --config "$here/gateway.conf" \
		--listen "127.0.0.1:$kport" --agent "$dir/nobody.sock" --queue "$dir/kept.db" 2>"$dir/kept" &
	kept=$!
	pids+=("$kept")
	wait_until 5 grep -q '^Listening on' "$dir/kept"
	equal 'who waited at a kept listener gets an answer' 503 "$(code "http://127.0.0.1:$kport/healthz")"
	kill -TERM "$kept"
	wait "$kept"
fi

# ---- the end --------------------------------------------------------------------------------------------------
wait_until 10 eval '[ "$(descriptors)" -lt 17 ]' && ok || not_ok "descriptors are left: $(descriptors)"
rm "$dir/seen"; : >"$dir/last"
curl -sN -m 10 "$url/function/both/events?$dir/seen" >"$dir/last" &
last=$!
wait_until 5 grep -q first "$dir/last"
exec 8<>"/dev/tcp/127.0.0.1/$gport"
equal 'somebody has just come' 200 "$(code "$url/healthz")" # this one came later: the other one is accepted too
kill -TERM $gateway
wait_until 5 eval '! (: <>"/dev/tcp/127.0.0.1/$gport") 2>/dev/null' && ok || not_ok 'no new calls at the end'
printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&8
has 'who had just come is answered, once' '200 OK.*Connection: close' "$(timeout 5 cat <&8 | tr -d '\r' | xargs)"
exec 8>&-
touch "$dir/seen"
wait $last
has 'a call under way may end' second "$(cat "$dir/last")"
ended
