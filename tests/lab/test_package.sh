#!/bin/bash
# The Debian package on two boards that have nothing of bramble's: installed, upgraded while functions
# answer, switched off, removed, purged; and what can be said of the package itself.
# SUITE=trixie: the package and the boards of that Debian (make test-trixie).
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
out=$top/${BUILD:-build}/${CC:-gcc}
# shellcheck disable=SC2120 # one caller has arguments, by way of assert
make_deb() { # ARGS of make
	# in a folder of its own: what another version makes anew is in use by other tests
	(cd "$top" && env -u SAN MAKEFLAGS= BUILD=build/packages flock "$build_lock" make -s deb ${SUITE:+SUITE="$SUITE" ARCH="$(dpkg --print-architecture)"} "$@" 2>"$work/said") || { cat "$work/said" >&2 && false; }
}

# ---- the package itself ---------------------------------------------------------------------------
first=$(make_deb) || { not_ok 'make deb' "$(cat "$work/said")" && finish; }
cp "$first" "$work/first.deb"
version=$(dpkg-deb -f "$work/first.deb" Version)
made=$(make_deb) || not_ok 'make deb again' "$(cat "$work/said")"
assert 'the same bytes when it is made again' cmp "$work/first.deb" "$made"
assert 'a higher version' make_deb DEB_VERSION="$version+next"
cp "${made%/*}/bramble_$version+next_"*.deb "$work/next.deb"
assert 'which is higher indeed' dpkg --compare-versions "$(dpkg-deb -f "$work/next.deb" Version)" gt "$version"
assert 'lintian has nothing to say' lintian --allow-root --fail-on warning,error --tag-display-limit 0 "$work/first.deb"
# What dpkg unpacks and what `make install` puts there, but for what only a package has.
files() { (cd "$1" && find . ! -type d | grep -vE '^\./usr/share/(doc|lintian)/' | sort); }
dpkg-deb -x "$work/first.deb" "$work/unpacked"
(cd "$top" && env -u SAN MAKEFLAGS= BUILD=build/packages flock "$build_lock" make -s install DESTDIR="$work/installed") >/dev/null 2>&1
equal 'make install DESTDIR= puts the same files there' "$(files "$work/unpacked")" "$(files "$work/installed")"
has 'thirty at the least' '^[3-9][0-9]$' "$(files "$work/unpacked" | wc -l)"

# Man pages and completion say what --help says, verb for verb.
page() { gzip -dc "$work/unpacked/usr/share/man/man$1/$2.$1.gz" | sed 's/\\-/-/g'; }
listed() { awk '/^  [a-z]/ { print $1 }' <<<"$("$out/agentctl" --help)"; }
in_all() { # WORD: in the page and the three completions
	local c=$work/unpacked/usr/share
	grep -qE "^\.B $1( |\$)" <<<"$(page 1 agentctl)" && grep -qw -e "$1" "$c/bash-completion/completions/agentctl" &&
		grep -q "^	'$1:" "$c/zsh/vendor-completions/_agentctl" && grep -q -- "-a $1 " "$c/fish/vendor_completions.d/agentctl.fish"
}
for v in $(listed); do in_all "$v" || not_ok "the verb '$v' is in agentctl(1) and completion"; done
has 'all verbs were looked for' '^(1[5-9]|[2-9][0-9])$' "$(listed | wc -l)"
refuse 'and one that does not exist is not found' '' in_all frobnicate
has 'bramble.conf(5) has its keys' '^\.B master_lost_after = 10min' "$(page 5 bramble.conf)"
complete() { bash -c 'source "$1" && COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) && _agentctl && echo ${COMPREPLY[@]}' bash \
	"$work/unpacked/usr/share/bash-completion/completions/agentctl" "$@"; }
