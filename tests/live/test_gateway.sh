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
check 'healthz before a state' 503 "$(code "$url/healthz")"
check 'a call before a state' 503 "$(code "$url/function/hello")"
check 'management before a state' 503 "$(code "${auth[@]}" "$url/system/functions")"
state "$(hello)" "$(others)"
until_true 5 test "$(code "$url/healthz")" = 200 || :
until_true 5 eval '[ "$(code "$url/healthz")" = 200 ]' && ok || bad 'healthz with a state'

# ---- management ------------------------------------------------------------------------------------
check 'no credentials' 401 "$(code "$url/system/functions")"
check 'wrong credentials' 401 "$(code -u admin:secre "$url/system/functions")"
check 'wrong user' 401 "$(code -u admi:secret "$url/system/functions")"
check 'the words of a 401' 'invalid credentials' "$(call -u a:b "$url/system/info")"
has 'the challenge' 'WWW-Authenticate: Basic realm="Restricted"' "$(call -i "$url/system/functions")"
check 'a rubbish scheme' 401 "$(code -H 'Authorization: Basic !!!' "$url/system/functions")"
want='{"name":"hello","image":"x:1","namespace":"openfaas-fn","envVars":{"A":"b"},"secrets":["s"],"limits":{"memory":"5Mi"},"labels":{"com.openfaas.scale.min":"1","faas_function":"hello"},"invocationCount":17,"replicas":1,"availableReplicas":1,"createdAt":"2023-11-14T22:13:20Z"}'
check 'a function' "$want" "$(call "${auth[@]}" "$url/system/function/hello")"
check 'a function with its namespace' "$want" "$(call "${auth[@]}" "$url/system/function/hello.openfaas-fn")"
has 'a function of another namespace' '"image":"y","namespace":"dev"' \
	"$(call "${auth[@]}" "$url/system/function/hello?namespace=dev")"
check 'no such function' 404 "$(code "${auth[@]}" "$url/system/function/nobody")"
has 'the list' '^\[\{"name":"both".*"name":"hello".*\]$' "$(call "${auth[@]}" "$url/system/functions")"
hasnt 'the list is of one namespace' '"dev"' "$(call "${auth[@]}" "$url/system/functions")"
has 'the list of another namespace' '^\[\{"name":"hello","image":"y","namespace":"dev"[^]]*\]$' \
	"$(call "${auth[@]}" "$url/system/functions?namespace=dev")"
has 'scaled to zero' '"replicas":0,"availableReplicas":0' "$(call "${auth[@]}" "$url/system/function/zero")"
has 'info' '"provider":"bramble".*"orchestration":".+".*"commit_message":".+".*"arch":"armhf"' \
	"$(call "${auth[@]}" "$url/system/info")"
deploy() { code "${auth[@]}" -X "$1" -d "$2" "$url/system/functions"; }
check 'deploy' 202 "$(deploy POST '{"service":"new","image":"a"}')"
check 'what the agent was asked' '{"verb":"deploy","spec":{"service":"new","image":"a"},"only_new":false,"only_existing":false}' "$(asked)"
check 'update' 202 "$(deploy PUT '{"service":"new","image":"a"}')"
has 'update of what exists only' '"only_existing":true' "$(asked)"
check 'update of what does not exist' 404 "$(deploy PUT '{"service":"missing","image":"a"}')"
check 'the agent finds a wrong limit' 400 "$(deploy POST '{"service":"x","image":"a","limits":{"memory":"-5Mi"}}')"
has 'and says why' "limits.memory '-5Mi' is no size" \
	"$(call "${auth[@]}" -d '{"service":"x","image":"a","limits":{"memory":"-5Mi"}}' "$url/system/functions")"
