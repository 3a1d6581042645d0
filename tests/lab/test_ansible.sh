#!/bin/bash
# The playbooks on three boards as they come: plain Debian, sshd, Python, a user who may use sudo, and no
# network but the LAN.  Installed from a folder, joined, upgraded while functions answer, taken off.
# SUITE=trixie: boards of that Debian, with its package (make test-trixie).
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

top=$(cd "$here/../.." && pwd)
out=$top/${BUILD:-build}/${CC:-gcc}
work=$(mktemp -d)
SUITE=${SUITE:-}
make_deb() { # ARGS of make
	# in a folder of its own: what another version makes anew is in use by other tests
	(cd "$top" && env -u SAN MAKEFLAGS= BUILD=build/packages flock "$build_lock" make -s deb ${SUITE:+SUITE="$SUITE" ARCH=amd64} "$@" 2>"$work/said") || { cat "$work/said" >&2 && false; }
}
play() { # PLAYBOOK ARGS...: as a computer on the boards' LAN; nobody at the keyboard
	(cd "$top/ansible" && ANSIBLE_LOCALHOST_WARNING=no ANSIBLE_NOCOLOR=1 ANSIBLE_HOME="$work/home" timeout "${PLAY_SECONDS:-900}" \
		"$lab" lan ansible-playbook -i "$work/inventory.yml" "$@" </dev/null 2>&1)
}
played() { # NAME FILE PLAYBOOK ARGS...: it ends well, and says so in FILE
	local name=$1 file=$work/$2 t=$SECONDS
	shift 2
	if play "$@" >"$file"; then ok "$name ($((SECONDS - t)) s)"; else not_ok "$name" "$(grep -vE '^(ok|skipping):|^$' "$file" | tail -n 25)"; fi
}
sum_of() { awk -v h="$2" -v k="$3" '$1 == h && $2 == ":" { for (i = 3; i <= NF; i++) if (split($i, p, "=") == 2 && p[1] == k) print p[2] }' "$work/$1"; } # FILE BOARD KEY
changes() { for b in "${@:2}"; do sum_of "$1" "$b" changed; done | xargs; } # FILE BOARD...
version_on() { run "$1" dpkg-query -W -f '${Version}\n' bramble; }

# ---- the playbooks themselves, and the packages ------------------------------------------------------
assert 'ansible-lint has nothing to say' sh -c "cd '$top/ansible' && ansible-lint --offline --nocolor --strict --profile production"
refuse 'and would, of a task without a name' 'name\[missing\]' sh -c \
	"cd '$work' && printf -- '---\n- name: Test\n  hosts: all\n  tasks:\n    - ansible.builtin.ping:\n' >bad.yml && ansible-lint --offline --nocolor bad.yml"
