#!/bin/bash
# test_gateway_path.sh OUT - the way of a call through OUT/bramble-gateway: limits and the line of those
# who wait, time-outs, second attempts, back-pressure, heads.  No root.  Last line: N passed, N failed.
# shellcheck source=tests/live/gateway_bed.sh disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
options=(--timeout 2 --wait 2 --queue-wait 2 --head-timeout 1 --idle-timeout 3 --connections 300)
. "$(dirname "$0")/gateway_bed.sh"

annotated() { # CONCURRENCY QUEUE
	printf '{"service":"x","image":"y","annotations":{"com.bramble.concurrency":"%s","com.bramble.queue":"%s"}}' "$@"
}
function_of() { function_json "$1" openfaas-fn 2 2 0 '' "$2" "$3"; } # NAME SPEC INSTANCES
here_one=$(instance 1 one true true) there_two=$(instance 2 two true false)
limited() { function_of limited "$(annotated "${1:-1}" "${2:-1}")" "${3:-$here_one}"; } # CONCURRENCY QUEUE INSTANCES
others() {
	function_of plain '{"service":"x","image":"y"}' "$here_one"
	printf ,
	function_of both '{"service":"x","image":"y"}' "$here_one,$there_two"
	printf ,
	function_of half "$(annotated 1 200)" "$(instance 5 "$dead" true true),$(instance 6 two true false)"
	printf ,
	function_of many "$(annotated 2 200)" "$(instance 7 one true true),$(instance 8 two true false)"
	printf ,
	function_of hurried '{"service":"x","image":"y","labels":{"com.bramble.timeout":"1s"}}' "$here_one"
	printf ,
	function_of patient '{"service":"x","image":"y","envVars":{"exec_timeout":"10s"}}' "$here_one"
}
told() { # STATE...: the gateway knows it: a function whose name says which one is the last of it
	turn=$((turn + 1))
	state "$@" "$(function_of "turn$turn" '{"service":"x","image":"y"}' "$here_one")"
	wait_until 5 eval '[ "$(code "$url/function/turn$turn")" = 200 ]'
}
turn=0
f=$url/function/limited
hold() { # NAME: a call that takes a place until the file NAME.end appears
	: >"$dir/$1"
	curl -sN -m 20 "$f/events?$dir/$1.end" >"$dir/$1" &
	holder=$!
	wait_until 5 grep -q first "$dir/$1" || not_ok "no place for $1"
}
release() { touch "$dir/$1.end"; }
begin() { # FD PATH: a request on a connection of its own, before anything that follows
	eval "exec $1<>/dev/tcp/127.0.0.1/$gport"
	printf 'GET /function/limited/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$2" >&"$1"
}
reply() { # FD: the last line of what it got
	timeout 8 cat <&"$1" | tail -n 1
	eval "exec $1>&-"
}

# ---- limits -----------------------------------------------------------------------------------------
told "$(limited 1 1)" "$(others)"
equal 'below the limit' 'one GET /' "$(call "$f")"
equal 'and again: the place came free' 'one GET /' "$(call "$f")"
hold a
begin 20 waits
answer=$(call -i "$f/too-many")
has '429 beyond' '^HTTP/1.1 429 Too Many Requests' "$answer"
has '429 says when' '^Retry-After: 1' "$answer"
has '429 is ours' '^X-OpenFaaS-Internal: bramble' "$answer"
has '429 says why' "The function 'limited' is busy: 1 calls at a time .*com.bramble.concurrency.* 1 that wait" "$answer"
equal 'another function is not in its way' 'one GET /' "$(call "$url/function/plain")"
release a
equal 'who waits is next' 'one GET /waits' "$(reply 20)"
equal 'the line is free again' 'one GET /' "$(call "$f")"

hold b
answer=$(call -i "$f/late")
has 'waiting has an end' '^HTTP/1.1 503' "$answer"
has 'and says so' "The function 'limited' was busy for 2 seconds; 1 calls at a time" "$answer"
call "$f/leaves" -m 0.2 >/dev/null # its client gives up
begin 20 stays
release b
equal 'a place in line of who left is free' 'one GET /stays' "$(reply 20)"

# in the order in which they came: each says how many requests there were before it
told "$(limited 1 20)" "$(others)"
hold c
for i in {1..8}; do
	begin $((20 + i)) count
	read -rt 0.02 <> <(:) || :
done
release c
for i in {1..8}; do reply $((20 + i)) | cut -d' ' -f2; done >"$dir/order"
equal 'first come, first served' "$(sort -n "$dir/order")" "$(cat "$dir/order")"
equal 'all of them' 8 "$(grep -c . "$dir/order")"

told "$(limited 1 0)" "$(others)"
hold d
equal 'no line at all: 429 at once' 429 "$(code "$f")"
release d
wait $holder
equal 'no line, but a place' 200 "$(code "$f")"
told "$(limited 1 0 "$(instance 1 one false true)")" "$(others)"
begin 20 starts
told "$(limited 1 0)" "$(others)"
equal 'a start is waited for without a line, too' 'one GET /starts' "$(reply 20)"

