# lib.sh - what the image builder's tests share.  Sourced by bash, behind image/lib.sh; $work is a folder.
# shellcheck shell=bash disable=SC2154 # work and top are the caller's
# shellcheck source=tests/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/../checks.sh"
build() { # OUT: with the caller's BASE, ARCH, SETTINGS ...; its words
	OUT=$1 PKI=$work/pki CLUSTER=home "$top/image/build" 2>&1
}
no_image() { # NAME PATTERN: the build fails with a sentence and leaves nothing
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
