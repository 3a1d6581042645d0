#!/bin/bash
# Three boards become a real kubeadm cluster with no hand on a keyboard, and stay one: pods, reboots, a
# node deleted, a kubelet restarted, a card flashed anew, a master lost for good.  Real kubeadm,
# kubelet, etcd and control plane; functions answer throughout.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2154 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/kube.sh
. "$(dirname "$0")/kube.sh"

lab_up --kube 3
boards=(b1 b2 b3)
eventually 'a bramble of three' 30 agree 3 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[12])$" /etc/hostname'; done
learn_names "${boards[@]}"
m1=${slot_of[m1]} w1=${slot_of[w1]} w2=${slot_of[w2]}

# --- a function before there is Kubernetes: it must not notice what follows ---------------------------
assert 'images' import_images b1 hello
assert 'hello on every board' ctl b1 deploy hello --image bramble/hello --replicas 3
eventually 'three replicas' 30 fn_is b1 hello .available_replicas 3
hello() { grep -q '^Hello from' <<<"$(echo | timeout 10 "$lab" run "$1" agentctl invoke hello)"; }
containers() { run "$1" ctr -n openfaas-fn task ls | awk 'NR > 1' | sort; }
before=$(containers "$w1")

# --- the cluster ------------------------------------------------------------------------------------------
eventually 'init goes on' 60 sh -c "'$lab' run b1 agentctl status | grep -qE 'm1: kubernetes: (making|writing|waiting for the control|kubeadm init)'"
eventually 'all nodes are Ready' 400 kube_ready b1 3
assert 'kubectl says so, under the boards own names' nodes_are m1 m1 w1 w2
equal 'status names the control plane' m1 "$(planes b1)"
labels() { kube m1 get node "$1" -o "jsonpath={.metadata.labels['bramble\.io/$2']}"; }
equal 'a label for the board' '3Bplus' "$(labels m1 board)"
equal 'for its RAM' 1024 "$(labels w1 ram-mb)"
equal 'for its cores' 4 "$(labels w1 cores)"
equal 'for its word size' 64 "$(labels w1 bits)"
pod_network() { grep -qE '^10\.244\.[123]\.0/24$' <<<"$(kube m1 get node w1 -o 'jsonpath={.spec.podCIDR}')"; }
eventually 'a pod network of its own' 20 pod_network
worker_role() { grep -q worker <<<"$(kube m1 get node w1 --no-headers)"; }
eventually 'workers have their role' 20 worker_role
has 'what functions may use is kept from pods' 'system-reserved=memory=[0-9]+Mi' "$(run w1 cat /var/lib/kubelet/kubeadm-flags.env)"
secrets() { run "$1" sh -c 'ls /run/bramble/kubeadm*.yaml 2>/dev/null; journalctl -q -u bramble-agent | grep -E "[a-z0-9]{6}\.[a-z0-9]{16}([^a-z0-9]|$)"' | grep -v '\.local'; }
equal 'no token is left in a file or the journal' '' "$(secrets m1; secrets w1)"
equal 'doctor passes on a worker' 0 "$(ctl w1 doctor -o json | jq '[.checks[] | select(.name | startswith("kubernetes")) | select(.pass | not)] | length')"

# --- a workstation ------------------------------------------------------------------------------------------
kubectl=$("$here/../../provision/kubernetes" 2>/dev/null)/kubectl
programs=$(cd "$BRAMBLE_LAB" && printf '%s\n' programs.* | sort -V | tail -n 1)
config=$BRAMBLE_LAB/kubeconfig
"$lab" lan "$BRAMBLE_LAB/$programs/usr/bin/agentctl" --host "$(address m1)" --pki "$BRAMBLE_LAB/pki" kubeconfig >"$config" 2>"$BRAMBLE_LAB/kubeconfig.err"
equal 'stock kubectl with agentctl kubeconfig, from another computer' 3 "$("$lab" lan "$kubectl" --kubeconfig "$config" get nodes --no-headers 2>&1 | grep -c ' Ready ')"
refuse 'a worker has no keys to give, and says who has' 'm1 carries the control plane' ctl w1 kubeconfig