first=$(make_deb) || { not_ok 'make deb' "$(cat "$work/said")" && finish; }
mkdir "$work/packages" "$work/next"
cp "$first" "$work/"
first=$work/${first##*/}
version=$(dpkg-deb -f "$first" Version)
next=$(make_deb DEB_VERSION="$version+next") || { not_ok 'make deb' "$(cat "$work/said")" && finish; }
cp "$next" "$work/next/"
next=$work/next/${next##*/}
last=$(make_deb DEB_VERSION="$version+next2") || { not_ok 'make deb' "$(cat "$work/said")" && finish; }
mkdir "$work/repository"
cp "$last" "$work/repository/"

cleanup() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null
	show_boards
	[ -n "${KEEP:-}" ] || "$lab" down
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}
# shellcheck disable=SC2086 # two words, or none
lab_up --plain ${SUITE:+--suite "$SUITE"} 3
trap cleanup EXIT
run b1 cat /var/lib/dpkg/status >"$work/status"
assert 'a folder of packages for boards without the Internet' "$top/ansible/packages" "$first" "$work/packages" "$work/status"
has 'has containerd' containerd "$(ls "$work/packages")"
refuse 'and not what the boards have' '' ls "$work/packages"/libc6_*
refuse 'a package of something else is none' 'no Debian package|not of bramble' "$top/ansible/packages" "$work/status" "$work/other"
ssh-keygen -q -t ed25519 -N '' -f "$work/id"
let_in() { # BOARD: as on a card that was flashed with this key
	run "$1" sh -c 'install -d -m 700 -o pi -g pi /home/pi/.ssh && cat >/home/pi/.ssh/authorized_keys && chown pi:pi /home/pi/.ssh/authorized_keys' <"$work/id.pub"
}
for b in b1 b2 b3; do let_in $b; done
cat >"$work/inventory.yml" <<-END
	boards:
	  hosts:
	    b1: {ansible_host: 10.77.0.11}
	    b2: {ansible_host: 10.77.0.12}
	    b3: {ansible_host: 10.77.0.13}
	  vars:
	    ansible_user: pi
	    ansible_ssh_private_key_file: $work/id
	    ansible_ssh_common_args: -o UserKnownHostsFile=$work/known -o StrictHostKeyChecking=accept-new
	    bramble_agentctl: $out/agentctl
	    bramble_packages: $work/packages
	    bramble_expect: 2
	    bramble_wait_seconds: 120
END

# ---- what is wrong is said before anything is changed --------------------------------------------------
wrong() { # NAME PATTERN ARGS...
	local name=$1 pattern=$2
	shift 2
	refuse "$name" "$pattern" play install.yml --limit b3 --skip-tags boot "$@"
}
wrong 'no package at all' 'none of bramble_deb, bramble_packages and bramble_repository' -e bramble_packages=
wrong 'two places for it' 'set only one of' -e bramble_deb=x.deb
wrong 'a file that is not there' 'there is no file /nowhere' -e bramble_packages= -e bramble_deb=/nowhere/bramble_1_amd64.deb
: >"$work/bramble_9${version#*+}_armhf.deb"
wrong 'a package for other boards' 'is not for b3, which is amd64' -e bramble_packages= -e "bramble_deb=$work/bramble_9${version#*+}_armhf.deb"
wrong 'an empty folder' 'there must be one bramble_VERSION' -e "bramble_packages=$here/functions"
wrong 'a number that is none' 'bramble_expect' -e bramble_expect=lots
wrong 'a name that is none' 'is a name of a-z' -e 'bramble_cluster=Our_Home'
wrong 'settings without sections' 'bramble_settings has sections' -e '{"bramble_settings": {"expect": 4}}'
wrong 'no agentctl to make the keys' "to make the cluster's" -e bramble_agentctl=/nowhere/agentctl --tags keys
refuse 'joining without the package' 'bramble is not installed on b3' play join.yml --limit b3
refuse 'an upgrade of nothing' 'in no bramble' play upgrade.yml --limit b3
refuse 'none of that touched the board' '' run b3 sh -c 'dpkg-query -W bramble || ls /etc/bramble /var/cache/bramble-packages'
refuse 'nor made keys' '' ls "$work/home-pki"

# ---- check mode ------------------------------------------------------------------------------------------
played 'check mode on a fresh board' check install.yml --limit b3 --check --diff
has 'says what would be installed' "bramble ${version%%+*}" "$(cat "$work/check")"
has 'and that it would join' 'b3 would get the keys' "$(cat "$work/check")"
refuse 'and does nothing' '' run b3 sh -c 'dpkg-query -W bramble || ls /etc/bramble'

# ---- installed, with flags for the firmware ----------------------------------------------------------------
line='console=serial0,115200 root=PARTUUID=4e639091-02 rootfstype=ext4 cgroup_disable=memory rootwait'
run b1 sh -c "mkdir -p /boot/firmware && echo '$line' >/boot/firmware/cmdline.txt"
boot_id() { run "$1" cat /proc/sys/kernel/random/boot_id; }
before_b1=$(boot_id b1) before_b2=$(boot_id b2)
is_off() { "$lab" list 2>/dev/null | awk '$1 == "b1" && $5 == "off"' | grep -q .; }
power() { # a board that goes off comes on again: in a namespace nobody else does that
	until [ -e "$work/power.stop" ]; do
		if is_off && sleep 1.5 && is_off; then "$lab" on b1; fi
		sleep 0.5
	done >"$work/power" 2>&1
}
power &
played 'two fresh boards' install install.yml --limit b1,b2 -vv --diff
touch "$work/power.stop"
wait
has 'are a bramble' '^[mw][0-9] [mw][0-9] 2$' "$(status b1 '"\(.master) \(.leader) \([.nodes[] | select(.state == "up")] | length)"')"
assert 'both of them' agree 2 b1 b2
equal 'the version' "$version" "$(version_on b1)"
equal 'the line of cmdline.txt is one, without what forbids and with what allows' \
	'console=serial0,115200 root=PARTUUID=4e639091-02 rootfstype=ext4 rootwait cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1' \
	"$(run b1 cat /boot/firmware/cmdline.txt)"
if [ "$before_b1" != "$(boot_id b1)" ]; then ok 'that board was started again'; else not_ok 'that board was started again'; fi
equal 'the one without the file was not' "$before_b2" "$(boot_id b2)"
has 'the settings' '^expect = 2$' "$(run b1 cat /etc/bramble/bramble.conf)"
equal "the cluster's keys are this computer's alone" '700 600' "$(stat -c %a "$work/home-pki" "$work/home-pki/ca.key" | xargs)"
refuse 'no board kept the enrolment key' '' run b1 ls /etc/bramble/pki/enrol.key
secret=$(sed -n 2p "$work/home-pki/enrol.key") certificate=$(sed -n 2p "$work/home-pki/ca.crt")
refuse 'the key is not in what was said' '' grep -qF -e "$secret" "$work/install"
assert 'where a certificate would be' grep -qF -e "$certificate" "$work/install"
refuse 'nor anywhere on the board' '' run b1 sh -c "journalctl -q | grep -F -e '$secret' || grep -rF -e '$secret' /home /root /tmp /var/log /var/cache /etc"
refuse 'the copies of the packages are gone' '' run b1 ls /var/cache/bramble-packages

# ---- a third board, in two steps -----------------------------------------------------------------------------
played 'the package alone' third install.yml --limit b3 --skip-tags keys,join
refuse 'does not run without keys' '' run b3 systemctl is-active bramble-agent
played 'joins when it is told to' join join.yml --limit b3
assert 'the bramble is three' agree 3 b1 b2 b3
learn_names b1 b2 b3
m1=${slot_of[m1]}

# ---- and again -------------------------------------------------------------------------------------------------
played 'all of it again' again install.yml
equal 'changes nothing' '0 0 0' "$(changes again b1 b2 b3)"
played 'in check mode too' again install.yml --check
equal 'nothing would change' '0 0 0' "$(changes again b1 b2 b3)"
refuse 'a key of bramble.conf that there is not' "expekt" play install.yml --limit b3 --tags settings -e '{"bramble_settings": {"bramble": {"expekt": 4}}}'
refuse 'is not written' '' run b3 grep expekt /etc/bramble/bramble.conf
pid=$(run b3 systemctl show -p MainPID --value bramble-agent)
played 'one that there is' set install.yml --limit b3 --tags settings -e '{"bramble_settings": {"bramble": {"log": "debug"}}}' -e '{"bramble_users": ["pi"]}'
has 'is' '^log = debug$' "$(run b3 cat /etc/bramble/bramble.conf)"
if [ "$pid" != "$(run b3 systemctl show -p MainPID --value bramble-agent)" ]; then ok 'and the agent has it'; else not_ok 'and the agent has it'; fi
eventually 'pi may use agentctl there' 30 run b3 su pi -c 'agentctl status'
refuse 'but not where nobody said so' 'denied|permission|group' run b2 su pi -c 'agentctl status'
"$out/agentctl" pki init other --dir "$work/other-pki" >/dev/null
refuse 'keys of another cluster' 'b3 belongs to another cluster' play install.yml --limit b3 --tags keys -e "bramble_pki_dir=$work/other-pki"
played 'the settings as they were' set install.yml --limit b3 --tags settings

# ---- upgraded while functions answer ------------------------------------------------------------------------------
assert 'an image' import_images b1 hello
assert 'a function on all boards' ctl b1 deploy hello --image bramble/hello --fprocess /bin/hello --replicas 3
eventually 'is ready' 60 fn_is b1 hello .available_replicas 3
tasks() { for b in b1 b2 b3; do run $b ctr -n openfaas-fn task ls | awk 'NR > 1' | sort; done; }
versions() { for b in b1 b2 b3; do version_on $b; done | xargs; }
calls() { # ADDRESS FILE: one call after the other until it is told to stop, a line each
	until [ -e "$work/calls.stop" ]; do
		"$lab" lan curl -s -o /dev/null -m 20 -w '%{http_code} %{time_total}\n' -d x "http://$1:8080/function/hello" || :
	done >"$work/$2"
}
new=(-e bramble_packages= -e "bramble_deb=$next")
stay=$(status b1 '"\(.master) \(.leader)"') # these two have their turn at the end
for worker in b1 b2 b3; do
	case " $stay " in *" $(run $worker hostname) "*) ;; *) break ;; esac
