# system - packages, the card's size, the person, ssh, and what a board without a keyboard needs.  Sourced.
# shellcheck shell=sh disable=SC2154 # set_* are the settings

# The image builder unpacks packages for another machine; their own scripts run here, without a network.
step_packages() {
	k_status=$ROOT/var/lib/dpkg/status
	policy=$ROOT/usr/sbin/policy-rc.d
	[ -r "$k_status" ] || return 0
	if grep -qE '^Status: [a-z]+ [a-z]+ (unpacked|half-configured|half-installed|triggers-)' "$k_status"; then
		live || return 0
		say 'completing packages'
		# What they would start waits for this very script.
		[ -e "$policy" ] || printf '#!/bin/sh\n# bramble firstboot\nexit 101\n' | sure put /usr/sbin/policy-rc.d 755
		ldconfig
		k_out=$(DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a 2>&1)
		k_result=$?
		[ "$k_result" = 0 ] || say "dpkg: $(printf %s "$k_out" | tail -n 3 | tr '\n' ' ' | cut -c1-300)"
		to_start="$to_start avahi-daemon.service containerd.service bramble-name.service bramble-functions.service bramble-agent.service bramble-gateway.service"
	fi
	if grep -qs '^# bramble firstboot' "$policy"; then rm -f "$policy"; fi
	return "${k_result:-0}"
}

# ---- the card ---------------------------------------------------------------------------------
# A card that is worn out, or whose file system has an error, lets itself be read and no more.
step_card() {
	c_bad=0
	for c_dir in / "$boot"; do
		[ -n "$c_dir" ] && awk -v d="$c_dir" '$2 == d { o = $4 } END { exit o !~ /(^|,)ro(,|$)/ }' "$ROOT/proc/mounts" 2>/dev/null || continue
		c_what='the card'
		[ "$c_dir" = / ] || c_what='the boot partition'
		say "$c_what is read-only: nothing can be kept on it"
		note_problem read-only "$c_what is read-only: nothing can be kept on it" \
			'dmesg says why; a card that turned read-only is worn out: replace it'
		c_bad=1
	done
	return $c_bad
}

