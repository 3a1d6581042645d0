#!/bin/bash
# test_ui.sh OUT - the dashboard's half of OUT/bramble-gateway: logging in, sessions, the stream, actions,
# the plain tables, files.  The agent is a FAKE one (ui_peer).  No root.  Last line: N passed, N failed.
# shellcheck disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
# shellcheck source=tests/live/bed.sh
. "$(dirname "$0")/bed.sh"
ulimit -n 4096 2>/dev/null
peer gateway_peer
peer ui_peer

# ---- who is there --------------------------------------------------------------------------------
backend one
agent ui_peer 4

# A page as small as can be: what the real one's build leaves is the same kind of folder.
mkdir -p "$dir/ui/assets"
printf '<!DOCTYPE html><title>fixture page</title><script src="/ui/assets/app-1.js"></script>\n' >"$dir/ui/index.html"
for ((i = 0; i < 200; i++)); do echo "console.log($i)"; done >"$dir/ui/assets/app-1.js"
gzip -9nk "$dir/ui/assets/app-1.js"
printf '\x89PNG\r\n' >"$dir/ui/assets/dot.png"
echo 'password=x' >"$dir/ui/assets/secret.conf"
echo 'outside' >"$dir/outside.js"
ln -s "$dir/outside.js" "$dir/ui/assets/link.js"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=m1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null

gateway --tls-listen 127.0.0.1:0 --tls-certificate "$dir/tls.crt" --tls-key "$dir/tls.key" \
	--ui "$dir/ui" --queue "$dir/queue.db" --connections 2000
wait_until 10 grep -q 'listening with TLS' "$dir/log" || { cat "$dir/log"; exit 1; }
call() { curl -s -m 10 --path-as-is "$@"; }
say() { printf '%s\n' "$*" >&9; }
asked() { grep -c -- "$1" "$dir/asked"; }
state() { # PASSWORD [MORE-FUNCTIONS]: what "watch" tells
	say "state {\"cluster\":\"home\",\"node\":\"m1\",\"auth\":{\"user\":\"admin\",\"password\":\"$1\"},\"arch\":\"armhf\",\"functions\":[$(function_json hello '{"service":"x","image":"y"}'),$(function_json site '{"service":"x","image":"y","annotations":{"com.bramble.page":"trusted"}}')]}"
}
function_json() { # NAME SPEC
	printf '{"name":"%s","namespace":"openfaas-fn","image":"x:1","replicas":1,"available":1,"invocations":0,"created":1700000000,"reason":"","spec":%s,"instances":[{"id":7,"node":"w1","local":true,"address":"127.0.0.1","port":%d,"ready":true}]}' \
		"$1" "$2" "${port[one]}"
}

# Every answer below /ui/ has them, whatever it is.
guarded() { # NAME ANSWER
	has "$1: content security policy" "^Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" "$2"
	hasnt "$1: nothing unsafe in it" 'unsafe-' "$2"
	has "$1: nosniff" '^X-Content-Type-Options: nosniff' "$2"
	has "$1: no referrer" '^Referrer-Policy: no-referrer' "$2"
}

# ---- before the agent has told anything ------------------------------------------------------------
answer=$(call -i "$url/ui/")
has 'no credentials are known yet' '^HTTP/1.1 503' "$answer"
guarded 'no credentials yet' "$answer"
equal 'nobody logs in without them' 503 "$(code -d 'user=&password=' "$url/ui/login")"
state secret
wait_until 5 eval '[ "$(code "$url/healthz")" = 200 ]'

# ---- paths ------------------------------------------------------------------------------------------
for path in / /ui; do
	answer=$(call -i "$url$path")
	has "$path leads to the dashboard" '^HTTP/1.1 307' "$answer"
	has "$path says where" '^Location: /ui/' "$answer"
done
for path in /ui/nothing /ui/assets /ui/assets/ /ui/assets/none.js /ui/assets/secret.conf /ui/assets/link.js \
	/ui/assets/../index.html /ui/assets/..%2findex.html /ui/assets/%2e%2e/index.html /ui/assets/app-1.js.gz \
	/ui/../../etc/passwd /ui/assets//app-1.js /ui//assets/app-1.js /ui/assets/app-1.js/ /ui/assets/.; do
	answer=$(call -i "$url$path")
	has "$path is nothing" '^HTTP/1.1 404' "$answer"
	hasnt "$path shows nothing" 'outside|password|fixture|root:' "$answer"
	guarded "$path" "$answer"
done
equal 'its twin: a file that is there' 200 "$(code "$url/ui/assets/app-1.js")"
for path in /ui/ /ui/assets/app-1.js /ui/status /ui/stream /ui/session /ui/base.css; do
	for method in POST PUT DELETE PATCH; do
		[ "$(code -X $method "$url$path")" = 405 ] && ok || not_ok "$method $path"
	done
	answer=$(call -i -X PUT "$url$path")
	has "PUT $path says what is allowed" '^Allow: GET, HEAD' "$answer"
	guarded "PUT $path" "$answer"
