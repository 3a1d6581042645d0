#!/bin/bash
# test_async.sh OUT - asynchronous calls of OUT/bramble-gateway on loopback, between a stand-in for
# the agent (gateway_peer.c) and one for functions (async_peer.c); the queues are real: SQLite, and
# Debian's nats-server.  No root.  Last line: N passed, N failed.
# shellcheck disable=SC2015,SC2016,SC2154,SC1091 # ok never fails; eval expands later
set -u
# shellcheck source=tests/live/bed.sh
. "$(dirname "$0")/bed.sh"
out=$(readlink -f "$out")
trap 'kill -9 "${pids[@]}" 2>/dev/null; wait 2>/dev/null; [ -n "${KEEP:-}" ] && echo "kept $dir" || rm -rf "$dir"' EXIT
peer gateway_peer
peer async_peer
mkfifo "$dir/never"
exec 6<>"$dir/never"
pause() { read -rt "$1" -u 6 || :; } # without a process of its own

# ---- who is there ---------------------------------------------------------------------------------
: >"$dir/calls"
"$dir/async_peer" "$dir/calls" >"$dir/port" &
pids+=($!)
wait_until 5 test -s "$dir/port"
fport=$(cat "$dir/port")
function_json() { # NAME ANNOTATIONS
	printf '{"name":"%s","namespace":"openfaas-fn","image":"x","replicas":1,"available":1,"invocations":0,"created":1700000000,"reason":"","spec":{"service":"%s","image":"x","annotations":{%s}},"instances":[{"id":1,"node":"w1","local":true,"address":"127.0.0.1","port":%d,"ready":true}]}' "$1" "$1" "$2" "$fport"
}
quick='"com.openfaas.retry.min_wait":"100ms","com.openfaas.retry.max_wait":"400ms"'
state=$(printf '{"cluster":"home","node":"m1","auth":{"user":"a","password":"b"},"arch":"x","functions":[%s,%s,%s,%s,%s]}' \
	"$(function_json hello "$quick")" \
	"$(function_json twice "$quick,\"com.openfaas.retry.attempts\":\"2\",\"com.openfaas.retry.codes\":\"418\"")" \
	"$(function_json red '"com.openfaas.queue":"slow"')" \
	"$(function_json blue '"com.openfaas.queue":"slow"')" \
	"$(function_json wrong "$quick,\"com.openfaas.retry.attempts\":\"many\"")")
