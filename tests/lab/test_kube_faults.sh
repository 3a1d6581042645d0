#!/bin/bash
# What can go wrong with Kubernetes on a board: programs missing, hanging, killed, printing garbage; a
# wrong clock, a stranger on the port, a half-done init, another version, a cluster that a person set
# up.  A clear state in status each time, never a loop without back-off, never a second cluster.
# The programs that misbehave are fakes, laid over the real ones and taken away again.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2154 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/kube.sh
. "$(dirname "$0")/kube.sh"

own() { # BOARD: its own state and words
	run "$1" agentctl status -o json 2>/dev/null |
		jq -r --arg n "$(run "$1" hostname)" '.nodes[] | select(.name == $n) | "\(.kubernetes.state): \(.kubernetes.text)"'
}
says() { grep -qE -- "$2" <<<"$(own "$1")"; } # BOARD PATTERN
fake() { # BOARD PROGRAM, its script on stdin; the real one is beside it
	run "$1" sh -c "[ -e /usr/bin/$2.real ] || mv /usr/bin/$2 /usr/bin/$2.real; cat >/usr/bin/$2.new; chmod 755 /usr/bin/$2.new; mv /usr/bin/$2.new /usr/bin/$2"
}
real() { run "$1" sh -c "[ ! -e /usr/bin/$2.real ] || mv /usr/bin/$2.real /usr/bin/$2"; }
again() { run "$1" systemctl restart bramble-agent; } # its back-off begins anew
kubernetes() { # BOARD auto|off
	run "$1" sed -i "s/^kubernetes = .*/kubernetes = $2/" /etc/bramble/bramble.conf
	again "$1"
}
inits() { run m1 sh -c 'journalctl -q --no-pager -u bramble-agent | grep -c "kubernetes: init$"'; }

BRAMBLE_LAB_CONF='kubernetes = off' lab_up --kube 2
eventually 'a bramble of two' 30 agree 2 b1 b2
for b in b1 b2; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w1)$" /etc/hostname'; done
learn_names b1 b2
m1=${slot_of[m1]} w1=${slot_of[w1]}

# --- off, and missing -------------------------------------------------------------------------------------------
assert 'switched off in the config: said, and nothing is done' always 5 says m1 '^off: switched off in the config'
run m1 mv /usr/bin/kubelet /usr/bin/kubelet.real
kubernetes m1 auto
eventually 'without a kubelet: functions only' 20 says m1 '^not installed: functions only'
run m1 mv /usr/bin/kubelet.real /usr/bin/kubelet

# --- kubeadm misbehaves ---------------------------------------------------------------------------------------
fake m1 kubeadm <<<$'#!/bin/sh\nexec sleep 3600'
again m1
eventually 'one that hangs is waited for, with words' 20 says m1 'to say their versions'
fake m1 kubeadm <<<$'#!/bin/sh\nhead -c 100000 /dev/urandom'
again m1
eventually 'so is one that prints garbage' 20 says m1 'to say their versions'
fake m1 kubeadm <<'END'
#!/bin/sh
[ "$1" = init ] || exec kubeadm.real "$@"
head -c 200000 /dev/urandom
printf '[ERROR Mem]: not enough\n' >&2
exit 1
END
again m1
eventually 'an init that fails: what kubeadm names, and when it is tried again' 60 says m1 '^failed: init failed: Mem, retry in [0-9]+ s'
first=$(inits)
assert 'meanwhile it stays so' always 20 says m1 '(failed|initialising): '
more=$(($(inits) - first))
equal 'with back-off' true "$([ $more -le 2 ] && echo true || echo "$more tries in 20 s")"
fake m1 kubeadm <<'END'
#!/bin/sh
[ "$1" = init ] || exec kubeadm.real "$@"
kill -9 $$
END
again m1
eventually 'one that is killed: so it says' 60 says m1 'init failed: kubeadm was killed by signal 9'
real m1 kubeadm
none() { ! run m1 test -e /etc/kubernetes/manifests/kube-apiserver.yaml; }
assert 'nothing of a control plane runs yet' none

# --- the clock ---------------------------------------------------------------------------------------------------
run m1 sh -c 'mkdir -p /etc/systemd/system/bramble-agent.service.d; printf "[Service]\nEnvironment=LD_PRELOAD=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1 FAKETIME=-10y FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_RESET=1\n" >/etc/systemd/system/bramble-agent.service.d/faketime.conf; systemctl daemon-reload'
again m1
eventually 'a wrong clock is waited for' 30 says m1 '^waiting: waiting for clock'
assert 'and no certificate is made by it' none
run m1 sh -c 'rm /etc/systemd/system/bramble-agent.service.d/faketime.conf; systemctl daemon-reload'

# --- somebody else on the port --------------------------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger \
	-keyout "$BRAMBLE_LAB/stranger.key" -out "$BRAMBLE_LAB/stranger.crt" 2>/dev/null
nsenter --net="/run/netns/$BRAMBLE_LAB_PREFIX-$m1" openssl s_server -accept 6443 -quiet -www \
	-key "$BRAMBLE_LAB/stranger.key" -cert "$BRAMBLE_LAB/stranger.crt" </dev/null >/dev/null 2>&1 &
