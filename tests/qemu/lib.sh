# lib.sh - an emulated Pi with a card image in it, for tests/qemu: alone behind QEMU's own network, or with a
# network card in the switch of a lab (LAN=PREFIX of that lab, ADDRESS=10.77.0.x).  Sourced by bash.
# shellcheck shell=bash disable=SC2034 # some are read by the tests only
# From the caller: board (raspi3b, raspi2b) and work, a folder.
#   IMAGE=FILE ID=FILE   an image that was made already, and the ssh key that its bramble.conf names
#   QEMU_THREAD=multi    a thread for each core of the board: faster where nothing else runs
#   SLOW=3               waits three times as long, on a busy machine
#   KEEP=1               leaves the card and the console's log in work
top=$(readlink -f "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..")
# shellcheck source=image/lib.sh
. "$top/image/lib.sh"
need ssh ssh-keygen mcopy jq
# shellcheck source=tests/checks.sh
. "$top/tests/checks.sh"
qemu=
port=${PORT:-22022} LAN=${LAN:-}
end_all() {
	power_cut
	[ -z "$LAN" ] || [ -n "${JOIN:-}" ] || "$top/tests/lab/lab" down
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap end_all EXIT
trap 'exit 1' INT TERM
case ${board:=raspi3b} in
raspi3b) arch=arm64 dtb=bcm2837-rpi-3-b-plus.dtb system=qemu-system-aarch64 console=ttyS1 model='Raspberry Pi 3 Model B(\+| Plus)' bits=64 ;;
raspi2b) arch=armhf dtb=bcm2836-rpi-2-b.dtb system=qemu-system-arm console=ttyAMA0 model='Raspberry Pi 2 Model B' bits=32 ;;
*) echo 'BOARD is raspi3b or raspi2b' >&2 && exit 2 ;;
esac
need $system
# another board each: its serial is made of that
case $board in raspi3b) mac=b8:27:eb:00:00:13 ADDRESS=${ADDRESS:-10.77.0.50} ;; *) mac=b8:27:eb:00:00:14 ADDRESS=${ADDRESS:-10.77.0.51} ;; esac

# ---- a card ------------------------------------------------------------------------------------
# A card of 4 GB, larger than the image; QEMU wants a power of two.  Raw: what was written is there after
# a power cut (a qcow2 would lose its tables, which no real card does).
# On a busy machine an emulated board is slower than systemd's patience: 90 seconds for a partition to appear.
new_card() {
	rm -f "$work/card.img"
	cp --sparse=always "$IMAGE" "$work/card.img" && truncate -s 4G "$work/card.img"
	open_card "$work/card.img"
	printf '[Manager]\nDefaultDeviceTimeoutSec=1800\nDefaultTimeoutStartSec=1800\n' >"$work/patience"
	printf '%s\n' 'mkdir /etc/systemd/system.conf.d' "write $work/patience /etc/systemd/system.conf.d/patience.conf" >"$work/commands"
	root_do "$work/commands" >/dev/null
}
# make_image PKI [LINE...]: with lines for its bramble.conf
make_image() {
	local pki=$1
	shift
	mkdir -p "$work"
	if [ -z "${IMAGE:-}" ]; then
		ssh-keygen -q -t ed25519 -N '' -f "$work/id" </dev/null
		ID=$work/id IMAGE=$work/image.img
		{
			sed 's/^cluster = .*//' "$top/image/bramble.conf"
			printf '%s\n' "ssh_key = $(cat "$work/id.pub")" 'kubernetes = off' "$@"
		} >"$work/settings"
		if ! said=$(BASE='' ARCH=$arch SUITE=bookworm CLUSTER=home SETTINGS=$work/settings PKI=$pki OUT=$IMAGE "$top/image/build" 2>&1); then
			not_ok 'the image' "$said"
			finish
		fi
		ok "the image: $(tail -n 1 <<<"$said")"
	fi
	id=${ID:?the ssh key of that image}
}

