#!/bin/bash
# Bad input, by mistake or on purpose: a clear error, a log line once, nothing started, nothing lost.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2030,SC2031 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 4
boards=(b1 b2 b3 b4)
log_of() { run "$1" journalctl -q --no-pager -o cat -u bramble-agent; }
well() { agree "${2:-4}" "$1" && grep -q '^Hello from' <<<"$(echo | invoke "$1" hello)"; }
pids() { for b in "${boards[@]}"; do run "$b" systemctl show -P MainPID bramble-agent bramble-gateway; done | xargs; }

eventually 'a bramble of four' 30 agree 4 "${boards[@]}"
assert 'an image' import_images b1 hello
assert 'a function' ctl b1 deploy hello --image bramble/hello --replicas 2
eventually 'it answers' 30 well b2
before=$(pids)

# --- deployments --------------------------------------------------------------------------------------
deploy() { ctl b2 deploy "$@" --no-wait; }
refuse 'a limit of -5Mi' '5Mi' deploy bad --image bramble/hello --memory -5Mi
refuse 'a limit of lots' 'lots' deploy bad --image bramble/hello --memory lots
refuse 'a CPU limit of -1' "'-1'|cpu" deploy bad --image bramble/hello --cpu -1
refuse 'a name with a slash' 'name' deploy ../bad --image bramble/hello
refuse 'a name of two dots' 'name' deploy .. --image bramble/hello
refuse 'a name that is too long' 'name' deploy "$(printf 'a%.0s' {1..70})" --image bramble/hello
refuse 'an empty name' '' deploy '' --image bramble/hello
refuse 'an image that is no reference' 'image|reference' deploy bad --image '../../etc/passwd'
refuse 'a hundred replicas' '' deploy bad --image bramble/hello --replicas 100
refuse 'a variable without a value' '' deploy bad --image bramble/hello --env NOVALUE
refuse 'scaling below zero' '' ctl b2 scale hello -1
refuse 'scaling what is not there' 'does not exist' ctl b2 scale nobody 1
refuse 'calling what is not there' '404|not exist|unknown|no function' ctl b2 invoke nobody
assert 'a good one passes' deploy good --image bramble/hello --memory 32Mi --cpu 100m --env A=b
eventually 'and runs' 30 fn_is b1 good .available_replicas 1
equal 'only the good one was made' 'good hello' "$(ctl b1 functions -o json | jq -r '[.[].name] | sort | join(" ")')"
status_of() { "$@" >/dev/null 2>&1 && echo 0 || echo $?; }
equal 'a verb that is none is misuse' 2 "$(status_of ctl b1 dance)"
equal 'so is a missing argument' 2 "$(status_of ctl b1 scale hello)"
equal 'what fails is 1' 1 "$(status_of ctl b1 remove nobody)"

# --- images --------------------------------------------------------------------------------------------
junk() { head -c "${1:-100000}" /dev/urandom; }
import() { run b3 timeout 60 agentctl import -; }
tar_of() { tar -C "$1" -c .; }
refuse 'noise is no image' '' import < <(junk)
refuse 'nothing is no image' '' import </dev/null
refuse 'a tar without an image' '' import < <(tar -C / -c etc/hostname)
refuse 'half an image' '' import < <(head -c 100000 "$BRAMBLE_LAB/images/hello.tar")
w=$(mktemp -d)
"$here/images" "$BRAMBLE_LAB/images" web
tar -C "$w" -xf "$BRAMBLE_LAB/images/web.tar" # of an image that no board has: blobs that are there are kept
layer=$(find "$w/blobs" -size +20k)
size=$(stat -c %s "$layer")
junk "$size" >"$layer"
refuse 'an image whose layer was tampered with' '' import < <(tar_of "$w")
rm -rf "$w"
assert 'a whole one passes' import_images b3 shout
equal 'a file that is not there' 1 "$(status_of ctl b1 import /nothing.tar)"

