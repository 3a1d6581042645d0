# settings - bramble.conf of the boot partition: `key = value` lines that a person edited on any
# computer.  What is wrong is said with its line and left out; the rest counts.  Sourced.
# shellcheck shell=sh disable=SC2034,SC2154 # the steps read set_*

# KEY|CHECK|WHAT A VALUE IS; a key that ends in .* is followed by a serial or an Ethernet address.
setting_keys='
cluster|is_label|a name of a-z, 0-9 and hyphens
boards|is_boards|a number from 1 to 96
user|is_user|a user name: a-z, 0-9, _ and -, not root
password_hash|is_hash|a hash (openssl passwd -6 makes it), never the password itself
ssh_key|is_ssh_key|the one line of a file like id_ed25519.pub
wifi_name|is_wifi_name|a network name of 1 to 32 characters
wifi_password|is_wifi_password|8 to 63 characters
wifi_country|is_country|two capital letters, like DE
kubernetes|is_kubernetes|on or off
swap|is_swap|off or keep
timezone|is_timezone|a zone like Europe/Berlin
time_servers|is_hosts|names or addresses of time servers
address|is_address|an address with its prefix, like 192.168.1.11/24
address.*|is_address|an address with its prefix, like 192.168.1.11/24
gateway|is_ip|an address like 192.168.1.1
dns|is_hosts|addresses of name servers
'

matches() { printf '%s\n' "$2" | LC_ALL=C grep -qE "^($1)\$"; }
length_is() { [ "${#3}" -ge "$1" ] && [ "${#3}" -le "$2" ]; }
is_label() { length_is 1 63 "$1" && matches '[a-z0-9]([a-z0-9-]*[a-z0-9])?' "$1"; }
is_boards() { matches '[1-9][0-9]?' "$1" && [ "$1" -le 96 ]; }
is_user() { length_is 1 32 "$1" && matches '[a-z_][a-z0-9_-]*' "$1" && [ "$1" != root ]; }
is_hash() { length_is 12 220 "$1" && matches '\$[0-9a-z]+\$[]A-Za-z0-9./$=,+-]+' "$1"; }
is_ssh_key() {
	length_is 60 4000 "$1" &&
		matches '(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( [ -~]*)?' "$1"
}
is_wifi_name() { length_is 1 32 "$1"; }
is_wifi_password() { if length_is 64 64 "$1"; then matches '[0-9a-fA-F]+' "$1"; else length_is 8 63 "$1" && matches '[ -~]+' "$1"; fi; }
is_country() { matches '[A-Z]{2}' "$1"; }
is_kubernetes() { matches 'on|off|auto' "$1"; }
is_swap() { matches 'off|keep' "$1"; }
is_timezone() { matches '[A-Za-z0-9+_-]+(/[A-Za-z0-9+_-]+){0,2}' "$1"; }
is_hosts() { matches '[A-Za-z0-9:.-]+([ ,]+[A-Za-z0-9:.-]+){0,7}' "$1"; }
is_ip() {
	matches '[0-9]{1,3}(\.[0-9]{1,3}){3}' "$1" || return 1
	for i_part in $(echo "$1" | tr . ' '); do [ "$i_part" -le 255 ] || return 1; done
}
is_address() {
	case $1 in */*) ;; *) return 1 ;; esac
	is_ip "${1%/*}" && matches '[0-9]{1,2}' "${1##*/}" && [ "${1##*/}" -ge 8 ] && [ "${1##*/}" -le 30 ]
}

# take_setting KEY VALUE LINE: checks it and keeps it in set_KEY (ssh_keys: one a line).
take_setting() {
	case $1 in address.?*) t_is='address.*' ;; *) t_is=$1 ;; esac
	t_check=
	while IFS='|' read -r t_key t_check t_what; do
		[ -z "$t_key" ] || [ "$t_key" != "$t_is" ] || break
		t_check=
	done <<-END
		$setting_keys
	END
	if [ -z "$t_check" ]; then
		wrong "line $3: there is no key '$(printf %.40s "$1" | tr -cd '[:print:]')'"
		return
	fi
	if ! "$t_check" "$2"; then
		wrong "line $3: $1 is not $t_what"
		return
	fi
	case $1 in
	ssh_key) set_ssh_keys="$set_ssh_keys$2
" ;;
	address.*) set_addresses="$set_addresses${1#address.} $2
" ;;
	cluster) set_cluster=$2 ;;
	boards) set_boards=$2 ;;
	user) set_user=$2 ;;
	password_hash) set_password_hash=$2 ;;
	wifi_name) set_wifi_name=$2 ;;
	wifi_password) set_wifi_password=$2 ;;
	wifi_country) set_wifi_country=$2 ;;
	kubernetes) set_kubernetes=$2 ;;
	swap) set_swap=$2 ;;
	timezone) set_timezone=$2 ;;
	time_servers) set_time_servers=$2 ;;
	address) set_address=$2 ;;
	gateway) set_gateway=$2 ;;
	dns) set_dns=$2 ;;
	esac
}
wrong() {
	wrong_lines="$wrong_lines$1
"
}