agent() { # NAME: a stand-in for an agent, whose gateway's socket is NAME.sock
	mkfifo "$dir/$1.state"
	"$dir/gateway_peer" agent "$dir/$1.sock" <"$dir/$1.state" >/dev/null &
	pids+=($!)
	eval "exec $2>\"\$dir/$1.state\""
	wait_until 5 test -S "$dir/$1.sock"
}
tell() { printf '%s\n' "$state" >&"$1"; }
start() { # NAME OPTION...: sets pid_NAME and url_NAME
	local name=$1 port
	shift
	: >"$dir/$name.log"
	"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/$name.sock" --timeout 5 --wait 2 \
		--config "$here/gateway.conf" "$@" 2>"$dir/$name.log" &
	eval "pid_$name=$!"
	pids+=($!)
	wait_until 10 grep -q 'listening on' "$dir/$name.log" || { cat "$dir/$name.log"; return 1; }
	port=$(sed -n 's/.*listening on .* port //p' "$dir/$name.log")
	eval "url_$name=http://127.0.0.1:$port"
	tell "${fd[$name]}"
	wait_until 5 eval "[ \"\$(code http://127.0.0.1:$port/healthz)\" = 200 ]"
}
declare -A fd=([one]=9 [two]=8)
call() { curl -s -m 20 "$@"; }
code() { curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
lines() { grep -cE -- "$1" "$dir/calls"; }
called() { [ "$(lines "$1")" -ge "${2:-1}" ]; }
rows() { sqlite3 -readonly "$1" 'select count(*) from calls' 2>&1; }
stop() { # NAME: in order
	local pid
	eval "pid=\$pid_$1"
	kill -TERM "$pid"
	wait "$pid"
}
agent one 9
agent two 8

# ---- accepting ------------------------------------------------------------------------------------
queue=$dir/calls.db
start one --queue "$queue" --queue-workers 2 --queue-calls 20 || exit 1
a=$url_one/async-function
answer=$(call -i -d hi "$a/hello/a/b?x=1")
has 'accepted' '^HTTP/1.1 202' "$answer"
has 'with its id' '^X-Call-Id: [0-9a-f-]{36}' "$answer"
has 'and empty' '^Content-Length: 0' "$answer"
id=$(sed -n 's/^X-Call-Id: \([0-9a-f-]*\).*/\1/p' <<<"$answer")
wait_until 5 called "^$id - POST /a/b\\?x=1 2$" && ok || not_ok 'the call is made' "$(cat "$dir/calls")"
has 'an id of its own' '^X-Call-Id: mine' "$(call -i -H 'X-Call-Id: mine' -d x "$a/hello")"
wait_until 5 called '^mine - POST / 1$' && ok || not_ok 'the call with its own id'
equal 'in chunks' 202 "$(code -H 'Transfer-Encoding: chunked' -H 'X-Call-Id: chunks' -d 12345 "$a/hello")"
wait_until 5 called '^chunks - POST / 5$' && ok || not_ok 'the call that came in chunks'
equal 'without a body' 202 "$(code -X POST -H 'X-Call-Id: empty' "$a/hello.openfaas-fn")"
wait_until 5 called '^empty - POST / 0$' && ok || not_ok 'the call without a body'
equal 'a forged X-Retry' 202 "$(code -H 'X-Retry: 7' -H 'X-Call-Id: forged' -d x "$a/hello")"
wait_until 5 called '^forged - POST / 1$' && ok || not_ok 'a forged X-Retry goes no further'
head -c 1048576 /dev/zero >"$dir/body"
equal '1 MB' 202 "$(code -H 'X-Call-Id: large' --data-binary @"$dir/body" "$a/hello")"
wait_until 5 called '^large - POST / 1048576$' && ok || not_ok 'the call of 1 MB'
printf x >>"$dir/body"
equal 'more than 1 MB' 413 "$(code --data-binary @"$dir/body" "$a/hello")"
equal 'more than 1 MB in chunks' 413 "$(code -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" "$a/hello")"
equal 'nobody' 404 "$(code -d x "$a/nobody")"
equal 'an odd name' 404 "$(code -d x "$a/a%2fb")"
equal 'a wrong verb' 405 "$(code "$a/hello")"
for u in ftp://x/ http:// /x 'http://a b/' http://:80/ mailto:x; do
	equal "callback to $u" 400 "$(code -H "X-Callback-Url: $u" -d x "$a/hello")"
done
equal 'no call of that id' 404 "$(code -X DELETE "$a/nothing")"

# ---- retries --------------------------------------------------------------------------------------
attempts() { grep "^$1 " "$dir/calls" | cut -d' ' -f2 | tr '\n' ' '; }
equal 'fails twice' 202 "$(code -H 'X-Call-Id: fails' -d x "$a/hello/fail/2/503")"
wait_until 5 called '^fails 2 ' && ok || not_ok 'a third attempt'
equal 'each one is marked' '- 1 2 ' "$(attempts fails)"
for s in 408 429 500 502 504; do code -H "X-Call-Id: s$s" -d x "$a/hello/fail/1/$s" >/dev/null; done
for s in 408 429 500 502 504; do wait_until 5 called "^s$s 1 " && ok || not_ok "$s is tried again"; done
code -H 'X-Call-Id: s400' -d x "$a/hello/fail/1/400" >/dev/null
code -H 'X-Call-Id: s418' -d x "$a/twice/fail/9/418" >/dev/null
code -H 'X-Call-Id: s503' -d x "$a/twice/fail/9/503" >/dev/null
code -H 'X-Call-Id: lost' -d x "$a/hello/lose" >/dev/null
wait_until 5 called '^s418 1 ' && ok || not_ok 'a status that the function names'
wait_until 5 called '^lost 1 ' && ok || not_ok 'no answer at all is tried again'
began=$(date +%s%N)
code -H 'X-Call-Id: after' -d x "$a/hello/after/1" >/dev/null
wait_until 5 called '^after 1 ' && ok || not_ok 'Retry-After'
[ $(($(date +%s%N) - began)) -ge 950000000 ] && ok || not_ok 'Retry-After is honoured'
equal 'two attempts are two' '- 1 ' "$(attempts s418)"
equal 'other statuses are not tried again' '- ' "$(attempts s400)"
equal 'only the named statuses are' '- ' "$(attempts s503)"
wait_until 5 grep -q "of 'twice' failed with .* attempts, and is given up" "$dir/one.log" && ok || not_ok 'it is said' "$(cat "$dir/one.log")"
code -H 'X-Call-Id: wrong' -d x "$a/wrong/fail/1/500" >/dev/null
wait_until 5 called '^wrong 1 ' && ok || not_ok 'a wrong annotation counts for nothing'
has 'and is said' "com.openfaas.retry.attempts is 'many'" "$(cat "$dir/one.log")"