done
for path in /ui/login /ui/logout /ui/act; do
	answer=$(call -i "$url$path")
	has "GET $path" '^HTTP/1.1 405' "$answer"
	has "GET $path says what is allowed" '^Allow: POST' "$answer"
done
for path in /ui/ /ui/assets/app-1.js /ui/base.css /ui/status; do
	answer=$(call -I "$url$path")
	has "HEAD $path" '^HTTP/1.1 200' "$answer"
	length=$(tr -d '\r' <<<"$answer" | sed -n 's/^Content-Length: //p')
	equal "HEAD $path has the length of GET" "$(call "$url$path" | wc -c)" "$length"
	guarded "HEAD $path" "$answer"
done

# ---- files ------------------------------------------------------------------------------------------
answer=$(call -i "$url/ui/assets/app-1.js")
has 'a script is one' '^Content-Type: text/javascript' "$answer"
has 'kept for ever' '^Cache-Control: public, max-age=31536000, immutable' "$answer"
equal 'as it is' "$(cksum <"$dir/ui/assets/app-1.js")" "$(call "$url/ui/assets/app-1.js" | cksum)"
equal 'packed' "$(cksum <"$dir/ui/assets/app-1.js.gz")" "$(call -H 'Accept-Encoding: br, gzip' "$url/ui/assets/app-1.js" | cksum)"
equal 'packed, and back' "$(cksum <"$dir/ui/assets/app-1.js")" "$(call --compressed "$url/ui/assets/app-1.js" | cksum)"
tag=$(tr -d '\r' <<<"$answer" | sed -n 's/^ETag: //p')
answer=$(call -i -H "If-None-Match: $tag" "$url/ui/assets/app-1.js")
has 'known already' '^HTTP/1.1 304' "$answer"
hasnt 'known: no length of another file' '^Content-Length' "$answer"
equal 'known packed' 304 "$(code -H "If-None-Match: W/$tag" "$url/ui/assets/app-1.js")"
equal 'known as something else' 200 "$(code -H 'If-None-Match: "0"' "$url/ui/assets/app-1.js")"
has 'an image is one' '^Content-Type: image/png' "$(call -i "$url/ui/assets/dot.png" | tr -d '\0')"

# ---- logging in -------------------------------------------------------------------------------------
answer=$(call -i -c "$dir/jar" "$url/ui/")
has 'not logged in: a form' '<form method="post" action="/ui/login">' "$answer"
hasnt 'not logged in: not the page' 'fixture' "$answer"
hasnt 'the form has no script and no style of its own' '<script|<style|style=|onclick' "$answer"
has "the form's cookie" '^Set-Cookie: bramble_login=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=/ui/' "$answer"
hasnt 'plain HTTP: not Secure' '; Secure' "$answer"
guarded 'the form' "$answer"
form() { call -b "$dir/jar" -c "$dir/jar" "$url/ui/" | sed -n 's/.*name="csrf" value="\([0-9a-f]*\)".*/\1/p'; }
csrf=$(form)
equal 'the token is 256 bits' 64 "${#csrf}"
login() { call -i -b "$dir/jar" -c "$dir/jar" "$@" "$url/ui/login"; }
try() { login --data-urlencode "csrf=$csrf" --data-urlencode "user=$1" --data-urlencode "password=$2"; }

