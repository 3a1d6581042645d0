# wifi_secret - the password of the wireless network does not stay on the boot partition, where anybody
# with a card reader reads it: the key that WPA2 makes of name and password takes its place in bramble.conf.
# It opens this one network and tells nobody the password.  Who writes a password there again has it
# replaced again.  Sourced.
# shellcheck shell=sh disable=SC2154 # set_*, boot and state are others'

# Hands set_wifi_password on as 64 hexadecimal digits, where that can be made of it.
wifi_key() {
	case ${#set_wifi_password} in 0 | 64) return 0 ;; esac
	if ! command -v wpa_passphrase >/dev/null; then
		problem wifi 'wifi_password stays on the boot partition as it is: this system has no wpa_passphrase' \
			'apt install wpasupplicant, or write the 64 digits of wpa_passphrase there'
		return 0
	fi
	# by standard input: arguments are for all to see
	w_key=$(printf '%s\n' "$set_wifi_password" | wpa_passphrase "$set_wifi_name" 2>/dev/null |
		sed -n 's/^[[:space:]]*psk=\([0-9a-f]\{64\}\)$/\1/p')
	[ ${#w_key} = 64 ] || {
		problem wifi 'wifi_password stays on the boot partition as it is: no key can be made of it' 'is it right?'
		return 0
	}
	set_wifi_password=$w_key
	wifi_replace
}

# The file stays what it was but for that line.  The old one is overwritten before it goes: a deleted file
# of a FAT partition is still there to be read.  bramble.new is whole, whenever it is there.
wifi_replace() {
	w_conf=$boot/bramble.conf
	[ -n "$boot" ] && [ -f "$ROOT$w_conf" ] || return 0
	awk -v key="$set_wifi_password" '{ line = tolower($0) }
		line ~ /^[ \t]*wifi_password[ \t]*=/ { sub(/=.*/, "= " key ($0 ~ /\r$/ ? "\r" : "")) } { print }' \
		"$ROOT$w_conf" | put "$boot/bramble.new" fat || return 0
	shred -n 1 "$ROOT$w_conf" 2>/dev/null || :
	mv -f "$ROOT$boot/bramble.new" "$ROOT$w_conf"
	sync "$ROOT$boot"
	say "wifi_password in bramble.conf: its key has taken its place; write the password there again to change it"
}
# After a power cut in the middle of that.
wifi_restore() {
	[ -z "$boot" ] || [ ! -s "$ROOT$boot/bramble.new" ] || mv -f "$ROOT$boot/bramble.new" "$ROOT$boot/bramble.conf"
}

# A key is of one name: with another name it opens nothing.
wifi_key_fits() {
	if [ ${#set_wifi_password} != 64 ]; then return 0; fi
	w_key_print=$(printf %s "$set_wifi_password" | fingerprint)
	w_name_print=$(printf %s "$set_wifi_name" | fingerprint)
	w_was=$(remembered wifi-key)
	case $w_was in
	"$w_key_print $w_name_print") well wifi ;;
	"$w_key_print "*)
		problem wifi 'wifi_name is another one, and the key in wifi_password is of the old one: it opens nothing' \
			'write the password of the new network as wifi_password into bramble.conf'
		;;
	*)
		remember wifi-key "$w_key_print $w_name_print"
		well wifi
		;;
	esac
}
