#!/bin/bash
# agentctl top in a real terminal (tmux), on a board of the lab: what it shows, what its keys do,
# other sizes and kinds of terminals, an agent that goes away, and what is left of the terminal.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

t() { tmux -L "$BRAMBLE_LAB_PREFIX-top" -f /dev/null "$@"; }
screen() { t capture-pane -p -t top; }
coloured() { t capture-pane -p -e -t top; }
sees() { screen | grep -qE -- "$1"; }
gone() { ! sees "$1"; }
keys() { t send-keys -t top "$@"; }
row_of() { screen | grep -nE -- "$1" | head -n 1 | cut -d: -f1; }
above() { local a b && a=$(row_of "$1") && b=$(row_of "$2") && [ "$a" -lt "$b" ]; } # REGEX REGEX
wait_for() { # REGEX [WHAT]: it comes to be on the screen
	if wait_until 30 sees "$1"; then ok "${2:-shows $1}"; else not_ok "${2:-shows $1}" "no /$1/ on" "$(screen)"; fi
}
wait_gone() {
	if wait_until 30 gone "$1"; then ok "${2:-shows no more $1}"; else not_ok "${2:-shows no more $1}" "/$1/ on" "$(screen)"; fi
}
# A shell on the second board, in a terminal of 80x24.
shell() { # [VARIABLE=VALUE...]
	t kill-server 2>/dev/null
	wait_until 5 not t has-session
	t new-session -d -s top -x 80 -y 24 "$lab run b2 env $* bash --norc"
	keys 'PS1=ready_' Enter
	wait_until 10 sees '^ready_$' || not_ok 'a shell in tmux' "$(screen)"
}
not() { ! "$@"; }
open() { # ENVIRONMENT...
	shell "$@"
	keys 'stty -g >/tmp/before; clear; agentctl top' Enter
	wait_for '1 BOARDS +2 ' "top ${*:-as it is}"
}
# Quit or killed: the prompt is there, the other screen is gone, the cursor is seen, and the line
# discipline is as it was.
clean() { # NAME
	wait_for 'ready_$' "$1: the shell is back"
	equal "$1: the screen is the shell's" '0 1' "$(t display-message -p -t top '#{alternate_on} #{cursor_flag}')"
	keys 'stty -g >/tmp/after; cmp /tmp/before /tmp/after && echo un""changed' Enter
	wait_for '^unchanged$' "$1: the terminal's settings are as before"
}
node_is() { says "$3" status b1 ".nodes[] | select(.name == \"$1\") | $2"; } # NAME FILTER WANT
figlet_on() { fn b1 figlet '[.placements[].node] | unique | join(" ")'; }

lab_up 2
trap 't kill-server 2>/dev/null; show_boards; [ -n "${KEEP:-}" ] || "$lab" down' EXIT
eventually 'a bramble of two' 60 agree 2 b1 b2
master=$(run b1 hostname) other=$(run b2 hostname)
[ "$other" != m1 ] || { master=$(run b2 hostname) other=$(run b1 hostname); }
assert 'a function' ctl b1 store deploy figlet
assert 'another' ctl b1 store deploy qr --name zebra

# --- what it shows ----------------------------------------------------------------------------------
open
wait_for 'home: 2 of 2 boards up, master m1' 'the head line'
wait_for "^$master\\*? +master .*[0-9]+%.*[0-9]+%.*/80 C" 'a row of the master: CPU, RAM, degrees and limit'
wait_for "^$other\\*? +worker" 'a row of the worker'
wait_for '^figlet +openfaas-fn +1 of 1' 'a function that is ready'
wait_for '█|░' 'bars of blocks'
wait_for '3 EVENTS' 'the pane of events'
wait_for '(figlet|zebra) was deployed' 'an event about a function'
equal 'it is 80 columns wide' 80 "$(screen | LC_ALL=C.UTF-8 wc -L)"
run b2 agentctl invoke figlet <<<x >/dev/null
wait_for '^figlet .* 1 +[mw][0-9]' 'it is live: the call is counted'

# --- sorting, filtering -----------------------------------------------------------------------------
keys 2
wait_for '> 2 FUNCTIONS' 'the pane of functions'
assert 'by name' above '^figlet' '^zebra'
keys r
wait_for 'by NAME, reversed'
assert 'by name, reversed' above '^zebra' '^figlet'
keys ssss
wait_for 'by CALLS$'
assert 'the busiest first' above '^figlet' '^zebra'
keys /zeb
wait_for 'filter: zeb_'
wait_gone '^figlet'
keys Enter
wait_for "1 of 2 .*only 'zeb'" 'the filter is kept'
keys Escape
wait_for '^figlet' 'and ended'