equal 'bash completes a verb' 'deploy' "$(complete agentctl dep)"
equal 'what can be done with a secret' 'list create update remove' "$(complete agentctl secret '')"
equal 'and an option of it' '--fprocess' "$(complete agentctl deploy --fp)"
for s in zsh fish; do # where they are installed
	command -v $s >/dev/null || continue
	assert "$s reads its completion" $s -n "$work/unpacked/usr/share/$s/vendor"?completions*/*agentctl*
done
exposed() { systemd-analyze security --offline=yes --threshold="$1" --no-pager "$top/systemd/$2.service"; } # TENTHS UNIT: at most
for u in gateway name functions; do assert "bramble-$u is locked up well" exposed 30 bramble-$u; done
assert 'the agent as far as it can be' exposed 70 bramble-agent
refuse 'which is not well' '' exposed 30 bramble-agent

# ---- installing ---------------------------------------------------------------------------------------
cleanup() {
	show_boards
	[ -n "${KEEP:-}" ] || "$lab" down
	rm -rf "$work"
}
if [ -n "${SUITE:-}" ]; then # what this machine cannot know: the libraries of that Debian
	BRAMBLE_LAB_PACKAGES=$(dpkg-deb -f "$work/first.deb" Depends | tr ',' '\n' | sed 's/[|(].*//' | xargs)
	export BRAMBLE_LAB_PACKAGES
	has 'its libraries have names' 'libraft' "$BRAMBLE_LAB_PACKAGES"
fi
lab_up --bare ${SUITE:+--suite "$SUITE"} 2
trap cleanup EXIT
"$out/agentctl" pki init home --dir "$work/pki" >/dev/null
give() { run "$1" sh -c 'cat >/root/bramble.deb' <"$work/$2.deb"; } # BOARD first|next
# Everything on the card but what others write for themselves.
everything() {
	run "$1" find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
		-o -path /var/cache -o -path /var/log -o -path /root -o -path /run/systemd -o -path /run/udev -o -path /run/log \
		-o -path /run/user -o -path '/run/containerd/io.*' \) -prune -o -print | grep -vE '^/etc/(passwd|group|shadow|gshadow)-$|^/etc/\.pwd\.lock$|^/var/lib/systemd/(random-seed|timers)' | sort
}
for b in b1 b2; do run "$b" rm -rf /etc/bramble; done # the lab's card has a bramble.conf
before=$(everything b1)
keys() { # BOARD: as a person copies them
	tar -C "$work/pki" -c ca.crt enrol.key enrol.crt | run "$1" sh -c 'mkdir -p /etc/bramble/pki && tar -C /etc/bramble/pki -x && chmod 644 /etc/bramble/pki/*'
}
settings() { run "$1" sed -i 's/^#expect = 4/expect = 2/' /etc/bramble/bramble.conf; }
give b1 first
give b2 first
assert 'apt installs it on a board without keys' run b1 apt-get -y install /root/bramble.deb
refuse 'whose agent does not run then' '' run b1 systemctl is-active bramble-agent
has 'and says what it lacks' '/etc/bramble/pki' "$(run b1 journalctl -q -t bramble-agent)"
keys b1
settings b1
equal 'a key that everybody could read' 644 "$(run b1 stat -c %a /etc/bramble/pki/enrol.key)"
assert 'is seen to' run b1 systemd-tmpfiles --create bramble.conf
equal 'by its mode' 600 "$(run b1 stat -c %a /etc/bramble/pki/enrol.key)"
assert 'with keys the agent starts' run b1 systemctl start bramble-agent
keys b2
assert 'dpkg installs it on a board that has keys' run b2 dpkg -i /root/bramble.deb
settings b2
assert 'its agent runs' run b2 systemctl is-active bramble-agent
run b2 systemctl restart bramble-agent
eventually 'a bramble of two' 40 agree 2 b1 b2
for b in b1 b2; do
	for u in bramble-name bramble-functions bramble-agent bramble-gateway; do
		run "$b" systemctl is-enabled --quiet $u && run "$b" systemctl is-active --quiet $u || not_ok "$b: $u is enabled and active"
	done
