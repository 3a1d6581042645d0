#!/bin/bash
# The bed of the tests with a real Kubernetes: kubeadm, kubelet, control plane, pods and their network
# work on the lab's boards when a person types the commands.  No bramble is in it.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/../lab/lib.sh"
kube=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

settings() { sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops; }
before=$(settings)
lab_up --bare --kube 3

k() { run b1 kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
memory() { # BOARD: MB that are not page cache
	awk '$1 == "total_rss" || $1 == "anon" { print int($2 / 1048576) }' \
		"/sys/fs/cgroup/memory/$BRAMBLE_LAB_PREFIX-$1/memory.stat" "/sys/fs/cgroup/$BRAMBLE_LAB_PREFIX-$1/memory.stat" 2>/dev/null
}

# --- boards ---------------------------------------------------------------------------------------
equal 'a board with a kubelet that has no work runs' running "$(run b2 systemctl is-system-running)"
equal 'the kubelet is enabled' enabled "$(run b2 systemctl is-enabled kubelet)"
equal 'the images are on each card' 7 "$(run b3 ctr -n k8s.io images ls -q | grep -vc '^sha256:')"
equal 'but coredns, which kubeadm wants too' k8s.gcr.io/coredns:1.7.0 "$(comm -13 \
	<(run b3 ctr -n k8s.io images ls -q | sort) <(run b3 kubeadm config images list 2>/dev/null | sort))"

# --- kubeadm's commands ---------------------------------------------------------------------------
said=$("$kube/by-hand" 2>&1)
has 'three nodes by hand' '^3 nodes Ready after' "$said"
echo "$said"
equal 'are Ready under their names' 'm1 Ready w1 Ready w2 Ready' \
	"$(k get nodes --no-headers | awk '{ print $1, $2 }' | xargs)"
equal 'a kubelet has set what it wants on its board' '1 10 1' \
	"$(run b2 sh -c 'for s in vm/overcommit_memory kernel/panic kernel/panic_on_oops; do echo $(cat /proc/sys/$s); done' | xargs)"
equal 'and nothing on the host' "$before" "$(settings)"
assert 'the control plane is ready' k -n kube-system wait --for=condition=Ready --timeout=120s \
	pod/{etcd,kube-apiserver,kube-controller-manager,kube-scheduler}-m1
assert 'kube-proxy is, on each board' k -n kube-system rollout status daemonset/kube-proxy --timeout=120s
equal 'on three' 3 "$(k -n kube-system get pods -l k8s-app=kube-proxy --no-headers | grep -c ' Running ')"

# --- pods -----------------------------------------------------------------------------------------
k create -f - >/dev/null <<'Y'
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{ name: web, image: "docker.io/bramble/web-pod:1" }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
Y
assert 'a pod on each worker' k rollout status daemonset/web --timeout=120s
pod() { k get pods -l app=web --field-selector "spec.nodeName=$1" -o "jsonpath={.items[0].$2}"; }
ip1=$(pod w1 status.podIP) ip2=$(pod w2 status.podIP)
service=$(k get service web -o 'jsonpath={.spec.clusterIP}')
in_pod() { # BOARD COMMAND...: in the network of the board's pod
	run "$1" sh -c 'exec nsenter -n -t "$(pgrep -o -x web)" -- "$@"' sh "${@:2}"
}
has 'a pod reaches the one on the other board' "$(pod w2 metadata.name)" "$(in_pod b2 curl -sS --max-time 5 "http://$ip2:8080/")"
has 'and the other way round' "$(pod w1 metadata.name)" "$(in_pod b3 curl -sS --max-time 5 "http://$ip1:8080/")"
both() {
	for _ in {1..20}; do in_pod b2 curl -sS --max-time 5 "http://$service/"; done | grep -oE 'web-[a-z0-9]{5}' | sort -u | grep -c .
}
eventually 'a ClusterIP leads a pod to both' 30 says 2 both
eventually 'a board has it too' 30 run b1 curl -sSf --max-time 5 "http://$service/"
refuse 'where nobody waits nobody answers' 'connect to' in_pod b2 curl -sS --max-time 5 "http://$ip2:8081/"
has 'a pod reaches the API by its ClusterIP' '"gitVersion": "v1.20.2"' \
	"$(in_pod b2 curl -sSk --max-time 5 "https://$(k get service kubernetes -o 'jsonpath={.spec.clusterIP}')/version")"
echo "memory: control plane $(memory b1) MB, workers $(memory b2) and $(memory b3) MB"

# --- power ----------------------------------------------------------------------------------------
ready() { [ "$(k get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = "$2" ]; }
"$lab" off b3
eventually 'a board without power is not Ready' 120 ready w2 Unknown
"$lab" on b3 >/dev/null
eventually 'with power it is again' 120 ready w2 True
"$lab" off b1
"$lab" on b1 >/dev/null
eventually 'the master comes back from a power cut' 180 k get --raw /readyz
eventually 'with its objects' 60 says 3 sh -c "'$lab' run b1 kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers | grep -c ."
renewed() { k delete pod -l app=web --wait=false && k rollout status daemonset/web --timeout=60s; }
eventually 'and makes new pods' 120 renewed

# --- down -----------------------------------------------------------------------------------------
assert 'down' "$lab" down
equal 'the host is as it was' "$before" "$(settings)"
finish
