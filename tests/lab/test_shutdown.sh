#!/bin/bash
# Switching off: all boards in order, and what goes wrong meanwhile; then the power comes back.  That a
# board is off is seen from outside: its PID 1 has ended.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2030,SC2031 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 4
work=$(mktemp -d)
trap 'show_boards; [ -n "${KEEP:-}" ] || "$lab" down; rm -rf "$work"' EXIT
boards=(b1 b2 b3 b4)
power() { "$lab" list | awk -v s="$1" '$1 == s { print $5 }'; } # BOARD: on or off
is_off() { local b; for b; do [ "$(power "$b")" = off ] || return; done; }
is_on() { local b; for b; do [ "$(power "$b")" = on ] || return; done; }
slot() { echo "${slot_of[$1]}"; }
others() { printf '%s\n' "${boards[@]}" | grep -vxF -e "$1" -e "${2:-none}"; } # SLOT [SLOT]
leader() { slot "$(status "$1" .leader)"; }                                  # asked on a board
lan() { "$lab" lan "$@"; }

frames() { # SLOT SOCKET JSON: one request
	"$here/frames" REQUEST 1 "$3" | "$here/frames" ask "/proc/$(cat "$BRAMBLE_LAB/boards/$1/init.pid")/root/run/bramble/$2.sock"
}

