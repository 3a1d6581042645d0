# lib.sh - what the image builder's parts share: words, tools, packages for another machine, and the
# inside of a card image without mounting it.  Sourced by bash.
# shellcheck shell=bash
image_cache=${BRAMBLE_IMAGE_CACHE:-$(if [ "$(id -u)" = 0 ]; then echo /var/cache/bramble-image; else echo "${XDG_CACHE_HOME:-$HOME/.cache}/bramble-image"; fi)}
PATH=$PATH:/usr/sbin:/sbin

say() { echo "image: $*" >&2; }
die() {
	echo "image: $*" >&2
	exit 1
}
need() { # PROGRAM...
	local p missing=
	for p; do command -v "$p" >/dev/null || missing="$missing $p"; done
	[ -z "$missing" ] || die "these programs are missing:$missing (provision/deps image, as root)"
}

# ---- packages ---------------------------------------------------------------------------------
# The mirror that this machine's own apt uses for Debian itself.
mirror_of() { # SUITE
	[ -z "${BRAMBLE_MIRROR:-}" ] || { echo "$BRAMBLE_MIRROR" && return; }
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk '$2 !~ /-(security|updates|backports)/ { print $1; exit }' | grep . ||
		die 'this machine has no Debian mirror: set BRAMBLE_MIRROR'
}

# apt for another machine: a folder of its own, nothing of this machine's packages.
apt_in() { # DIR ARCH ARGUMENTS...
	local d=$1 arch=$2
	shift 2
	mkdir -p "$d"/{state/lists/partial,cache/archives/partial,etc/preferences.d}
	[ -e "$d/status" ] || : >"$d/status"
	: >"$d/apt.conf"
	APT_CONFIG=$d/apt.conf apt-get -q -o Dir::Etc="$d/etc" -o Dir::Etc::sourcelist="$d/sources.list" -o Dir::Etc::sourceparts="$d/sources.d" \
		-o Dir::Etc::trustedparts="${APT_KEYS:-/etc/apt/trusted.gpg.d}" -o Dir::State="$d/state" -o Dir::State::status="$d/status" \
		-o Dir::Cache="$d/cache" -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User= \
		-o Debug::NoLocking=1 -o Acquire::Languages=none -o APT::Install-Recommends=false "$@"
}
# Packages with what they depend on, for a machine that has nothing: DIR ARCH SUITE COMPONENTS MIRROR TO PACKAGE...
fetch_debs() {
	local d=$1 arch=$2 suite=$3 components=$4 mirror=$5 to=$6
	shift 6
	mkdir -p "$d"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite $components" >"$d/sources.list"
	apt_in "$d" "$arch" update >"$d/log" 2>&1 || die "no list of packages: $(tail -n 2 "$d/log")"
	apt_in "$d" "$arch" -y --download-only install "$@" >"$d/log" 2>&1 ||
		die "cannot fetch $*: $(grep -m 1 '^E:' "$d/log")"
	mkdir -p "$to"
	cp "$d"/cache/archives/*.deb "$to/"
}

# ---- a card image --------------------------------------------------------------------------------
# open_card IMAGE: finds both partitions; fat_* and root_* are bytes; root_number is 2 mostly.
open_card() {
	local line start size type number
	card=$(readlink -f "$1") fat_start='' root_start=''
	while read -r number start size type; do
		case $type in
		b | c | e | 6 | EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 | C12A7328-F81F-11D2-BA4B-00A0C93EC93B)
			[ -n "$fat_start" ] || fat_start=$((start * 512)) fat_bytes=$((size * 512)) ;;
		83 | 0FC63DAF-8483-4772-8E79-3D69D8477DE4 | B921B045-1DF0-41C3-AF44-4C6F280D3FAE)
			root_start=$((start * 512)) root_bytes=$((size * 512)) root_number=$number ;;
		esac
		last_end=$(((start + size) * 512))
	done < <(sfdisk -d "$1" 2>/dev/null |
		sed -n 's/^.*[^0-9]\([0-9]*\) : start= *\([0-9]*\), size= *\([0-9]*\), type=\([^,]*\).*/\1 \2 \3 \4/p')
	[ -n "$fat_start" ] && [ -n "$root_start" ]
}
fat() { printf '%s@@%s' "$card" "$fat_start"; }
root() { printf '%s?offset=%s' "$card" "$root_start"; }
fat_read() { mtype -i "$(fat)" "::/$1" 2>/dev/null; }                # NAME
fat_write() { mcopy -o -m -i "$(fat)" "$1" "::/$2"; }                # FROM NAME
root_do() { debugfs -w -f "$1" "$(root)" 2>&1; }                      # FILE OF COMMANDS
root_ask() { debugfs -R "$1" "$(root)" 2>/dev/null; }                 # COMMAND
root_read() { root_ask "cat $1"; }                                    # PATH
root_has() { root_ask "stat $1" | grep -q '^Inode:'; }                # PATH
root_link() { root_ask "stat $1" | sed -n 's/^Fast link dest: "\(.*\)"/\1/p'; } # PATH
