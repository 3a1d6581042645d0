#!/bin/bash
# test_gateway_tls.sh OUT - TLS at OUT/bramble-gateway: who may speak, what is carried, what is refused.
# No root.  Last line: N passed, N failed.
# shellcheck source=tests/live/gateway_bed.sh disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
certs=$(mktemp -d)
make_cert() { # NAME: NAME.crt and NAME.key, of an authority of its own
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$certs/$1.key" -out "$certs/$1.crt" 2>/dev/null
}
make_cert first
make_cert second
cp "$certs/first.crt" "$certs/used.crt"
cp "$certs/first.key" "$certs/used.key"
options=(--timeout 2 --head-timeout 1 --idle-timeout 3 --connections 300 --tls-listen 127.0.0.1:0
	--tls-certificate "$certs/used.crt" --tls-key "$certs/used.key")
. "$(dirname "$0")/gateway_bed.sh"
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir" "$certs"' EXIT

wait_until 5 grep -q 'listening with TLS' "$dir/log"
tport=$(sed -n 's/.*listening with TLS on .* port //p' "$dir/log")
tls=https://127.0.0.1:$tport
f=$tls/function/hello
state "$(function_json hello openfaas-fn 1 1 0 '' '{"service":"hello","image":"y"}' "$(instance 1 one true true)")"
wait_until 5 eval '[ "$(code "$url/function/hello")" = 200 ]'
trusting() { call --cacert "$certs/first.crt" "$@"; }

# ---- what is carried --------------------------------------------------------------------------------
equal 'a call' 'one GET /' "$(trusting "$f")"
equal 'plain HTTP beside it' 'one GET /' "$(call "$url/function/hello")"
call "$f" >/dev/null
equal 'an authority that is not trusted' 60 $?
equal 'TLS 1.3' 'TLSv1.3' "$(openssl s_client -connect "127.0.0.1:$tport" </dev/null 2>/dev/null | sed -n 's/^.*Protocol *: //p;s/^New, \(TLSv[0-9.]*\),.*/\1/p' | head -n 1)"
equal 'TLS 1.2' 'one GET /' "$(trusting --tls-max 1.2 "$f")"
head -c 3000000 /dev/urandom >"$dir/body"
for max in 1.2 1.3; do
	trusting --tls-max $max --data-binary @"$dir/body" "$f/echo" >"$dir/back"
	cmp -s "$dir/body" "$dir/back" && ok || not_ok "3 MB there and back, TLS $max"
	trusting --tls-max $max -H 'Transfer-Encoding: chunked' --data-binary @"$dir/body" "$f/echo" >"$dir/back"
	cmp -s "$dir/body" "$dir/back" && ok || not_ok "3 MB there and back in chunks, TLS $max"
done
equal 'a large answer' 50000000 "$(trusting "$f/large?50000000" | wc -c)"
equal 'kept connections' 'one GET /|one GET /|one GET /|1' \
	"$(trusting -w '%{num_connects}\n' "$f" "$f" "$f" | grep -v '^0$' | sort -r | tr '\n' '|' | sed 's/|$//')"
equal 'until the end' 'until the end' "$(trusting "$f/until-close")"
equal 'an early answer' 413 "$(code --cacert "$certs/first.crt" --data-binary @"$dir/body" "$f/early")"
has 'its version by ALPN' 'ALPN protocol: http/1.1' "$(openssl s_client -alpn h2,http/1.1 -connect "127.0.0.1:$tport" </dev/null 2>/dev/null)"
: >"$dir/events"
curl -sN -m 10 --cacert "$certs/first.crt" "$f/events?$dir/seen" >"$dir/events" &
reader=$!
wait_until 5 grep -q first "$dir/events" && ok || not_ok 'the first event before the second'
touch "$dir/seen"
wait $reader
has 'then the second' 'data: second' "$(cat "$dir/events")"
mkfifo "$dir/talk"
openssl s_client -quiet -connect "127.0.0.1:$tport" <"$dir/talk" >"$dir/heard" 2>/dev/null &
talker=$!
exec 7>"$dir/talk"
printf 'GET /function/hello/upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n' >&7
wait_until 5 grep -q welcome "$dir/heard" && ok || not_ok 'a tunnel'
printf 'ping bye\n' >&7
wait_until 5 grep -q 'ping bye' "$dir/heard" && ok || not_ok 'its bytes'
exec 7>&-
wait $talker

