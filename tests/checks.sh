# checks.sh - the checks of the shell tests, in one vocabulary.  Sourced by bash; a test ends with `finish`.
# Each check is a line "ok    NAME" or "FAIL  NAME" with its detail below it; the last line is the sum,
# "N passed, N failed", which tests/run-test reads.
#   checks_quiet=1   before sourcing: what passed is only counted, for tests of hundreds of checks
# A test waits with a deadline for what it wants to see; a check that something does NOT happen has a
# twin beside it that shows that it can.
# shellcheck shell=bash
passed=0 failed=0

ok() { # NAME; never fails, so that `that && ok NAME || not_ok NAME` is one check
	passed=$((passed + 1))
	[ -n "${checks_quiet:-}" ] || echo "ok    $*"
}
not_ok() { # NAME [DETAIL...]: its head and its end, where it is long
	failed=$((failed + 1))
	echo "FAIL  $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | LC_ALL=C sed 's/\r/^M/g; s/[\x00-\x08\x0b-\x1f\x7f]/?/g' | LC_ALL=C awk '
		{ line[NR] = substr($0, 1, 1000) }
		END {
			for (i = 1; i <= NR; i++)
				if (NR <= 30 || i <= 8 || i > NR - 21)
					print "      " line[i]
				else if (i == 9)
					print "      [" NR - 29 " lines]"
		}'
}

# ---- of a text --------------------------------------------------------------------------------
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want: $2" "got:  $3"; fi; } # NAME WANT GOT
has() { if grep -qE -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "no /$2/ in:" "$3"; fi; } # NAME EXTENDED-REGEX GOT
hasnt() { # NAME EXTENDED-REGEX GOT
	if grep -qE -- "$2" <<<"$3"; then not_ok "$1" "/$2/ in:" "$(grep -E -- "$2" <<<"$3")"; else ok "$1"; fi
}

# ---- of a command -----------------------------------------------------------------------------
assert() { # NAME COMMAND...: its exit status is 0
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "\$ $*" "$said"; fi
}
refuse() { # NAME PATTERN COMMAND...: it fails (not by a signal), and says why
	local name=$1 pattern=$2 said status
	shift 2
	said=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ]; then
		not_ok "$name" "\$ $*" 'was not refused' "$said"
	elif [ $status -ge 124 ] || ! grep -qiE -- "$pattern" <<<"$said"; then
		not_ok "$name" "\$ $*" "status $status, and no /$pattern/ in:" "$said"
	else
		ok "$name"
	fi
}

# ---- of what takes a while --------------------------------------------------------------------
wait_until() { # SECONDS COMMAND...: tries again until it succeeds or the time is over
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
eventually() { # NAME SECONDS COMMAND...: an assert that may take a while; says how long it took
	local name=$1 seconds=$2 t=$EPOCHREALTIME
	shift 2
	if wait_until "$seconds" "$@"; then
		ok "$name ($(awk -v a="$EPOCHREALTIME" -v b="$t" 'BEGIN { printf "%.1f", a - b }') s)"
	else
		not_ok "$name" "not within $seconds s: $*" "$("$@" 2>&1)"
	fi
}
always() { # SECONDS COMMAND...: it succeeds the whole time
	local end=$((SECONDS + $1))
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" || return 1
		sleep 0.1
	done
}

# ---- the sum ----------------------------------------------------------------------------------
add_sum() { # "N passed, N failed" of a program that ran as a part of this test
	local sum=${1:-}
	if [ -z "$sum" ]; then
		not_ok 'a part ended without a sum'
		return
	fi
	passed=$((passed + ${sum%% *})) sum=${sum#*, }
	failed=$((failed + ${sum%% *}))
}
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