# ---- callbacks ------------------------------------------------------------------------------------
back=$dir/back
peer=http://127.0.0.1:$fport
equal 'a callback' 202 "$(code -H 'X-Call-Id: c1' -H "X-Callback-Url: $peer/callback$back?k=v" -d x "$a/hello")"
wait_until 5 grep -q -- -- "$back?k=v" 2>/dev/null && ok || not_ok 'the callback'
got=$(cat "$back?k=v")
has 'is a POST' '^POST /callback/' "$got"
has 'with the body' '^done$' "$got"
has 'and the headers' '^X-Made-By: function' "$got"
has 'with their type' '^Content-Type: text/x-test' "$got"
has 'the id' '^X-Call-Id: c1' "$got"
has 'the status' '^X-Function-Status: 200' "$got"
has 'the name' '^X-Function-Name: hello' "$got"
has 'the duration' '^X-Duration-Seconds: 0\.[0-9]{3}' "$got"
code -H 'X-Call-Id: c2' -H "X-Callback-Url: $peer/callback$back.2" -d x "$a/hello/fail/9/418" >/dev/null
wait_until 5 grep -q 'X-Function-Status: 418' "$back.2" 2>/dev/null && ok || not_ok 'the callback of a failure'
code -H 'X-Call-Id: c3' -H "X-Callback-Url: http://gateway:8080/function/hello/callback$back.3" -d x "$a/hello" >/dev/null
wait_until 5 grep -q '^X-Function-Status: 200' "$back.3" 2>/dev/null && ok || not_ok 'a callback to a function'
code -H 'X-Call-Id: c4' -H "X-Callback-Url: $peer/refuse$back.4" -d x "$a/hello" >/dev/null
wait_until 15 eval '[ "$(grep -c "^X-Call-Id: c4" "$back.4" 2>/dev/null)" = 3 ]' && ok || not_ok 'a callback that fails is tried three times'
wait_until 5 grep -q "could not be delivered, and is lost: the answer was 500" "$dir/one.log" && ok || not_ok 'and then it is said' "$(cat "$dir/one.log")"
code -H 'X-Call-Id: c5' -H "X-Callback-Url: $peer/callback$back.5" -d x "$a/hello/big/2000000" >/dev/null
wait_until 5 grep -q 'larger than the 1024 KB' "$back.5" 2>/dev/null && ok || not_ok 'an answer that is too large'
code -H 'X-Call-Id: c6' -H "X-Callback-Url: $peer/callback$back.6" -d x "$a/hello/big/1000000" >/dev/null
wait_until 5 eval '[ "$(stat -c %s "$back.6" 2>/dev/null || echo 0)" -gt 1000000 ]' && ok || not_ok 'an answer of 1 MB'