stranger=$!
again m1
eventually 'a stranger on port 6443 is in the way' 60 says m1 'init failed: .*Port-6443'
kill $stranger

# --- half-done: killed in the middle ---------------------------------------------------------------------------
# The marks of kubeadm's phases: certificates, manifests of the control plane, an API that answers.
for mark in etc/kubernetes/pki/sa.key etc/kubernetes/manifests/etcd.yaml api; do
	again m1
	reached() {
		if [ "$mark" = api ]; then
			run m1 curl -sk -m 2 https://127.0.0.1:6443/readyz | grep -q ok
		else
			run m1 test -e "/$mark"
		fi
	}
	running() { run m1 pgrep -f 'kubeadm init' >/dev/null; }
	at() { running && reached; }
	eventually "init is as far as ${mark##*/}" 120 at
	run m1 pkill -9 -f 'kubeadm init'
	eventually 'and killed there' 20 says m1 'init failed: kubeadm was killed'
	if [ "$mark" = etc/kubernetes/manifests/etcd.yaml ]; then
		"$lab" off "$m1" # and the power goes too
		"$lab" on "$m1"
	fi
done

# --- another version, then all is well ------------------------------------------------------------------------
kubernetes w1 auto
fake w1 kubelet <<<$'#!/bin/sh\n[ "$1" != --version ] || { echo Kubernetes v1.23.4; exit; }\nexec kubelet.real "$@"'
again w1
again m1
ready_alone() { [ "$(phase m1 m1 2>/dev/null)" = ready ]; }
eventually 'what was half done ends well' 240 ready_alone
eventually 'a kubelet that is newer than the cluster stays out' 60 says w1 '^functions only: functions only: v1.20.2 does not fit|^functions only: '
real w1 kubelet
again w1
eventually 'the right one joins' 240 kube_ready m1 2
assert 'one cluster, two nodes' nodes_are m1 m1 w1

# --- certificates -----------------------------------------------------------------------------------------------
# One that ended yesterday in the place of the API server's.
run m1 sh -c 'cat >/tmp/x.cnf' <<<$'[x]\nsubjectAltName=DNS:kubernetes.bramble,DNS:kubernetes,DNS:m1,IP:127.0.0.1,IP:10.96.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature,keyEncipherment'
openssl version >/dev/null
pid=$(cat "$BRAMBLE_LAB/boards/$m1/init.pid")
pki=/proc/$pid/root/etc/kubernetes/pki
openssl req -newkey rsa:2048 -nodes -keyout "$pki/apiserver.key" -subj /CN=kube-apiserver -out "$BRAMBLE_LAB/x.csr" 2>/dev/null
openssl x509 -req -in "$BRAMBLE_LAB/x.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days -1 \
	-extfile "/proc/$pid/root/tmp/x.cnf" -extensions x -out "$pki/apiserver.crt" 2>/dev/null
again m1
valid() { run m1 true && openssl x509 -in "$pki/apiserver.crt" -noout -checkend 86400 >/dev/null; }
eventually 'a certificate that has ended is renewed' 120 valid
eventually 'and the API answers with it' 180 kube_ready m1 2

# --- kubelet and API die --------------------------------------------------------------------------------------
run m1 pkill -9 kube-apiserver
eventually 'an API server that is killed comes back' 180 nodes_are m1 m1 w1
run w1 systemctl stop kubelet
eventually 'a kubelet that somebody stopped is started' 60 run w1 systemctl is-active kubelet

# --- the whole cluster off, and a person's own ----------------------------------------------------------------
assert 'reset --all' ctl w1 reset --all
off_everywhere() { [ "$(phase m1 m1) $(phase m1 w1)" = 'off off' ]; }
eventually 'takes it off all boards' 240 off_everywhere
assert 'nothing of it is left on the master' none
by_hand() {
	run m1 sh -c 'ip=$(hostname -I | cut -d" " -f1); PATH=/usr/lib/bramble:$PATH kubeadm init --apiserver-advertise-address "$ip" --kubernetes-version v1.20.2 --skip-phases=addon --ignore-preflight-errors=Mem,ImagePull --cri-socket /run/containerd/containerd.sock'
}
assert 'a person sets up a cluster' by_hand
made=$(run m1 sha256sum /etc/kubernetes/pki/ca.crt)
assert 'and Kubernetes is allowed again' ctl w1 reset --all --rejoin
eventually 'bramble sees that it was set up by hand' 60 says m1 '^set up by hand'
adopted() { [ "$(status m1 .kubernetes.state)" = 'set up by hand' ]; }
eventually 'takes it as the cluster' 60 adopted
again m1
assert 'and leaves it alone' always 20 run m1 sh -c "[ \"\$(sha256sum /etc/kubernetes/pki/ca.crt)\" = '$made' ] && ! pgrep -f 'kubeadm (init|reset)'"
refuse 'also when somebody asks' 'set up by hand' ctl m1 reset
eventually 'the other board says how to join it' 60 says w1 'set up by hand'
finish
