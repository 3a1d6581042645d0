# agent - what the agent is told, what it enrols with, and how its first minutes went.  Sourced.
# shellcheck shell=sh disable=SC2154 # set_* are the settings
pki=/etc/bramble/pki

# Only what bramble.conf of the card says; the rest of the agent's own file belongs to the person.
step_settings() {
	s_conf=/etc/bramble/bramble.conf
	s_kube=
	[ "$set_kubernetes" != off ] || s_kube=off
	[ -e "$ROOT$s_conf" ] || [ -n "$set_boards$s_kube" ] || return 0
	s_kept=$(cat "$ROOT$s_conf" 2>/dev/null)
	sure set_key $s_conf bramble expect "$set_boards" && sure set_key $s_conf bramble kubernetes "$s_kube" || return 1
	if live && command -v bramble-agent >/dev/null && ! s_out=$(bramble-agent --check-config 2>&1); then
		say "the agent does not take its settings: $(printf %s "$s_out" | head -n 1)"
		printf '%s\n' "$s_kept" | sure put $s_conf 644
		return 1
	fi
}

# Keys that a person copied beside bramble.conf move to where only root reads them.
step_keys() {
	mkdir -p "$ROOT$pki"
	for k_file in ca.crt enrol.crt enrol.key; do
		[ -n "$boot" ] && [ -s "$ROOT$boot/$k_file" ] || continue
		k_mode=644
		[ "$k_file" != enrol.key ] || k_mode=600
		sure put "$pki/$k_file" $k_mode <"$ROOT$boot/$k_file" || return 1
		# overwritten first: a deleted file of a FAT partition is still there to be read
		[ "$k_file" != enrol.key ] || shred -n 1 "$ROOT$boot/$k_file" 2>/dev/null || :
		rm -f "$ROOT$boot/$k_file"
		say "took $k_file from the boot partition"
	done
	if [ ! -e "$ROOT$pki/ca.crt" ]; then
		note_problem keys 'there is no ca.crt: this card belongs to no cluster' \
			'make an image with make image, or copy ca.crt, enrol.crt and enrol.key beside bramble.conf on the boot partition'
		[ "$(remembered keys)" = none ] ||
			say 'there is no ca.crt: this card belongs to no cluster (agentctl pki init makes one)'
		remember keys none
		return
	fi
	[ "$(remembered keys)" != none ] || rm -f "$ROOT$state/keys"
	keys_fit
	k_cluster=$(cat "$ROOT$pki/cluster" 2>/dev/null)
	if [ -n "$set_cluster$k_cluster" ] && [ -n "$k_cluster" ] && [ "${set_cluster:-$k_cluster}" != "$k_cluster" ] &&
		[ "$(remembered cluster)" != "$set_cluster" ]; then
		say "bramble.conf says cluster '$set_cluster', and the keys on this card are of '$k_cluster': the keys count"
		remember cluster "$set_cluster"
	fi
}

# Said here in plain words: the agent refuses such keys, and nobody sees that without a login.
keys_fit() {
	[ -s "$ROOT$pki/enrol.key" ] && [ -s "$ROOT$pki/enrol.crt" ] && command -v openssl >/dev/null || return 0
	k_public=$(openssl pkey -in "$ROOT$pki/enrol.key" -pubout 2>/dev/null) || k_public='no key'
	k_why=
	if [ "$k_public" != "$(openssl x509 -in "$ROOT$pki/enrol.crt" -noout -pubkey 2>/dev/null)" ]; then
		k_why='enrol.key is not the key of enrol.crt'
	elif ! openssl verify -no_check_time -CAfile "$ROOT$pki/ca.crt" "$ROOT$pki/enrol.crt" >/dev/null 2>&1; then
		k_why='enrol.crt is not of the cluster whose ca.crt this card has'
	fi
	if [ -z "$k_why" ]; then
		well enrol
		return 0
	fi
	problem enrol "this board cannot enrol: $k_why" \
		'copy ca.crt, enrol.crt and enrol.key of one cluster beside bramble.conf on the boot partition, and start again'
}

# ---- afterwards -------------------------------------------------------------------------------
enrolled() { [ -s "$ROOT/var/lib/bramble/board.crt" ] && [ ! -e "$ROOT$pki/enrol.key" ]; }

# Routers take their time: only what is missing a minute after the start is missing.
has_address() {
	ip -o -4 addr show scope global 2>/dev/null | awk '$2 !~ /^(lo|cni|veth|br|docker|bramble|flannel)/ { yes = 1 } END { exit !yes }'
}
say_network() {
	live || return 0
	until has_address; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$e_until" ] || break
		sleep 1
	done
	if has_address; then
		well network
	elif [ "$(remembered said-network)" != no ]; then # (the doctor looks for itself)
		say 'no network: neither by cable nor by Wi-Fi has this board an address: is the cable in, does the router give out'
		say 'addresses? For Wi-Fi look at wifi_* in bramble.conf'
		remember said-network no
	fi
}
# A bramble lives without the right time, so this is for the log; the doctor looks for itself.
say_clock() {
	live || return 0
	if [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ]; then
		well clock
	elif [ "$(remembered said-clock)" != no ]; then
		say "no time from the network: the clock says $(date -u '+%Y-%m-%d %H:%M') UTC (time_servers in bramble.conf names one)"
		remember said-clock no
	fi
}

# The doctor's own failures, a line each.
failures() { agentctl doctor 2>/dev/null | grep '^FAIL' | grep -v '^FAIL  card: ' | cut -c1-200; }

# What the doctor finds is said when it differs from last time.  Just after the enrolment much is under way
# yet: what still fails after three minutes is a failure.
agent_end() {
	e_until=$(($(cut -d. -f1 "$ROOT/proc/uptime") + 180))
	e_status='' e_doctor=''
	while [ "$(cut -d. -f1 "$ROOT/proc/uptime")" -lt "$e_until" ]; do
		if enrolled && e_status=$(agentctl status 2>/dev/null) && e_doctor=$(failures) && [ -z "$e_doctor" ]; then break; fi
		sleep 3
	done
	[ -n "$e_status" ] || e_doctor=$(failures) # the agent has not answered, or does not any more
	say_network
	say_clock
	if ! enrolled; then
		e_why=$(journalctl -q -o cat -n 3 -u bramble-agent -p err 2>/dev/null | tail -n 1 | cut -c1-300)
		[ "$(remembered end)" = no ] || say "this board is not enrolled${e_why:+: $e_why}"
		remember end no
		led_trouble
		log_flush
		return 0
	fi
	e_print=$(printf %s "$(hostname) $e_doctor" | fingerprint)
	if [ "$(remembered end)" != "$e_print" ]; then
		say "enrolled; this board is $(hostname)"
		printf '%s\n' "$e_status" | sed '/^$/d' | head -n 40 | while IFS= read -r e_line; do log_line "  $e_line"; done
		printf '%s\n' "$e_doctor" | while IFS= read -r e_line; do [ -z "$e_line" ] || log_line "  $e_line"; done
		remember end "$e_print"
	fi
	led_back
	log_flush
}