# the gateway's own connections to itself are no clients: one that rests makes no room for any
start two --queue "$dir/room.db" --connections 4
code -H 'X-Call-Id: c7' -H "X-Callback-Url: http://gateway:8080/function/hello/callback$back.7" -d x "$url_two/async-function/hello" >/dev/null
wait_until 5 grep -q '^X-Call-Id: c7' "$back.7" 2>/dev/null && ok || not_ok 'a callback by the way to itself'
wait_until 5 eval 'call "$url_two/metrics" | grep -q "^bramble_async_depth{queue=\"hello.openfaas-fn\"} 0$"'
"$dir/gateway_peer" hold 127.0.0.1 "${url_two##*:}" 4 /healthz <"$dir/never" >"$dir/held" &
hold=$!
pids+=("$hold")
wait_until 5 test -s "$dir/held"
equal 'a client more than there is room for' 200 "$(code -m 5 "$url_two/healthz")"
kill "$hold"
stop two

# a name server that does not answer keeps a callback waiting, and nobody else
cat >"$dir/silent" <<'END'
ip link set lo up && ip link add near type veth peer name far && ip addr add 192.0.2.1/24 dev near && ip link set near up &&
	ip link set far up && ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:01 dev near nud permanent &&
	mount --bind "$dir/resolv.conf" /etc/resolv.conf || exit 1
"$out/bramble-gateway" --listen 127.0.0.1:8080 --agent "$dir/two.sock" --queue "$dir/silent.db" --config "$here/gateway.conf" 2>"$dir/silent.log" &
trap 'kill -9 %1 2>/dev/null' EXIT
code() { curl -s -m 2 -o /dev/null -w '%{http_code}' "$@"; }
end=$((SECONDS + 20))
until [ "$(code http://127.0.0.1:8080/healthz)" = 200 ]; do [ $SECONDS -lt $end ] || exit 1; done
[ "$(code -H 'X-Callback-Url: http://nobody.example/' -d x http://127.0.0.1:8080/async-function/twice)" = 202 ] || exit 1
end=$((SECONDS + 8)) # the name is given up after 5 s, the name server after 9
while [ $SECONDS -lt $end ] && [ "$(code http://127.0.0.1:8080/healthz)" = 200 ]; do read -rt 0.1 <> <(:) || :; done
[ $SECONDS -ge $end ] && echo 'nobody waited'
kill %1
wait
END
printf 'nameserver 192.0.2.53\noptions timeout:9 attempts:1\n' >"$dir/resolv.conf"
if unshare -rmn true 2>/dev/null; then
	unshare -rmn env "dir=$dir" "out=$out" "here=$here" bash "$dir/silent" >"$dir/silent.out" &
	silent=$!
	wait_until 10 grep -q 'listening on' "$dir/silent.log" 2>/dev/null && tell 8
	wait $silent
	equal 'a name server that is silent' 'nobody waited' "$(cat "$dir/silent.out")"
fi

# ---- workers, cancel, a full queue ----------------------------------------------------------------
for i in 1 2 3 4; do code -H "X-Call-Id: red$i" -d x "$a/red/until$dir/go" >/dev/null; done
code -H 'X-Call-Id: blue1' -d x "$a/blue/until$dir/go" >/dev/null
code -H 'X-Call-Id: other' -d x "$a/hello" >/dev/null
wait_until 5 called '^other ' && ok || not_ok 'another queue goes on'
wait_until 5 called '^red[12] ' 2 && ok || not_ok 'two workers'
equal 'one queue for two functions' 2 "$(lines '^(red|blue)')"
equal 'what runs cannot be cancelled' 404 "$(code -X DELETE "$a/red1")"
equal 'what waits can' 202 "$(code -X DELETE "$a/red4")"
equal 'once' 404 "$(code -X DELETE "$a/red4")"
full=$(for i in {1..25}; do code -H "X-Call-Id: full$i" -d x "$a/red/x"; echo; done | sort | uniq -c | tr -s ' ' | tr '\n' ';')
equal 'a full queue' ' 16 202; 9 503;' "$full"
has 'says so' 'The queue is full' "$(call -d x "$a/red/x")"
has 'and when to come again' '^Retry-After: ' "$(call -i -d x "$a/red/x")"
metrics=$(call "$url_one/metrics")
has 'metrics: the depth' '^bramble_async_depth\{queue="slow"\} 20$' "$metrics"
has 'metrics: what runs' '^bramble_async_running\{queue="slow"\} 2$' "$metrics"
has 'metrics: the age' '^bramble_async_oldest_seconds\{queue="slow"\} [0-9]*\.[0-9]+$' "$metrics"
has 'metrics: another queue' '^bramble_async_depth\{queue="hello.openfaas-fn"\} 0$' "$metrics"
has 'metrics: attempts again' '^bramble_async_retries_total\{queue="twice.openfaas-fn"\} 1$' "$metrics"
has 'metrics: failures' '^bramble_async_failures_total\{queue="twice.openfaas-fn"\} 2$' "$metrics"
has 'metrics: callbacks' '^bramble_async_callback_failures_total\{queue="hello.openfaas-fn"\} 1$' "$metrics"
if command -v promtool >/dev/null; then grep bramble_async <<<"$metrics" | promtool check metrics >"$dir/promtool" 2>&1 && ok || not_ok 'promtool' "$(cat "$dir/promtool")"; fi
touch "$dir/go"
wait_until 10 called '^full16 ' && ok || not_ok 'a full queue is worked off'
wait_until 5 called '^blue1 ' && ok || not_ok 'the second function of the queue'
equal 'nothing was lost' 16 "$(lines '^full')"
equal 'the cancelled call was not made' 0 "$(lines '^red4')"
wait_until 10 eval '[ "$(code -d x "$a/red/x")" = 202 ]' && ok || not_ok 'there is room again'

