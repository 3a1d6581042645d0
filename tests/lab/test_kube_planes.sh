#!/bin/bash
# control_planes = 3: boards two and three carry the control plane too, and losing any one of them
# keeps the API up.  Then master_lost_after without a hand: the one that stays off is given up.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2154 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/kube.sh
. "$(dirname "$0")/kube.sh"

BRAMBLE_LAB_CONF=$'control_planes = 3\nmaster_lost_after = 2min' lab_up --kube 4
boards=(b1 b2 b3 b4)
eventually 'a bramble of four' 30 agree 4 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[123])$" /etc/hostname'; done
learn_names "${boards[@]}"

three() { [ "$(planes b1 2>/dev/null | wc -w)" = 3 ]; }
eventually 'three boards are named to carry the control plane' 600 three
answering() { [ "$(status "$1" '[.nodes[] | select(.state == "up" and .kubernetes.api)] | length' 2>/dev/null)" = "$2" ]; }
eventually 'the API answers on three' 300 answering b1 3
eventually 'and all four nodes are Ready' 120 kube_ready b1 4
read -r first second third <<<"$(planes b1)"
equal 'the first is the master' m1 "$first"
members() { kube "$1" -n kube-system get pods -l component=etcd --no-headers | grep -c Running; }
equal 'three members of etcd' 3 "$(members "$first")"
kube "$first" create configmap kept --from-literal=word=blackberry >/dev/null

ready_on() { [ "$(kube "$1" get --raw /readyz 2>/dev/null)" = ok ]; }
kept_on() { [ "$(kube "$1" get configmap kept -o 'jsonpath={.data.word}' 2>/dev/null)" = blackberry ]; }
for lost in "$first" "$third"; do
	slot=${slot_of[$lost]}
	left=$([ "$lost" = "$first" ] && echo "$second" || echo "$first")
	"$lab" off "$slot"
	wait_until 20 is "${slot_of[$left]}" ".nodes[] | select(.name == \"$lost\").state" down
	eventually "without $lost the API is up" 60 ready_on "$left"
	assert 'with everything in it' kept_on "$left"
	worker=$(printf '%s\n' m1 w1 w2 w3 | grep -vxF -e "$first" -e "$second" -e "$third")
	reaches() { run "$worker" sh -c 'curl -sk -m 3 https://kubernetes.bramble:6443/readyz' | grep -q ok; }
	eventually 'and a worker finds one that answers by its name' 60 reaches
	"$lab" on "$slot"
	eventually "$lost is back, and all three answer" 180 answering "${slot_of[$left]}" 3
	eventually 'and it is Ready' 120 kube_ready "${slot_of[$left]}" 4
done

# --- one stays off: the fourth takes its place ---------------------------------------------------------------
slot=${slot_of[$second]}
"$lab" off "$slot"
carried() { planes "${slot_of[$first]}" 2>/dev/null | xargs -n 1 | grep -v '^$' >"$BRAMBLE_LAB/carried"; }
given_up() { carried && ! grep -qx "$second" "$BRAMBLE_LAB/carried"; }
# Nobody may lead for a moment: that is no answer.
still() { ! carried || grep -qx "$second" "$BRAMBLE_LAB/carried"; }
assert 'one that is off for a minute is not given up' always 60 still
assert 'it was asked about' grep -qx "$second" "$BRAMBLE_LAB/carried"
eventually 'the one that stays off is given up after master_lost_after' 180 given_up
fourth() { given_up && [ "$(wc -l <"$BRAMBLE_LAB/carried")" = 3 ]; }
eventually 'the fourth board takes its place' 300 fourth
eventually 'and answers' 300 answering "${slot_of[$first]}" 3
etcd_members() { [ "$(run "$first" sh -c 'ETCD=$(/usr/lib/bramble/crictl ps -q --name etcd | head -n 1); ctr -n k8s.io task exec --exec-id test-$$ $ETCD etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key member list' | grep started | grep -vc ", $second,")" = 3 ]; }
eventually 'etcd has three members again, the lost one is none of them' 120 etcd_members
assert 'nothing is lost' kept_on "$first"
"$lab" on "$slot"
back() { [ "$(phase "${slot_of[$first]}" "$second")" = ready ]; }
eventually 'the lost one comes back as a worker' 300 back
assert 'and nothing is lost' kept_on "$first"
finish