check 'no service' 400 "$(deploy POST '{"image":"a"}')"
check 'no JSON' 400 "$(deploy POST '{"service":')"
check 'no object' 400 "$(deploy POST '[1]')"
check 'no body' 400 "$(deploy POST '')"
head -c 140000 /dev/zero | tr '\0' ' ' >"$dir/big"
check 'too large a body' 413 "$(code "${auth[@]}" -X POST --data-binary @"$dir/big" "$url/system/functions")"
check 'too large a chunked body' 413 "$(code "${auth[@]}" -X POST -H 'Transfer-Encoding: chunked' --data-binary @"$dir/big" "$url/system/functions")"
check 'remove' 202 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"hello.dev"}' "$url/system/functions")"
check 'what the agent was asked' '{"verb":"remove","name":"hello","namespace":"dev"}' "$(asked)"
check 'remove nothing' 404 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"missing","namespace":"x"}' "$url/system/functions")"
check 'remove without a name' 400 "$(code "${auth[@]}" -X DELETE -d '{}' "$url/system/functions")"
check 'remove a path' 400 "$(code "${auth[@]}" -X DELETE -d '{"functionName":"a/../b"}' "$url/system/functions")"
scale() { code "${auth[@]}" -X POST -d "$2" "$url/system/scale-function/$1"; }
check 'scale' 202 "$(scale hello '{"serviceName":"hello","replicas":3}')"
check 'what the agent was asked' '{"verb":"scale","name":"hello","namespace":"openfaas-fn","replicas":3}' "$(asked)"
check 'scale to -1' 400 "$(scale hello '{"replicas":-1}')"
check 'scale to 65' 400 "$(scale hello '{"replicas":65}')"
check 'scale to 1.5' 400 "$(scale hello '{"replicas":1.5}')"
check 'scale to nothing' 400 "$(scale hello '{}')"
check 'scale another' 400 "$(scale hello '{"serviceName":"other","replicas":1}')"
check 'scale nobody' 404 "$(scale missing '{"replicas":1}')"

# ---- secrets, namespaces, alerts -----------------------------------------------------------------
sys() { code "${auth[@]}" -X "$1" ${3:+-d "$3"} "$url/system/$2"; } # METHOD PATH [BODY]
says() { call "${auth[@]}" -X "$1" ${3:+-d "$3"} "$url/system/$2"; }
check 'secrets' '[{"name":"s","namespace":"dev"}]' "$(says GET 'secrets?namespace=dev')"
check 'what the agent was asked' '{"verb":"secrets","namespace":"dev"}' "$(asked)"
check 'secrets without a namespace' 200 "$(sys GET secrets)"
check 'create a secret' 201 "$(sys POST secrets '{"name":"k","namespace":"dev","value":"v","more":1}')"
check 'what the agent was asked' '{"verb":"secret-set","name":"k","namespace":"dev","value":"v","only_new":true,"only_existing":false}' "$(asked)"
check 'update a secret' 202 "$(sys PUT secrets '{"name":"k","rawValue":"dg=="}')"
check 'what the agent was asked' '{"verb":"secret-set","name":"k","rawValue":"dg==","only_new":false,"only_existing":true}' "$(asked)"
check 'remove a secret' 202 "$(sys DELETE secrets '{"name":"k","value":"never passed on"}')"
check 'what the agent was asked' '{"verb":"secret-remove","name":"k"}' "$(asked)"
check 'a secret that exists' 409 "$(sys POST secrets '{"name":"taken","value":"v"}')"
check 'a secret that does not' 404 "$(sys PUT secrets '{"name":"missing","value":"v"}')"
check 'a secret with a wrong value' 400 "$(sys POST secrets '{"name":"k","value":7}')"
check 'a secret without a body' 400 "$(sys POST secrets)"
check 'no credentials, no secrets' 401 "$(code "$url/system/secrets")"
check 'PATCH of secrets' 405 "$(sys PATCH secrets)"
check 'namespaces' '["dev","openfaas-fn"]' "$(says GET namespaces)"
check 'a namespace' '{"name":"dev","labels":{"a":"b"}}' "$(says GET namespace/dev)"
check 'make a namespace' 201 "$(sys POST namespace/ '{"name":"dev","labels":{"a":"b"}}')"
check 'what the agent was asked' '{"verb":"namespace-set","name":"dev","labels":{"a":"b"},"only_new":true,"only_existing":false}' "$(asked)"
check 'make one by its path' 201 "$(sys POST namespace/dev '{"name":"dev"}')"
check 'describe a namespace' 202 "$(sys PUT namespace/dev '{"name":"dev","annotations":{}}')"
has 'what the agent was asked' '"only_existing":true' "$(asked)"
check 'remove a namespace' 202 "$(sys DELETE namespace/dev '{"name":"dev"}')"
check 'what the agent was asked' '{"verb":"namespace-remove","name":"dev"}' "$(asked)"
check 'a namespace that does not exist' 404 "$(sys GET namespace/missing)"
check 'a namespace that exists' 409 "$(sys POST namespace/ '{"name":"taken"}')"
check 'two names' 400 "$(sys PUT namespace/dev '{"name":"other"}')"
check 'no name' 400 "$(sys POST namespace/ '{}')"
check 'GET of no namespace' 405 "$(sys GET namespace/)"
check 'a namespace of two parts' 404 "$(sys GET namespace/a/b)"