# The root partition is the last one of its disk; both steps may be cut and done again.
step_grow() {
	g_device=$(findmnt -no SOURCE / 2>/dev/null) || g_device=
	g_part=${g_device#/dev/}
	g_sys=$ROOT/sys/class/block/$g_part
	[ -n "$g_part" ] && [ -r "$g_sys/partition" ] || return 0 # no partition: an emulator, a container
	g_disk=$(basename "$(dirname "$(readlink -f "$g_sys")")")
	g_number=$(cat "$g_sys/partition")
	g_end=$(($(cat "$g_sys/start") + $(cat "$g_sys/size")))
	g_all=$(cat "$ROOT/sys/class/block/$g_disk/size")
	for g_other in "$ROOT/sys/class/block/$g_disk"*/start; do
		[ "$(cat "$g_other")" -le "$(cat "$g_sys/start")" ] || return 0 # something lies behind it
	done
	# 8 MiB less than all is all
	if [ $((g_all - g_end)) -gt 16384 ]; then
		if ! g_out=$(echo ', +' | sfdisk -q --no-reread --force -N "$g_number" "/dev/$g_disk" 2>&1); then
			say "cannot make the root partition larger: $(printf %s "$g_out" | head -n 1)"
			return 1
		fi
		partx -u --nr "$g_number" "/dev/$g_disk" || reboot_for='the card has a new partition table'
	fi
	[ -z "$reboot_for" ] || return 0
	g_size=$(cat "$g_sys/size")
	[ "$(remembered grown)" != "$g_size" ] || return 0
	if ! g_out=$(resize2fs "$g_device" 2>&1); then
		say "cannot make the root file system larger: $(printf %s "$g_out" | tail -n 1)"
		return 1
	fi
	say "the root file system has the whole card: $((g_size / 2048)) MB"
	remember grown "$g_size"
}

step_space() {
	s_free=$(df -Pk "${ROOT:-/}" | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${s_free:-0}" -ge 300 ]; then return 0; fi
	note_problem size "this card is small: $s_free MB are free" 'remove images that are not used, or take a larger card (4 GB and more)'
	[ "$(remembered space)" != small ] || return 0
	say "this card is small: $s_free MB are free; images of functions need more"
	remember space small
}

# ---- the person -------------------------------------------------------------------------------
file_has() { # FILE EXTENDED-REGEX
	grep -qsE -- "$2" "$ROOT$1"
}
group_has() { # GROUP USER
	awk -F: -v g="$1" -v u="$2" '$1 == g { n = split($4, m, ","); for (i = 1; i <= n; i++) if (m[i] == u) yes = 1 }
		END { exit !yes }' "$ROOT/etc/group"
}
join_group() { # GROUP: the user becomes a member; a group that is not there is none of ours
	file_has /etc/group "^$1:" || return 0
	group_has "$1" "$set_user" && return 0
	# group last: it is what says that both are done
	for j_file in gshadow group; do
		[ -e "$ROOT/etc/$j_file" ] || continue
		awk -F: -v OFS=: -v g="$1" -v u="$set_user" '$1 == g && ("," $4 ",") !~ ("," u ",") { $4 = ($4 == "" ? u : $4 "," u) } { print }' \
			"$ROOT/etc/$j_file" | sure put "/etc/$j_file" "$(stat -c %a "$ROOT/etc/$j_file")" || return 1
	done
}

step_user() {
	if ! file_has /etc/passwd "^$set_user:"; then
		useradd ${ROOT:+--prefix "$ROOT"} -M -U -s /bin/bash "$set_user" || {
			say "cannot make the user $set_user"
			return 1
		}
		say "user $set_user made"
	fi
	u_home=$(awk -F: -v u="$set_user" '$1 == u { print $6 }' "$ROOT/etc/passwd")
	u_ids=$(awk -F: -v u="$set_user" '$1 == u { print $3 ":" $4 }' "$ROOT/etc/passwd")
	if [ ! -d "$ROOT$u_home" ]; then
		rm -rf "$ROOT$u_home.bramble-new"
		mkdir -p "$ROOT${u_home%/*}"
		cp -r "$ROOT/etc/skel" "$ROOT$u_home.bramble-new" 2>/dev/null || mkdir "$ROOT$u_home.bramble-new" || return 1
		chmod 755 "$ROOT$u_home.bramble-new"
		chown -R "$u_ids" "$ROOT$u_home.bramble-new"
		mv "$ROOT$u_home.bramble-new" "$ROOT$u_home" || return 1
	fi
	for u_group in adm sudo dialout video netdev gpio i2c spi bramble; do join_group $u_group || return 1; done
	user_password && user_keys && user_sudo || return 1
	# Raspberry Pi OS asks for a user on its screen, and greets who comes by ssh with "no user yet"
	turn_off userconfig.service
	rm -f "$ROOT/etc/ssh/sshd_config.d/rename_user.conf"
	[ -n "$set_password_hash$set_ssh_keys" ] || note_problem login "nobody can log in as $set_user: bramble.conf has neither ssh_key nor password_hash" \
		'write one of them into bramble.conf on the boot partition'
	if [ -z "$set_password_hash$set_ssh_keys" ] && [ "$(remembered login)" != none ]; then
		say "bramble.conf has neither ssh_key nor password_hash: nobody can log in as $set_user"
		remember login none
	fi
}

# Once for each password_hash: who changes his password later keeps it.  The hash is in no argument.
user_password() {
	[ -n "$set_password_hash" ] || return 0
	u_print=$(printf %s "$set_user$set_password_hash" | fingerprint)
	[ "$(remembered password)" != "$u_print" ] || return 0
	printf '%s\n' "$set_password_hash" | awk -F: -v OFS=: -v u="$set_user" '
		NR == FNR { hash = $0; next } $1 == u { $2 = hash } { print }' - "$ROOT/etc/shadow" |
		sure put /etc/shadow 640 || return 1
	say "password of $set_user set"
	remember password "$u_print"
}

user_keys() {
	[ -n "$set_ssh_keys" ] || return 0
	u_file=$u_home/.ssh/authorized_keys
	if [ ! -d "$ROOT$u_home/.ssh" ]; then
		mkdir "$ROOT$u_home/.ssh"
	fi
	chmod 700 "$ROOT$u_home/.ssh"
	chown "$u_ids" "$ROOT$u_home/.ssh"
	{
		cat "$ROOT$u_file" 2>/dev/null
		printf '%s' "$set_ssh_keys"
	} | awk '$0 != "" && !seen[$0]++' | put "$u_file" 600
	case $? in
	0) say "ssh keys of $set_user set" ;;
	2) return 1 ;;
	esac
	chown "$u_ids" "$ROOT$u_file"
}