# parse_settings FILE: fills set_* and wrong_lines.  A BOM and CRLF are what Windows' editor adds.
parse_settings() {
	set_cluster='' set_boards='' set_user=pi set_password_hash='' set_ssh_keys='' set_wifi_name='' set_wifi_password=''
	set_wifi_country='' set_kubernetes=on set_swap=off set_timezone='' set_time_servers='' set_address=''
	set_addresses='' set_gateway='' set_dns='' wrong_lines='' p_line=0
	p_text=$(head -c 65536 "$1" | tr -d '\000\r' | sed "1s/^$(printf '\357\273\277')//")
	while IFS= read -r p_raw; do
		p_line=$((p_line + 1))
		p_raw=${p_raw#"${p_raw%%[! $tab]*}"}
		p_raw=${p_raw%"${p_raw##*[! $tab]}"}
		case $p_raw in
		'' | '#'* | ';'* | '['*']') continue ;;
		*=*) ;;
		*)
			wrong "line $p_line: is neither 'key = value' nor a comment"
			continue
			;;
		esac
		p_key=${p_raw%%=*} p_value=${p_raw#*=}
		p_key=${p_key%"${p_key##*[! $tab]}"}
		case $p_key in *[!a-z_]*) p_key=$(printf %s "$p_key" | tr '[:upper:]' '[:lower:]') ;; esac
		p_value=${p_value#"${p_value%%[! $tab]*}"}
		case $p_value in '"'*'"') [ ${#p_value} -lt 2 ] || p_value=${p_value#?} p_value=${p_value%?} ;; esac
		# an example that was left empty
		[ -n "$p_value" ] || continue
		take_setting "$p_key" "$p_value" "$p_line"
	done <<-END
		$p_text
	END
	[ -z "$set_wifi_name" ] || [ -n "$set_wifi_country" ] ||
		wrong 'wifi_name is given without wifi_country: the radio stays off in many countries'
	# a network without a password is one, but not what a typing error should make
	set_address=$(address_of_this_board)
	[ -z "$set_address" ] || [ -n "$set_gateway" ] ||
		wrong 'address is given without gateway: the board reaches its own network only'
}

# The address for this board's serial or Ethernet address, else the one for all.
address_of_this_board() {
	a_serial=$(board_serial) a_mac=$(cat "$ROOT/sys/class/net/eth0/address" 2>/dev/null)
	printf '%s' "$set_addresses" | while read -r a_who a_address; do
		a_who=$(printf %s "$a_who" | tr -d :- | sed 's/^0*//')
		[ -n "$a_who" ] || continue
		for a_is in "$a_serial" "$a_mac"; do
			[ "$a_who" = "$(printf %s "$a_is" | tr -d : | sed 's/^0*//')" ] || continue
			echo "$a_address"
			break 2 # (nobody reads a second one)
		done
	done | head -n 1 | grep . || printf '%s' "$set_address"
}

read_settings() {
	r_file=$ROOT$boot/bramble.conf
	if [ -z "$boot" ] || [ ! -r "$r_file" ]; then
		parse_settings /dev/null
		r_seen=missing
		[ -z "$boot" ] || wrong 'is missing from the boot partition: defaults count'
	else
		parse_settings "$r_file"
		r_seen=$(printf '%s' "$wrong_lines" | fingerprint)
	fi
	note_wrong_lines
	# once, not at every start
	if [ -n "$wrong_lines" ] && [ "$r_seen" != "$(remembered settings)" ]; then
		while IFS= read -r r_line; do
			[ -z "$r_line" ] || say "bramble.conf: $r_line"
		done <<-END
			$wrong_lines
		END
		remember settings "$r_seen"
	fi
	[ -n "$wrong_lines" ] || [ ! -e "$ROOT$state/settings" ] || rm -f "$ROOT$state/settings"
}

note_wrong_lines() {
	[ -n "$wrong_lines" ] || return 0
	while IFS= read -r r_line; do
		[ -z "$r_line" ] || note_problem bramble.conf "bramble.conf on the boot partition: $r_line" \
			'correct it with any editor, on any computer or here, and start again'
	done <<-END
		$wrong_lines
	END
}

check_settings() { # FILE
	[ -r "$1" ] || {
		echo "firstboot: cannot read $1" >&2
		return 1
	}
	parse_settings "$1"
	[ -n "$wrong_lines" ] || return 0
	printf '%s' "$wrong_lines" | sed "s|^|${1##*/}: |" >&2
	return 1
}
