# kube.sh - what the lab's tests of Kubernetes share, besides lib.sh.  Sourced by test_kube*.sh.
# shellcheck shell=bash disable=SC2154 # slot_of is lib.sh's
kube() { # BOARD: where kubectl runs; ARGS...
	"$lab" run "$1" timeout 60 kubectl --kubeconfig /etc/kubernetes/admin.conf "${@:2}"
}
phase() { status "$1" ".nodes[] | select(.name == \"$2\").kubernetes.state"; }     # ASKED BOARD
phase_text() { status "$1" ".nodes[] | select(.name == \"$2\").kubernetes.text"; } # ASKED BOARD
phase_is() { [ "$(phase "$1" "$2" 2>/dev/null)" = "$3" ]; }                        # ASKED BOARD WANT
phase_says() { grep -q -- "$3" <<<"$(phase_text "$1" "$2" 2>/dev/null)"; }         # ASKED BOARD PATTERN
# So many boards are Ready as bramble sees it.
kube_ready() { # ASKED N
	[ "$(status "$1" '[.nodes[] | select(.kubernetes.state == "ready")] | length' 2>/dev/null)" = "$2" ]
}
# As the cluster sees it: these names, all of them Ready, and no other.
nodes_are() { # BOARD NAME...
	local b=$1
	shift
	[ "$(kube "$b" get nodes --no-headers 2>/dev/null | awk '$2 ~ /^Ready(,|$)/ { print $1 }' | sort | xargs)" = "$(printf '%s\n' "$@" | sort | xargs)" ]
}
planes() { status "$1" '.kubernetes.control_planes | join(" ")'; }
planes_are() { [ "$(planes "$1" 2>/dev/null)" = "$2" ]; }

# A pod of the test image on one node; its address.
pod_on() { # BOARD POD NODE
	kube "$1" run "$2" --image=docker.io/bramble/web-pod:1 --image-pull-policy=Never --labels=app=web \
		--overrides="{\"spec\":{\"nodeName\":\"$3\",\"tolerations\":[{\"operator\":\"Exists\"}]}}"
}
pod_address() { kube "$1" get pod "$2" -o 'jsonpath={.status.podIP}'; }
pod_runs() { [ "$(kube "$1" get pod "$2" -o 'jsonpath={.status.phase}' 2>/dev/null)" = Running ]; }
address() { status "$1" ".nodes[] | select(.name == \"$1\").address"; } # BOARD
# From inside a pod: its network namespace, the board's curl.
from_pod() { # BOARD POD URL
	local id pid
	id=$("$lab" run "$1" sh -c "/usr/lib/bramble/crictl pods | awk '/ $2 / { print \$1 }'" | head -n 1)
	pid=$("$lab" run "$1" sh -c "ctr -n k8s.io tasks ls | awk '/^$id/ { print \$2 }'")
	[ -n "$pid" ] && "$lab" run "$1" nsenter -t "$pid" -n curl -s -m 5 -o /dev/null -w '%{http_code}' "$3"
}
