# network - Wi-Fi, fixed addresses, mDNS and the time, for whatever looks after the network in this
# system: NetworkManager (bookworm and later), dhcpcd (before), or systemd-networkd.  Sourced.
# shellcheck shell=sh disable=SC2154 # set_* are the settings

network_manager() {
	if unit_file NetworkManager.service >/dev/null; then
		echo NetworkManager
	elif unit_file dhcpcd.service >/dev/null; then
		echo dhcpcd
	elif unit_file systemd-networkd.service >/dev/null; then
		echo networkd
	fi
}

# block FILE NAME: standard input becomes the marked part of FILE called NAME; empty: none.  As put.
block() {
	b_mode=$(stat -c %a "$ROOT$1" 2>/dev/null) || b_mode=644
	b_new=$(cat)
	{
		[ ! -e "$ROOT$1" ] || sed "/^# bramble $2: begin\$/,/^# bramble $2: end\$/d" "$ROOT$1"
		[ -z "$b_new" ] || printf '# bramble %s: begin\n%s\n# bramble %s: end\n' "$2" "$b_new" "$2"
	} | put "$1" "$b_mode"
}

# The radio is blocked until a country is known, and the block is remembered here.
unblock_wifi() {
	for w_file in "$ROOT"/var/lib/systemd/rfkill/*:wlan; do
		[ -e "$w_file" ] && [ "$(cat "$w_file")" != 0 ] || continue
		echo 0 | sure put "${w_file#"$ROOT"}" 644
	done
	if live && command -v rfkill >/dev/null; then rfkill unblock wifi 2>/dev/null || :; fi
}

wpa_network() {
	printf 'ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev\nupdate_config=1\n'
	[ -z "$set_wifi_country" ] || printf 'country=%s\n' "$set_wifi_country"
	# the name as hex: every character is possible
	printf 'network={\n\tssid=%s\n' "$(printf %s "$set_wifi_name" | od -An -tx1 | tr -d ' \n')"
	case ${#set_wifi_password} in
	0) printf '\tkey_mgmt=NONE\n' ;;
	64) printf '\tpsk=%s\n' "$set_wifi_password" ;;
	*) printf '\tpsk="%s"\n' "$set_wifi_password" ;;
	esac
	printf '}\n'
}

nm_wifi() {
	printf '[connection]\nid=bramble-wifi\ntype=wifi\nautoconnect=true\n\n'
	# keyfile(5): ; and \ are special in it
	printf '[wifi]\nmode=infrastructure\nssid=%s\n\n' "$(printf %s "$set_wifi_name" | sed 's/[\\;]/\\&/g')"
	[ -z "$set_wifi_password" ] ||
		printf '[wifi-security]\nkey-mgmt=wpa-psk\npsk=%s\n\n' "$(printf %s "$set_wifi_password" | sed 's/\\/\\\\/g')"
	printf '[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n'
}

step_wifi() {
	if [ -z "$set_wifi_name" ]; then return 0; fi
	unblock_wifi
	wifi_key
	wifi_key_fits
	case $(network_manager) in
	NetworkManager)
		nm_wifi | put /etc/NetworkManager/system-connections/bramble-wifi.nmconnection 600
		;;
	dhcpcd)
		wpa_network | put /etc/wpa_supplicant/wpa_supplicant.conf 600
		;;
	networkd)
		sure turn_on wpa_supplicant@wlan0.service || {
			say 'wifi_name is set, and this system has no wpa_supplicant'
			return 1
		}
		printf '[Match]\nName=wlan*\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nRouteMetric=600\n' |
			sure put /etc/systemd/network/30-bramble-wifi.network 644 || return 1
		wpa_network | put /etc/wpa_supplicant/wpa_supplicant-wlan0.conf 600
		;;
	*)
		say 'wifi_name is set, and nothing in this system looks after the network'
		return 1
		;;
	esac
	case $? in
	0) say "Wi-Fi set up for the network '$set_wifi_name'" ;;
	2) return 1 ;;
	esac
}

dns_list() { # SEPARATOR
	printf %s "${set_dns:-$set_gateway}" | tr -s ' ,' '\n\n' | paste -sd"$1"
}

# Without an address in bramble.conf the router gives one; an older one of ours is taken back.
step_addresses() {
	a_nm=/etc/NetworkManager/system-connections/bramble-address.nmconnection
	a_networkd=/etc/systemd/network/10-bramble-address.network
	a_manager=$(network_manager)
	if [ -z "$set_address" ]; then
		rm -f "$ROOT$a_nm" "$ROOT$a_networkd"
		[ ! -e "$ROOT/etc/dhcpcd.conf" ] || sure block /etc/dhcpcd.conf address </dev/null
		return
	fi
	case $a_manager in
	NetworkManager)
		{
			printf '[connection]\nid=bramble-address\ntype=ethernet\nautoconnect=true\nautoconnect-priority=100\n\n'
			printf '[ipv4]\nmethod=manual\naddress1=%s%s\n' "$set_address" "${set_gateway:+,$set_gateway}"
			[ -z "$(dns_list ';')" ] || printf 'dns=%s;\n' "$(dns_list ';')"
			printf '\n[ipv6]\nmethod=auto\n'
		} | put $a_nm 600
		;;
	dhcpcd)
		{
			printf 'interface eth0\nstatic ip_address=%s\n' "$set_address"
			[ -z "$set_gateway" ] || printf 'static routers=%s\n' "$set_gateway"
			[ -z "$(dns_list ' ')" ] || printf 'static domain_name_servers=%s\n' "$(dns_list ' ')"
		} | block /etc/dhcpcd.conf address
		;;
	networkd)
		{
			printf '[Match]\nName=eth* en*\n\n[Network]\nAddress=%s\n' "$set_address"
			[ -z "$set_gateway" ] || printf 'Gateway=%s\n' "$set_gateway"
			for a_dns in $(dns_list ' '); do printf 'DNS=%s\n' "$a_dns"; done
		} | put $a_networkd 644
		;;
	*)
		say 'address is set, and nothing in this system looks after the network'
		return 1
		;;
	esac
	case $? in
	0) say "address $set_address" ;;
	2) return 1 ;;
	esac
}

# mDNS belongs on the LAN: on the bridges of containers it would announce addresses that nobody reaches.
# Interfaces with a device behind them are real; those of a Pi count even if they come late (USB).
step_avahi() {
	a_conf=/etc/avahi/avahi-daemon.conf
	[ -e "$ROOT$a_conf" ] || return 0
	a_list=$({
		printf 'eth0\nwlan0\n'
		for a_net in "$ROOT"/sys/class/net/*/device; do
			[ -e "$a_net" ] && basename "${a_net%/device}"
		done
	} | sort -u | paste -sd,)
	set_key $a_conf server allow-interfaces "$a_list"
	case $? in
	0) restart avahi-daemon.service ;;
	2) return 1 ;;
	esac
}