alert() { printf '{"status":"%s","alerts":[{"status":"%s","labels":{"alertname":"%s","function_name":"%s"}}]}' "$1" "$1" "${3:-APIHighInvocationRate}" "$2"; }
check 'an alert fires' 200 "$(sys POST alert "$(alert firing hello.openfaas-fn)")"
check 'what the agent was asked' '{"verb":"scale","name":"hello","namespace":"openfaas-fn","replicas":5,"by_load":true}' "$(asked)"
check 'an alert is over' 200 "$(sys POST alert "$(alert resolved both)")"
check 'what the agent was asked' '{"verb":"scale","name":"both","namespace":"openfaas-fn","replicas":1,"by_load":true}' "$(asked)"
before=$(wc -l <"$dir/asked")
check 'over, and it has what it should' 200 "$(sys POST alert "$(alert resolved hello)")"
check 'an alert of another kind' 200 "$(sys POST alert "$(alert firing hello HighTemperature)")"
check 'an alert of nobody' 200 "$(sys POST alert "$(alert firing nobody.x)")"
check 'no alerts' 200 "$(sys POST alert '{"alerts":[]}')"
check 'of these the agent was asked nothing' "$before" "$(wc -l <"$dir/asked")"
check 'two alerts' 200 "$(sys POST alert "$(printf '{"alerts":[%s,%s]}' \
	"$(alert firing hello | sed 's/.*alerts":\[//; s/\]}$//')" "$(alert firing zero | sed 's/.*alerts":\[//; s/\]}$//')")")"
check 'both were scaled' $((before + 2)) "$(wc -l <"$dir/asked")"
check 'junk is no alert' 400 "$(sys POST alert '{"alerts":[{}]}')"
check 'nor is this' 400 "$(sys POST alert '{"alerts":{"status":"firing"}}')"
check 'nor this' 400 "$(sys POST alert '{"status":"firing"}')"
check 'nor that' 400 "$(sys POST alert 'x')"
check 'GET of alert' 405 "$(sys GET alert)"

# ---- logs --------------------------------------------------------------------------------------------
logs() { call "${auth[@]}" "$url/system/logs?$1"; }
logs_code() { code "${auth[@]}" "$url/system/logs?$1"; }
line='{"name":"hello","namespace":"openfaas-fn","instance":"7","timestamp":"2023-11-14T22:13:20.123451Z","text":"line 1 \""}'
check 'logs' "$line" "$(logs name=hello | head -n 1)"
check 'all lines' 3 "$(logs name=hello | wc -l)"
check 'what the agent was asked' '{"verb":"logs","name":"hello","namespace":"openfaas-fn","tail":4294967295,"follow":false,"greet":true}' "$(asked)"
answer=$(call -i "${auth[@]}" "$url/system/logs?name=hello.openfaas-fn&tail=-1&since=2023-11-14T23:13:20%2B01:00&instance=hello-7&follow=0")
has 'of what type they are' '^Content-Type: application/x-ndjson' "$answer"
has 'in chunks' '^Transfer-Encoding: chunked' "$answer"
check 'what the agent was asked' '{"verb":"logs","name":"hello","namespace":"openfaas-fn","instance":"7","since_usec":1.7e+15,"tail":4294967295,"follow":false,"greet":true}' "$(asked)"
check 'a tail' 200 "$(logs_code 'name=hello&tail=5&instance=7')"
has 'what the agent was asked' '"instance":"7","tail":5,' "$(asked)"
check 'in HTTP/1.0' "$line" "$(call -0 "${auth[@]}" "$url/system/logs?name=hello" | head -n 1)"
check 'HEAD of logs' 200 "$(code -I "${auth[@]}" "$url/system/logs?name=hello")"
check 'logs of nobody' 404 "$(logs_code name=nobody)"
check 'logs of another namespace' 404 "$(logs_code 'name=both&namespace=dev')"
for wrong in '' 'name=a/b' 'name=hello&since=yesterday' 'name=hello&tail=x' 'name=hello&tail=1.5' 'name=hello&follow=maybe' 'name=hello&instance=x' 'name=%zz'; do
	check "logs?$wrong" 400 "$(logs_code "$wrong")"
done
has 'and says why' 'RFC 3339' "$(logs 'name=hello&since=1')"
check 'no credentials, no logs' 401 "$(code "$url/system/logs?name=hello")"
check 'a journal that cannot be read' 500 "$(logs_code name=zero)"
check 'and says why' 'no journal' "$(logs name=zero)"
curl -sN -m 10 "${auth[@]}" "$url/system/logs?name=dead" >"$dir/cut"
status=$?
case $status in 18 | 56) ok ;; *) bad "logs that break off are not taken for whole: $status" ;; esac
curl -sN "${auth[@]}" "$url/system/logs?name=hello&follow=true&tail=-1" >"$dir/followed" &
reader=$!
until_true 5 eval '[ "$(wc -l <"$dir/followed")" = 3 ]' && ok || bad 'each line at once' "$(cat "$dir/followed")"
kill -0 $reader && ok || bad 'following goes on'
kill $reader
wait $reader 2>/dev/null
until_true 5 grep -q '^log reader gone$' "$dir/asked" && ok || bad 'a reader that goes away ends the stream'
# a slow reader holds its function's lines back, nobody else
curl -sN --limit-rate 4k "${auth[@]}" "$url/system/logs?name=both&follow=1" >/dev/null &
reader=$!
until_true 5 eval 'grep -q "\"name\":\"both\".*\"follow\":true" "$dir/asked"'
check 'somebody else beside it' 'one GET /' "$(call "$url/function/hello")"
read -rt 1 <> <(:) || :
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status")
case $out in *san*) ok ;; *) [ "$rss" -lt 12000 ] && ok || bad "logs, back-pressure: $rss KB" ;; esac
kill $reader
wait $reader 2>/dev/null
until_true 5 grep -q '^log reader gone after few$' "$dir/asked" && ok || bad 'back-pressure reaches the agent' "$(tail -n 3 "$dir/asked")"
following() { grep -c '"name":"hello".*"follow":true' "$dir/asked"; }
readers=() earlier=$(following)
for _ in {1..16}; do
	curl -sN "${auth[@]}" "$url/system/logs?name=hello&follow=true" >/dev/null &
	readers+=($!)
