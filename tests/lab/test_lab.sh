#!/bin/bash
# The lab itself: what the other tests take for granted about its boards.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2030,SC2031 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up --bare 4

run() { "$lab" run "$@"; }
ids() { for b in b1 b2 b3 b4; do run $b cat "$1"; done; }
distinct() { sort -u | grep -c .; }

# --- what a board is ------------------------------------------------------------------------------
for b in b1 b2 b3 b4; do
	equal "$b runs" running "$(run $b systemctl is-system-running)"
	equal "$b: PID 1 is systemd" systemd "$(run $b cat /proc/1/comm)"
	equal "$b is called raspberrypi" raspberrypi "$(run $b hostname)"
done
equal 'machine ids are their own' 4 "$(ids /etc/machine-id | distinct)"
equal 'serials are their own' 4 "$(ids /sys/firmware/devicetree/base/serial-number | tr '\0' '\n' | distinct)"
assert 'its uptime is its own' run b1 awk '$1 > 60 { exit 1 }' /proc/uptime
equal 'b1 is a 3B+' 'Raspberry Pi 3 Model B Plus Rev 1.3' \
	"$(run b1 cat /sys/firmware/devicetree/base/model | tr -d '\0')"
equal 'b4 is a 2B' 'raspberrypi,2-model-b brcm,bcm2836' \
	"$(run b4 cat /sys/firmware/devicetree/base/compatible | tr '\0' ' ' | xargs)"
equal 'the revision is four bytes, the highest first' 00a020d3 \
	"$(run b1 od -An -tx1 '/sys/firmware/devicetree/base/system/linux,revision' | tr -d ' ')"
equal 'a thermal zone' 48312 "$(run b1 cat /sys/class/thermal/thermal_zone0/temp)"
"$lab" sensor b1 temp 81234
equal 'it can be heated' 81234 "$(run b1 cat /sys/class/thermal/thermal_zone0/temp)"
equal 'the under-voltage alarm' rpi_volt "$(run b1 cat /sys/class/hwmon/hwmon0/name)"
assert 'the real interfaces are still in /sys/class' run b1 test -e /sys/class/net/eth0/speed
assert 'network settings are the board'\''s own' run b1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
refuse 'settings of the host are not' 'read-only' run b1 sh -c 'echo 9 >/proc/sys/kernel/panic'

# --- limits: more than 1 GB is killed, less is not --------------------------------------------------
# tail keeps all of it in memory.
eat() {
	run b2 systemd-run -q --wait --pipe "${@:2}" \
		sh -c "head -c $1 /dev/zero | tail -c $1 >/dev/null" 2>/dev/null
	echo "status $?"
}
equal '300 MB fit' 'status 0' "$(eat 300000000)"
equal '1200 MB do not' 'status 137' "$(eat 1200000000)"
equal 'and the board still runs' systemd "$(run b2 cat /proc/1/comm)"
equal 'MemoryMax of a unit is applied' 'status 137' "$(eat 100000000 -p MemoryMax=20M)"
equal 'a larger one lets it pass' 'status 0' "$(eat 100000000 -p MemoryMax=200M)"

# --- the daemons that bramble stands on ---------------------------------------------------------------
run b1 hostnamectl set-hostname m1
equal 'hostnamed sets the name' m1 "$(run b1 hostname)"
equal 'a board is found by its name' m1 "$(run m1 hostname)"
# avahi 0.8 collides with itself where its host name is changed while it probes for one, as on bare
# boards that are all called raspberrypi: it starts anew with the new name.
run b1 systemctl restart avahi-daemon
at_address() { [ "$(run b3 avahi-resolve -4 -n m1.local | awk '{ print $2 }')" = 10.77.0.11 ]; }
eventually 'avahi: b3 finds m1.local at its address' 60 at_address
"$here/images" "$BRAMBLE_LAB/images" hello
run b1 ctr image import - <"$BRAMBLE_LAB/images/hello.tar" >/dev/null
for runtime in crun runc; do
	# Its input stays open a moment: ctr forgets to close a container's input that ends before it starts.
	equal "containerd and $runtime run a container" 'Hello from m1' \
		"$(sleep 2 | run b1 timeout 20 ctr run --rm --runc-binary "/usr/bin/$runtime" docker.io/bramble/hello:latest "try-$runtime")"
done

# --- the cable ------------------------------------------------------------------------------------------
# Nobody listens on that port, but a board that is there says so.
reach() {
	grep -q refused <<<"$(run "$1" timeout 2 bash -c "echo >/dev/tcp/$2/7" 2>&1)"
}
eventually 'b1 reaches b2' 5 reach b1 10.77.0.12
"$lab" cut b2
assert 'b2 has no carrier' run b2 grep -qx 0 /sys/class/net/eth0/carrier
refuse 'b1 does not reach it any more' '' reach b1 10.77.0.12
assert 'b1 still reaches b3' reach b1 10.77.0.13
"$lab" heal b2
eventually 'plugged in, it does again' 10 reach b1 10.77.0.12

# --- power --------------------------------------------------------------------------------------------
run b1 sh -c 'echo kept >/var/lib/bramble/a && echo kept >/var/lib/containerd/b && echo kept >/root/c && echo gone >/run/d && sync'
id=$(run b1 cat /etc/machine-id)
"$lab" off m1
refuse 'a board that is off runs nothing' 'is off' run b1 true
refuse 'and does not answer' '' reach b3 10.77.0.11
assert 'it is switched on again by its name' "$lab" on m1
equal 'its card is as it was' 'kept kept kept' \
	"$(run b1 cat /var/lib/bramble/a /var/lib/containerd/b /root/c | xargs)"
refuse 'its memory is not' 'No such file' run b1 cat /run/d
equal 'its name is' m1 "$(run b1 hostname)"
equal 'its machine id is' "$id" "$(run b1 cat /etc/machine-id)"
run b4 systemctl --no-block poweroff
eventually 'a board that powers itself off is off' 20 sh -c "'$lab' list | grep -q '^b4 .* off '"
assert 'and comes back' "$lab" on b4
"$lab" off b1
"$lab" flash b1
assert 'a flashed card starts' "$lab" on b1
equal 'as a fresh board' raspberrypi "$(run b1 hostname)"

# --- down -----------------------------------------------------------------------------------------------
refuse 'a lab does not start twice' 'is up in' "$lab" up --bare 4
refuse 'an unknown board is no board' "no board is called 'b9'" run b9 true
left() {
	find "$BRAMBLE_LAB" -maxdepth 0 2>/dev/null
	(cd /run/netns && ls -d "$BRAMBLE_LAB_PREFIX"*) 2>/dev/null
	find /sys/fs/cgroup -maxdepth 2 -name "$BRAMBLE_LAB_PREFIX-*"
	grep -l "$BRAMBLE_LAB/" /proc/[0-9]*/mountinfo 2>/dev/null
	return 0
}
has 'something is there to remove' "$BRAMBLE_LAB_PREFIX-b3" "$(left)"
assert 'down' "$lab" down
equal 'nothing is left' '' "$(left)"
assert 'down again does no harm' "$lab" down

# --- a crash half-way -------------------------------------------------------------------------------------
"$lab" up --bare 4 >/dev/null 2>&1 &
up=$!
wait_until 20 test -s "$BRAMBLE_LAB/boards/b1/init.pid"
kill -9 $up
wait $up 2>/dev/null
assert 'down after a start that was killed' "$lab" down
equal 'leaves nothing' '' "$(left)"
finish
