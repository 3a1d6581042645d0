# watchdog.sh - what fwatchdog promises; sourced by tests/bench/run.  Needs no board.
# shellcheck shell=bash disable=SC2154 # run defines what is used here

watchdog() {
	local text ratio rss speed
	say 'fwatchdog: calls beside a bare posix_spawn of the same program'
	"$out/bench/watchdog" | tee "$work/watchdog"
	text=$(cat "$work/watchdog")
	ratio=$(sed -n 's/^fwatchdog: .* a call: \([0-9.]*\) of it$/\1/p' <<<"$text")
	rss=$(sed -n 's/^memory: .* \([0-9]*\) KB after 1000 calls$/\1/p' <<<"$text")
	speed=$(sed -n 's/.*: \([0-9.]*\) of the bare speed;.*/\1/p' <<<"$text")
	row 'fwatchdog, classic: CPU of a call, times a bare posix_spawn' "$ratio" - 1.3 "$(within "$ratio" 1.3)"
	row '   RSS after 1000 calls, KB' "$rss" - 1024 "$(within "$rss" 1024)"
	row '   10 MB there and back, of the speed of plain pipes' "$speed" - 0.8 "$(within 0.8 "$speed")"
	row '      a socket that only echoes has' \
		"$(sed -n 's/.*: \([0-9.]*\) ms bare, \([0-9.]*\) ms a socket.*/\1 \2/p' <<<"$text" | awk '{ printf "%.2f", $1 / $2 }')" - - -
}