done
# all of them first: each look is a reader itself, whose place another may find taken
until_true 5 eval '[ "$(following)" = $((earlier + 16)) ]'
full() { [ "$(logs_code 'name=hello')" = 503 ]; }
until_true 5 full && ok || bad 'at most 16 readers'
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null
not_full() { [ "$(logs_code 'name=hello')" = 200 ]; }
until_true 5 not_full && ok || bad 'and again when they have gone'
# who is not read any more cannot be seen to go, and logs have no end
exec 8<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /system/logs?name=hello&follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\r\n%06000d' 0 >&8
timeout 5 cat <&8 >/dev/null 2>&1
# by an end, or by a reset where not all that was sent had been taken; 124: not at all
[ $? -le 1 ] && ok || bad 'a reader that sends on and on is let go'
exec 8>&-

check 'unknown path' 404 "$(code "$url/nowhere")"
check 'unknown path below system' 404 "$(code "${auth[@]}" "$url/system/nowhere")"
check 'wrong verb' 405 "$(code "${auth[@]}" -X PATCH "$url/system/functions")"
has 'the right verbs' '^Allow: GET, HEAD, POST, PUT, DELETE' "$(call -i -X PATCH "$url/system/functions")"
has 'the root' '^Location: /ui/' "$(call -i "$url/")"
check 'the root' 307 "$(code "$url/")"
check 'HEAD' 200 "$(code -I "$url/healthz")"

