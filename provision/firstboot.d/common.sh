# common - what the steps share: the log, files that are whole or absent, units, the LED.  Sourced.
# shellcheck shell=sh disable=SC2034 # the steps read these
ROOT=${ROOT:-}
state=/var/lib/bramble-firstboot # what was done, and for which board
boot=                            # the FAT partition: /boot/firmware or /boot; '' where there is none
to_start=                        # units that were turned on just now
to_restart=                      # units whose settings changed
reboot_for=                      # why this board must start again
said=
log_limit=65536
tab=$(printf '\t')

live() { [ -z "$ROOT" ]; }

# ---- the log ----------------------------------------------------------------------------------
# The boards have no clock: the time since the start is always right.
say() {
	if [ -z "$said" ]; then
		said=yes
		log_line "---- $(board_model), serial $(board_serial || echo unknown)$(said_date)"
	fi
	log_line "$*"
}
said_nothing() { [ -z "$said" ]; }
said_date() {
	live || return 0
	[ "$(date +%Y)" -lt 2024 ] || date -u '+, %Y-%m-%d %H:%M UTC'
}
log_line() {
	l_up=$(cut -d. -f1 "$ROOT/proc/uptime" 2>/dev/null) || l_up=
	printf '%5ss  %s\n' "${l_up:-0}" "$*"
	[ -n "$boot" ] || return 0
	# A line that got lost with the power is no harm, a file that grows for ever is.
	l_file=$ROOT$boot/bramble.log
	if [ "$(stat -c %s "$l_file" 2>/dev/null || echo 0)" -gt $log_limit ]; then
		tail -c $((log_limit / 2)) "$l_file" >"$l_file.new" 2>/dev/null && mv -f "$l_file.new" "$l_file"
	fi
	# Windows' editor shows it well too.
	{ printf '%5ss  %s\r\n' "${l_up:-0}" "$*" >>"$l_file"; } 2>/dev/null || :
}
log_flush() {
	[ -z "$said" ] || [ -z "$boot" ] || sync "$ROOT$boot/bramble.log" 2>/dev/null || :
}

# ---- files ------------------------------------------------------------------------------------
# put FILE MODE: standard input becomes FILE: after a power cut there is the old one or the new one.
# 0: that changed it; 1: it was so already; 2: it cannot be written, and why was said.
put() {
	p_file=$ROOT$1 p_new=$ROOT$1.bramble-new
	[ -d "${p_file%/*}" ] || mkdir -p "${p_file%/*}" || return 2
	if ! (umask 077 && cat >"$p_new") 2>/dev/null; then
		say "cannot write $1: is the card read-only or full?"
		return 2
	fi
	if cmp -s "$p_new" "$p_file" && { [ "$2" = fat ] || [ "$(stat -c %a "$p_file")" = "${2#0}" ]; }; then
		rm -f "$p_new"
		return 1
	fi
	if [ "$2" != fat ]; then # FAT knows neither modes nor owners
		[ ! -e "$p_file" ] || chown --reference="$p_file" "$p_new"
		chmod "$2" "$p_new"
	fi
	sync "$p_new"
	mv -f "$p_new" "$p_file" || return 2
	sync "${p_file%/*}"
}
# sure COMMAND...: for what counts "nothing to do" as done.
sure() {
	"$@"
	[ $? != 2 ]
}