# ---- the end, and the next start ------------------------------------------------------------------
rm "$dir/go"
code -H 'X-Call-Id: waits' -d x "$a/hello/after/60" >/dev/null
wait_until 5 called '^waits - '
for i in 1 2 3; do code -H "X-Call-Id: term$i" -d x "$a/red/until$dir/go" >/dev/null; done
wait_until 5 called '^term2 '
kill -TERM "$pid_one"
pause 0.3
touch "$dir/go"
wait "$pid_one"
equal 'ends in order' 0 $?
equal 'what was under way is over, the rest is kept' 2 "$(rows "$queue")"
equal 'what had not begun has not begun' 0 "$(lines '^term3')"
start one --queue "$queue" --queue-workers 2
a=$url_one/async-function
wait_until 5 called '^term3 - ' && ok || not_ok 'it begins at the next start' "$(cat "$dir/one.log")"
equal 'a wait starts again' 0 "$(lines '^waits 1')"
equal 'and can be cancelled' 202 "$(code -X DELETE "$a/waits")"
head -c 900000 /dev/zero >"$dir/body"
for i in {1..20}; do code --data-binary @"$dir/body" "$a/hello" >/dev/null; done
wait_until 10 eval '[ "$(lines " 900000$")" = 20 ]' && ok || not_ok '20 calls of 900 KB'
case $(code -d x "$url_one/function/hello") in 200) ok ;; *) not_ok 'calls of the other kind' ;; esac
"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/one.sock" --config "$here/gateway.conf" --queue "$queue" 2>"$dir/second"
equal 'a second gateway with the same queue' 1 $?
has 'says why' 'in use by another gateway' "$(cat "$dir/second")"
stop one
equal 'all is done' 0 "$(rows "$queue")"
[ "$(stat -c %s "$queue")" -lt 200000 ] && ok || not_ok 'the file shrinks' "$(ls -l "$dir")"

# ---- kill -9 --------------------------------------------------------------------------------------
: >"$dir/calls"
: >"$dir/accepted"
RANDOM=${SEED:-$$}
for round in {1..8}; do
	start one --queue "$queue"
	for i in {1..150}; do
		[ "$i" = 1 ] || echo next
		printf 'url = "%s/async-function/hello/k"\nheader = "X-Call-Id: k%d-%d"\ndata = "%0100d"\noutput = /dev/null\nwrite-out = "%%{http_code} %%header{x-call-id}\\n"\n' "$url_one" "$round" "$i" "$i"
	done >"$dir/load"
	curl -s -Z --parallel-max 16 -m 5 -K "$dir/load" >>"$dir/accepted" 2>/dev/null &
	load=$!
	[ "$round" = 8 ] || pause "0.$((RANDOM % 200 + 100))"
	[ "$round" = 8 ] && wait $load
	kill -9 "$pid_one"
	wait "$pid_one" $load 2>/dev/null