# ---- calls -----------------------------------------------------------------------------------------
f=$url/function/hello
check 'a call' 'one GET /' "$(call "$f")"
check 'a path' 'one GET /a/b' "$(call "$f/a/b")"
check 'a query' 'one POST /a?x=1&y=%20' "$(call -X POST "$f/a?x=1&y=%20")"
check 'a query and no path' 'one GET /?x' "$(call "$f?x")"
check 'a namespace' 'two GET /' "$(call "$f.dev")"
check 'nobody' 404 "$(code "$url/function/nobody")"
check 'no name' 404 "$(code "$url/function/")"
check 'an odd name' 404 "$(code "$url/function/a%2fb")"
has 'our own errors are marked' '^X-OpenFaaS-Internal: bramble' "$(call -i "$url/function/nobody")"
for m in PUT DELETE PATCH OPTIONS PROPFIND; do
	check "method $m" "one $m /" "$(call -X $m "$f")"
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
check 'ids differ' 20 "$(for _ in {1..20}; do call "$f/head"; done | grep -c '^X-Call-Id' |
	head -1)"
answer=$(call -i "$f/chunked")
has 'chunks stay' '^Transfer-Encoding: chunked' "$answer"
has 'chunks arrive' 'onetwo$' "$answer"
hasnt 'hop-by-hop headers of the answer' '^(Keep-Alive|X-Gone):' "$answer"
answer=$(call -i -0 "$f/chunked")
hasnt 'no chunks for HTTP/1.0' '^Transfer-Encoding' "$answer"
has 'but their bytes' '^onetwo$' "$answer"
check 'a redirect' 302 "$(code "$f/redirect")"
has 'a redirect' '^Location: http://elsewhere/' "$(call -i "$f/redirect")"
check '204' 204 "$(code "$f/204")"
check '304' 304 "$(code "$f/304")"
has 'HEAD has the length' '^Content-Length: 12' "$(call -I "$f/x")"
check 'until the end' 'until the end' "$(call "$f/until-close")"
has 'early hints' '103 Early Hints' "$(call -i "$f/hints")"
has 'and the answer behind them' 'after hints' "$(call -i "$f/hints")"

head -c 3000000 /dev/urandom >"$dir/body"
call --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || bad '3 MB there and back'
call -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || bad '3 MB there and back in chunks'
call -H 'Expect: 100-continue' --data-binary @"$dir/body" "$f/echo" >"$dir/back"
cmp -s "$dir/body" "$dir/back" && ok || bad '3 MB there and back after 100-continue'
has '100-continue is answered' '100 Continue' "$(call -i -H 'Expect: 100-continue' -d x "$f/length")"
hasnt '100-continue is not passed on' '^Expect' "$(call -H 'Expect: 100-continue' -d x "$f/head")"
check 'no 100 for nobody' 404 "$(code -H 'Expect: 100-continue' --data-binary @"$dir/body" "$url/function/nobody")"
check 'a large answer' 50000000 "$(call "$f/large?50000000" | wc -c)"
check 'an early answer' 413 "$(code --data-binary @"$dir/body" "$f/early")"

# back-pressure: nobody reads, so the gateway does not fill up with what the function sends
exec 7<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /function/hello/large?200000000 HTTP/1.1\r\nHost: x\r\n\r\n' >&7
head -c 1000 <&7 >/dev/null
read -rt 0.5 <> <(:) || :
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status")
case $out in *san*) ok ;; *) [ "$rss" -lt 12000 ] && ok || bad "back-pressure: $rss KB" ;; esac
exec 7>&-

# a stream arrives piece by piece
curl -sN -m 10 "$f/events?$dir/seen" >"$dir/events" &
reader=$!
until_true 5 grep -q first "$dir/events" && ok || bad 'the first event before the second'
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
check 'an upgrade that nobody asked for' 502 "$(code "$f/upgrade")"