# --- acting -----------------------------------------------------------------------------------------
keys /zeb Enter
wait_gone '^figlet'
keys c
wait_for 'zebra: how many replicas\? 1_'
keys BSpace 2 Enter
wait_for 'scale zebra to 2\?' 'a question before'
keys n
wait_for 'nothing was done'
equal 'n: nothing was done' 1 "$(fn b1 zebra .replicas)"
keys c
wait_for 'how many replicas'
keys BSpace 2 Enter y
wait_for 'scale zebra to 2: '
eventually 'y: it was done' 10 fn_is b1 zebra .replicas 2
wait_for '^zebra .* 2 of 2' 'and is seen'
keys x
wait_for 'remove zebra\?'
keys y
eventually 'it was removed' 10 fn_is b1 zebra .name ''
keys Escape
wait_for '^figlet'
keys Home l
wait_for 'logs of figlet.openfaas-fn' 'logs'
keys q
wait_for '> 2 FUNCTIONS' 'and back'
keys 1 Home
wait_for '> 1 BOARDS'
keys Enter
wait_for "$master: Raspberry Pi" 'a menu of the board'
wait_for 'slows down at 80 C, hard limit 85 C' 'with its own limits'
keys l
wait_for "locate $master: [^t]" 'its LED blinks'
keys d
wait_for "drain $master\\?" 'a question before a drain'
keys n
wait_for 'nothing was done'
assert 'n: it is not cordoned' node_is "$master" .cordoned false

# a drain, and the way back
assert 'replicas on both boards' ctl b1 scale figlet 2
eventually 'so it is' 30 says "$(printf '%s\n' "$master" "$other" | sort | xargs)" figlet_on
keys End d
wait_for "drain $other\\?" 'a drain of the other board'
keys y
wait_for "drain $other: begun" 'y: it is begun'
wait_for "^$other\\*? +cordoned" 'its row says when it is drained'
assert 'it is' node_is "$other" '"\(.cordoned) \(.drained)"' 'true true'
equal 'its replica is elsewhere' "$master" "$(figlet_on)"
wait_for "figlet moved from $other to $master" 'and an event says so'
keys u
wait_for "uncordon $other\\?" 'a question before the way back'
keys y
wait_for "uncordon $other: " 'y: it is done'
wait_for "^$other\\*? +worker" 'its row is as before'
assert 'it may have work again' node_is "$other" '"\(.cordoned) \(.drained)"' 'false false'
assert 'one replica, as before' ctl b1 scale figlet 1
keys '?'
wait_for 'agentctl top: the bramble, live' 'help'
keys Escape
wait_gone 'the bramble, live'

# --- sizes ------------------------------------------------------------------------------------------
t resize-window -t top -x 160 -y 50
wait_for 'KUBERNETES' 'more columns where there is room'
t resize-window -t top -x 60 -y 12
wait_gone 'FUNCTIONS' 'one pane at a time where there is none'
wait_for "^$other.*worker"
keys Tab
wait_for '> 2 FUNCTIONS' 'and Tab goes to the next'
t resize-window -t top -x 30 -y 6
wait_for '30x6 is too small' 'too small: in words'
t resize-window -t top -x 80 -y 24
wait_for '^figlet' 'and well again'

# --- an agent that goes away ------------------------------------------------------------------------
run b2 systemctl stop bramble-agent
wait_for 'old; the agent is not there, trying again' 'the agent is not there'
wait_for '^figlet' 'what was known stays'
assert 'in colour' eval 'coloured | grep -q "31m"'
keys 2 x
wait_for 'nothing can be done until it is'
keys Escape
run b2 systemctl start bramble-agent
wait_gone 'not there' 'it is back'
wait_for 'home: 2 of 2 boards up' 'all is live again'

# --- from another computer ---------------------------------------------------------------------------
t kill-server
wait_until 5 not t has-session
admin=${BUILD:-build}/${SAN:+san-}${CC:-gcc}/agentctl
t new-session -d -s top -x 80 -y 24 "cd '$here/../..' && LANG=C.UTF-8 '$lab' lan $admin --host 10.77.0.11 --pki '$BRAMBLE_LAB/pki' top"
wait_for 'home: 2 of 2 boards up' 'with an administrator'"'"'s certificate, from another computer'
"$lab" cut b1
wait_for 'not there, trying again|this is [0-9]' 'its cable is pulled'
"$lab" heal b1
wait_gone 'not there|this is [0-9]' 'and plugged'
keys q
open