# ---- what is refused --------------------------------------------------------------------------------
refused() { # NAME OPTION...
	local name=$1
	shift
	openssl s_client "$@" -connect "127.0.0.1:$tport" </dev/null >"$dir/refused" 2>&1 && not_ok "$name" "$(cat "$dir/refused")" || ok
	equal "and the next call after $name" 'one GET /' "$(trusting "$f")"
}
refused 'TLS 1.1' -tls1_1 -cipher ALL:@SECLEVEL=0
refused 'CBC ciphers' -tls1_2 -cipher AES128-SHA:ECDHE-ECDSA-AES128-SHA
refused 'HTTP/2 alone' -alpn h2
got=$(printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | timeout 5 "$dir/gateway_peer" send 127.0.0.1 "$tport" | head -c 100 | tr -d '\0' | wc -c)
[ "$got" -lt 20 ] && ok || not_ok "plain HTTP at the TLS port: $got bytes"
started=$SECONDS
exec 7<>"/dev/tcp/127.0.0.1/$tport"
printf '\x16\x03\x01\x02\x00' >&7
timeout 8 cat <&7 >/dev/null
equal 'a slow handshake ends' 0 $?
[ $((SECONDS - started)) -le 4 ] && ok || not_ok "after $((SECONDS - started)) seconds"
exec 7>&-
head -c 100000 /dev/urandom | timeout 5 "$dir/gateway_peer" send 127.0.0.1 "$tport" >/dev/null
equal 'after rubbish' 'one GET /' "$(trusting "$f")"
has 'a wrong request is answered' '^HTTP/1.1 400' "$(printf 'GET / HTTP/1.1\n\n' | timeout 5 openssl s_client -quiet -connect "127.0.0.1:$tport" 2>/dev/null | tr -d '\r')"

# back-pressure: 100 MB for somebody who does not read
idle=$(rss)
mkfifo "$dir/slow"
{ printf 'GET /function/hello/large?100000000 HTTP/1.1\r\nHost: x\r\n\r\n'; read -rt 1 <> <(:); } |
	openssl s_client -quiet -connect "127.0.0.1:$tport" 2>/dev/null >"$dir/slow" &
slow=$!
exec 7<"$dir/slow"
head -c 1000 <&7 >/dev/null
read -rt 0.5 <> <(:) || :
sanitized && ok || { [ $(($(rss) - idle)) -lt 1500 ] && ok || not_ok "a slow reader: $(($(rss) - idle)) KB more"; }
exec 7<&-
kill $slow 2>/dev/null
wait $slow

# ---- another certificate ------------------------------------------------------------------------------
cp "$certs/second.crt" "$certs/used.crt"
cp "$certs/second.key" "$certs/used.key"
kill -HUP $gateway
wait_until 5 grep -q 'was read again' "$dir/log"
equal 'a new certificate' 'one GET /' "$(call --cacert "$certs/second.crt" "$f")"
echo rubbish >"$certs/used.key"
kill -HUP $gateway
wait_until 5 grep -q 'certificate stays as it was' "$dir/log" && ok || not_ok 'a wrong key is said'
equal 'and changes nothing' 'one GET /' "$(call --cacert "$certs/second.crt" "$f")"

misused() { timeout 5 "$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$dir/none.sock" --config "$here/gateway.conf" "$@" >/dev/null 2>"$dir/misused"; echo $?; }
equal 'no certificate' 1 "$(misused --tls-listen 127.0.0.1:0 --tls-certificate "$certs/none" --tls-key "$certs/first.key")"
has 'and says so' 'cannot read the certificate .*/none: No such file' "$(cat "$dir/misused")"
equal "another's key" 1 "$(misused --tls-listen 127.0.0.1:0 --tls-certificate "$certs/first.crt" --tls-key "$certs/second.key")"
has 'and says so' 'no key that belongs to the certificate' "$(cat "$dir/misused")"
printf '[gateway]\ntls_port = 0\n' >"$dir/wrong.conf"
equal 'a wrong port in the configuration' 2 "$(misused --config "$dir/wrong.conf")"

# ---- the end ------------------------------------------------------------------------------------------
wait_until 15 eval '[ "$(descriptors)" -lt 18 ]' && ok || not_ok "descriptors are left: $(descriptors)"
kill -TERM $gateway
ended
