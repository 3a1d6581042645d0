# async_nats.sh - the part of test_async.sh in which two gateways share a queue in a real nats-server.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # sourced: names are test_async.sh's
# (Below those that the kernel gives to connections: one of them would be in the server's way.)
free_port() { local p; while :; do p=$((20000 + RANDOM % 12000)); (: <>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
nport=$(free_port)
nats() { # starts the server, with what it had stored
	nats-server -a 127.0.0.1 -p "$nport" -js -sd "$dir/js" -l "$dir/nats.log" &
	nats=$!
	pids+=("$nats")
	wait_until 10 eval '(: <>"/dev/tcp/127.0.0.1/$nport") 2>/dev/null' || not_ok 'nats-server starts' "$(tail -n 5 "$dir/nats.log" 2>&1)"
}
where=nats://127.0.0.1:$nport
: >"$dir/calls"
nats
start one --queue "$where" --queue-workers 2 --queue-calls 400
start two --queue "$where" --queue-workers 2 --queue-calls 400
accepts() { [ "$(code -H "X-Call-Id: probe" -d x "$1/async-function/hello")" = 202 ]; }
wait_until 10 accepts "$url_one" && ok || not_ok 'NATS: the first gateway accepts' "$(cat "$dir/one.log")"
wait_until 10 accepts "$url_two" && ok || not_ok 'NATS: the second gateway accepts' "$(cat "$dir/two.log")"
a=$url_one/async-function b=$url_two/async-function
answer=$(call -i -d hi "$a/hello/a?x=1")
id=$(sed -n 's/^X-Call-Id: \([0-9a-f-]*\).*/\1/p' <<<"$answer")
wait_until 5 called "^$id - POST /a\\?x=1 2$" && ok || not_ok 'NATS: the call is made' "$answer"
code -H 'X-Call-Id: nfails' -d x "$a/hello/fail/2/503" >/dev/null
wait_until 10 called '^nfails 2 ' && ok || not_ok 'NATS: a third attempt'
equal 'NATS: each attempt is marked' '- 1 2 ' "$(attempts nfails)"
code -H 'X-Call-Id: n1' -H "X-Callback-Url: $peer/callback$back.n1" -d x "$a/hello" >/dev/null
wait_until 5 grep -q '^X-Function-Status: 200' "$back.n1" 2>/dev/null && ok || not_ok 'NATS: a callback'
head -c 900000 /dev/zero >"$dir/body"
equal 'NATS: 900 KB' 202 "$(code -H 'X-Call-Id: nlarge' --data-binary @"$dir/body" "$a/hello")"
wait_until 5 called '^nlarge - POST / 900000$' && ok || not_ok 'NATS: the call of 900 KB'

# two boards work on it, two calls each
rm -f "$dir/go"
for i in {1..8}; do code -H "X-Call-Id: shared$i" -d x "$a/red/until$dir/go" >/dev/null; done
wait_until 10 called '^shared' 4 && ok || not_ok 'NATS: both gateways work'
pause 0.3
equal 'NATS: two calls each' 4 "$(lines '^shared')"
equal 'NATS: what runs cannot be cancelled' 404 "$(code -X DELETE "$b/shared1")"
# beyond what the gateways hold, calls wait in the stream
for i in {1..140}; do [ "$i" = 1 ] || echo next; printf 'url = "%s/red/x"\nheader = "X-Call-Id: many%d"\ndata = "x"\noutput = /dev/null\n' "$a" "$i"; done >"$dir/load"
curl -s -Z --parallel-max 16 -K "$dir/load"
equal 'NATS: what waits in the stream can be cancelled' 202 "$(code -X DELETE "$b/many140")"
equal 'NATS: once' 404 "$(code -X DELETE "$b/many140")"
wait_until 15 eval '[ "$(call "$url_two/metrics" | sed -n "s/^bramble_async_stream_depth //p")" -gt 10 ]' && ok || not_ok 'NATS: metrics: the depth of the stream'
equal 'NATS: nobody knows it' 404 "$(code -X DELETE "$a/unknown")"
touch "$dir/go"
wait_until 20 called '^many' 139 && ok || not_ok "NATS: all are made, $(lines '^many') were"
pause 0.3
equal 'NATS: and the cancelled one is not' 139 "$(lines '^many')"

# a dead board's calls go on elsewhere
rm -f "$dir/go"
for i in {1..4}; do code -H "X-Call-Id: dead$i" -d x "$a/red/until$dir/go" >/dev/null; done
wait_until 10 called '^dead' 4
kill -9 "$pid_one"
wait "$pid_one" 2>/dev/null
for i in 5 6; do code -H "X-Call-Id: dead$i" -d x "$b/red" >/dev/null; done
touch "$dir/go"
wait_until 5 called '^dead[56]' 2 && ok || not_ok 'NATS: the other board goes on'
wait_until 40 called '^dead[1-4] 1 ' 2 && ok || not_ok "NATS: a dead board's calls are made elsewhere" "$(grep ^dead "$dir/calls")"
equal 'NATS: marked' '' "$(grep -E '^dead[0-9] - ' "$dir/calls" | cut -d' ' -f1 | sort | uniq -d)"

# kill -9 of gateways and of the server under load
: >"$dir/accepted"
for round in 1 2 3; do
	start one --queue "$where" --queue-calls 4000
	wait_until 10 accepts "$url_one"
	for i in {1..150}; do
		[ "$i" = 1 ] || echo next
		printf 'url = "%s/async-function/hello/k"\nheader = "X-Call-Id: r%d-%d"\ndata = "%0100d"\noutput = /dev/null\nwrite-out = "%%{http_code} %%header{x-call-id}\\n"\n' "$url_one" "$round" "$i" "$i"
	done >"$dir/load"
	curl -s -Z --parallel-max 16 -m 5 -K "$dir/load" >>"$dir/accepted" 2>/dev/null &
	load=$!
	pause "0.$((RANDOM % 200 + 100))"
	if [ $round = 2 ]; then
		kill -9 "$nats"
		wait "$nats" 2>/dev/null
		equal 'NATS: without the server' 503 "$(code -d x "$b/hello")"
		nats
	fi
	kill -9 "$pid_one"
	wait "$pid_one" $load 2>/dev/null
done
sed -n 's/^202 //p' "$dir/accepted" | sort -u >"$dir/acked"
wait_until 60 all_made && ok || not_ok 'NATS: accepted calls were lost' "$(cat "$dir/lost")"
equal 'NATS: no call was made twice without a mark' '' "$(grep -E '^r[0-9-]+ - ' "$dir/calls" | cut -d' ' -f1 | sort | uniq -d)"
echo "NATS, kill -9: $(wc -l <"$dir/acked") accepted, $(grep -cE '^r[0-9-]+ [0-9]' "$dir/calls") made again with X-Retry"
wait_until 10 accepts "$url_two" && ok || not_ok 'NATS: it is used again when it is back' "$(cat "$dir/two.log")"
stop two
equal 'NATS: ends in order' 0 $?
has 'NATS: it was said' 'the queue in NATS cannot be used' "$(cat "$dir/two.log")"
"$out/bramble-gateway" --queue nats://me:secret@127.0.0.1 --config "$here/gateway.conf" 2>"$dir/second"
equal 'NATS: no password in a command line' 2 $?
hasnt 'NATS: nor in a log' secret "$(cat "$dir/second")"
kill "$nats"

# with a password, which is in the configuration
nport=$(free_port)
nats-server -a 127.0.0.1 -p "$nport" -js -sd "$dir/js2" -l "$dir/nats2.log" --user me --pass secret &
other=$!
pids+=("$other")
wait_until 10 eval '(: <>"/dev/tcp/127.0.0.1/$nport") 2>/dev/null'
printf '[gateway]\nqueue = nats://me:secret@127.0.0.1:%d?stream=other\n' "$nport" >"$dir/nats.conf"
start one --config "$dir/nats.conf"
wait_until 10 accepts "$url_one" && ok || not_ok 'NATS: with a password' "$(cat "$dir/one.log")"
hasnt 'NATS: the password is in no log' secret "$(cat "$dir/one.log")"
stop one
printf 'queue_body = 8Mi\n' >>"$dir/nats.conf"
start one --config "$dir/nats.conf"
wait_until 10 accepts "$url_one"
code -H 'X-Call-Id: roomy' -d x "$url_one/async-function/hello" >/dev/null
wait_until 10 called '^roomy ' && ok || not_ok 'NATS: calls are fetched where they may be large' "$(cat "$dir/one.log")"
stop one
printf '[gateway]\nqueue = nats://me:wrong@127.0.0.1:%d?stream=other\n' "$nport" >"$dir/nats.conf"
start one --config "$dir/nats.conf"
equal 'NATS: with a wrong password' 503 "$(code -d x "$url_one/async-function/hello")"
equal 'NATS: other calls go on' 200 "$(code -d x "$url_one/function/hello")"
wait_until 20 grep -q 'cannot be used, calls are refused' "$dir/one.log" && ok || not_ok 'NATS: it is said'
kill "$other"
wait "$other" 2>/dev/null
nats-server -a 127.0.0.1 -p "$nport" -js -sd "$dir/js2" -l "$dir/nats2.log" --user me --pass wrong &
pids+=($!)
wait_until 20 accepts "$url_one" && ok || not_ok 'NATS: until the server takes us' "$(cat "$dir/one.log")"
stop one
printf '[gateway]\nqueue = nats://127.0.0.1:1\n' >"$dir/nats.conf"
start one --config "$dir/nats.conf"
equal 'NATS: without a server' 503 "$(code -d x "$url_one/async-function/hello")"
stop one
equal 'NATS: ends in order without a connection' 0 $?
no_findings "$dir"/*.log