# --- bytes at the agents' port ----------------------------------------------------------------------------
lan() { "$lab" lan "$@"; }
send_to() { timeout 5 "$lab" lan bash -c "cat >/dev/tcp/$1/$2"; } # ADDRESS PORT
for n in 1 2 3; do junk 300000 | send_to 10.77.0.11 7373 2>/dev/null; done
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | send_to 10.77.0.12 7373 2>/dev/null
lan openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '/OU=board/CN=00000000deadbeef' \
	-keyout "$BRAMBLE_LAB/x.key" -out "$BRAMBLE_LAB/x.crt" 2>/dev/null
tls() { timeout 10 "$lab" lan openssl s_client -connect 10.77.0.11:7373 "$@" </dev/null 2>&1; }
# TLS 1.3: a refused certificate is said after the handshake, so ask for the alert itself.
refused() { grep -qiE 'alert|error' <<<"$(sleep 2 | timeout 10 "$lab" lan openssl s_client -connect 10.77.0.11:7373 "$@" 2>&1)"; }
pki=$BRAMBLE_LAB/pki
assert 'a peer without a certificate is refused' refused -tls1_3
assert 'one with a certificate of its own making too' refused -tls1_3 -cert "$BRAMBLE_LAB/x.crt" -key "$BRAMBLE_LAB/x.key"
assert 'TLS 1.2 too, with the right certificate' refused -tls1_2 -cert "$pki/admin.crt" -key "$pki/admin.key"
assert 'one of the cluster is not' sh -c "! (sleep 2 | timeout 10 '$lab' lan openssl s_client -connect 10.77.0.11:7373 -tls1_3 -CAfile $pki/ca.crt -cert $pki/admin.crt -key $pki/admin.key 2>&1 | grep -qi alert)"
equal 'frames that are none close the connection' closed "$( (junk 4096; sleep 3) | timeout 10 "$lab" lan openssl s_client -quiet \
	-connect 10.77.0.11:7373 -tls1_3 -cert "$pki/admin.crt" -key "$pki/admin.key" >/dev/null 2>&1; [ $? != 124 ] && echo closed)"
eventually 'the bramble is well' 20 well b1
programs=$(printf '%s\n' "$BRAMBLE_LAB"/programs.* | sort -V | tail -n 1)
agentctl() { lan "$programs/usr/bin/agentctl" "$@"; }
equal 'a person with an admin certificate gets in from another computer' m1 \
	"$(agentctl --host 10.77.0.13 --pki "$pki" status -o json | jq -r .master)"
refuse 'without it, not' '' agentctl --host 10.77.0.13 --pki /nothing status

# --- forged mDNS -----------------------------------------------------------------------------------------------
id=$(run b1 openssl version >/dev/null 2>&1; run b1 timeout 5 avahi-browse -rpt _bramble._tcp | grep -o '"cluster=[0-9a-f]*"' | head -n 1 | tr -d '"')
has 'boards announce their cluster' '^cluster=[0-9a-f]{16}$' "$id"
forge() { run b4 timeout 4 avahi-publish-service "$@" >/dev/null 2>&1; }
forge forged-1 _bramble._tcp 1 proto=1 "$id" node=00000000c0ffee00 board=3B+ state=leader &
forge forged-2 _bramble._tcp 7373 proto=1 "$id" node=0 &
forge forged-3 _bramble._tcp 65535 proto=1 "$id" node=zzzz "board=$(printf 'x%.0s' {1..200})" 'state=../..' &
forge forged-4 _bramble._tcp 7373 proto=1 "cluster=0000000000000000" node=00000000c0ffee01 &
eventually 'the forged boards are on the air' 5 sh -c "'$lab' run b1 timeout 3 avahi-browse -pt _bramble._tcp | grep -q forged-1"
assert 'nobody believes them' always 3 agree 4 "${boards[@]}"
wait
equal 'they are no members' 4 "$(status b1 '.nodes | length')"

