# shutdown.sh - a part of tests/bench/run: four idle boards are switched off by `shutdown-all`, several
# times; measured from the command until the last board's PID 1 has ended, from outside.
# shellcheck shell=bash disable=SC2154 # variables of run
shutdown() {
	local i b t last pids
	say "shutdown-all: $shutdowns times, four idle boards"
	for ((i = 1; i <= shutdowns; i++)); do
		last=$(run b1 shutdown-all --dry-run -o json | jq -r '.boards[3].name')
		pids=()
		t=$(now)
		for b in "${boards[@]}"; do
			# shellcheck disable=SC2046 # one process id
			tail -s 0.02 --pid=$(cat "$(dir "$b")/init.pid") -f /dev/null &
			pids+=($!)
		done
		timeout 100 "$lab" run "$last" shutdown-all --yes >"$work/said" 2>&1 || :
		wait "${pids[@]}"
		calc '.2f\n' "($(now) - $t) / 1e6" >>"$work/shutdown"
		grep -q 'all boards are off, you can pull the plug' "$work/said"
		echo "all off after $(tail -n 1 "$work/shutdown") s"
		each on "${boards[@]}"
		whole
	done
	row 'shutdown-all of four idle boards, the command until the last is off, s' "$(median shutdown)" \
		"$(worst shutdown)" 15 "$(within "$(worst shutdown)" 15)"
}
