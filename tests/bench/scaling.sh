# scaling - a part of tests/bench/run, sourced by it: what a call to a function at zero waits for
# beside its container, how soon a paused one answers, and what four replicas carry beside one.
# shellcheck shell=bash disable=SC2154 # lab, work and row() are the caller's
lan() { "$lab" lan "$@"; }
call_ms() { lan curl -s -m 20 -o /dev/null -w '%{http_code} %{time_total}\n' "http://10.77.0.$((10 + ${1#b})):8080/function/$2" | awk '$1 == 200 { printf "%.2f\n", $2 * 1000 }'; } # BOARD NAME
# How long the newest replica of NAME took from asked for to its first connection, in ms.
started_ms() {
	local b
	for b in "${boards[@]}"; do
		run "$b" journalctl -q --no-pager -o short-unix -u bramble-agent -g "^$1 .* answers after" -n 1 2>/dev/null || :
	done | sort -n | sed -n '$s/.*answers after \([0-9.]*\) ms.*/\1/p'
}
# When the leader last decided that NAME has more replicas, in seconds since 1970.
decided_at() {
	local b
	for b in "${boards[@]}"; do
		run "$b" journalctl -q --no-pager -o short-unix -u bramble-agent -g "^$1: from [0-9]* to [0-9]* replicas" 2>/dev/null || :
	done | sort -n | awk 'END { print $1 }'
}
no_place() { fn_is b1 "$1" '.placements | length' 0; }
at_rest() { fn_is b1 "$1" .replicas 0 && fn_is b1 "$1" '.placements[0].state' frozen; }
rate() { awk '/Requests\/sec/ { print $2 }' "$1"; }
burn_load() { lan wrk -t1 -c8 -d"$1s" --timeout 20s "http://10.77.0.11:8080/function/burn" >"$2"; }
burn() { # MOST: a function that is worth 0.3 of a core
	ctl b1 deploy burn --image bramble/burn --cpu 300m --label com.openfaas.scale.max="$1" \
		--label com.openfaas.scale.type=capacity --label com.openfaas.scale.target=2 >/dev/null
}

scaling() {
	local i b t one begun
	say 'scaling: four boards'
	"$lab" down
	"$lab" up 4 >>"$work/lab.log"
	whole
	import_images b1 hello burn >/dev/null
	ctl b1 deploy wake --image bramble/hello >/dev/null
	for ((i = 0; i < 20; i++)); do
		ctl b1 scale wake 0 >/dev/null
		wait_until 20 no_place wake
		b=${boards[i % 4]}
		t=$(call_ms "$b" wake)
		one=$(started_ms wake)
		calc '.2f\n' "$t - $one" >>"$work/wake"
		echo "$t" >>"$work/wake-whole"
		echo "$one" >>"$work/wake-start"
		call_ms "$b" wake >>"$work/wake-warm"
	done
	row 'wake from zero: a call, less the start of its container, ms' "$(median wake)" "$(worst wake)" 5 "$(within "$(median wake)" 5)"
	row '   the whole call' "$(median wake-whole)" "$(worst wake-whole)" - -
	row '   the same call again' "$(median wake-warm)" "$(worst wake-warm)" - -
	row '   the start of its container alone' "$(median wake-start)" "$(worst wake-start)" - -
	ctl b1 deploy ice --image bramble/hello --label bramble.scale.zero=freeze >/dev/null
	for ((i = 0; i < 20; i++)); do
		ctl b1 scale ice 0 >/dev/null
		wait_until 30 at_rest ice
		sleep 1 # it is paused when nobody was connected for a moment
		call_ms "${boards[i % 4]}" ice >>"$work/ice"
		call_ms "${boards[i % 4]}" ice >>"$work/warm"
	done
	row 'a call to a paused function, ms' "$(median ice)" "$(worst ice)" 5 "$(within "$(median ice)" 5)"
	row '   the same call again' "$(median warm)" "$(worst warm)" - -
	burn 1
	burn_load 3 "$work/warm-up"
	burn_load 10 "$work/burn-1"
	burn 4
	begun=$(now)
	burn_load 12 "$work/burn-up"
	t=$(calc .2f "$(decided_at burn) - $begun / 1e6")
	burn_load 10 "$work/burn-4"
	row 'load until more replicas are decided on, s' "$t" "$t" 2 "$(within "$t" 2)"
	t=$(calc .2f "$(rate "$work/burn-4") / $(rate "$work/burn-1")")
	row 'calls a second of work for 0.3 of a core: one replica' "$(rate "$work/burn-1")" - - -
	row '   four replicas on four boards' "$(rate "$work/burn-4")" - '3.5 times' \
		"$(within 3.5 "$t"), $t times"
}