# ---- power -------------------------------------------------------------------------------------
in_lan() { if [ -n "$LAN" ]; then ip netns exec "$LAN" "$@"; else "$@"; fi; }
power_on() {
	local f net in=()
	[ -z "$LAN" ] || in=(ip netns exec "$LAN")
	# the firmware's part: what the boot partition holds now
	open_card "$work/card.img"
	for f in vmlinuz initrd.img $dtb cmdline.txt; do fat_read $f >"$work/$f"; done
	# QEMU's SD controller of a 2B tells of the end of a transfer by DMA when Linux's driver has ended it already, and
	# that falls over it (bcm2835_finish_data); without DMA the driver copies by itself.
	[ $board != raspi2b ] || LC_ALL=C sed -i 's/\x00dmas\x00/\x00xdma\x00/' "$work/$dtb"
	: >"$work/console"
	net=user,id=n0,hostfwd=tcp:127.0.0.1:$port-:22
	if [ -n "$LAN" ]; then
		net=tap,id=n0,ifname=qemu0,script=no,downscript=no
		ip -n "$LAN" link show qemu0 >/dev/null 2>&1 || {
			ip netns exec "$LAN" ip tuntap add qemu0 mode tap
			ip -n "$LAN" link set qemu0 master br0 up
		}
	fi
	# -serial: ttyS1 is the second one of a 3B+.  QEMU has no watchdog: arming it resets the board at once.
	local serial=(-serial "file:$work/console")
	[ $board != raspi3b ] || serial=(-serial null "${serial[@]}")
	# One thread for its four cores: with a thread each they wait for one another where others want the processors.
	# No function here: the process that is made must be QEMU itself, to be killed.
	"${in[@]}" setsid nice -n 10 $system -M $board -accel "tcg,thread=${QEMU_THREAD:-single}" -kernel "$work/vmlinuz" -initrd "$work/initrd.img" -dtb "$work/$dtb" \
		-append "$(sed "s/console=ttyS1/console=$console/; s/ console=tty1//" "$work/cmdline.txt") modprobe.blacklist=bcm2835_wdt" \
		-drive "file=$work/card.img,if=sd,format=raw" -display none -monitor none -no-reboot "${serial[@]}" \
		-netdev "$net" -device "usb-net,netdev=n0,mac=$mac" >"$work/qemu.log" 2>&1 &
	qemu=$!
	on_since=$SECONDS
}
power_cut() {
	[ -n "$qemu" ] || return 0
	! alive || has 'what loses its power is the emulator' "^${system:0:15}\$" "$(cat "/proc/$qemu/comm" 2>/dev/null)"
	kill -9 "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
	qemu=
}
alive() { kill -0 "$qemu" 2>/dev/null; }

# ---- the board -----------------------------------------------------------------------------------
on_board() { # COMMAND
	local to=(-p "$port" pi@127.0.0.1)
	[ -z "$LAN" ] || to=("pi@$ADDRESS")
	in_lan timeout "${LIMIT:-120}" ssh -q -i "$id" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=20 \
		-o ServerAliveInterval=20 -o BatchMode=yes "${to[@]}" "$@" </dev/null
}
# wait_for SECONDS COMMAND...: a board that starts again by itself is switched on again, as a real one would.
wait_for() {
	local end=$((SECONDS + $1 * ${SLOW:-1})) t
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		alive || { t=$on_since && power_on && on_since=$t; }
		sleep 1
	done
}
# wait_off SECONDS: the board has switched itself off.  What would end QEMU is the watchdog's driver, which is
# not there (power_on): its kernel stops instead.
is_off() { ! alive || says 'reboot: (System halted|Power down)'; }
wait_off() {
	local end=$((SECONDS + $1))
	until is_off; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}
says() { grep -qaE -- "$1" "$work/console"; }
last_words() { tr -d '\000\r' <"$work/console" | tail -n "${1:-20}" | cut -c1-160; }
# wait_seconds N: of this machine's clock, or until the board is off
wait_seconds() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ] && alive; do sleep 0.2; done
}
# The board as its bramble sees it: FIELDS of the node with this address, tab-separated.
board_line() { # STATUS-JSON
	jq -r '.nodes[] | select(.board.model | test("'"$model"'")) | select(.name == "'"$(on_board hostname)"'") |
		[.name, .state, .board.model, "\(.board.bits_kernel)/\(.board.bits_user)", (.memory.total_bytes / 1048576 | floor), .temperature_c] | @tsv' <<<"$1"
}