# --- the gateway's bytes -------------------------------------------------------------------------------------------
http() { timeout 10 "$lab" lan curl -s -o /dev/null -w '%{http_code}' -m 8 "$@"; }
auth=$(ctl b1 auth -o json | jq -r '"\(.user):\(.password)"')
g=http://10.77.0.11:8080
post() { http -u "$auth" -X POST -H 'Content-Type: application/json' --data-binary "$1" $g/system/functions; }
equal 'no JSON' 400 "$(post 'hello')"
equal 'JSON of another shape' 400 "$(post '[1,2,3]')"
equal 'deep JSON' 400 "$(post "$(printf '[%.0s' {1..5000})")"
equal 'a name with ..' 400 "$(post '{"service":"../x","image":"bramble/hello"}')"
equal 'a limit of -5Mi' 400 "$(post '{"service":"x","image":"bramble/hello","limits":{"memory":"-5Mi"}}')"
has 'a body that is far too long' '^(400|413)$' "$(head -c 3000000 /dev/zero | tr '\0' 'a' | http -u "$auth" -X POST --data-binary @- $g/system/functions)"
has 'a path out of the house' '^(400|404)$' "$(http --path-as-is "$g/function/../../etc/passwd")"
has 'a head that is far too long' '^(400|414|431|000)$' "$(http -H "X-Long: $(printf 'a%.0s' {1..100000})" $g/healthz)"
junk 200000 | send_to 10.77.0.11 8080 2>/dev/null
equal 'it still answers' 200 "$(http $g/healthz)"
equal 'nothing of it was made' 'good hello' "$(ctl b1 functions -o json | jq -r '[.[].name] | sort | join(" ")')"

# --- configuration ---------------------------------------------------------------------------------------------------
config() { run b4 sh -c "printf '$1' >/tmp/c && bramble-agent --config /tmp/c --check-config"; }
assert 'a right configuration, as Windows writes it' config '[bramble]\r\nexpect = 4\r\n'
refuse 'an unknown key, with file and line' '/tmp/c:2.*expct' config '[bramble]\nexpct = 4\n'
refuse 'a wrong value' '/tmp/c:2.*lots' config '[bramble]\nexpect = lots\n'
refuse 'an unknown section' '/tmp/c:2.*brambel' config '[brambel]\nexpect = 4\n'
equal 'it is misuse' 2 "$(status_of config '[bramble]\nexpct = 4\n')"
equal 'no agent or gateway was started anew by all this' "$before" "$(pids)"

# --- a card of another cluster, a clone of a card ----------------------------------------------------------------------
"$programs/usr/bin/agentctl" pki init other --dir "$BRAMBLE_LAB/other" >/dev/null
"$lab" off b4
"$lab" flash b4 "$BRAMBLE_LAB/other"
"$lab" on b4
eventually 'three boards go on' 30 well b1 3
stranger() { [ "$(status b4 .cluster)" = other ] && [ "$(status b4 '.nodes | length')" = 1 ]; }
eventually 'the board of another cluster is alone' 20 stranger
assert 'and stays so' always 5 stranger
equal 'the bramble took nobody in' 4 "$(status b1 '.nodes | length')"
"$lab" off b4
"$lab" off b3
lost=$(cat "$BRAMBLE_LAB/boards/b3/upper/etc/hostname")
"$lab" clone b3 b4
"$lab" on b3
eventually 'the board whose card was copied is back' 30 says "$lost" run b3 hostname
eventually 'and three boards agree' 30 agree 3 b1 b2 b3
"$lab" on b4
copy_says() { log_of b4 | grep -c 'the card is a copy'; }
copy_said() { [ "$(copy_says)" -gt 0 ] || { run b4 journalctl -b -q --no-pager | grep -i bramble | tail -n 25 && false; }; }
eventually 'the copy says what is wrong with it' 30 copy_said
assert 'it is not taken for the other one' always 3 says true sh -c "'$lab' run b1 agentctl status -o json | jq '[.nodes[] | select(.name == \"$lost\")] | length == 1 and .[0].address == \"10.77.0.13\"'"
equal 'and says it once' 1 "$(copy_says)"
"$lab" off b4
"$lab" flash b4
"$lab" on b4
eventually 'with a card of its own it is a member again' 40 agree 4 b1 b2 b3 b4
equal 'four boards, as before' 4 "$(status b1 '.nodes | length')"
eventually 'and all is well' 30 well b4
for b in "${boards[@]}"; do
	n=$(log_of "$b" | sort | uniq -c | awk '$1 > 20' | head -n 3)
	equal "$b: no line is said again and again" '' "$n"
	equal "$b: no agent died" 0 "$(log_of "$b" | grep -cE 'AddressSanitizer|runtime error|Assertion')"
done
finish