done
run "$worker" systemctl stop bramble-agent
refuse 'a bramble that is not whole is not upgraded' "$worker is in no bramble" play upgrade.yml "${new[@]}"
equal 'not one board of it' "$version $version $version" "$(versions)"
run "$worker" systemctl start bramble-agent
wait_until 60 agree 3 b1 b2 b3
# Who is first in turn does not come back, whichever board that is: another may lead by then.  An agent
# that is started from here on cannot start; systemd hears of it only where a package is installed.
for b in b1 b2 b3; do
	run $b sh -c 'mkdir -p /run/systemd/system/bramble-agent.service.d &&
		printf "[Service]\nExecStart=\nExecStart=/bin/false\n" >/run/systemd/system/bramble-agent.service.d/test.conf'
done
# (From a URL this time.)
nsenter --net="/run/netns/$BRAMBLE_LAB_PREFIX" python3 -m http.server -d "$work" 8000 >/dev/null 2>&1 &
server=$!
wait_until 20 "$lab" lan curl -sf -o /dev/null http://10.77.0.254:8000/status
refuse 'a board that does not come back ends it' 'b[123] is not up in a bramble' play upgrade.yml \
	-e bramble_packages= -e "bramble_deb=http://10.77.0.254:8000/next/${next##*/}" -e bramble_wait_seconds=6