# set_key FILE SECTION KEY VALUE: in an ini file, in place of that key, of its #key, or at the section's
# end.  An empty VALUE takes the key out.  As put.
set_key() {
	[ -e "$ROOT$1" ] || printf '[%s]\n' "$2" | put "$1" 644 || return 2
	awk -v section="[$2]" -v key="$3" -v value="$4" '
		function write_key() { if (!done && value != "") print key (section == "[server]" ? "=" : " = ") value; done = 1 }
		{ line = $0; sub(/\r$/, "", line) }
		line ~ /^[ \t]*\[/ {
			if (inside) { write_key(); for (i = 0; i < blank; i++) print "" }
			blank = 0
			gsub(/[ \t]/, "", line); inside = (line == section); if (inside) seen = 1
			print; next
		}
		inside && line ~ /^[ \t]*$/ { blank++; next }
		{ if (blank) { for (i = 0; i < blank; i++) print ""; blank = 0 } }
		inside && line ~ "^[ \t]*#?[ \t]*" key "[ \t]*=" {
			if (!done) write_key()
			else if (line ~ /^[ \t]*#/) print
			next
		}
		{ print }
		END {
			if (!seen && value != "") print section
			if (!done && (inside || !seen)) write_key()
			for (i = 0; i < blank; i++) print ""
		}' "$ROOT$1" | put "$1" "$(stat -c %a "$ROOT$1")"
}

# A copy or a marker of something secret: never itself.
fingerprint() { sha256sum | cut -c1-16; }
remembered() { cat "$ROOT$state/$1" 2>/dev/null; }
remember() { printf '%s\n' "$2" | sure put "$state/$1" 600; }

# Nobody else runs yet: locks that a power cut left behind would keep useradd waiting for nobody.
clear_stale_locks() {
	for c_lock in passwd shadow group gshadow subuid subgid; do
		[ ! -e "$ROOT/etc/$c_lock.lock" ] || rm -f "$ROOT/etc/$c_lock.lock"
	done
}

# ---- units ------------------------------------------------------------------------------------
unit_file() { # UNIT: its path in the tree, or 1
	u_name=$1
	case $1 in *@*) u_name=${1%%@*}@.${1##*.} ;; esac
	for u_dir in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
		[ -e "$ROOT$u_dir/$u_name" ] || continue
		[ "$(readlink "$ROOT$u_dir/$u_name")" != /dev/null ] || continue
		echo "$u_dir/$u_name"
		return
	done
	return 1
}
link_to() { # TARGET LINK: as put
	[ "$(readlink "$ROOT$2" 2>/dev/null)" != "$1" ] || return 1
	mkdir -p "$(dirname "$ROOT$2")" && ln -sf "$1" "$ROOT$2.bramble-new" &&
		mv -f "$ROOT$2.bramble-new" "$ROOT$2" || return 2
}
turn_on() { # UNIT [TARGET]: from now on, and now
	t_file=$(unit_file "$1") || return 2
	if link_to "$t_file" "/etc/systemd/system/${2:-multi-user.target}.wants/$1"; then
		to_start="$to_start $1"
	fi
}
turn_off() { # UNIT: neither by itself nor for others
	unit_file "$1" >/dev/null || return 0
	if link_to /dev/null "/etc/systemd/system/$1" && live; then
		systemctl --no-block stop "$1" 2>/dev/null || :
	fi
}
restart() { to_restart="$to_restart $1"; }

start_what_is_new() {
	live || return 0
	if [ -n "$reboot_for" ]; then
		say "starting again: $reboot_for"
		log_flush
		sync
		systemctl --no-block reboot
		return 0
	fi
	[ -z "$to_start$to_restart" ] || systemctl daemon-reload
	# shellcheck disable=SC2086 # one word a unit
	[ -z "$to_start" ] || systemctl --no-block start $to_start
	# shellcheck disable=SC2086
	[ -z "$to_restart" ] || systemctl --no-block try-restart $to_restart
}

# ---- the board --------------------------------------------------------------------------------
tree_text() { # NAME: a text of the device tree
	for d_dir in /proc/device-tree /sys/firmware/devicetree/base; do
		[ -r "$ROOT$d_dir/$1" ] || continue
		tr -dc '[:print:]' <"$ROOT$d_dir/$1" | cut -c1-64
		return
	done
	return 1
}
board_model() { tree_text model || echo 'a board without a model'; }
# The serial; the first Ethernet's address where there is none.
board_serial() {
	b_serial=$(tree_text serial-number | tr -dc '[:xdigit:]')
	case $b_serial in
	*[!0]*) echo "$b_serial" && return ;;
	esac
	for b_net in eth0 end0 wlan0; do
		[ -r "$ROOT/sys/class/net/$b_net/address" ] || continue
		tr -dc '[:xdigit:]' <"$ROOT/sys/class/net/$b_net/address" && echo
		return
	done
	return 1
}

# /boot/firmware since bookworm, /boot before: the mount table knows.
find_boot() {
	for f_dir in /boot/firmware /boot; do
		if awk -v d="$f_dir" '$2 == d && $3 ~ /^(vfat|msdos)$/ { found = 1 } END { exit !found }' \
			"$ROOT/proc/mounts" 2>/dev/null; then
			boot=$f_dir
			return 0
		fi
	done
	say 'the boot partition is not mounted: its bramble.conf is not read, and there is no bramble.log'
	note_problem 'boot partition' 'the boot partition is not mounted: its bramble.conf is not read' \
		'look at its line in /etc/fstab; journalctl -b -u systemd-fsck@*'
	return 0
}

# ---- the LED ----------------------------------------------------------------------------------
led_dir() {
	for l_led in ACT led0 PWR; do
		[ -w "$ROOT/sys/class/leds/$l_led/trigger" ] || continue
		echo "$ROOT/sys/class/leds/$l_led"
		return
	done
	return 1
}
# The trigger that was there is the one in brackets; it is kept for the end of this start only.
led_blink() {
	led=$(led_dir) || return 0
	l_was=$(sed -n 's/.*\[\(.*\)\].*/\1/p' "$led/trigger")
	mkdir -p "$ROOT/run"
	[ -e "$ROOT/run/bramble-led" ] || echo "${l_was:-mmc0}" >"$ROOT/run/bramble-led"
	{ echo heartbeat >"$led/trigger" || echo timer >"$led/trigger"; } 2>/dev/null || :
}
led_back() {
	led=$(led_dir) || return 0
	[ -r "$ROOT/run/bramble-led" ] || return 0
	{ cat "$ROOT/run/bramble-led" >"$led/trigger"; } 2>/dev/null || :
	rm -f "$ROOT/run/bramble-led"
}
# Quick and even: something needs a person.
led_trouble() {
	led=$(led_dir) || return 0
	{ echo timer >"$led/trigger" && echo 100 >"$led/delay_on" && echo 100 >"$led/delay_off"; } 2>/dev/null || :
}
