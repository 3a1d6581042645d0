#!/bin/bash
# test_async.sh OUT - asynchronous calls of OUT/bramble-gateway on loopback, between a stand-in for
# the agent (gateway_peer.c) and one for functions (async_peer.c); the queues are real: SQLite, and
# Debian's nats-server.  No root.  Last line: N passed, N failed.
# shellcheck disable=SC2015,SC2016,SC2154,SC1091 # ok never fails; eval expands later
set -u
out=$(readlink -f "${1:?usage: test_async.sh OUT}")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=()
passed=0 failed=0
trap 'kill -9 "${pids[@]}" 2>/dev/null; wait 2>/dev/null; [ -n "${KEEP:-}" ] && echo "kept $dir" || rm -rf "$dir"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

for p in gateway_peer async_peer; do
	"${CC:-gcc}" -std=gnu17 -O1 -D_GNU_SOURCE -o "$dir/$p" "$here/$p.c" || exit 1
done
ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	printf 'FAIL  %s\n' "$1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | head -c 2000 | sed 's/^/      /' | head -n 20
}
check() { if [ "$2" = "$3" ]; then ok; else bad "$1" "wanted: $2
got: $3"; fi; }
has() { if grep -qE -- "$2" <<<"$3"; then ok; else bad "$1: wanted /$2/ in" "$3"; fi; }
hasnt() { if grep -qE -- "$2" <<<"$3"; then bad "$1: did not want /$2/ in" "$3"; else ok; fi; }
mkfifo "$dir/never"
exec 6<>"$dir/never"
pause() { read -rt "$1" -u 6 || :; } # without a process of its own
until_true() { # SECONDS COMMAND...: tries until it succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		pause 0.02
	done
}

# ---- who is there ---------------------------------------------------------------------------------
: >"$dir/calls"
"$dir/async_peer" "$dir/calls" >"$dir/port" &
pids+=($!)
until_true 5 test -s "$dir/port"
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
	until_true 5 test -S "$dir/$1.sock"
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
	until_true 10 grep -q 'listening on' "$dir/$name.log" || { cat "$dir/$name.log"; return 1; }
	port=$(sed -n 's/.*listening on .* port //p' "$dir/$name.log")
	eval "url_$name=http://127.0.0.1:$port"
	tell "${fd[$name]}"
	until_true 5 eval "[ \"\$(code http://127.0.0.1:$port/healthz)\" = 200 ]"
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
until_true 5 called "^$id - POST /a/b\\?x=1 2$" && ok || bad 'the call is made' "$(cat "$dir/calls")"
has 'an id of its own' '^X-Call-Id: mine' "$(call -i -H 'X-Call-Id: mine' -d x "$a/hello")"
until_true 5 called '^mine - POST / 1$' && ok || bad 'the call with its own id'
check 'in chunks' 202 "$(code -H 'Transfer-Encoding: chunked' -H 'X-Call-Id: chunks' -d 12345 "$a/hello")"
until_true 5 called '^chunks - POST / 5$' && ok || bad 'the call that came in chunks'
check 'without a body' 202 "$(code -X POST -H 'X-Call-Id: empty' "$a/hello.openfaas-fn")"
until_true 5 called '^empty - POST / 0$' && ok || bad 'the call without a body'
check 'a forged X-Retry' 202 "$(code -H 'X-Retry: 7' -H 'X-Call-Id: forged' -d x "$a/hello")"
until_true 5 called '^forged - POST / 1$' && ok || bad 'a forged X-Retry goes no further'
head -c 1048576 /dev/zero >"$dir/body"
check '1 MB' 202 "$(code -H 'X-Call-Id: large' --data-binary @"$dir/body" "$a/hello")"
until_true 5 called '^large - POST / 1048576$' && ok || bad 'the call of 1 MB'
printf x >>"$dir/body"
check 'more than 1 MB' 413 "$(code --data-binary @"$dir/body" "$a/hello")"
check 'more than 1 MB in chunks' 413 "$(code -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" "$a/hello")"
check 'nobody' 404 "$(code -d x "$a/nobody")"
check 'an odd name' 404 "$(code -d x "$a/a%2fb")"
check 'a wrong verb' 405 "$(code "$a/hello")"
for u in ftp://x/ http:// /x 'http://a b/' http://:80/ mailto:x; do
	check "callback to $u" 400 "$(code -H "X-Callback-Url: $u" -d x "$a/hello")"
