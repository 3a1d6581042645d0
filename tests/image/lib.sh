# lib.sh - what the image builder's tests share.  Sourced by bash, behind image/lib.sh; $work is a folder.
# shellcheck shell=bash disable=SC2154 # work and top are the caller's
passed=0 failed=0
ok() {
	passed=$((passed + 1))
	echo "ok    $*"
}
not_ok() { # NAME [DETAIL...]
	failed=$((failed + 1))
	echo "FAIL  $1"
	shift
	printf '%s\n' "$@" | sed 's/^/      /' | head -n 30
}
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want: $2" "got:  $3"; fi; }
has() { if grep -qE -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "no /$2/ in:" "$3"; fi; }
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
build() { # OUT: with the caller's BASE, ARCH, SETTINGS ...; its words
	OUT=$1 PKI=$work/pki CLUSTER=home "$top/image/build" 2>&1
}
refuse() { # NAME PATTERN: the build fails with a sentence and leaves nothing
	local said
	if said=$(build "$work/refused.img"); then
		not_ok "$1" 'was taken'
	elif [ -n "$(ls "$work"/refused.img* 2>/dev/null)" ]; then
		not_ok "$1" 'left behind:' "$(ls "$work"/refused.img*)"
	else
		has "$1" "$2" "$said"
	fi
}

# The words of the mode and the owner's id of a file of the open card.
mode() { root_ask "stat $1" | sed -n 's/.*Mode:  \([0-7]*\).*/\1/p;s/^User: *\([0-9]*\) .*/\1/p' | paste -sd' '; }
status_of() { root_read /var/lib/dpkg/status | awk -v p="$1" '$1 == "Package:" { on = $2 == p } on && $1 == "Status:" { print $2, $3, $4; exit }'; } # PACKAGE
