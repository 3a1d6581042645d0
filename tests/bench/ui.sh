# ui.sh - sourced by run: the dashboard's stream.  A FAKE agent (tests/live/ui_peer.c) is 96 boards of
# which every reading is another one each second, the gateway is the real one, ten viewers read.
# shellcheck shell=bash disable=SC2154 # out, work: run's

ui_viewers=10 ui_boards=96 ui_seconds=${UI_SECONDS:-30} ui_rounds=3

ui_state='{"cluster":"home","node":"w1","auth":{"user":"admin","password":"secret"},"arch":"armhf","functions":[]}'

# Logs in and prints the session's cookie.
ui_login() { # URL
	local jar=$work/ui-jar csrf
	csrf=$(curl -s -c "$jar" "$1/ui/" | sed -n 's/.*name="csrf" value="\([0-9a-f]*\)".*/\1/p')
	curl -s -o /dev/null -b "$jar" -c "$jar" -d "user=admin&password=secret&csrf=$csrf" "$1/ui/login"
	awk '$6 == "bramble_session" { print $6 "=" $7 }' "$jar"
}
ui_cpu_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; } # its one thread's, exact

ui() {
	local peer gateway port cookie mode round ns from to in left bytes
	say "ui: $ui_viewers viewers of $ui_boards boards that all change each second"
	gcc -std=gnu17 -O2 -D_GNU_SOURCE -o "$work/ui_peer" tests/live/ui_peer.c
	mkfifo "$work/ui-say"
	"$work/ui_peer" agent "$work/ui.sock" $ui_boards <"$work/ui-say" >"$work/ui-asked" &
	peer=$!
	exec 7>"$work/ui-say"
	echo "state $ui_state" >&7
	"$out/bramble-gateway" --listen 127.0.0.1:0 --agent "$work/ui.sock" --config tests/live/gateway.conf \
		--queue "$work/ui-queue.db" 2>"$work/ui-log" &
	gateway=$!
	wait_until 10 grep -q 'listening on' "$work/ui-log"
	port=$(sed -n 's/.*listening on .* port //p' "$work/ui-log")
	wait_until 10 curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"
	cookie=$(ui_login "http://127.0.0.1:$port")
	for ((round = 1; round <= ui_rounds; round++)); do
		for mode in gzip ''; do
			ns=$(ui_cpu_ns $gateway) from=$(now)
			read -r in left bytes < <("$work/ui_peer" viewers "$port" "$cookie" $ui_viewers "$ui_seconds" $mode)
			ns=$(($(ui_cpu_ns $gateway) - ns)) to=$(now)
			[ "$in$left" = "$ui_viewers$ui_viewers" ] || { echo "only $in of $ui_viewers viewers came, $left stayed" >&2 && return 1; }
			calc '.3f\n' "$ns / 1e3 / ($to - $from) * 100" >>"$work/ui-cpu${mode:+-$mode}"
			calc '.1f\n' "$bytes / 1000 / (($to - $from) / 1e6)" >>"$work/ui-kb${mode:+-$mode}"
			echo "${mode:-plain}: $(tail -n 1 "$work/ui-cpu${mode:+-$mode}") % of a core, $(tail -n 1 "$work/ui-kb${mode:+-$mode}") kB/s"
		done
	done
	exec 7>&-
	kill $gateway && wait $gateway
	kill $peer 2>/dev/null || :
	row "dashboard: $ui_viewers viewers of $ui_boards boards (fake agent), percent of a core" "$(median ui-cpu-gzip)" "$(worst ui-cpu-gzip)" 1 \
		"$(within "$(worst ui-cpu-gzip)" 1)"
	row '   kB/s to all of them together, as browsers take it (gzip)' "$(median ui-kb-gzip)" "$(worst ui-kb-gzip)" 100 \
		"$(within "$(worst ui-kb-gzip)" 100)"
	row '   kB/s where none of them takes gzip' "$(median ui-kb)" "$(worst ui-kb)" - -
	row '   and percent of a core' "$(median ui-cpu)" "$(worst ui-cpu)" - -
}
