# problems - what a person should see to, for `agentctl doctor`: anew at every start, in /run.  The log on
# the boot partition has the same words, once.  Sourced.
# shellcheck shell=sh
problems=/run/bramble-firstboot/problems # WHAT<tab>TEXT<tab>ADVICE, one a line

problems_begin() {
	mkdir -p "$ROOT${problems%/*}" 2>/dev/null && : 2>/dev/null >"$ROOT$problems" || :
}
# note_problem WHAT TEXT ADVICE: not said, only noted; 32 of them are enough.
note_problem() {
	[ "$(wc -l 2>/dev/null <"$ROOT$problems" || echo 32)" -lt 32 ] || return 0
	printf '%s\t%s\t%s\n' "$1" "$(one_line "$2")" "$(one_line "$3")" 2>/dev/null >>"$ROOT$problems" || :
}
one_line() { printf %s "$1" | tr '\n\t\r' '   ' | cut -c1-240; }

# problem WHAT TEXT ADVICE: noted, and said where it is not what was said of WHAT last.
problem() {
	note_problem "$1" "$2" "$3"
	p_print=$(printf %s "$2" | fingerprint)
	[ "$(remembered "said-$1")" != "$p_print" ] || return 0
	say "$2"
	remember "said-$1" "$p_print"
}
# What is well again may be said again.
well() { # WHAT
	[ ! -e "$ROOT$state/said-$1" ] || rm -f "$ROOT$state/said-$1"
}