# --- pods -----------------------------------------------------------------------------------------------------
assert 'a pod on w1' pod_on m1 pod-w1 w1
assert 'a pod on w2' pod_on m1 pod-w2 w2
eventually 'it runs' 60 pod_runs m1 pod-w1
eventually 'so does the other' 60 pod_runs m1 pod-w2
equal 'one reaches the other boards' 200 "$(from_pod w1 pod-w1 "http://$(pod_address m1 pod-w2):8080/")"
kube m1 expose pod pod-w2 --port 8080 --name web >/dev/null
cluster_ip=$(kube m1 get service web -o 'jsonpath={.spec.clusterIP}')
service() { [ "$(from_pod w1 pod-w1 "http://$cluster_ip:8080/")" = 200 ]; }
eventually 'and the service by its ClusterIP' 20 service
eventually 'a board reaches it too' 20 run w1 curl -sf -m 3 -o /dev/null "http://$cluster_ip:8080/"
kube m1 create configmap kept --from-literal=word=blackberry >/dev/null

# --- functions live apart ----------------------------------------------------------------------------------
assert 'the function answers' hello b1
equal 'its containers are the same as before Kubernetes came' "$before" "$(containers w1)"
assert 'the kubelet is restarted' run w1 systemctl restart kubelet
eventually 'and is well again' 60 run w1 curl -sf -m 2 http://127.0.0.1:10248/healthz
equal 'its garbage collection leaves functions alone' "$before" "$(containers w1)"

# --- somebody deletes a node ---------------------------------------------------------------------------------
kube m1 delete node w2 >/dev/null
eventually 'a node that was deleted by hand comes back' 150 nodes_are m1 m1 w1 w2
eventually 'and bramble says Ready' 60 kube_ready b1 3
eventually 'with its pod network' 60 sh -c "[ -n \"\$('$lab' run m1 kubectl --kubeconfig /etc/kubernetes/admin.conf get node w2 -o 'jsonpath={.spec.podCIDR}')\" ]"

# --- power ------------------------------------------------------------------------------------------------------
"$lab" off "$w1"
eventually 'a board without power is said to be off' 20 is "$m1" '.nodes[] | select(.name == "w1").state' down
"$lab" on "$w1"
eventually 'a worker comes back after a power cut' 120 run w1 curl -sf -m 2 http://127.0.0.1:10248/healthz
pod_answers() { run m1 curl -sf -m 3 -o /dev/null "http://$(pod_address m1 "$1"):8080/"; }
eventually 'and its pod answers again' 120 pod_answers pod-w1
eventually 'all nodes are Ready' 120 kube_ready m1 3
other=${boards[0]}
[ "$other" != "$m1" ] || other=${boards[1]}
older=$(status "$other" '[.nodes[].kubernetes.snapshot // 0] | max') # this one may have been taken before 'kept'
"$lab" off "$m1"
wait_until 20 is "$other" '.nodes[] | select(.name == "m1").state' down
assert 'functions answer while the master is off' hello "$other"
next() { grep -q 'm1 is off: after 10 min' <<<"$(status "$other" .kubernetes.note)"; }
eventually 'status says what happens next' 20 next
"$lab" on "$m1"
eventually 'the master comes back after a power cut, and the nodes with it' 240 nodes_are m1 m1 w1 w2
equal 'with what was in it' blackberry "$(kube m1 get configmap kept -o 'jsonpath={.data.word}')"
eventually 'all of them Ready' 120 kube_ready "$other" 3

# --- a card flashed anew -------------------------------------------------------------------------------------
"$lab" off "$w2"
"$lab" flash "$w2"
"$lab" on "$w2"
eventually 'a board with an empty card gets its name back' 60 is "$m1" '.nodes[] | select(.name == "w2").state' up
eventually 'and joins again under it' 240 run "$w2" test -e /var/lib/kubelet/pki/kubelet-client-current.pem
eventually 'and is Ready' 120 kube_ready "$m1" 3
assert 'one node a board' nodes_are m1 m1 w1 w2

# --- snapshots -----------------------------------------------------------------------------------------------
kept() { [ "$(status "$1" "[.nodes[] | select((.kubernetes.snapshot // 0) > $older)] | length")" -ge 3 ]; }
eventually 'a snapshot of etcd with all of that is kept on two other boards' 420 kept "$other"
equal 'sealed: nothing of it can be read there' '' "$(run w1 sh -c 'grep -l -e "PRIVATE KEY" -e blackberry -r /var/lib/bramble/kube 2>/dev/null')"

# --- the master is lost for good --------------------------------------------------------------------------------
"$lab" off "$m1"
wait_until 20 is "$w1" '.nodes[] | select(.name == "m1").state' down
eventually 'somebody leads' 20 agree 2 "$w1" "$w2"
refuse 'a board that does not exist is not promoted' 'no board is called' ctl "$w1" promote w9
t=$EPOCHREALTIME
"$lab" run "$w1" agentctl promote w1 >/dev/null 2>&1 &
promoting=$!
api() { [ "$(kube "$w1" get --raw /readyz 2>/dev/null)" = ok ]; }
eventually 'the API is back on another board' 120 api
echo "      the API was back $(awk -v a="$EPOCHREALTIME" -v b="$t" 'BEGIN { printf "%.1f", a - b }') s after the decision"
equal 'with its objects' blackberry "$(kube "$w1" get configmap kept -o 'jsonpath={.data.word}')"
wait $promoting
equal 'agentctl promote waits until it is Ready' '0 ready' "$? $(phase "$w1" w1)"
node_ready() { [ "$(kube "$w1" get node "$1" --no-headers 2>/dev/null | awk '{ print $2 }')" = Ready ]; }
eventually 'the worker follows' 120 node_ready w2
equal 'the bramble names the new master' w1 "$(status "$w1" .master)"
equal 'and where the control plane is' w1 "$(planes "$w1")"
assert 'functions answer' hello "$w2"
"$lab" on "$m1"
never_serves() { ! run "$m1" sh -c 'ss -Hltn sport = :6443' 2>/dev/null | grep -q 6443; }
assert 'the old master does not serve while it learns what happened' always 20 never_serves
eventually 'it is a worker now' 240 nodes_are "$w1" m1 w1 w2
assert 'and still does not serve' never_serves
api_served() { run "$w1" sh -c 'ss -Hltn sport = :6443' | grep -q 6443; }
assert 'as the new one does' api_served
equal 'its objects are the same' blackberry "$(kube "$w1" get configmap kept -o 'jsonpath={.data.word}')"

# --- taking it off -------------------------------------------------------------------------------------------
refuse 'the only control plane is not taken off by mistake' 'only control plane' ctl "$w1" reset
assert 'reset of a worker' ctl "$w1" reset w2
gone() { ! run w2 ip link show cni0 && ! run w2 test -e /etc/kubernetes/kubelet.conf && ! run w2 test -e /etc/cni/net.d/10-bramble.conflist; }
assert 'nothing of it is left' gone
equal 'no route to pods either' '' "$(run w2 ip route | grep 10.244)"
equal 'nor a rule of kube-proxy' '' "$(run w2 iptables-save | grep KUBE)"
eventually 'nor its node' 60 nodes_are "$w1" m1 w1
assert 'it stays off' always 5 phase_is "$w1" w2 off
assert 'the function is still there' hello "$w2"
assert 'and back' ctl "$w1" reset w2 --rejoin
eventually 'all three again' 60 nodes_are "$w1" m1 w1 w2
finish