done
check 'no call of that id' 404 "$(code -X DELETE "$a/nothing")"

# ---- retries --------------------------------------------------------------------------------------
attempts() { grep "^$1 " "$dir/calls" | cut -d' ' -f2 | tr '\n' ' '; }
check 'fails twice' 202 "$(code -H 'X-Call-Id: fails' -d x "$a/hello/fail/2/503")"
until_true 5 called '^fails 2 ' && ok || bad 'a third attempt'
check 'each one is marked' '- 1 2 ' "$(attempts fails)"
for s in 408 429 500 502 504; do code -H "X-Call-Id: s$s" -d x "$a/hello/fail/1/$s" >/dev/null; done
for s in 408 429 500 502 504; do until_true 5 called "^s$s 1 " && ok || bad "$s is tried again"; done
code -H 'X-Call-Id: s400' -d x "$a/hello/fail/1/400" >/dev/null
code -H 'X-Call-Id: s418' -d x "$a/twice/fail/9/418" >/dev/null
code -H 'X-Call-Id: s503' -d x "$a/twice/fail/9/503" >/dev/null
code -H 'X-Call-Id: lost' -d x "$a/hello/lose" >/dev/null
until_true 5 called '^s418 1 ' && ok || bad 'a status that the function names'
until_true 5 called '^lost 1 ' && ok || bad 'no answer at all is tried again'
began=$(date +%s%N)
code -H 'X-Call-Id: after' -d x "$a/hello/after/1" >/dev/null
until_true 5 called '^after 1 ' && ok || bad 'Retry-After'
[ $(($(date +%s%N) - began)) -ge 950000000 ] && ok || bad 'Retry-After is honoured'
check 'two attempts are two' '- 1 ' "$(attempts s418)"
check 'other statuses are not tried again' '- ' "$(attempts s400)"
check 'only the named statuses are' '- ' "$(attempts s503)"
until_true 5 grep -q "of 'twice' failed with .* attempts, and is given up" "$dir/one.log" && ok || bad 'it is said' "$(cat "$dir/one.log")"
code -H 'X-Call-Id: wrong' -d x "$a/wrong/fail/1/500" >/dev/null
until_true 5 called '^wrong 1 ' && ok || bad 'a wrong annotation counts for nothing'
has 'and is said' "com.openfaas.retry.attempts is 'many'" "$(cat "$dir/one.log")"

# ---- callbacks ------------------------------------------------------------------------------------
back=$dir/back
peer=http://127.0.0.1:$fport
check 'a callback' 202 "$(code -H 'X-Call-Id: c1' -H "X-Callback-Url: $peer/callback$back?k=v" -d x "$a/hello")"
until_true 5 grep -q -- -- "$back?k=v" 2>/dev/null && ok || bad 'the callback'
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
until_true 5 grep -q 'X-Function-Status: 418' "$back.2" 2>/dev/null && ok || bad 'the callback of a failure'
code -H 'X-Call-Id: c3' -H "X-Callback-Url: http://gateway:8080/function/hello/callback$back.3" -d x "$a/hello" >/dev/null
until_true 5 grep -q '^X-Function-Status: 200' "$back.3" 2>/dev/null && ok || bad 'a callback to a function'
code -H 'X-Call-Id: c4' -H "X-Callback-Url: $peer/refuse$back.4" -d x "$a/hello" >/dev/null
until_true 15 eval '[ "$(grep -c "^X-Call-Id: c4" "$back.4" 2>/dev/null)" = 3 ]' && ok || bad 'a callback that fails is tried three times'
until_true 5 grep -q "could not be delivered, and is lost: the answer was 500" "$dir/one.log" && ok || bad 'and then it is said' "$(cat "$dir/one.log")"
code -H 'X-Call-Id: c5' -H "X-Callback-Url: $peer/callback$back.5" -d x "$a/hello/big/2000000" >/dev/null
until_true 5 grep -q 'larger than the 1024 KB' "$back.5" 2>/dev/null && ok || bad 'an answer that is too large'
code -H 'X-Call-Id: c6' -H "X-Callback-Url: $peer/callback$back.6" -d x "$a/hello/big/1000000" >/dev/null
until_true 5 eval '[ "$(stat -c %s "$back.6" 2>/dev/null || echo 0)" -gt 1000000 ]' && ok || bad 'an answer of 1 MB'