# Who has a password gives it to sudo; who has only an ssh key has none to give.
user_sudo() {
	[ -d "$ROOT/etc/sudoers.d" ] || return 0
	u_rule=/etc/sudoers.d/010_bramble-$set_user
	if [ -n "$set_password_hash" ]; then
		[ ! -e "$ROOT$u_rule" ] || rm -f "$ROOT$u_rule"
		return 0
	fi
	printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$set_user" | sure put "$u_rule" 440
}

step_ssh() {
	unit_file ssh.service >/dev/null || {
		[ "$(remembered ssh)" = none ] || say 'there is no ssh server in this image'
		remember ssh none
		return
	}
	[ ! -L "$ROOT/etc/systemd/system/ssh.service" ] || [ "$(readlink "$ROOT/etc/systemd/system/ssh.service")" != /dev/null ] ||
		rm -f "$ROOT/etc/systemd/system/ssh.service"
	sure turn_on ssh.service
}

# ---- the system -------------------------------------------------------------------------------
cgroup_flags='cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1'

# cmdline.txt is ONE line: what follows on a second one does not count, so it is joined.
step_cgroups() {
	c_file=$boot/cmdline.txt
	[ -n "$boot" ] && [ -s "$ROOT$c_file" ] || return 0
	c_line=$(tr -d '\000\r' <"$ROOT$c_file" | tr '\n\t' '  ')
	c_flags=$cgroup_flags
	[ -z "$set_wifi_country" ] || c_flags="$c_flags cfg80211.ieee80211_regdom=$set_wifi_country"
	c_new=
	# what gives the card's first start to others is done by us
	for c_word in $c_line; do
		case $c_word in
		cgroup_disable=memory | init=*/init_resize.sh | init=*/firstboot | systemd.run=* | systemd.run_*) continue ;;
		cfg80211.ieee80211_regdom=*) [ -z "$set_wifi_country" ] || continue ;;
		esac
		c_new="$c_new $c_word"
	done
	for c_word in $c_flags; do
		case " $c_new " in *" $c_word "*) ;; *) c_new="$c_new $c_word" ;; esac
	done
	printf '%s\n' "${c_new# }" | put "$c_file" fat
	case $? in
	0)
		say 'cmdline.txt has the flags for memory limits'
		reboot_for='for the flags in cmdline.txt'
		;;
	2) return 1 ;;
	esac
}

# Swap on a card wears it out and stalls for seconds; the kubelet refuses it as well.
step_swap() {
	[ "$set_swap" = off ] || return 0
	for s_unit in dphys-swapfile.service rpi-setup-loop@var-swap.service rpi-resize-swap-file.service; do
		turn_off "$s_unit"
	done
	if file_has /etc/fstab '^[^#].*[[:space:]]swap[[:space:]]'; then
		awk '!/^#/ && $3 == "swap" { print "#" $0; next } { print }' "$ROOT/etc/fstab" |
			sure put /etc/fstab 644 || return 1
	fi
	if [ -d "$ROOT/etc/rpi" ] && [ -e "$ROOT/usr/lib/systemd/system-generators/rpi-swap-generator" ]; then
		printf '[Main]\nMechanism=none\n' | sure put /etc/rpi/swap.conf.d/bramble.conf 644 || return 1
	fi
	if live && [ "$(wc -l </proc/swaps)" -gt 1 ]; then swapoff -a || :; fi
	if [ -f "$ROOT/var/swap" ]; then rm -f "$ROOT/var/swap"; fi
}

# bcm2835_wdt takes 15 s at most.
step_watchdog() {
	printf '[Manager]\nRuntimeWatchdogSec=14s\nRebootWatchdogSec=14s\n' |
		put /etc/systemd/system.conf.d/bramble-watchdog.conf 644
	case $? in
	0) if live; then # from now on, and not only from the next start
		busctl set-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
			RuntimeWatchdogUSec t 14000000 2>/dev/null || :
	fi ;;
	2) return 1 ;;
	esac
}

step_journal() {
	printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n' | put /etc/systemd/journald.conf.d/bramble.conf 644
	case $? in
	0) restart systemd-journald.service ;;
	2) return 1 ;;
	esac
}