# ---- connections ------------------------------------------------------------------------------------
before=$(call "$f/count" | cut -d' ' -f1)
for _ in {1..10}; do call -o /dev/null "$f"; done
check 'connections to a function are kept' "$before" "$(call "$f/count" | cut -d' ' -f1)"
answer=$(printf 'GET /function/hello/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\nPOST /function/hello/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /function/hello/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | raw)
check 'pipelined requests' 'one GET /1|one POST /2|one GET /3|' \
	"$(grep -aE '^one' <<<"$answer" | tr '\n' '|')"
answer=$(printf 'GET /function/hello HTTP/1.0\r\n\r\n' | raw)
has 'HTTP/1.0' '^one GET /' "$answer"
has 'HTTP/1.0 ends' '^Connection: close' "$answer"
answer=$(printf 'GET /function/hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /function/hello/2 HTTP/1.0\r\n\r\n' | raw)
has 'HTTP/1.0 kept' '^Connection: keep-alive' "$answer"
has 'HTTP/1.0 kept' '^one GET /2' "$answer"
for i in {1..20}; do call "$url/function/both"; done >"$dir/both"
check 'this board first' '20' "$(grep -c '^one' "$dir/both")"
# four streams at a time are two on each board
for i in {1..4}; do
	: >"$dir/spread.$i"
	curl -siN -m 10 "$url/function/both/events?$dir/spread" >"$dir/spread.$i" &
	w[i]=$!
	until_true 5 grep -q first "$dir/spread.$i"
done
check 'calls at a time are spread' '2 2' \
	"$(cat "$dir"/spread.? | grep -c '^X-Backend: one') $(cat "$dir"/spread.? | grep -c '^X-Backend: two')"
touch "$dir/spread"
for i in {1..4}; do wait "${w[i]}"; done
for i in {1..5}; do call "$url/function/half"; done >"$dir/half"
check 'a dead replica costs no call' 5 "$(grep -c '^two' "$dir/half")"
check 'a dead replica, with a body' 3000000 "$(call --data-binary @"$dir/body" "$url/function/half/length")"
check 'only a dead replica' 502 "$(code "$url/function/dead")"
has 'and why' "The function 'dead' cannot be reached: connection refused" "$(call "$url/function/dead")"
has 'a function that is not ready' "has no replica that is ready: the image is no image" \
	"$(call "$url/function/none")"
check 'a function that is not ready' 503 "$(code "$url/function/none")"

# ---- a function at zero --------------------------------------------------------------------------------
wakes() { grep -c '"verb":"wake","name":"zero","namespace":"openfaas-fn"' "$dir/asked" || :; }
for i in {1..20}; do call -o /dev/null -w '%{http_code}\n' "$url/function/zero" >"$dir/woken.$i" & w[i]=$!; done
until_true 5 eval '[ "$(wakes)" -ge 1 ]' && ok || bad 'a call to a function at zero asks for a replica'
until_true 5 eval 'grep "\"verb\":\"calls\"" "$dir/asked" | grep -q "\"name\":\"zero\",[^}]*\"waiting\":20"' && ok || bad 'who waits is told'
check 'once for all callers' 1 "$(wakes)"
woken() { function_json zero openfaas-fn 1 1 0 "" '{"service":"zero","image":"y"}' "$(instance 20 two true false)"; }
state "$(hello)" "$(others)" "$(woken)"
for i in {1..20}; do wait "${w[i]}"; done
check 'all are answered when there is one' 20 "$(cat "$dir"/woken.* | grep -cx 200)"
state "$(hello)" "$(others)"
until_true 5 eval 'call "${auth[@]}" "$url/system/function/zero" | grep -q "\"replicas\":0"' && ok || bad 'zero again'
call -w '%{http_code}' "$url/function/zero" >"$dir/stuck" & w[1]=$!
until_true 5 eval '[ "$(wakes)" -ge 2 ]' && ok || bad 'asks again'
state "$(hello)" "$(others)" "$(function_json zero openfaas-fn 1 0 0 'its process ended with status 1' '{"service":"zero","image":"y"}' "" | sed 's/"spec"/"stuck":true,"spec"/')"
wait "${w[1]}"
has 'one that cannot start fails its callers with the reason' "The function 'zero' has no replica: its process ended with status 1." "$(cat "$dir/stuck")"
has 'with 503' '503' "$(tail -c 3 "$dir/stuck")"
has 'and describe shows it' '"annotations":{"bramble.reason":"its process ended with status 1"}' "$(call "${auth[@]}" "$url/system/function/zero")"
state "$(hello)" "$(others)" "$(function_json missing openfaas-fn 0 0 0 "" '{"service":"missing","image":"y"}' "")"
until_true 5 eval '[ "$(code "${auth[@]}" "$url/system/function/missing")" = 200 ]' && ok || bad 'one that the agent does not know'
has 'the refusal of a wake is told' "has no replica: there is no such function" "$(call "$url/function/missing")"
unled() { function_json unled openfaas-fn "$1" "$1" 0 "" '{"service":"unled","image":"y"}' "$2"; }
state "$(hello)" "$(others)" "$(unled 0 "")"
until_true 5 eval '[ "$(code "${auth[@]}" "$url/system/function/unled")" = 200 ]' && ok || bad 'a function at zero whose bramble has no leader'
call -o /dev/null -w '%{http_code}' "$url/function/unled" >"$dir/unled" & w[1]=$!
until_true 5 eval '[ "$(grep -c "\"wake\",\"name\":\"unled\"" "$dir/asked")" = 2 ]' && ok || bad 'a wake without a leader is asked for again'
state "$(hello)" "$(others)" "$(unled 1 "$(instance 21 two true false)")"
wait "${w[1]}"
check 'and its caller waits for that' 200 "$(cat "$dir/unled")"
shown() { call "${auth[@]}" "$url/system/function/hello" | sed 's/.*"invocationCount":\([0-9]*\).*/\1/'; }
before=$(shown)
printf '{"counts":[{"name":"hello","namespace":"openfaas-fn","invocations":%d},{"name":"nobody","namespace":"openfaas-fn","invocations":1}]}\n' $((before + 1000)) >&9
until_true 5 eval '[ "$(shown)" = $((before + 1000)) ]' && ok || bad 'counts alone are taken' "$(shown)"
has 'no usage where the agent tells none' '"name":"hello"' "$(call "${auth[@]}" "$url/system/function/hello?usage=1")"
has 'the agent is asked for usage' '{"verb":"usage","name":"hello","namespace":"openfaas-fn"}' "$(grep '"usage"' "$dir/asked")"
state "$(hello)" "$(others)"

# ---- a function that misbehaves -----------------------------------------------------------------------
check 'closes at once' 502 "$(code "$f/close")"
has 'closes at once' 'closed the connection without an answer' "$(call -d x "$f/close")"
check 'garbage' 502 "$(code "$f/garbage")"
check 'both lengths' 502 "$(code "$f/both-lengths")"
check 'never answers' 504 "$(code "$f/never")"
check 'more than it said' 12345 "$(call "$f/more")"
check 'and the next call' 'one GET /' "$(call "$f")"
call "$f/less" >/dev/null
case $? in 18 | 56) ok ;; *) bad 'less than it said' ;; esac
check 'a bad chunk before anything was passed on' 502 "$(code "$f/bad-chunk")"
call "$f/bad-chunk-later" >/dev/null
case $? in 18 | 56) ok ;; *) bad 'a bad chunk' ;; esac
call "$f/stall" >/dev/null
case $? in 18 | 56) ok ;; *) bad 'a stalled answer' ;; esac
for _ in {1..5}; do
	check 'a connection that ends after the answer' ok "$(call "$f/close-after")"