done
equal 'the gateway is a user of its own' bramble-gateway "$(run b1 ps -o user:20= -C bramble-gateway)"
equal 'without any capability' 0000000000000000 "$(run b1 sh -c 'awk "/^Cap(Prm|Bnd)/ { print \$2 }" /proc/$(pidof bramble-gateway)/status | sort -u')"
has 'the agent has less than root' '^00000000[0-9a-f]*$' "$(run b1 sh -c 'awk "/^CapBnd/ { print \$2 }" /proc/$(pidof bramble-agent)/status')"

# ---- a function, and an upgrade while it answers ------------------------------------------------------
assert 'an image' import_images b1 hello
assert 'a function on both boards' ctl b1 deploy hello --image bramble/hello --fprocess /bin/hello --replicas 2
eventually 'is ready' 40 fn_is b1 hello .available_replicas 2
tasks() { run "$1" ctr -n openfaas-fn task ls | awk 'NR > 1' | sort; }
calls() { # ADDRESS FILE: one call after the other until FILE.stop is there, a line each
	until [ -e "$2.stop" ]; do
		"$lab" lan curl -s -o /dev/null -m 10 -w '%{http_code} %{time_total}\n' -d x "http://$1:8080/function/hello" || :
	done >"$2"
}
upgrade() { # BOARD COMMAND...: COMMAND while calls come to this board and to the other one
	local b=$1 before after i n
	shift
	give "$b" next
	before=$(tasks "$b")
	calls 10.77.0.11 "$work/b1" &
	calls 10.77.0.12 "$work/b2" &
	wait_until 10 test -s "$work/b1" -a -s "$work/b2"
	assert "$b: the upgrade" run "$b" "$@"
	eventually "$b: the bramble is whole" 30 agree 2 b1 b2
	eventually "$b: the function is ready" 30 fn_is "$b" hello .available_replicas 2
	touch "$work"/b{1,2}.stop
	wait %% %- 2>/dev/null
	wait
	rm "$work"/b{1,2}.stop
	after=$(tasks "$b")
	has "$b: containers run" RUNNING "$after"
	equal "$b: the same containers, process ids and all" "$before" "$after"
	for i in b1 b2; do
		n=$(wc -l <"$work/$i")
		equal "$i: of $n calls none failed while $b was upgraded" '' "$(grep -v '^200 ' "$work/$i")"
		has "$i: the slowest took $(awk '$2 > m { m = $2 } END { print m }' "$work/$i") s" '^0?\.|^[01]' "$(awk '$2 > m { m = $2 } END { print m }' "$work/$i")"
	done
}
upgrade b1 apt-get -y install /root/bramble.deb
equal 'the new version is there' "$version+next" "$(run b1 dpkg-query -W -f '${Version}' bramble)"
has 'and a setting that a person made' '^expect = 2' "$(run b1 cat /etc/bramble/bramble.conf)"
upgrade b2 dpkg -i /root/bramble.deb
equal 'containerd was not restarted' 0 "$(run b2 systemctl show -p NRestarts --value containerd)"