done
start one --queue "$queue"
sed -n 's/^202 //p' "$dir/accepted" | sort -u >"$dir/acked"
all_made() { pause 0.3; cut -d' ' -f1 "$dir/calls" | sort -u | comm -23 "$dir/acked" - >"$dir/lost"; ! [ -s "$dir/lost" ]; }
wait_until 30 all_made && ok || not_ok 'accepted calls were lost' "$(cat "$dir/lost")"
[ "$(wc -l <"$dir/acked")" -gt 200 ] && ok || not_ok "only $(wc -l <"$dir/acked") calls were accepted"
equal 'no call was made twice without a mark' '' "$(grep -E '^k[0-9-]+ - ' "$dir/calls" | cut -d' ' -f1 | sort | uniq -d)"
echo "kill -9: $(wc -l <"$dir/acked") accepted over 8 kills, $(grep -cE '^k[0-9-]+ [0-9]' "$dir/calls") made again with X-Retry"
stop one
equal 'all is done' 0 "$(rows "$queue")"

# ---- a damaged queue, and one that cannot be written ---------------------------------------------
head -c 8192 /dev/urandom >"$queue"
rm -f "$queue-wal"
start one --queue "$queue" && ok || not_ok 'a damaged queue does not stop the gateway'
has 'it is said' 'is damaged' "$(cat "$dir/one.log")"
equal 'and put aside' 8192 "$(stat -c %s "$queue.damaged")"
equal 'calls go on' 202 "$(code -d x "$url_one/async-function/hello")"
stop one
start one --queue "$dir/absent/calls.db"
equal 'a folder that is not there' 503 "$(code -d x "$url_one/async-function/hello")"
has 'says so' 'cannot be stored' "$(call -d x "$url_one/async-function/hello")"
has 'and in the log' 'cannot be written, calls are refused' "$(cat "$dir/one.log")"
equal 'other calls go on' 200 "$(code -d x "$url_one/function/hello")"
mkdir "$dir/absent"
wait_until 5 eval '[ "$(code -d x "$url_one/async-function/hello")" = 202 ]' && ok || not_ok 'and asynchronous ones, once it is there'
stop one

# a card that is full when a call ends: the gateway ends all the same, and the call is kept
cat >"$dir/card.sh" <<'END'
mkdir "$dir/card" && mount -t tmpfs -o size=400k none "$dir/card" || exit 1
"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/two.sock" --queue "$dir/card/calls.db" --config "$here/gateway.conf" 2>"$dir/card.log" &
trap 'kill -9 %1 2>/dev/null' EXIT
read -r _ <"$dir/fill"
cat /dev/zero >"$dir/card/zeroes" 2>/dev/null
touch "$dir/go.card"
until grep -q 'cannot be written' "$dir/card.log"; do read -rt 0.1 <> <(:) || :; done
kill %1 # in order; and at once
read -rt 0.3 <> <(:) || :
kill %1
wait %1
echo "ended $?"
END
if unshare -rm true 2>/dev/null; then
	mkfifo "$dir/fill"
	timeout -k 1 30 unshare -rm env "dir=$dir" "out=$out" "here=$here" bash "$dir/card.sh" >"$dir/card.out" &
	card=$!
	wait_until 10 grep -q 'listening on' "$dir/card.log" 2>/dev/null && tell 8
	url_card=http://127.0.0.1:$(sed -n 's/.*listening on .* port //p' "$dir/card.log")
	posted() { [ "$(code -H 'X-Call-Id: card' -d x "$1/async-function/hello/until$dir/go.card")" = 202 ]; }
	wait_until 5 posted "$url_card"
	wait_until 5 called '^card - '
	echo >"$dir/fill"
	wait $card
	equal 'a full card does not keep it from ending' 'ended 0' "$(cat "$dir/card.out")"
fi
no_findings "$dir"/*.log
[ ! -r "$here/async_nats.sh" ] || . "$here/async_nats.sh"
[ "$failed" = 0 ] || tail -n 20 "$dir/one.log"
finish