done
check 'and the next call' 'one GET /' "$(call "$f")"

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
check 'a call beside idle connections' 'one GET /' "$(call "$f")"
for i in {1..60}; do eval "exec $((100 + i))>&-"; done
check 'a call after them' 'one GET /' "$(call "$f")"

# thousands of clients that cut, garble, pipeline and leave, while replicas come and go
"$dir/peer" storm "$gport" "${STORM:-2000}" "${STORM_SEED:-1}" &
storm=$!
while kill -0 $storm 2>/dev/null; do
	state "$(hello)" "$(others)"
	state "$(others)"
	state "$(hello | sed 's/"id":1/"id":11/')" "$(others | sed 's/"port":\([0-9]*\),"ready":true/"port":\1,"ready":false/')"
	state "$(hello)" "$(others)"
	read -rt 0.05 <> <(:) || :
done
wait $storm
check 'a storm of bad clients is over' 0 $?
until_true 10 eval '[ "$(call "$f")" = "one GET /" ]' && ok || bad 'a call after the storm'
check 'many calls after the storm' 20 "$(for _ in {1..20}; do call "$url/function/both"; done | grep -c '^one\|^two')"

# ---- the agent comes and goes ------------------------------------------------------------------------------
count() { call "${auth[@]}" "$url/system/function/hello" | sed -n 's/.*"invocationCount":\([0-9]*\).*/\1/p'; }
until_true 5 eval 'grep -q "\"verb\":\"calls\".*\"name\":\"hello\",\"namespace\":\"openfaas-fn\",\"count\":" "$dir/asked"' && ok || bad 'calls are told'
before=$(count)
told() { grep -o '"name":"hello","namespace":"openfaas-fn","count":[0-9]*' "$dir/asked" | awk -F: '{ n += $4 } END { print n + 0 }'; }
until_true 5 eval 'a=$(told); read -rt 1.5 <> <(:) || :; [ "$a" = "$(told)" ]'
told=$(told)
call "$f" >/dev/null
check 'a call counts at once' $((before + 1)) "$(count)"
until_true 5 eval '[ "$(told)" = $((told + 1)) ]' && ok || bad "every call is told: $told, then $(told)"
state "$(hello $((before + 1)))" "$(others)" # the agent has counted
call "$f" >/dev/null
check 'and once only' $((before + 2)) "$(count)"
# a waiting call is woken by the state
call "$url/function/none" >"$dir/woken" &
waiter=$!
read -rt 0.3 <> <(:) || :
state "$(hello)" "$(others | sed 's/"port":\([0-9]*\),"ready":false/"port":\1,"ready":true/')"
wait $waiter
check 'a waiting call is woken' 'one GET /' "$(cat "$dir/woken")"
echo 'hang up' >&9
check 'a call without the agent' 'one GET /' "$(call "$f")"
until_true 5 grep -q 'connected to the agent again' "$dir/log" && ok || bad 'connects again'
until_true 5 eval '[ "$(deploy POST "{\"service\":\"new\",\"image\":\"a\"}")" = 202 ]' && ok || bad 'deploys again'
state "$(others)"
until_true 5 eval '[ "$(code "$f")" = 404 ]' && ok || bad 'a function that was removed'
state 'rubbish'
check 'a rubbish state is ignored' 'two GET /' "$(call "$url/function/hello.dev")"