# Everything that has to be the same after the power has come back.
state_of() { # BOARD
	status "$1" '.cluster, .master, ([.nodes[] | "\(.id) \(.name)"] | sort | join(", "))'
	ctl "$1" functions -o json | jq -r '.[] | "\(.name) \(.replicas) \(.image)", (.placements[] | "  \(.id) \(.node)")'
	ctl "$1" auth
}
# Notes when the PID 1 of each board ends, until all of these have: SLOT MILLISECONDS in $work/ends.
watch_ends() { # BOARD...
	local b pids=()
	: >"$work/ends"
	for b; do
		(
			read -r pid <"$BRAMBLE_LAB/boards/$b/init.pid"
			tail -s 0.05 --pid="$pid" -f /dev/null
			echo "$b $((${EPOCHREALTIME/[.,]/} / 1000))" >>"$work/ends"
		) &
		pids+=($!)
	done
	watchers=("${pids[@]}")
}
watch_done() { # ends the watchers of boards that stay on
	kill "${watchers[@]}" 2>/dev/null
	wait "${watchers[@]}" 2>/dev/null
}
ended_last() { sort -n -k 2 "$work/ends" | awk 'END { print $1 }'; }
end_of() { awk -v b="$1" '$1 == b { print $2 }' "$work/ends"; }
# What keeps a board on that should be off: jobs of its systemd, what runs, and what it said last.
goes_off() { # NAME SECONDS BOARD...
	local before=$failed b
	eventually "$1" "$2" is_off "${@:3}"
	[ "$failed" != "$before" ] || return 0
	echo '--- who asked was told'
	cat "$work/said" 2>/dev/null
	for b in "${@:3}"; do
		is_off "$b" && continue
		echo "--- $b is on still"
		nsenter -t "$(cat "$BRAMBLE_LAB/boards/$b/init.pid")" -m -p -u -i -n -C sh -c \
			'timeout 5 systemctl --no-pager list-jobs; ps -eo pid,ppid,stat,wchan:20,etimes,args; journalctl -q --no-pager -b -n 120 -o short-precise' 2>&1 |
			cut -c1-300
	done
}
power_back() { # BOARD...: and all agree
	local b pids=()
	for b; do
		is_on "$b" || {
			"$lab" on "$b" >>"$work/lab.log" &
			pids+=($!)
		}
	done
	[ ${#pids[@]} = 0 ] || wait "${pids[@]}"
	eventually 'the power comes back: one bramble' 40 agree 4 "${boards[@]}"
	eventually 'all replicas are ready' 60 fn_is b1 hello .available_replicas 4
}
same_as_before() {
	eventually 'the same bramble, names, functions and places' 20 says "$before" state_of b2
	eventually 'a function answers' 20 grep -q '^Hello from' <(lan curl -s -m 5 http://10.77.0.12:8080/function/hello)
	assert 'nothing is frozen' ctl b3 scale hello 4
	for b in "${boards[@]}"; do has "$b: no shutdown is under way" '"active":false' "$(frames "$b" agent '{"verb":"shutdown_status"}')"; done
}

# What a board said before it went off is on its card.
for b in "${boards[@]}"; do
	run "$b" sh -c 'mkdir -p /var/log/journal && printf "[Journal]\nStorage=persistent\n" >/etc/systemd/journald.conf.d/persistent.conf &&
		systemctl restart systemd-journald && journalctl --flush'
done
eventually 'a bramble of four' 30 agree 4 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[123])$" /etc/hostname'; done
learn_names "${boards[@]}"
assert 'images' import_images b1 hello
assert 'hello on every board' ctl b1 deploy hello --image bramble/hello --replicas 4
eventually 'four replicas' 30 fn_is b1 hello .available_replicas 4
three_vote() { is b1 .voters_up 3; }
eventually 'three boards vote' 30 three_vote
before=$(state_of b2)
m=$(slot m1)

# --- what is said before, and what is refused -----------------------------------------------------------
eventually 'logind delays a power-off for the agent' 10 sh -c "'$lab' run b2 systemd-inhibit --list | grep -q 'bramble-agent.*shutdown.*delay'"
dry=$(run b2 shutdown-all --dry-run)
equal 'a dry run: a line a board' 4 "$(wc -l <<<"$dry")"
has 'the master last' '^ 4  m1 +master, last$' "$(tail -n 1 <<<"$dry")"
equal 'each board once' 'm1 w1 w2 w3' "$(awk '{ print $2 }' <<<"$dry" | sort | xargs)"
equal 'and as JSON' 'm1' "$(run b2 shutdown-all --dry-run -o json | jq -r '.boards[3].name')"
equal 'agentctl has the verb too' "$dry" "$(ctl b2 shutdown-all --dry-run)"
refuse 'without a terminal nobody agrees' 'say --yes' ctl b2 shutdown-all
refuse 'nor for one board' 'say --yes' ctl b2 reboot w1
refuse 'a board that is not there' "no board is called 'w9'" ctl b2 shutdown w9 --yes
refuse 'a time-out that is none' 'from 5 to 3600' ctl b2 shutdown-all --yes --timeout 1
refuse 'a board in the wrong place' '\-\-only BOARD' ctl b2 shutdown-all w1 --yes
# Who may ask what: orders come from boards only, and the gateway has a person's wish alone.
order='{"verb":"power","id":"1","held":true,"order":true}'
has 'no person gives orders to one board' 'may not be asked' "$(frames b2 agent "$order")"
has 'nor does a gateway' 'may not be asked' "$(frames b2 gateway "$order")"
has 'which writes nothing down either' 'may not be asked' "$(frames b2 gateway '{"verb":"shutdown-begin"}')"
has 'it may ask how it is' '"active":false' "$(frames b2 gateway '{"verb":"shutdown_status"}')"
has 'and in which order it would be' '"name":"m1","role":"master","order":4' "$(frames b2 gateway '{"verb":"shutdown","dry_run":true}')"
asks() { # ANSWER: at a terminal
	printf '%s\n' "$1" | run b2 script -qec 'agentctl shutdown-all' /dev/null
}
has 'it asks for the name of the cluster' "Type the cluster's name \(home\)" "$(asks away)"
has 'and takes no other one' 'nothing was done' "$(asks away)"
assert 'all of which switches nothing off' is_on "${boards[@]}"
equal 'and leaves everything as it is' "$before" "$(state_of b2)"

# --- one board ------------------------------------------------------------------------------------------
w=$(slot w2)
pid=$(cat "$BRAMBLE_LAB/boards/$w/init.pid")
said=$(timeout 100 "$lab" run "$m" agentctl reboot w2 --yes 2>&1)
equal 'reboot one: agentctl is content' 0 $?
has 'and says when it is back' '^w2 is back$' "$(tail -n 1 <<<"$said")"
assert 'it is another life of that board' test "$pid" != "$(cat "$BRAMBLE_LAB/boards/$w/init.pid")"
eventually 'all are up' 30 agree 4 "${boards[@]}"
equal 'with its name' "$w" "${slot_of[$(run "$w" hostname)]}"
said=$(timeout 100 "$lab" run "$m" agentctl shutdown w2 --yes 2>&1)
has 'shutdown one' '^w2 is off$' "$(tail -n 1 <<<"$said")"
goes_off 'it is off' 10 "$w"
mapfile -t rest < <(others "$w")
assert 'the others are on' is_on "${rest[@]}"
eventually 'its replicas go elsewhere' 60 fn_is "$m" hello .available_replicas 4
assert 'and it gets work again when it is back' "$lab" on "$w"
eventually 'all agree' 30 agree 4 "${boards[@]}"

# Whoever switches a board off, its functions do not delay that: containerd's shims would, for 90 s.
assert 'a replica more for each' ctl b1 scale hello 8
eventually 'ready' 30 fn_is b1 hello .available_replicas 8
t=$SECONDS
run "$w" systemctl poweroff
goes_off 'a board that its own systemctl switches off is off' 30 "$w"
assert 'soon' test $((SECONDS - t)) -lt 20
assert 'on again' "$lab" on "$w"
eventually 'all agree again' 30 agree 4 "${boards[@]}"

# Nor do they where containerd is gone and nobody can end them.
run "$w" sh -c 'systemctl stop containerd && journalctl --flush'
has 'its shims run on' 'containerd-shim' "$(run "$w" ps -eo args)"
run "$w" systemctl poweroff
goes_off 'a board without its containerd is off' 50 "$w"
assert 'and on' "$lab" on "$w"
eventually 'all agree once more' 30 agree 4 "${boards[@]}"
has 'which is said on its card' 'could not be ended are killed: 1' "$(run "$w" journalctl -q -o cat -t bramble-agent -g 'are killed')"
assert 'four replicas' ctl b1 scale hello 4
eventually 'of eight' 30 fn_is b1 hello '.placements | length' 4
eventually 'ready again' 30 fn_is b1 hello .available_replicas 4
eventually 'three boards vote again' 60 three_vote

# --- all of them ----------------------------------------------------------------------------------------
before=$(state_of b2)
l=$(leader b1) # may be another one than m1, which may not vote now
last=$(slot "$(run b1 shutdown-all --dry-run | awk 'END { print $2 }')")
watch_ends "${boards[@]}"
t=$((${EPOCHREALTIME/[.,]/} / 1000))
said=$(timeout 100 "$lab" run "$last" shutdown-all --yes 2>&1)
equal 'shutdown-all, asked on the last board' 0 $?
has 'says at the end' '^all boards are off, you can pull the plug$' "$said"
has 'and before that each board' "(w[1-3]|m1) is off" "$said"
goes_off 'all boards are off' 20 "${boards[@]}"
wait "${watchers[@]}"
equal 'the last one is the one that was said' "$last" "$(ended_last)"
took=$(($(end_of "$last") - t))
assert "in $took ms" test $took -lt 40000
power_back "${boards[@]}"
same_as_before

# --- calls in flight end, and meanwhile nothing is changed -------------------------------------------------
slow_call() { { sleep "$1"; echo slowly; } | lan curl -s -m 60 -T - -X POST -o "$work/slow" -w '%{http_code}' http://10.77.0.12:8080/function/hello >"$work/code"; }
slow_call 8 &
calling=$!
wait_until 10 sh -c "'$lab' run b2 ss -Htn 'sport = :8080' | grep -q ESTAB"
eventually 'three boards vote' 60 three_vote
before=$(state_of b2)
: >"$work/said"
timeout 100 "$lab" run b2 agentctl shutdown-all --yes >"$work/said" 2>&1 &
asking=$!
eventually 'functions stop' 10 grep -q 'functions stop' "$work/said"
eventually 'status tells' 5 sh -c "'$lab' run b3 agentctl shutdown-all --yes --dry-run | grep -q m1"
refuse 'nobody deploys meanwhile' 'switched off' ctl b1 scale hello 2
refuse 'nor removes' 'switched off' ctl b1 remove hello
assert 'all boards are still on' is_on "${boards[@]}"
wait $calling
equal 'the call in flight has its answer' 200 "$(cat "$work/code")"
wait $asking
equal 'asked on a board that goes before others' 0 $?
has 'it says who sees to the rest' 'this board goes off now; (m1|w[123]) sees to the rest' "$(cat "$work/said")"
goes_off 'all boards are off' 30 "${boards[@]}"
power_back "${boards[@]}"
same_as_before

# --- a worker hangs -------------------------------------------------------------------------------------
eventually 'three boards vote' 60 three_vote
last=$(slot "$(run b1 shutdown-all --dry-run | awk 'END { print $2 }')")
h=$(others "$last" | tail -n 1)
hname=$(run "$h" hostname)
before=$(state_of b2)
assert "a service of $hname does not end" run "$h" systemd-run -q --unit=hang -p TimeoutStopSec=300 -p ExecStop='/bin/sleep 300' /bin/sleep 1000
mapfile -t rest < <(others "$h")
said=$(timeout 100 "$lab" run "$last" shutdown-all --yes --timeout 8 2>&1)
equal 'shutdown-all is not content' 1 $?
has 'and names it' "^$hname is not off: it still answers; the others are off, and (m1|w[123]) goes off now$" "$said"
refuse 'it does not say that all are off' 'no such words' sh -c 'grep -q "all boards are off" <<END || { echo no such words; exit 1; }
'"$said"'
END'
goes_off 'the others are off' 20 "${rest[@]}"
assert 'it is on, as it was said' is_on "$h"
"$lab" off "$h"
power_back "${boards[@]}"
same_as_before

# --- the leader dies midway -------------------------------------------------------------------------------
eventually 'three boards vote' 60 three_vote
before=$(state_of b2)
l=$(leader b1)
mapfile -t rest < <(others "$l")
gate=10.77.0.$((10 + ${rest[0]#b}))
{ sleep 9; echo slowly; } | lan curl -s -m 60 -T - -X POST -o /dev/null http://$gate:8080/function/hello &
sleep 1 # of the call
: >"$work/said"
timeout 100 "$lab" run "${rest[1]}" agentctl shutdown-all --yes --timeout 20 >"$work/said" 2>&1 &
asking=$!
eventually 'functions stop' 10 grep -q 'functions stop' "$work/said"
"$lab" off "$l"
assert 'the leader has no power; the others are on' is_on "${rest[@]}"
goes_off 'the next leader switches them off' 60 "${rest[@]}"
wait $asking
power_back "${boards[@]}"
same_as_before

# --- a cable is pulled midway -----------------------------------------------------------------------------
eventually 'three boards vote' 60 three_vote
before=$(state_of b2)
last=$(slot "$(run b1 shutdown-all --dry-run | awk 'END { print $2 }')")
c=$(others "$last" "$(leader b1)" | tail -n 1)
cname=$(run "$c" hostname)
mapfile -t rest < <(others "$c")
gate=10.77.0.$((10 + ${last#b}))
{ sleep 6; echo slowly; } | lan curl -s -m 60 -T - -X POST -o /dev/null http://$gate:8080/function/hello &
sleep 1 # of the call
: >"$work/said"
timeout 100 "$lab" run "$last" shutdown-all --yes --timeout 5 >"$work/said" 2>&1 &
asking=$!
eventually 'functions stop' 10 grep -q 'functions stop' "$work/said"
"$lab" cut "$c"
goes_off 'the others are off' 60 "${rest[@]}"
wait $asking
has 'and the one that is cut off is named' "^$cname never answered: look whether it is off" "$(cat "$work/said")"
equal 'it is on' on "$(power "$c")"
goes_off 'nobody speaks to it, so it goes off by itself' 60 "$c"
"$lab" heal "$c"
power_back "${boards[@]}"
same_as_before

# --- all restart ------------------------------------------------------------------------------------------
eventually 'three boards vote' 60 three_vote
before=$(state_of b2)
last=$(slot "$(run b1 shutdown-all --dry-run | awk 'END { print $2 }')")
for b in "${boards[@]}"; do cat "$BRAMBLE_LAB/boards/$b/init.pid"; done >"$work/pids"
said=$(timeout 100 "$lab" run "$last" shutdown-all --reboot --yes 2>&1)
has 'shutdown-all --reboot' '^all boards restart, (m1|w[123]) last$' "$said"
new_lives() {
	local b i=0
	local -a old
	mapfile -t old <"$work/pids"
	for b in "${boards[@]}"; do
		[ "$(cat "$BRAMBLE_LAB/boards/$b/init.pid" 2>/dev/null)" != "${old[i++]}" ] && is_on "$b" || return
	done
}
eventually 'all boards have another life' 60 new_lives
eventually 'one bramble' 60 agree 4 "${boards[@]}"
eventually 'all replicas are ready' 60 fn_is b1 hello .available_replicas 4
same_as_before

finish