equal 'the others keep what they have' "$version $version $version+next" "$(versions | xargs -n 1 | sort | xargs)"
for b in b1 b2 b3; do
	run $b rm -r /run/systemd/system/bramble-agent.service.d
	if [ "$(version_on $b)" != "$version" ]; then run $b sh -c 'systemctl daemon-reload && systemctl restart bramble-agent'; fi
done
eventually 'that board is mended' 60 agree 3 b1 b2 b3
eventually 'with its function' 60 fn_is b1 hello .available_replicas 3

before=$(tasks)
has 'three containers' '^3$' "$(grep -c RUNNING <<<"$before")"
callers=()
for b in 1 2 3; do
	calls 10.77.0.1$b calls$b &
	callers+=($!)
done
for b in 1 2 3; do wait_until 20 test -s "$work/calls$b"; done
played 'upgraded' upgrade upgrade.yml "${new[@]}"
touch "$work/calls.stop"
wait "${callers[@]}"
equal 'all have it' "$version+next $version+next $version+next" "$(versions)"
equal 'the same containers, process ids and all' "$before" "$(tasks)"
for b in 1 2 3; do
	n=$(wc -l <"$work/calls$b")
	equal "b$b: of $n calls none failed, the slowest took $(awk '$2 > m { m = $2 } END { print m }' "$work/calls$b") s" '' "$(grep -v '^200 ' "$work/calls$b")"