# ---- how it is started ---
misused() { "$out/bramble-gateway" "$@" >/dev/null 2>"$dir/misused"; echo $?; }
check 'an unknown option' 2 "$(misused --bogus 1)"
check 'an option without its value' 2 "$(misused --listen)"
check 'a wrong port' 2 "$(misused --listen 127.0.0.1:99999)"
check 'a wrong address' 2 "$(misused --config "$here/gateway.conf" --listen nowhere:1)"
check 'a wrong number' 2 "$(misused --connections 0)"
check 'no such configuration' 2 "$(misused --config "$dir/none")"
check 'a port in use' 1 "$(misused --config "$here/gateway.conf" --listen "127.0.0.1:$gport")"
has 'and it says so' 'address already in use' "$(cat "$dir/misused")"
printf '[gateway]\r\nport = x\r\n' >"$dir/wrong.conf"
check 'a wrong configuration' 2 "$(misused --config "$dir/wrong.conf")"
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
	until_true 5 grep -q '^Listening on' "$dir/kept"
	check 'who waited at a kept listener gets an answer' 503 "$(code "http://127.0.0.1:$kport/healthz")"
	kill -TERM "$kept"
	wait "$kept"
fi

# ---- the end --------------------------------------------------------------------------------------------------
descriptors() { find "/proc/$gateway/fd" -type l 2>/dev/null | wc -l; }
until_true 10 eval '[ "$(descriptors)" -lt 17 ]' && ok || bad "descriptors are left: $(descriptors)"
rm "$dir/seen"; : >"$dir/last"
curl -sN -m 10 "$url/function/both/events?$dir/seen" >"$dir/last" &
last=$!
until_true 5 grep -q first "$dir/last"
kill -TERM $gateway
until_true 5 eval '! (: <>"/dev/tcp/127.0.0.1/$gport") 2>/dev/null' && ok || bad 'no new calls at the end'
touch "$dir/seen"
wait $last
has 'a call under way may end' second "$(cat "$dir/last")"
wait $gateway
check 'ends in order' 0 $?
grep -E 'ERROR: |runtime error' "$dir/log" && bad 'a sanitizer found something' "$(cat "$dir/log")"
[ "$failed" = 0 ] || tail -n 20 "$dir/log"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