# A gateway that is stopped, and not restarted, gives its port back: nobody waits at it.
code() { "$lab" lan curl -s -o /dev/null -m 3 -w '%{http_code} %{exitcode}' -d x http://10.77.0.11:8080/function/hello; }
run b1 systemctl stop bramble-gateway
equal 'who calls a gateway that was stopped is refused' '000 7' "$(code)"
run b1 systemctl start bramble-gateway
equal 'and answered when it runs' '200 0' "$(code)"

# ---- systemd watches ---------------------------------------------------------------------------------------
watched() { # UNIT: one that hangs is started anew
	local pid
	run b2 sh -c "mkdir -p /run/systemd/system/$1.service.d && printf '[Service]\nWatchdogSec=2s\n' >/run/systemd/system/$1.service.d/test.conf
		systemctl daemon-reload && systemctl restart $1"
	pid=$(run b2 systemctl show -p MainPID --value "$1")
	assert "$1: runs on under a short watchdog" always 4 says "$pid" run b2 systemctl show -p MainPID --value "$1"
	run b2 kill -STOP "$pid"
	eventually "$1: one that hangs is ended" 10 sh -c "'$lab' run b2 journalctl -q -u $1 | grep -q 'Watchdog timeout'"
	eventually "$1: and started anew" 20 sh -c "'$lab' run b2 systemctl is-active --quiet $1 && [ \$('$lab' run b2 systemctl show -p MainPID --value $1) != $pid ]"
	run b2 sh -c "rm -r /run/systemd/system/$1.service.d && systemctl daemon-reload && systemctl restart $1"
}
watched bramble-gateway
watched bramble-agent
eventually 'all is well again' 30 agree 2 b1 b2
eventually 'the function too' 30 fn_is b1 hello .available_replicas 2

# ---- switched off --------------------------------------------------------------------------------------------
is_off() { "$lab" list | awk '$1 == "b2"' | grep -qw off; }
has 'a function runs on the board' RUNNING "$(tasks b2)"
run b2 systemctl poweroff
eventually 'it is switched off without waiting for functions' 20 is_off
assert 'and on again' "$lab" on b2
eventually 'the bramble is whole' 40 agree 2 b1 b2
eventually 'and the function' 60 fn_is b1 hello .available_replicas 2
stopped=$(run b1 sh -c 'systemctl stop bramble-agent bramble-functions; ctr -n openfaas-fn container ls -q')
equal 'what ends functions at shutdown leaves no container' '' "$stopped"
assert 'and says so' run b1 sh -c 'journalctl -q -t bramble-agent | grep -q "functions of this board were ended"'
run b1 systemctl start bramble-functions bramble-agent
eventually 'they come back with the agent' 40 fn_is b1 hello .available_replicas 2

# ---- removed --------------------------------------------------------------------------------------------------
network() { run "$1" sh -c 'ip -br link; nft list tables; ls /run/bramble/netns 2>/dev/null; ip route'; }
has 'there is a network of functions' 'bramble0' "$(network b1)"
has 'and a table' 'inet bramble' "$(network b1)"
assert 'apt removes it' run b1 apt-get -y remove bramble
equal 'no process of it is left' '' "$(run b1 ps -eo comm= | grep -E 'bramble|fwatchdog|^hello$')"
equal 'no container' '' "$(run b1 ctr -n openfaas-fn container ls -q)"
refuse 'no network' '' grep -E 'bramble|10\.62\.' <<<"$(network b1)"
equal 'no program' '' "$(run b1 sh -c 'ls /usr/bin/agentctl /usr/bin/bramble /usr/bin/shutdown-all /usr/sbin/bramble-* /usr/lib/bramble 2>/dev/null')"
has 'but its settings and state' 'board.key' "$(run b1 ls /etc/bramble /var/lib/bramble)"
eventually 'the other board goes on' 30 sh -c "'$lab' run b2 agentctl functions | grep -q hello"
give b1 next
assert 'installed again' run b1 dpkg -i /root/bramble.deb
eventually 'the board is what it was' 40 agree 2 b1 b2
eventually 'with its functions' 60 fn_is b1 hello .available_replicas 2

# ---- purged -----------------------------------------------------------------------------------------------------
assert 'apt purges it' run b1 apt-get -y purge bramble
run b1 sh -c 'rm -f /root/bramble.deb; rmdir /var/lib/bramble 2>/dev/null'
equal 'not a file is left' '' "$(diff <(echo "$before") <(everything b1) | grep '^>')"
refuse 'no user, no group' '' run b1 grep -r bramble /etc/passwd /etc/group /etc/shadow
refuse 'no network' '' grep -E 'bramble|10\.62\.' <<<"$(network b1)"
equal 'nothing in containerd' '' "$(run b1 sh -c 'ctr namespaces ls -q | grep openfaas; ctr -n openfaas-fn image ls -q; ctr -n openfaas-fn snapshot ls | tail -n +2; ctr -n openfaas-fn content ls -q')"
refuse 'no unit' '' run b1 sh -c 'systemctl list-units --all --no-legend "bramble*" | grep bramble'
equal 'systemd is content' running "$(run b1 systemctl is-system-running)"
equal 'dpkg too' '' "$(run b1 dpkg --audit)"
finish