done
order=$(awk '/^TASK/ { t = $0 } /^changed: / && t ~ /Install the package/ { gsub(/[][]/, "", $2); print $2 }' "$work/upgrade" | xargs)
equal "two boards in turn ($order), the master last" "$m1" "${order##* }"
assert 'the bramble is whole' agree 3 b1 b2 b3
played 'upgraded again' upgrade upgrade.yml "${new[@]}"
equal 'changes nothing' '0 0 0' "$(changes upgrade b1 b2 b3)"

# ---- from a repository ---------------------------------------------------------------------------------------------------
(
	cd "$work/repository" && export GNUPGHOME=$work/gnupg && mkdir -m 700 "$GNUPGHOME" && dpkg-scanpackages -m . >Packages &&
		printf 'Date: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" "$(sha256sum <Packages | cut -c1-64)" "$(stat -c %s Packages)" >Release &&
		gpg -q --batch --passphrase '' --quick-gen-key lab ed25519 sign never && gpg -q --batch --clearsign -o InRelease Release &&
		gpg -q --armor --export >key.asc && gpgconf --kill all
) 2>"$work/said" || not_ok 'a repository' "$(cat "$work/said")"
repository=(--limit b3 -e bramble_packages= -e '{"bramble_repository": "http://10.77.0.254:8000/repository ./"}')
refuse 'one that nobody vouches for is not taken' 'not signed|NO_PUBKEY|signatures' play upgrade.yml "${repository[@]}"
equal 'and nothing from it' "$version+next" "$(version_on b3)"
played 'upgraded from a repository with its key' newest upgrade.yml "${repository[@]}" -e "bramble_repository_key=$work/repository/key.asc"
equal 'to the newest' "$version+next2" "$(version_on b3)"
kill "$server" 2>/dev/null

# ---- switched off -----------------------------------------------------------------------------------------------------
refuse 'nobody says yes: nothing is switched off' 'nothing was switched off' play shutdown.yml
played 'the whole bramble is switched off' shutdown shutdown.yml -e bramble_sure=yes
off() { [ "$("$lab" list | awk 'NR > 1 { print $5 }' | xargs)" = 'off off off' ]; }
eventually 'and all boards are off, with the sessions that were open' 60 off
for b in b1 b2 b3; do "$lab" on $b; done
eventually 'they come back as they were' 60 agree 3 b1 b2 b3
ids() { for b in b1 b2 b3; do boot_id $b; done | xargs; }
before=$(ids)
played 'off and on again' shutdown shutdown.yml -e bramble_sure=yes -e bramble_reboot_all=true
restarted() { local b after; for b in b1 b2 b3; do after=$(boot_id $b) && [ -n "$after" ] || return; case $before in *"$after"*) return 1 ;; esac; done; }
eventually 'all boards were started again' 60 restarted
eventually 'and are as they were' 60 agree 3 b1 b2 b3

# ---- taken off ----------------------------------------------------------------------------------------------------------
refuse 'nobody says yes: nothing is taken off' 'nothing was uninstalled' play uninstall.yml
assert 'indeed' run b1 systemctl is-active bramble-agent
played 'taken off one board' off uninstall.yml --limit b3 -e bramble_sure=yes
refuse 'it is not there' '' run b3 ls /usr/bin/agentctl
has 'its settings are' bramble.conf "$(run b3 ls /etc/bramble)"
played 'purged from all' off uninstall.yml -e bramble_sure=yes -e bramble_purge=true
for b in b1 b2 b3; do
	equal "$b: nothing is left" '' "$(run $b sh -c 'find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -iname "*bramble*" -print | grep -vx /var/lib/bramble
		ls -A /var/lib/bramble; grep -r bramble /etc/passwd /etc/group /etc/shadow /etc/hosts; nft list tables | grep bramble
		ip -br link | grep bramble; ctr -n openfaas-fn container ls -q; dpkg --audit; systemctl list-units --all --no-legend "bramble*"')"
done
played 'purged again' off uninstall.yml -e bramble_sure=yes -e bramble_purge=true
equal 'changes nothing' '0 0 0' "$(changes off b1 b2 b3)"
finish