step_clock() {
	if [ -n "$set_timezone" ]; then
		if [ -e "$ROOT/usr/share/zoneinfo/$set_timezone" ]; then
			sure link_to "/usr/share/zoneinfo/$set_timezone" /etc/localtime || return 1
			echo "$set_timezone" | sure put /etc/timezone 644
		elif [ "$(remembered timezone)" != "$set_timezone" ]; then
			say "there is no timezone $set_timezone"
			remember timezone "$set_timezone"
		fi
	fi
	for c_other in chrony.service ntpsec.service ntp.service openntpd.service; do
		! unit_file $c_other >/dev/null || return 0
	done
	if ! unit_file systemd-timesyncd.service >/dev/null; then
		[ "$(remembered clock)" = none ] || say 'nothing in this system sets the clock from the network'
		remember clock none
		return
	fi
	sure turn_on systemd-timesyncd.service sysinit.target || return 1
	[ -n "$set_time_servers" ] || {
		rm -f "$ROOT/etc/systemd/timesyncd.conf.d/bramble.conf"
		return 0
	}
	printf '[Time]\nNTP=%s\n' "$(printf %s "$set_time_servers" | tr -s ', ' '  ')" |
		put /etc/systemd/timesyncd.conf.d/bramble.conf 644
	case $? in
	0) restart systemd-timesyncd.service ;;
	2) return 1 ;;
	esac
}