# --- what is left of the terminal -------------------------------------------------------------------
keys C-z
wait_for 'Stopped'
equal 'stopped: the screen is the shell'"'"'s' '0 1' "$(t display-message -p -t top '#{alternate_on} #{cursor_flag}')"
keys fg Enter
wait_for '1 BOARDS' 'and goes on'
keys q
clean quit
keys 'clear; agentctl top' Enter
wait_for '1 BOARDS'
run b2 pkill -TERM -x agentctl
clean 'killed by a signal'
equal 'no agentctl is left' '' "$(run b2 pgrep -x agentctl)"

# --- other terminals --------------------------------------------------------------------------------
open TERM=vt100 LANG=C
wait_for '\[[#.]+\] +[0-9]+%' 'vt100: bars of ASCII'
equal 'and ASCII alone' '' "$(screen | LC_ALL=C grep -P '[^\x00-\x7f]')"
keys q
clean vt100
open NO_COLOR=1
run b2 systemctl stop bramble-agent
wait_for 'old; the agent is not there'
assert 'NO_COLOR: no colour' eval '! coloured | grep -qE "\[[0-9;]*3[0-7]m"'
assert 'but bold, reverse' eval 'coloured | grep -q "7m"'
run b2 systemctl start bramble-agent
wait_gone 'not there'
keys q
clean NO_COLOR
shell TERM=dumb
keys 'agentctl top' Enter
wait_for 'cannot move its cursor' 'dumb: as plain lines'
wait_for '^NAME +ROLE'
keys C-c
wait_for 'ready_$' 'until it is interrupted'
shell TERM=nonsense
keys 'agentctl top' Enter
wait_for "'nonsense' .TERM. is not known here: try" 'a terminal that nobody knows: what to do'

# --- bars of what is slow, and what to do after an error ----------------------------------------------
shell
run b2 sh -c 'head -c 9000000 /dev/zero >/tmp/no-image.tar'
keys 'clear; agentctl import /tmp/no-image.tar' Enter
wait_for 'sending /tmp/no-image.tar: \[#+\] 100 % of 9 MB' 'import has a bar on a terminal'
wait_for '^agentctl: .*' 'and an error on a line of its own'
said=$(ctl b2 import /tmp/no-image.tar 2>&1)
equal 'and none in a log, where it is quick' '' "$(grep -E $'sending|\r' <<<"$said")"
keys 'clear; agentctl store deploy figlet --name bar' Enter
wait_for 'bar is ready: ' 'deploy says how far it is'
refuse 'no such function: what lists them' 'agentctl functions lists them' ctl b2 remove nosuch
refuse 'no such image: what lists them' 'agentctl images lists them' ctl b2 image remove nosuch
refuse 'no agent: what to look at' 'systemctl status bramble-agent' ctl b2 --socket /nowhere status

# --- completion of a shell: live names ----------------------------------------------------------------
complete() { # WORD...: what bash offers for the last one
	run b2 bash -c 'source /usr/share/bash-completion/completions/agentctl && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) &&
		_agentctl && echo ${COMPREPLY[@]}' bash "$@"
}
equal 'bash: boards' "$(printf '%s\n' "$master" "$other" | sort | xargs)" "$(complete agentctl promote '' | tr ' ' '\n' | grep -v '^-' | sort | xargs)"
equal 'bash: functions' 'bar' "$(complete agentctl scale ba)"
equal 'bash: functions of the store' 'figlet' "$(complete agentctl store deploy fig)"
equal 'bash: images' 'bramble.local/figlet:0.1.0' "$(complete agentctl image remove bramble.local/fi)"
assert 'a secret' eval 'echo x | run b2 agentctl secret create key-of-door'
equal 'bash: secrets' 'key-of-door' "$(complete agentctl secret update key)"
equal 'bash: words before names' 'update' "$(complete agentctl secret up)"
equal 'bash: top' 'top' "$(complete agentctl to)"
equal 'without an agent: none, and no error' '' "$(run b2 agentctl --socket /nowhere complete boards 2>/dev/null)"

refuse 'without a terminal' 'needs a terminal: .*status -o json' ctl b2 top
finish