# replicas come and go
told "$(limited 1 20)" "$(others)"
hold e
begin 20 moved
told "$(limited 1 20 "$here_one,$there_two")" "$(others)"
equal 'a new replica takes who waits' 'two GET /moved' "$(reply 20)"
hold g
begin 20 again
told "$(limited 1 20 "$(instance 3 one true true)")" "$(others)" # both are gone, another one is there
equal 'so does one in their place' 'one GET /again' "$(reply 20)"
release e
release g
hold h
begin 20 gone
told "$(others)"
has 'a function that is removed' "The function 'limited' was removed" "$(reply 20)"
release h
told "$(limited 2 20)" "$(others)"

# a hundred at a time, two replicas, two at a time each: nobody is lost, never too many at once
seq 100 | xargs -P 100 -I{} curl -s -m 20 -o /dev/null -w '%{http_code}\n' "$url/function/many/busy?10" >"$dir/codes"
equal 'a hundred callers are served' '100 200' "$(sort "$dir/codes" | uniq -c | xargs)"
most=$(call "$url/function/plain/most-busy")
equal 'two at a time on each' 2 "$most"
seq 30 | xargs -P 30 -I{} curl -s -m 20 -o /dev/null -w '%{http_code}\n' "$url/function/half/busy?10" >"$dir/codes"
equal 'a dead replica and a full one' '30 200' "$(sort "$dir/codes" | uniq -c | xargs)"

# ---- time-outs ----------------------------------------------------------------------------------------
equal 'as usual' 504 "$(code "$url/function/plain/slow?3000")"
equal "the function's own, shorter" 504 "$(code "$url/function/hurried/slow?1700")"
equal 'not shorter than that' 200 "$(code "$url/function/hurried/slow?300")"
equal 'not before its watchdog' 200 "$(code "$url/function/patient/slow?3000")"
has 'and says so' "The function 'plain' did not answer in time" "$(call "$url/function/plain/never")"

# ---- second attempts ----------------------------------------------------------------------------------
b=$url/function/both
equal 'reset: GET goes elsewhere' 'two GET 0' "$(call "$b/reset?one")"
equal 'reset: so does POST, with its body' 'two POST 5' "$(call -d hello "$b/reset?one")"
equal 'reset: in chunks too' 'two POST 5' "$(call -H 'Transfer-Encoding: chunked' -d hello "$b/reset?one")"
equal 'closed after the request: GET goes elsewhere' 'two GET /crash?one' "$(call "$b/crash?one")"
equal 'closed after the request: POST may have been done' 502 "$(code -d hello "$b/crash?one")"
has 'and says so' 'closed the connection without an answer' "$(call -d hello "$b/crash?one")"
equal 'PUT may be repeated' 'two PUT /crash?one' "$(call -X PUT -d hello "$b/crash?one")"
head -c 100000 /dev/urandom >"$dir/body"
equal 'a large body is not kept for that' 502 "$(code -T "$dir/body" "$b/crash?one")"
for _ in {1..20}; do call -d x "$url/function/plain/close-after"; done >"$dir/kept"
equal 'a kept connection that was closed costs no POST' 20 "$(grep -c '^ok' "$dir/kept")"
equal 'nobody else is there' 502 "$(code "$url/function/plain/crash?one")"

# ---- back-pressure ------------------------------------------------------------------------------------
idle=$(rss)
plain=$url/function/plain
head -c 100000000 /dev/zero >"$dir/large"
curl -s -m 60 -T "$dir/large" "$url/function/patient/slow-read?$dir/go" >"$dir/length" &
sender=$!
exec 7<>"/dev/tcp/127.0.0.1/$gport"
printf 'GET /function/plain/large?100000000 HTTP/1.1\r\nHost: x\r\n\r\n' >&7
head -c 1000 <&7 >/dev/null
most=0
for _ in {1..20}; do
	read -rt 0.05 <> <(:) || :
	now=$(rss)
	[ "$now" -gt "$most" ] && most=$now
done
sanitized && ok || { [ $((most - idle)) -lt 2000 ] && ok || not_ok "a slow reader and a slow function: $((most - idle)) KB more"; }
touch "$dir/go"
wait $sender
equal 'a large upload arrives whole' 100000000 "$(cat "$dir/length")"
exec 7>&-
equal '100 MB in 100 MB out' 100000000 "$(call -m 60 "$plain/large?100000000" | wc -c)"

# ---- heads --------------------------------------------------------------------------------------------
answer=$(call -i -H 'X-Forwarded-Host: first.example' "$plain/head")
has 'X-Forwarded-Host of the first proxy stays' '^X-Forwarded-Host: first.example' "$answer"
equal 'only once' 1 "$(grep -ci '^x-forwarded-host' <<<"$answer")"
answer=$(call -i -d hello "$plain/length")
has 'the length is kept' '^Content-Length: 2' "$answer"
hasnt 'no chunks were made of it' '^Transfer-Encoding' "$answer"
has 'the length of a body is kept' '^Content-Length: 5' "$(call -d hello "$plain/head")"
has 'chunks of a body are kept' '^Transfer-Encoding: chunked' "$(call -H 'Transfer-Encoding: chunked' -d hello "$plain/head")"

# ---- the end ------------------------------------------------------------------------------------------
wait_until 15 eval '[ "$(descriptors)" -lt 17 ]' && ok || not_ok "descriptors are left: $(descriptors)"
kill -TERM $gateway
ended