# the gateway's own connections to itself are no clients: one that rests makes no room for any
start two --queue "$dir/room.db" --connections 4
code -H 'X-Call-Id: c7' -H "X-Callback-Url: http://gateway:8080/function/hello/callback$back.7" -d x "$url_two/async-function/hello" >/dev/null
until_true 5 grep -q '^X-Call-Id: c7' "$back.7" 2>/dev/null && ok || bad 'a callback by the way to itself'
until_true 5 eval 'call "$url_two/metrics" | grep -q "^bramble_async_depth{queue=\"hello.openfaas-fn\"} 0$"'
"$dir/gateway_peer" hold 127.0.0.1 "${url_two##*:}" 4 /healthz <"$dir/never" >"$dir/held" &
hold=$!
pids+=("$hold")
until_true 5 test -s "$dir/held"
check 'a client more than there is room for' 200 "$(code -m 5 "$url_two/healthz")"
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
	until_true 10 grep -q 'listening on' "$dir/silent.log" 2>/dev/null && tell 8
	wait $silent
	check 'a name server that is silent' 'nobody waited' "$(cat "$dir/silent.out")"
fi

# ---- workers, cancel, a full queue ----------------------------------------------------------------
for i in 1 2 3 4; do code -H "X-Call-Id: red$i" -d x "$a/red/until$dir/go" >/dev/null; done
code -H 'X-Call-Id: blue1' -d x "$a/blue/until$dir/go" >/dev/null
code -H 'X-Call-Id: other' -d x "$a/hello" >/dev/null
until_true 5 called '^other ' && ok || bad 'another queue goes on'
until_true 5 called '^red[12] ' 2 && ok || bad 'two workers'
check 'one queue for two functions' 2 "$(lines '^(red|blue)')"
check 'what runs cannot be cancelled' 404 "$(code -X DELETE "$a/red1")"
check 'what waits can' 202 "$(code -X DELETE "$a/red4")"
check 'once' 404 "$(code -X DELETE "$a/red4")"
full=$(for i in {1..25}; do code -H "X-Call-Id: full$i" -d x "$a/red/x"; echo; done | sort | uniq -c | tr -s ' ' | tr '\n' ';')
check 'a full queue' ' 16 202; 9 503;' "$full"
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
if command -v promtool >/dev/null; then grep bramble_async <<<"$metrics" | promtool check metrics >"$dir/promtool" 2>&1 && ok || bad 'promtool' "$(cat "$dir/promtool")"; fi
touch "$dir/go"
until_true 10 called '^full16 ' && ok || bad 'a full queue is worked off'
until_true 5 called '^blue1 ' && ok || bad 'the second function of the queue'
check 'nothing was lost' 16 "$(lines '^full')"
check 'the cancelled call was not made' 0 "$(lines '^red4')"
until_true 10 eval '[ "$(code -d x "$a/red/x")" = 202 ]' && ok || bad 'there is room again'

