# kube.sh - the promises about Kubernetes; sourced by tests/bench/run.
# shellcheck shell=bash disable=SC2154 # lib.sh and run define what is used here

# Seconds from now until all four boards are Ready, as bramble says it and the cluster agrees.
until_ready() {
	local t=$EPOCHREALTIME
	wait_until 900 kube_ready b1 4
	wait_until 60 nodes_are m1 m1 w1 w2 w3
	calc .1f "$EPOCHREALTIME - $t"
}

# Memory of the agents on boards that are nodes, a minute after they were.
node_memory() {
	local b
	for b in "${boards[@]}"; do
		# shellcheck disable=SC2016 # for the shell over there
		run "$b" sh -c 'awk "/^VmRSS/ { print \$2 / 1024 }" /proc/$(pidof bramble-agent)/status' >>"$work/kube-rss"
	done
}

# The API is back on another board, with what was in it.
rebuild() {
	local t
	kube m1 create configmap kept --from-literal=word=blackberry >/dev/null
	# five minutes: what is older must not be lost
	sleep 300
	"$lab" off "$(slot_named m1)"
	wait_until 20 is w1 '.nodes[] | select(.name == "m1").state' down
	t=$EPOCHREALTIME
	run w1 agentctl promote w1 >/dev/null 2>&1 &
	wait_until 300 api_on w1
	calc .1f "$EPOCHREALTIME - $t"
	wait $! || :
}
slot_named() { "$lab" list | awk -v n="$1" '$2 == n { print $1 }'; }
api_on() { [ "$(kube "$1" get --raw /readyz 2>/dev/null)" = ok ]; }

kubernetes() {
	local hand own back kept
	# shellcheck source=tests/lab/kube.sh
	. "$(dirname "$0")/../lab/kube.sh"
	say 'kubernetes: four boards, kubeadm typed by hand without a pause'
	"$lab" down
	"$lab" up --bare --kube 4 >/dev/null
	hand=$("$(dirname "$0")/../kube/by-hand" | tee "$work/by-hand" | awk '/Ready after/ { print $5 }')
	grep -v '^4 nodes' "$work/by-hand"
	say 'kubernetes: four boards, bramble'
	"$lab" down
	"$lab" up --kube 4 >/dev/null
	own=$(until_ready)
	row 'kubernetes: 4 boards on until all Ready, s' "$own" - "$(calc .1f "$hand * 1.3") (1.3 x by hand, $hand)" \
		"$(within "$own" "$(calc f "$hand * 1.3")")"
	sleep 60
	node_memory
	row 'kubernetes: bramble-agent, RSS, MB' "$(median kube-rss)" "$(worst kube-rss)" 10 "$(within "$(worst kube-rss)" 10)"
	say 'kubernetes: the master is lost'
	back=$(rebuild)
	row 'kubernetes: API back after the decision, s' "$back" - 60 "$(within "$back" 60)"
	kept=$(kube w1 get configmap kept -o 'jsonpath={.data.word}' 2>/dev/null) || :
	row 'kubernetes: an object that was five minutes old' "${kept:-lost}" - blackberry \
		"$([ "$kept" = blackberry ] && echo met || echo 'NOT MET')"
	"$lab" down
}