answer=$(login --data-urlencode "user=admin" --data-urlencode 'password=secret')
has 'no form token: refused, though the password be right' '^HTTP/1.1 403' "$answer"
hasnt 'and no session' 'Set-Cookie: bramble_session' "$answer"
has 'another form token: refused' '^HTTP/1.1 403' "$(login -d "csrf=${csrf//[0-9]/0}&user=admin&password=secret")"
has 'no cookie: refused' '^HTTP/1.1 403' "$(call -i -d "csrf=$csrf&user=admin&password=secret" "$url/ui/login")"
equal 'a form of another site: refused' 403 "$(code -b "$dir/jar" -H 'Sec-Fetch-Site: cross-site' -d "csrf=$csrf&user=admin&password=secret" "$url/ui/login")"
answer=$(try admin wrong)
has 'wrong password: 401' '^HTTP/1.1 401' "$answer"
has 'wrong password: words' 'role="alert"' "$answer"
has 'wrong password: the form again' '<form method="post"' "$answer"
hasnt 'wrong password: no session' 'bramble_session' "$answer"
guarded 'wrong password' "$answer"
has 'wrong user' '^HTTP/1.1 401' "$(try root secret)"
has 'part of the password' '^HTTP/1.1 401' "$(try admin secre)"
has 'no password' '^HTTP/1.1 401' "$(try admin '')"
answer=$(try admin secret)
has 'right: on to the page' '^HTTP/1.1 303' "$answer"
has 'right: where' '^Location: /ui/' "$answer"
has 'right: a session' '^Set-Cookie: bramble_session=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=/' "$answer"
guarded 'right' "$answer"
answer=$(call -i -b "$dir/jar" "$url/ui/")
has 'logged in: the page' 'fixture page' "$answer"
has 'logged in: not kept' '^Cache-Control: no-store' "$answer"
guarded 'the page' "$answer"
token=$(awk '$6 == "bramble_session" { print $7 }' "$dir/jar")
hasnt 'the token is in no log' "$token" "$(cat "$dir/log")"
hasnt 'a password is in no log' 'secret|wrong[^ ]' "$(grep -v 'wrong password for' "$dir/log")"

# over TLS: a session of its own, that never goes out in the clear
secure=https://127.0.0.1:$(sed -n 's/.*listening with TLS .* port //p' "$dir/log")
tls=(--cacert "$dir/tls.crt" -b "$dir/tls.jar" -c "$dir/tls.jar")
answer=$(call "${tls[@]}" -i "$secure/ui/")
has 'TLS: the form' '^Set-Cookie: bramble_login=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=/ui/; Secure' "$answer"
answer=$(call "${tls[@]}" -i -d "user=admin&password=secret&csrf=$(sed -n 's/.*name="csrf" value="\([0-9a-f]*\)".*/\1/p' <<<"$answer")" "$secure/ui/login")
has 'TLS: the session' '^Set-Cookie: bramble_session_tls=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=/; Secure' "$answer"
has 'TLS: the page' 'fixture page' "$(call "${tls[@]}" "$secure/ui/")"
equal 'TLS: the stream' hello "$(call "${tls[@]}" -m 2 -N "$secure/ui/stream" | sed -n 's/^event: //p' | head -n 1)"
equal "TLS: plain HTTP's cookie does not do" 401 "$(code --cacert "$dir/tls.crt" -H "Cookie: bramble_session=$token" "$secure/ui/session")"

# forged, and badly made cookies
for cookie in "bramble_session=${token//[0-9]/1}" "bramble_session=${token:0:63}" "bramble_session=${token}0" \
	'bramble_session=' "bramble_session=%00" "other=$token" "bramble_session_tls=$token" \
	"bramble_session=$token; bramble_session=$token" "bramble_session=$(head -c 20000 /dev/zero | tr '\0' a)"; do
	[ "$(code -H "Cookie: $cookie" "$url/ui/session")" = 401 ] && ok || not_ok "forged cookie ${cookie:0:60}"
done
equal 'the twin of them: the true one' 200 "$(code -H "Cookie: a=b; bramble_session=$token; c=d" "$url/ui/session")"
key=$(call -b "$dir/jar" "$url/ui/session" | sed -n 's/.*"csrf":"\([0-9a-f]*\)".*/\1/p')
equal "the session's token" 64 "${#key}"

# ---- too many wrong passwords -----------------------------------------------------------------------
for _ in {1..8}; do answer=$(try admin wrong); done
has 'too many: 429' '^HTTP/1.1 429' "$answer"
has 'too many: when to come again' '^Retry-After: [0-9]+' "$answer"
has 'too many: the right one neither' '^HTTP/1.1 429' "$(try admin secret)"
guarded 'too many' "$answer"
equal 'who is logged in stays so' 200 "$(code -b "$dir/jar" "$url/ui/session")"
equal 'faas-cli is not in that' 200 "$(code -u admin:secret "$url/system/functions")"

# ---- the session and the function API ---------------------------------------------------------------
page=(-b "$dir/jar" -H "X-Bramble-CSRF: $key")
equal 'the cookie alone does not do' 401 "$(code -b "$dir/jar" "$url/system/functions")"
equal 'the token alone does not do' 401 "$(code -H "X-Bramble-CSRF: $key" "$url/system/functions")"
equal 'both do' 200 "$(code "${page[@]}" "$url/system/functions")"
equal 'a wrong token' 401 "$(code -b "$dir/jar" -H "X-Bramble-CSRF: ${key:1}" "$url/system/functions")"
hasnt 'no window of the browser pops up' '^WWW-Authenticate' "$(call -i -H 'X-Bramble-CSRF: x' "$url/system/functions")"
has 'its twin: faas-cli is told' '^WWW-Authenticate: Basic' "$(call -i "$url/system/functions")"
equal 'deploy' 202 "$(code "${page[@]}" -d '{"service":"a","image":"b"}' "$url/system/functions")"
equal 'the agent was asked' 1 "$(asked '"verb":"deploy"')"
equal 'the store' 200 "$(code "${page[@]}" "$url/store")"

# a function never sees who is logged in, and its page cannot be the dashboard's
answer=$(call "${page[@]}" -H "Cookie: mine=1; bramble_session=$token" "$url/function/hello/head")
hasnt 'a function does not see the session' "$token|bramble_" "$answer"
hasnt 'nor its token' "$key" "$answer"
has "its twin: a function's own cookies" 'mine=1' "$(call -H "Cookie: mine=1; bramble_session=$token" "$url/function/hello/head")"
answer=$(call -i "$url/function/hello/cookies")
has 'a function sets its own cookies' '^Set-Cookie: mine=1' "$answer"
hasnt 'and logs nobody out of the dashboard' 'bramble_session|Clear-Site-Data' "$answer"
has "a function's page is boxed in" '^Content-Security-Policy: sandbox allow-scripts' "$(call -i -b "$dir/jar" "$url/function/hello")"
has 'also where a link brings no cookie along' '^Content-Security-Policy: sandbox allow-scripts' "$(call -i "$url/function/hello")"
hasnt 'not one that says it may' '^Content-Security-Policy' "$(call -i "$url/function/site")"

# ---- the stream -------------------------------------------------------------------------------------
before=$(asked '"verb":"status"')
wait_until 10 grep -q 'events left' "$dir/asked" # who looked over TLS
: >"$dir/asked"
answer=$(call -i "$url/ui/stream")
has 'no session: no stream' '^HTTP/1.1 401' "$answer"
has 'and says so as JSON' '"error":' "$answer"
guarded 'no session' "$answer"
look() { # FILE [CURL-OPTION...]
	: >"$dir/$1"
	curl -isN -b "$dir/jar" "${@:2}" "$url/ui/stream" >"$dir/$1" &
	viewer=$!
	pids+=("$viewer")
}
look s1
wait_until 10 grep -q '^event: change' "$dir/s1" || not_ok 'no change came' "$(cat "$dir/s1")"
answer=$(cat "$dir/s1")
guarded 'the stream' "$answer"
has 'a stream of events' '^Content-Type: text/event-stream' "$answer"
has 'not kept' '^Cache-Control: no-store' "$answer"
has 'hello' "^data: \\{\"csrf\":\"$key\",\"user\":\"admin\",\"node\":\"m1\",\"version\":\"[0-9.]+\",\"now_ms\":[0-9]+,\"retry_ms\":[0-9]+\\}" "$answer"
has 'hello first, then the state' '^event: hello event: state event: change' "$(grep '^event: ' <<<"$answer" | tr -d '\r' | xargs)"
data() { sed -n "/^event: $2/{n;s/^data: //p}" "$dir/$1" | tail -n 1; } # FILE EVENT
first=$(sed -n '/^event: state/{n;s/^data: //p}' "$dir/s1" | head -n 1)
q() { jq -rc "$1" <<<"$2" 2>&1; }
equal 'the state is JSON' home "$(q .cluster "$first")"
equal 'quorum' '{"voters":5,"up":5,"have":true}' "$(q .quorum "$first")"
equal 'boards up' 4 "$(q .boards_up "$first")"
equal 'watts' '{"low":9,"high":21}' "$(q .watts "$first")"
equal 'boards' '["w1","w2","w3","w4"]' "$(q '[.boards[].name]' "$first")"
equal 'the limits of a board' '[60,80,85]' "$(q '.boards[0].board | [.soft_temp_c, .throttle_c, .hard_c]' "$first")"
equal 'a function with its image' '["hello","openfaas-fn",1,"x:1"]' "$(q '.functions[0] | [.name, .namespace, .available_replicas, .image]' "$first")"
equal 'no alerts, no shutdown' '[[],null,true]' "$(q '[.alerts, .shutdown, .agent_ok]' "$first")"
equal 'nothing but ids and what changed' true "$(q '[.boards[] | has("id") and (has("name") | not) and (has("board") | not)] | all' "$(data s1 change)")"
equal 'a change says of whom' '["hello","openfaas-fn"]' "$(q '.functions[0] | [.name, .namespace]' "$(data s1 change)")"
wait_until 8 grep -qE '"calls_per_s":([5-9]|1[0-9])' "$dir/s1" && ok || not_ok 'calls a second' "$(data s1 change)"
for _ in {1..20}; do call "$url/function/hello" >/dev/null; done
wait_until 8 grep -q '"latency_ms":{"p50":[0-9.]*,"p99":[0-9.]*}' "$dir/s1" && ok || not_ok 'latencies' "$(data s1 change)"
wait_until 5 eval '[ "$(asked "\"verb\":\"events\"")" = 1 ]' && ok || not_ok 'the events are followed once'

# changes applied one after the other are the state that a new viewer gets
look s2
wait_until 5 grep -q '^event: change' "$dir/s2"
merge='reduce .[] as $c ({}; . as $s | . + ($c | del(.boards, .functions, .gone))
	| .boards = (reduce ($c.boards // [])[] as $b ($s.boards // {}; .[$b.id] += $b))
	| .functions = (reduce ($c.functions // [])[] as $f ($s.functions // {}; .[$f.name + "." + $f.namespace] += $f)))'
fold() { sed -n '/^event: \(state\|change\)/{n;s/^data: //p}' "$dir/$1" | jq -S -c -s "$merge"; }
kill $viewer
last=$(data s2 change)
# the same change is the last one of both
wait_until 3 grep -qF "$last" "$dir/s1"
sed -n "1,/^\$/p;/^event/,\$p" "$dir/s1" | awk -v last="data: $last" '{ print } $0 == last { exit }' >"$dir/s3"
equal 'state and changes end at the same' "$(fold s2)" "$(fold s3)"

# events
say 'event {"id":1,"unix":1700000000,"age_ms":5000,"kind":"elected","severity":"info","board":"w1","function":"","text":"w1 leads <b>now</b>\nline"}'
wait_until 5 grep -q '^event: event' "$dir/s1" && ok || not_ok 'an event comes'
equal 'as it is' 'w1 leads <b>now</b>
line' "$(q .text "$(data s1 event)")"
look s2
wait_until 5 grep -q '^event: event' "$dir/s2" && ok || not_ok 'who comes later is told'
[ "$(q .age_ms "$(data s2 event)")" -ge 5000 ] && ok || not_ok 'an event gets older'
kill $viewer
wait_until 5 eval '[ "$(asked "\"verb\":\"events\"")" = 1 ]' && ok || not_ok 'one subscription for all'

# packed: the same, for browsers
curl -sN --compressed -m 4 -b "$dir/jar" "$url/ui/stream" >"$dir/packed"
has 'packed streams unpack' '^event: hello event: state event: event event: change' "$(grep '^event: ' "$dir/packed" | head -n 4 | xargs)"
equal 'packed: JSON' home "$(q .cluster "$(data packed state)")"
curl -sN -m 3 -H 'Accept-Encoding: gzip' -b "$dir/jar" "$url/ui/stream" >"$dir/packed"
equal 'packed: it is gzip' 1f8b "$(od -An -tx1 -N2 "$dir/packed" | tr -d " ")"
answer=$(call -I -b "$dir/jar" "$url/ui/stream")
has 'HEAD of a stream' '^Content-Type: text/event-stream' "$answer"

# the agent goes, and comes again
say mute
wait_until 10 grep -q '{"agent_ok":false}' "$dir/s1" && ok || not_ok 'the agent is silent: said'
look s2
wait_until 5 grep -q '^event: state' "$dir/s2"
equal 'what was last known is shown' '[false,4]' "$(q '[.agent_ok, .boards_up]' "$(data s2 state)")"
kill $viewer
say speak
wait_until 10 eval 'sed "1,/agent_ok\":false/d" "$dir/s1" | grep -q "\"agent_ok\":true"' && ok || not_ok 'it is back: said' "$(tail -n 4 "$dir/s1")"
say 'hang up'
wait_until 10 eval '[ "$(asked "\"verb\":\"watch\"")" = 1 ]' && ok || not_ok 'connected anew'
state secret
wait_until 15 eval '[ "$(asked "\"verb\":\"events\"")" = 2 ]' && ok || not_ok 'events are followed anew'
has 'from where it was' '"since":1' "$(grep '"verb":"events"' "$dir/asked" | tail -n 1)"
say 'event {"id":1,"unix":1700000000,"age_ms":6000,"kind":"elected","severity":"info","board":"w1","function":"","text":"again"}'
say 'event {"id":2,"unix":1700000001,"age_ms":0,"kind":"left","severity":"info","board":"w4","function":"","text":"w4 left"}'
wait_until 5 grep -q 'w4 left' "$dir/s1" && ok || not_ok 'the next event'
hasnt 'what was told is not told again' '"again"' "$(cat "$dir/s1")"

# a quiet bramble: nothing is sent but a heartbeat
status='{"cluster":"home","master":"w1","leader":"w1","voters":1,"voters_up":1,"watts":null,"nodes":[{"id":"1","name":"w1","state":"up"}],"functions":[]}'
say "status $status"
wait_until 5 grep -q '"gone":{"boards":\["0000000000000001","0000000000000002","0000000000000003","0000000000000004"\],"functions":\["hello.openfaas-fn"\]}' "$dir/s1" && ok || not_ok 'what is gone' "$(tail -n 3 "$dir/s1")"
before=$(grep -c '^event: change' "$dir/s1")
wait_until 20 grep -qx ':' "$dir/s1" && ok || not_ok 'a heartbeat'
equal 'nothing but that' "$before" "$(grep -c '^event: change' "$dir/s1")"

# hostile names, a board that lies
evil='</script><script>alert(1)</script>'
say 'status {"cluster":"'"$evil"'","master":"\"><img src=x onerror=alert(1)>","leader":"","note":"<b>","voters":"many","voters_up":-1,"watts":{"low":"<i>","high":1e400},"alerts":[{"name":"<u>hot","board":"'"$evil"'","severity":"error","text":"\u0000\u0001<script>"}],"nodes":[{"id":"<1>","name":"'"$evil"'","state":"up","cpu_percent":"<x>","temperature_c":1e308,"memory":[],"uptime_seconds":-5,"disk":{"free_bytes":1e308,"total_bytes":-1},"a\"b":1},{"name":"no id"},7,null],"functions":[{"name":"'"$evil"'","namespace":"<n>","replicas":-3,"reason":"<iframe>","placements":[{"node":"<s>","state":7}]},[]]}'
wait_until 5 grep -q 'onerror' "$dir/s1" && ok || not_ok 'hostile names come' "$(tail -n 3 "$dir/s1")"
equal 'as JSON, which they cannot leave' "$evil" "$(q .cluster "$(data s1 change)")"
answer=$(call -i -b "$dir/jar" "$url/ui/status")
has 'in the tables they are text' '&lt;/script&gt;&lt;script&gt;alert\(1\)' "$answer"
hasnt 'and nothing else' '<script|<img|<iframe|<u>|<b>|<i>|<s>|<n>' "$answer"
guarded 'the tables' "$answer"
say 'status {"nodes":1}'
say "status $status"
kill -0 $gateway && ok || not_ok 'the gateway lives'

# an alert that stands is told once, with when it began on the clock of 'hello'
say 'status {"cluster":"home","master":"m1","leader":"m1","nodes":[{"id":"1","name":"m1","state":"up"}],"functions":[],"alerts":[{"name":"hot","board":"m1","severity":"warning","since_ms":AGE,"text":"m1 is hot"}]}'
wait_until 5 grep -q 'm1 is hot' "$dir/s1" && ok || not_ok 'an alert comes'
has 'when it began' '"at_ms":-?[0-9]+' "$(grep 'm1 is hot' "$dir/s1")"
say 'status {"cluster":"home","master":"m1","leader":"m2","nodes":[{"id":"1","name":"m1","state":"up"}],"functions":[],"alerts":[{"name":"hot","board":"m1","severity":"warning","since_ms":AGE,"text":"m1 is hot"}]}'
wait_until 5 grep -q '"leader":"m2"' "$dir/s1" && ok || not_ok 'something else changes'
equal 'it is not told again' 1 "$(grep -c 'm1 is hot' "$dir/s1")"
say 'status {"cluster":"home","master":"m1","leader":"m1","nodes":[{"id":"1","name":"m1","state":"up"}],"functions":[],"alerts":[]}'
wait_until 5 grep -q '"alerts":\[\]' "$dir/s1" && ok || not_ok 'its end is told'
say "status $status"

# ---- the plain tables -------------------------------------------------------------------------------
say 'status {"cluster":"home","master":"m1","leader":"m1","voters":3,"voters_up":2,"watts":{"low":9,"high":21},"alerts":[{"name":"hot","board":"m1","severity":"warning","text":"m1 is at 81 degrees"}],"nodes":[{"id":"1","name":"m1","role":"master","leader":true,"state":"up","board":{"model":"Pi 3","throttle_c":80},"temperature_c":81,"cpu_percent":12,"power":{"words":"under-voltage now"},"uptime_seconds":90061}],"functions":[{"name":"figlet","namespace":"dev","replicas":2,"available_replicas":1,"invocations":7,"reason":"","placements":[{"node":"m1","state":"ready"}]}]}'
answer=$(call -i -b "$dir/jar" "$url/ui/status")
has 'status: quorum' '2 of 3 voters up: there is a quorum, about 9 to 21 W' "$answer"
has 'status: a board' '<th scope="row">m1</th><td>master, leads</td><td>up</td><td>Pi 3</td><td>12 %</td>.*81 °C, throttles at 80.*under-voltage now' "$answer"
has 'status: a function' '<th scope="row">figlet</th><td>dev</td><td>1 of 2</td><td>m1 \(ready\)</td><td>7</td>' "$answer"
has 'status: an alert' 'm1 is at 81 degrees' "$answer"
has 'status: can be loaded again' '<a href="/ui/status">' "$answer"
hasnt 'status: does not come again by itself, under the eyes of who reads' 'http-equiv="refresh"' "$answer"
hasnt 'status: no script' '<script' "$answer"
has 'status: not logged in' 'action="/ui/login"' "$(call "$url/ui/status")"
say mute
has 'status: the agent is silent' '^HTTP/1.1 504' "$(call -i -b "$dir/jar" "$url/ui/status")"
say speak

# ---- actions ----------------------------------------------------------------------------------------
act() { # JSON-WITHOUT-once
	call -i "${page[@]}" -H 'Content-Type: application/json' -d "${1%\}},\"once\":\"at-${EPOCHREALTIME/[.,]/}\"}" "$url/ui/act"
}
answer=$(act '{"verb":"locate","board":"w1"}')
has 'locate' '^HTTP/1.1 200' "$answer"
has 'locate: a sentence' '\{"ok":true,"text":"The LED of w1 blinks' "$answer"
guarded 'locate' "$answer"
equal 'locate: the agent' '{"verb":"locate","board":"w1","seconds":30}' "$(grep locate "$dir/asked")"
for verb in drain uncordon; do
	has "$verb" '"ok":true' "$(act "{\"verb\":\"$verb\",\"board\":\"w1\"}")"
	equal "$verb: the agent" "{\"verb\":\"$verb\",\"board\":\"w1\"}" "$(grep "\"$verb\"" "$dir/asked")"
done
has 'rename' '"ok":true' "$(act '{"verb":"rename","board":"w1","name":"shelf"}')"
equal 'rename: the agent' '{"verb":"rename","board":"w1","name":"shelf"}' "$(grep rename "$dir/asked")"
answer=$(act '{"verb":"drain","board":"nobody"}')
has "the agent's own refusal" '^HTTP/1.1 404' "$answer"
has 'in its words' "\"error\":\"there is no board 'nobody'\"" "$answer"

asked_before=$(wc -l <"$dir/asked")
body='{"verb":"drain","board":"w2","once":"the-same-id"}'
equal 'without the token' 403 "$(code -b "$dir/jar" -d "$body" "$url/ui/act")"
equal 'with a wrong one' 403 "$(code -b "$dir/jar" -H "X-Bramble-CSRF: ${key//[0-9]/0}" -d "$body" "$url/ui/act")"
equal 'without a session' 401 "$(code -H "X-Bramble-CSRF: $key" -d "$body" "$url/ui/act")"
equal 'with a password alone' 401 "$(code -u admin:secret -d "$body" "$url/ui/act")"
equal 'from another site' 403 "$(code "${page[@]}" -H 'Sec-Fetch-Site: cross-site' -d "$body" "$url/ui/act")"
equal 'no JSON' 400 "$(code "${page[@]}" -d 'verb=drain' "$url/ui/act")"
equal 'no such action' 400 "$(code "${page[@]}" -d '{"verb":"reset","board":"w1","once":"unknown-1"}' "$url/ui/act")"
equal 'no once' 400 "$(code "${page[@]}" -d '{"verb":"drain","board":"w1"}' "$url/ui/act")"
equal 'a bad once' 400 "$(code "${page[@]}" -d '{"verb":"drain","board":"w1","once":"a b"}' "$url/ui/act")"
equal 'a bad board' 400 "$(code "${page[@]}" -d '{"verb":"drain","board":"../x","once":"bad-board"}' "$url/ui/act")"
equal 'too large' 413 "$(head -c 20000 /dev/zero | tr '\0' x | code "${page[@]}" --data-binary @- "$url/ui/act")"
equal 'none of these reached the agent' 0 "$(tail -n "+$((asked_before + 1))" "$dir/asked" | grep -vc '"status"\|"shutdown_status"\|"events"')"
equal 'once' 200 "$(code "${page[@]}" -d "$body" "$url/ui/act")"
equal 'twice: refused' 409 "$(code "${page[@]}" -d "$body" "$url/ui/act")"
equal 'done once' 1 "$(grep -c '"drain","board":"w2"' "$dir/asked")"

# switching off
has 'all, without the name' 'confirm' "$(act '{"verb":"shutdown-all"}')"
has 'all, with a wrong one' 'confirm' "$(act '{"verb":"shutdown-all","confirm":"Home"}')"
equal 'nothing was switched off' 0 "$(asked '"verb":"shutdown"')"
answer=$(act '{"verb":"shutdown-all","dry_run":true}')
has 'tried dry: the order' '"steps":\[\{"name":"w2",.*\{"name":"w1","role":"master","order":2' "$answer"
equal 'tried dry: nobody else hears of it' 0 "$(grep -c '^event: shutdown' "$dir/s1")"
answer=$(act '{"verb":"shutdown-all","confirm":"home"}')
has 'all: begun' '\{"ok":true,"text":"All boards are being shut down."' "$answer"
wait_until 5 eval '[ "$(grep -c "^event: shutdown" "$dir/s1")" = 2 ]' && ok || not_ok 'progress comes to all'
equal 'progress as it is' 'w2 <b>stops</b>' "$(q .text "$(data s1 shutdown)")"
say 'off {"id":"s1","phase":"done","board":"","state":"off","text":"all boards are off, you can pull the plug"}'
wait_until 5 grep -q 'pull the plug' "$dir/s1" && ok || not_ok 'the last word comes'
say 'off-end {}'
answer=$(act '{"verb":"reboot","board":"stays"}')
has 'a board that stays: no success' '^HTTP/1.1 409' "$answer"
has 'a board that stays: the words' '"error":"the boards stay on"' "$answer"
has 'one board' '"ok":true' "$(act '{"verb":"reboot","board":"w2"}')"
equal 'one board: the agent' 1 "$(grep -c '{"verb":"shutdown","only":"w2","reboot":true,"dry_run":false}' "$dir/asked")"
say 'off-end {"error":"w2 hangs","code":500}'
wait_until 5 eval '[ "$(q .phase "$(data s1 shutdown)")" = failed ]' && ok || not_ok 'a failure comes to all' "$(data s1 shutdown)"
has 'another one' '"ok":true' "$(act '{"verb":"reboot","board":"w2"}')"
say 'off-end {"ok":false,"text":"nothing was heard of it"}'
wait_until 5 eval '[ "$(q .text "$(data s1 shutdown)")" = "nothing was heard of it" ]' && ok || not_ok 'so does one in the last word' "$(data s1 shutdown)"
equal 'which is a failure' failed "$(q .phase "$(data s1 shutdown)")"

# ---- those who do not read, and too many ------------------------------------------------------------
say 'event {"id":3,"unix":1700000002,"age_ms":0,"kind":"left","text":"x"}'
call -u admin:secret "$url/system/functions" >/dev/null
fds=$(descriptors) memory=$(rss)
coproc deaf { "$dir/ui_peer" deaf "$gport" "bramble_session=$token" 1000; }
pids+=("$deaf_PID")
read -rt 60 in refused <&"${deaf[0]}"
[ $((in + refused)) = 1000 ] && [ "$in" -le 127 ] && [ "$in" -ge 100 ] && ok || not_ok "a thousand viewers: $in let in, $refused refused"
answer=$(call -i -b "$dir/jar" "$url/ui/stream")
has 'one more: refused' '^HTTP/1.1 503' "$answer"
has 'one more: when to come again' '^Retry-After: ' "$answer"
equal 'the API goes on' 200 "$(code -u admin:secret "$url/system/functions")"
# what is too much for one who does not read is soon too much for all of them: they go, s1 stays
long=$(head -c 3000 /dev/zero | tr '\0' x)
id=4
more() {
	for _ in {1..20}; do say "event {\"id\":$((id++)),\"unix\":1700000003,\"age_ms\":0,\"kind\":\"left\",\"text\":\"$long\"}"; done
	[ "$(descriptors)" -le $((fds + 4)) ]
}
wait_until 40 more && ok || not_ok "who does not read is dropped: $(descriptors) descriptors, $fds before"
has 'and it is said' 'does not read: dropped' "$(cat "$dir/log")"
wait_until 5 grep -q "\"id\":$((id - 1))," "$dir/s1" && ok || not_ok 'who reads got all of it'
eval "exec ${deaf[1]}>&-"
wait "$deaf_PID" 2>/dev/null
peak=$(rss)
sanitized || { [ $((peak - memory)) -lt 4000 ] && ok || not_ok "memory: $memory KB before, $peak after"; }

# ---- the end of a session ---------------------------------------------------------------------------
cp "$dir/jar" "$dir/old"
has 'log out wants the token' '^HTTP/1.1 403' "$(call -i -b "$dir/jar" -X POST "$url/ui/logout")"
equal 'still in' 200 "$(code -b "$dir/jar" "$url/ui/session")"
answer=$(call -i "${page[@]}" -X POST "$url/ui/logout")
has 'log out' '^HTTP/1.1 200' "$answer"
has 'log out: the cookie goes' '^Set-Cookie: bramble_session=; .*Max-Age=0' "$answer"
equal 'the old cookie is of no use' 401 "$(code -b "$dir/old" "$url/ui/session")"
equal 'nor for the API' 401 "$(code "${page[@]}" "$url/system/functions")"
wait_until 10 eval '! kill -0 $(pgrep -P $$ -f "ui/stream" | head -n 1) 2>/dev/null' && ok || not_ok 'its streams end'

# another password: everybody is out
state 'n&w +%3C'
wait_until 5 eval '[ "$(code -u "admin:n&w +%3C" "$url/system/functions")" = 200 ]'
rm -f "$dir/jar"
csrf=$(form)
# the failures from before are forgotten one each twelve seconds
wait_until 20 eval 'grep -q "^HTTP/1.1 303" <<<"$(try admin "n&w +%3C")"' && ok || not_ok 'in again, with a password of odd letters'
equal 'in' 200 "$(code -b "$dir/jar" "$url/ui/session")"
look s4
wait_until 5 grep -q '^event: state' "$dir/s4"
state secret
wait_until 5 eval '[ "$(code -b "$dir/jar" "$url/ui/session")" = 401 ]' && ok || not_ok 'another password ends sessions'
wait_until 5 eval '! kill -0 $viewer 2>/dev/null' && ok || not_ok 'and streams'

# ---- nobody looks any more --------------------------------------------------------------------------
wait_until 10 grep -q 'events left' "$dir/asked" && ok || not_ok 'the events are left'
before=$(asked '"verb":"status"')
read -rt 2.5 <> <(:) || : # two ticks that do not come
equal 'nobody looks: the agent is not asked' "$before" "$(asked '"verb":"status"')"
wait_until 5 eval '[ "$(descriptors)" -le "$((fds - 1))" ]' && ok || not_ok "descriptors: $(descriptors), $fds while one looked"

kill -TERM $gateway
ended