# ---- the end, and the next start ------------------------------------------------------------------
rm "$dir/go"
code -H 'X-Call-Id: waits' -d x "$a/hello/after/60" >/dev/null
until_true 5 called '^waits - '
for i in 1 2 3; do code -H "X-Call-Id: term$i" -d x "$a/red/until$dir/go" >/dev/null; done
until_true 5 called '^term2 '
kill -TERM "$pid_one"
pause 0.3
touch "$dir/go"
wait "$pid_one"
check 'ends in order' 0 $?
check 'what was under way is over, the rest is kept' 2 "$(rows "$queue")"
check 'what had not begun has not begun' 0 "$(lines '^term3')"
start one --queue "$queue" --queue-workers 2
a=$url_one/async-function
until_true 5 called '^term3 - ' && ok || bad 'it begins at the next start' "$(cat "$dir/one.log")"
check 'a wait starts again' 0 "$(lines '^waits 1')"
check 'and can be cancelled' 202 "$(code -X DELETE "$a/waits")"
head -c 900000 /dev/zero >"$dir/body"
for i in {1..20}; do code --data-binary @"$dir/body" "$a/hello" >/dev/null; done
until_true 10 eval '[ "$(lines " 900000$")" = 20 ]' && ok || bad '20 calls of 900 KB'
case $(code -d x "$url_one/function/hello") in 200) ok ;; *) bad 'calls of the other kind' ;; esac
"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/one.sock" --config "$here/gateway.conf" --queue "$queue" 2>"$dir/second"
check 'a second gateway with the same queue' 1 $?
has 'says why' 'in use by another gateway' "$(cat "$dir/second")"
stop one
check 'all is done' 0 "$(rows "$queue")"
[ "$(stat -c %s "$queue")" -lt 200000 ] && ok || bad 'the file shrinks' "$(ls -l "$dir")"

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
until_true 30 all_made && ok || bad 'accepted calls were lost' "$(cat "$dir/lost")"
[ "$(wc -l <"$dir/acked")" -gt 200 ] && ok || bad "only $(wc -l <"$dir/acked") calls were accepted"
check 'no call was made twice without a mark' '' "$(grep -E '^k[0-9-]+ - ' "$dir/calls" | cut -d' ' -f1 | sort | uniq -d)"
echo "kill -9: $(wc -l <"$dir/acked") accepted over 8 kills, $(grep -cE '^k[0-9-]+ [0-9]' "$dir/calls") made again with X-Retry"
stop one
check 'all is done' 0 "$(rows "$queue")"

# ---- a damaged queue, and one that cannot be written ---------------------------------------------
head -c 8192 /dev/urandom >"$queue"
rm -f "$queue-wal"
start one --queue "$queue" && ok || bad 'a damaged queue does not stop the gateway'
has 'it is said' 'is damaged' "$(cat "$dir/one.log")"
check 'and put aside' 8192 "$(stat -c %s "$queue.damaged")"
check 'calls go on' 202 "$(code -d x "$url_one/async-function/hello")"
stop one
start one --queue "$dir/absent/calls.db"
check 'a folder that is not there' 503 "$(code -d x "$url_one/async-function/hello")"
has 'says so' 'cannot be stored' "$(call -d x "$url_one/async-function/hello")"
has 'and in the log' 'cannot be written, calls are refused' "$(cat "$dir/one.log")"
check 'other calls go on' 200 "$(code -d x "$url_one/function/hello")"
mkdir "$dir/absent"
until_true 5 eval '[ "$(code -d x "$url_one/async-function/hello")" = 202 ]' && ok || bad 'and asynchronous ones, once it is there'
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
	until_true 10 grep -q 'listening on' "$dir/card.log" 2>/dev/null && tell 8
	url_card=http://127.0.0.1:$(sed -n 's/.*listening on .* port //p' "$dir/card.log")
	posted() { [ "$(code -H 'X-Call-Id: card' -d x "$1/async-function/hello/until$dir/go.card")" = 202 ]; }
	until_true 5 posted "$url_card"
	until_true 5 called '^card - '
	echo >"$dir/fill"
	wait $card
	check 'a full card does not keep it from ending' 'ended 0' "$(cat "$dir/card.out")"
fi
grep -hE 'ERROR: |runtime error' "$dir"/*.log && bad 'a sanitizer found something' "$(cat "$dir"/*.log)"
[ ! -r "$here/async_nats.sh" ] || . "$here/async_nats.sh"
[ "$failed" = 0 ] || tail -n 20 "$dir/one.log"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
