# identity - what must differ from card to card: ids and keys, bound to the board that they are for.
# A card that was copied, or put into another board, shows by the serial that it remembers.  Sourced.
# shellcheck shell=sh disable=SC2034,SC2154 # state, boot, reboot_for are of common.sh

# whose RECORD: new (nothing remembered), other (made on another board), or this; a board without a
# serial is taken for the one that was.
whose() {
	w_now=$(board_serial) || w_now=
	w_was=$(remembered "$1")
	if [ -z "$w_was" ]; then
		echo new
	elif [ -z "$w_now" ] || [ "$w_now" = "$w_was" ]; then
		echo this
	else
		echo other
	fi
}

# The image has none, and systemd made one when it found none; a copied card has its twin's.
step_machine_id() {
	[ "$(whose ids)" = other ] || [ ! -s "$ROOT/etc/machine-id" ] || return 0
	if ! live || [ "$(whose ids)" = other ]; then
		tr -d '-' <"$ROOT/proc/sys/kernel/random/uuid" | sure put /etc/machine-id 444 || return 1
		reboot_for='this card was in another board'
	fi
	[ ! -f "$ROOT/var/lib/dbus/machine-id" ] || [ -L "$ROOT/var/lib/dbus/machine-id" ] ||
		rm -f "$ROOT/var/lib/dbus/machine-id"
	rm -f "$ROOT/var/lib/systemd/random-seed" "$ROOT/var/lib/NetworkManager/secret_key"
}

# Made anew until `remember` has bound them to this board; also what is missing or empty after a power cut.
step_host_keys() {
	[ -d "$ROOT/etc/ssh" ] || return 0
	case $(whose ids) in
	this) ;;
	*) rm -f "$ROOT"/etc/ssh/ssh_host_*_key "$ROOT"/etc/ssh/ssh_host_*_key.pub ;;
	esac
	h_made=
	for h_type in rsa ecdsa ed25519; do
		h_key=$ROOT/etc/ssh/ssh_host_${h_type}_key
		[ ! -s "$h_key" ] || [ ! -s "$h_key.pub" ] || continue
		rm -f "$h_key" "$h_key.pub" "$h_key.new" "$h_key.new.pub"
		ssh-keygen -q -t "$h_type" -N '' -C "root@$(board_serial)" -f "$h_key.new" || {
			say "ssh-keygen cannot make a $h_type key"
			return 1
		}
		sync "$h_key.new" "$h_key.new.pub"
		mv -f "$h_key.new.pub" "$h_key.pub" && mv -f "$h_key.new" "$h_key" || return 1
		h_made=yes
	done
	# Raspberry Pi OS has a unit of its own for it, which would make them once more
	turn_off regenerate_ssh_host_keys.service
	turn_off sshd-regenerate-keys.service
	[ -z "$h_made" ] || say 'ssh host keys made'
}

# From here on ids and keys are this board's.
step_remember() {
	r_serial=$(board_serial) || {
		[ -e "$ROOT$state/no-serial" ] || say 'this board has neither a serial nor Ethernet: a copy of this card will not be noticed'
		remember no-serial yes
		return
	}
	remember ids "$r_serial"
}

# What another board was is put aside, not thrown away: a person may have moved the card by mistake.
step_moved() {
	case $(whose board) in
	this) return 0 ;;
	new)
		m_serial=$(board_serial) || return 0
		remember board "$m_serial"
		return
		;;
	esac
	say "this card was made for the board with serial $(remembered board)"
	if [ ! -e "$ROOT/etc/bramble/pki/enrol.key" ] && [ ! -e "$ROOT$boot/enrol.key" ]; then
		say 'to make it a board of its own, copy enrol.key and enrol.crt of the cluster (from agentctl pki init)'
		say 'beside bramble.conf on this partition, and start again'
		note_problem keys "this card was made for the board with serial $(remembered board)" \
			'copy enrol.key and enrol.crt of the cluster beside bramble.conf on the boot partition, and start again'
		return 0
	fi
	m_aside=$state/was-$(remembered board)
	mkdir -p "$ROOT$m_aside" && chmod 700 "$ROOT$m_aside" || return 1
	for m_dir in /var/lib/bramble /var/lib/bramble-gateway /etc/kubernetes /var/lib/kubelet /var/lib/etcd; do
		[ -e "$ROOT$m_dir" ] || continue
		m_to=$ROOT$m_aside/$(echo "${m_dir#/}" | tr / -)
		[ ! -e "$m_to" ] || rm -rf "$m_to"
		mv "$ROOT$m_dir" "$m_to" || return 1
	done
	echo raspberrypi | sure put /etc/hostname 644 || return 1
	live && hostname raspberrypi
	say "it starts anew; what it knew is in $m_aside"
	remember board "$(board_serial)"
}
