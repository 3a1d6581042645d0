#!/bin/bash
# test_kube_boards.sh - boards with a real Kubernetes: a drained one takes no pods and has none left
# that could go elsewhere, a renamed one joins under its new name, and the control plane keeps its.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2154 # functions are called by the asserts
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=tests/lab/kube.sh
. "$(dirname "$(readlink -f "$0")")/kube.sh"

lab_up --kube 3
boards=(b1 b2 b3)
eventually 'a bramble of three' 40 agree 3 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[12])$" /etc/hostname'; done
learn_names "${boards[@]}"
m1=${slot_of[m1]} w1=${slot_of[w1]}
node() { status "$1" ".nodes[] | select(.name == \"$2\") | $3"; } # ASKED NAME FILTER
node_is() { [ "$(node "$1" "$2" "$3" 2>/dev/null)" = "$4" ]; }
eventually 'all nodes are Ready' 500 kube_ready "$m1" 3

# --- pods, some of which nobody would start again -------------------------------------------------------
kube m1 create -f - >/dev/null <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 2
      containers: [{ name: web, image: "docker.io/bramble/web-pod:1", imagePullPolicy: Never }]
END
pods() { kube m1 get pods -l app=web --no-headers -o wide 2>/dev/null | awk -v n="$1" '$1 ~ /^web-/ && $7 == n && $3 == "Running"' | wc -l; } # NODE
running() { [ $(($(pods m1) + $(pods w1) + $(pods w2))) = "$1" ]; }
eventually 'four pods run' 120 running 4
assert 'one on w1' [ "$(pods w1)" -gt 0 ]
assert 'and one of nobody there' pod_on m1 alone w1
eventually 'it runs' 60 pod_runs m1 alone
taken() { kube m1 get node "$1" -o 'jsonpath={.spec.unschedulable} {.metadata.labels.bramble\.io/cordoned}'; }

# --- drain -----------------------------------------------------------------------------------------------
refuse 'a node that is not drained keeps its name' 'agentctl drain w1 first' ctl m1 rename w1 kitchen
refuse 'the control plane does in any case' 'carries the Kubernetes control plane' ctl w1 rename m1 tower
said=$(timeout 300 "$lab" run m1 agentctl drain w1 </dev/null 2>&1)
equal 'w1 is drained' 0 $?
has 'its pods are said to move' 'w1: Kubernetes moves its pods' "$said"
equal 'the node takes no pods' 'true true' "$(taken w1)"
equal 'others do' ' ' "$(taken w2)"
equal 'of the deployment none is there' 0 "$(kube m1 get pods -l app=web -o wide --no-headers | awk '$1 ~ /^web-/ && $7 == "w1"' | grep -c .)"
eventually 'but four elsewhere, or one that waits for room' 120 running 4
assert 'the pod of nobody is left alone' pod_runs m1 alone
has 'and said to be' 'nobody would start pod alone elsewhere' "$(for b in "${boards[@]}"; do run "$b" journalctl -q --no-pager -o cat -u bramble-agent; done)"
assert 'the node is still Ready' nodes_are m1 m1 w1 w2

# --- a new name ---------------------------------------------------------------------------------------------
assert 'w1 becomes kitchen' ctl m1 rename w1 kitchen
eventually 'host name' 20 says kitchen run "$w1" hostname
eventually 'it joins under that name' 300 nodes_are m1 kitchen m1 w2
eventually 'and is drained there too' 60 eval 'node_is m1 kitchen .drained true && [ "$(taken kitchen)" = "true true" ]'

# --- and back -------------------------------------------------------------------------------------------------
assert 'uncordon' ctl m1 uncordon kitchen
eventually 'it takes pods' 60 eval '[ "$(taken kitchen)" = " " ]'
kube m1 cordon w2 >/dev/null
assert 'one that a person cordoned stays so' eval 'always 40 eval "[ \"\$(taken w2)\" = \"true \" ]"'

kube m1 uncordon w2 >/dev/null

# --- all off with pods that run, and on again ---------------------------------------------------------------
made=$(kube m1 get namespace kube-system -o 'jsonpath={.metadata.uid}')
said=$(timeout 200 "$lab" run m1 agentctl shutdown-all --yes </dev/null 2>&1)
equal 'shutdown-all ends well' 0 $?
has 'with a snapshot of etcd' 'a snapshot of etcd goes to other boards' "$said"
has 'and the word' 'all boards are off, you can pull the plug' "$said"
all_off() { [ "$("$lab" list | awk 'NR > 1 && $5 == "off"' | wc -l)" = 3 ]; }
eventually 'no pod holds a power-off' 30 all_off
for b in "${boards[@]}"; do "$lab" on "$b" >/dev/null 2>&1 & done
wait
eventually 'the same three boards' 60 agree 3 "${boards[@]}"
eventually 'and nodes' 300 nodes_are m1 m1 kitchen w2
equal 'of the same cluster' "$made" "$(kube m1 get namespace kube-system -o 'jsonpath={.metadata.uid}')"
web() { kube m1 get pods -l app=web --no-headers 2>/dev/null | awk '$1 ~ /^web-/ && $3 == "Running"' | wc -l; }
eventually 'four pods run there again' 180 says 4 web

finish
