# layouts.sh - cards laid out as Raspberry Pi OS was from buster to trixie, with next to nothing on them, and
# packages that are names only, from a folder of this test: the whole way of an image without a network.
# Sourced by tests/image/run.
# shellcheck shell=bash disable=SC2154 # work and top are of run
repo=$work/repo
mkdir -p "$repo" "$work/cache" "$work/made"

# ---- packages ---------------------------------------------------------------------------------
empty_deb() { # NAME ARCH [DEPENDS]: a package with a copyright file and a program
	local d=$work/made/$1
	rm -rf "$d" && mkdir -p "$d/DEBIAN" "$d/usr/sbin" "$d/usr/share/doc/$1"
	printf 'Package: %s\nVersion: 1.2-3\nArchitecture: %s\nMaintainer: nobody <n@example.org>\nDescription: a name\n%s' \
		"$1" "$2" "${3:+Depends: $3
}" >"$d/DEBIAN/control"
	printf 'Format: x\n\nFiles: *\nLicense: Expat\n\nFiles: a\nLicense: BSD-3-Clause\n' >"$d/usr/share/doc/$1/copyright"
	printf '#!/bin/sh\n' >"$d/usr/sbin/$1" && chmod 755 "$d/usr/sbin/$1"
	dpkg-deb --root-owner-group -Zgzip -b "$d" "$repo/$1_1.2-3_$2.deb" >/dev/null
}
for a in armhf arm64; do
	empty_deb bramble $a
	for p in libnss-mdns iptables conntrack containernetworking-plugins; do empty_deb $p $a; done
done
(cd "$repo" && dpkg-scanpackages -m . >Packages 2>/dev/null)
# kubeadm is elsewhere, as it is for Debian
mkdir -p "$work/kubes" && mv "$repo" "$repo.base" && mkdir "$repo"
empty_deb kubernetes-cni arm64
empty_deb kubelet arm64 kubernetes-cni
empty_deb kubectl arm64
empty_deb kubeadm arm64 'kubelet, kubectl'
mv "$repo"/*.deb "$work/kubes/" && rmdir "$repo" && mv "$repo.base" "$repo"
(cd "$work/kubes" && dpkg-scanpackages . >Packages 2>/dev/null)
echo "deb [trusted=yes] file:$work/kubes ./" >"$work/kubes.list"

# ---- cards ------------------------------------------------------------------------------------
# layout FILE SUITE ARCH: what Raspberry Pi OS Lite of that time has; the sources are this test's folder.
layout() {
	local f=$1 suite=$2 arch=$3 t=$work/tree boot=/boot fat_start=8192 fat_mb=256 id cmdline
	rm -rf "$t" && mkdir -p "$t"/{etc/{apt/sources.list.d,ssh,systemd/system},usr/{bin,sbin,lib,share/keyrings},var/{lib/dpkg/info,lib/dbus,lock,run},boot}
	id=$(printf '%s' "$suite$arch" | sha256sum | cut -c1-8)
	cmdline="console=serial0,115200 console=tty1 root=PARTUUID=$id-02 rootfstype=ext4"
	case $suite in
	buster)
		mkdir -p "$t"/{bin,sbin,lib} # not merged
		cmdline+=' elevator=deadline fsck.repair=yes rootwait quiet init=/usr/lib/raspi-config/init_resize.sh'
		;;
	bullseye) cmdline+=' fsck.repair=yes rootwait quiet init=/usr/lib/raspi-config/init_resize.sh' ;;
	bookworm)
		boot=/boot/firmware fat_start=16384 fat_mb=512
		cmdline+=' fsck.repair=yes rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot'
		;;
	trixie)
		boot=/boot/firmware fat_start=16384 fat_mb=512
		cmdline+=' fsck.repair=yes rootwait resize quiet systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot'
		mkdir -p "$t/etc/cloud"
		;;
	esac
	mkdir -p "$t$boot"
	if [ "$suite" != buster ]; then for l in bin sbin lib; do ln -s usr/$l "$t/$l"; done; fi
	printf 'PRETTY_NAME="Raspbian GNU/Linux (%s)"\nVERSION_CODENAME=%s\n' "$suite" "$suite" >"$t/usr/lib/os-release"
	printf 'Package: dpkg\nStatus: install ok installed\nMaintainer: x\nArchitecture: %s\nVersion: 1\nDescription: x\n\n' "$arch" >"$t/var/lib/dpkg/status"
	: >"$t/var/lib/dpkg/available"
	printf 'proc /proc proc defaults 0 0\nPARTUUID=%s-01 %s vfat defaults 0 2\nPARTUUID=%s-02 / ext4 defaults,noatime 0 1\n' "$id" $boot "$id" >"$t/etc/fstab"
	if [ "$suite" = trixie ]; then
		printf 'Types: deb\nURIs: file:%s\nSuites: ./\nTrusted: yes\n' "$repo" >"$t/etc/apt/sources.list.d/raspi.sources"
	else
		echo "deb [trusted=yes] file:$repo ./" >"$t/etc/apt/sources.list"
	fi
	echo 0123456789abcdef0123456789abcdef >"$t/etc/machine-id"
	echo 'the same on all cards' >"$t/etc/ssh/ssh_host_rsa_key"
	rm -f "$f" && truncate -s $((fat_start / 2048 + fat_mb + 48))M "$f"
	printf 'label: dos\nlabel-id: 0x%s\nstart=%s,size=%s,type=c\nstart=%s,type=83\n' "$id" $fat_start $((fat_mb * 2048)) \
		$((fat_start + fat_mb * 2048)) | sfdisk -q "$f"
	mkfs.fat -F 32 -s 4 -n BOOTFS --offset $fat_start "$f" $((fat_mb * 1024)) >/dev/null 2>&1
	fakeroot mke2fs -q -F -t ext4 -L rootfs -d "$t" -E offset=$(((fat_start + fat_mb * 2048) * 512)) "$f" 49152k 2>/dev/null
	echo "$cmdline" >"$work/cmdline.txt"
	mcopy -i "$f@@$((fat_start * 512))" "$work/cmdline.txt" ::/cmdline.txt
}

rm -rf "$work/pki" && mkdir -p "$work/pki"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=home -keyout "$work/pki/ca.key" -out "$work/pki/ca.crt" 2>/dev/null
for f in enrol.crt enrol.key; do echo x >"$work/pki/$f"; done
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7bJm0m0m0m0m0m0m0m0m0m0m0m0m0m0m0m0m0m0m0m student@pc' >"$work/key.pub"

# make_small OUT: with BASE, ARCH and the caller's other variables; its words
make_small() {
	BRAMBLE_IMAGE_CACHE=$work/cache MIRROR_OF_BASE=yes DEB=$(ls "$repo"/bramble_*_"$ARCH".deb) SSH_KEY=$work/key.pub EXPECT=4 build "$1"
}
look_at_small() { # SUITE IMAGE BOOT
	open_card "$2" || { not_ok "$1: partitions" && return; }
	equal "$1: the root is whole" 0 "$(e2fsck -fn "$(root)" >/dev/null 2>&1; echo $?)"
	equal "$1: the same table id, so that PARTUUID holds" "$(sfdisk -d "$BASE" | grep label-id)" "$(sfdisk -d "$2" | grep label-id)"
	equal "$1: cmdline.txt is one line with its root and the flags, and starts nothing of its own" '1 1 0' \
		"$(fat_read cmdline.txt | wc -l) $(fat_read cmdline.txt | grep -c 'root=PARTUUID=.*-02 .*cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1$') $(fat_read cmdline.txt | grep -cE 'init=|systemd\.run')"
	has "$1: a boot partition that cannot be mounted does not stop the board" "^PARTUUID=[0-9a-f]{8}-01 $3 vfat defaults,nofail 0 2$" "$(root_read /etc/fstab)"
	equal "$1: and the root is mounted as it was" 'PARTUUID ext4 defaults,noatime' "$(root_read /etc/fstab | awk '$2 == "/" { sub(/=.*/, "", $1); print $1, $3, $4 }')"
	has "$1: settings" '^boards = 4.$' "$(fat_read bramble.conf)"
	equal "$1: the package is there, to be completed" 'install ok unpacked' "$(status_of bramble)"
	equal "$1: and what was there stays" 'install ok installed' "$(status_of dpkg)"
	equal "$1: programs can run" '0755 0' "$(mode /usr/sbin/bramble)"
	equal "$1: the enrolment key is root's" '0600 0' "$(mode /etc/bramble/pki/enrol.key)"
	equal "$1: no machine-id, no ssh host keys" ' no' "$(root_read /etc/machine-id) $(root_has /etc/ssh/ssh_host_rsa_key && echo yes || echo no)"
	equal "$1: the first boot is on" /usr/lib/systemd/system/bramble-firstboot.service \
		"$(root_link /etc/systemd/system/multi-user.target.wants/bramble-firstboot.service)"
	has "$1: the manifest has versions and licences" '^bramble	1.2-3	BSD-3-Clause, Expat$' "$(cat "$2.manifest")"
	equal "$1: its checksum" "$(cut -d' ' -f1 "$2.sha256")" "$(sha256sum "$2" | cut -d' ' -f1)"
}
while read -r suite arch boot; do
	BASE=$work/$suite.img ARCH=$arch
	export BASE ARCH
	layout "$BASE" "$suite" "$arch"
	said=$(make_small "$work/$suite-out.img") || { not_ok "$suite: an image" "$said" && continue; }
	has "$suite: the layout is seen" "boot partition at $boot," "$said"
	look_at_small "$suite" "$work/$suite-out.img" "$boot"
	[ "$suite" != trixie ] || equal 'trixie: cloud-init does not run' yes "$(root_has /etc/cloud/cloud-init.disabled && echo yes)"
	if [ "$suite" = bullseye ]; then
		said=$(make_small "$work/again.img") || not_ok "$suite: once more" "$said"
		equal "$suite: the same bytes for the same inputs" "$(sha256sum <"$work/$suite-out.img")" "$(sha256sum <"$work/again.img")"
		EXPECT=5 make_small "$work/again.img" >/dev/null
		xz -0 -T0 -k "$BASE"
		said=$(BASE=$BASE.xz make_small "$work/xz.img") || not_ok "$suite: from .xz" "$said"
		equal "$suite: the same bytes from .xz" "$(sha256sum <"$work/$suite-out.img")" "$(sha256sum <"$work/xz.img")"
		rm -f "$work"/{again,xz}.img*
	fi
	BASE=$work/$suite-out.img no_image "$suite: what we made is no base" 'was prepared already'
	rm -f "$work/$suite-out.img"*
done <<'END'
buster armhf /boot
bullseye armhf /boot
bookworm arm64 /boot/firmware
trixie arm64 /boot/firmware
END

# ---- Kubernetes -------------------------------------------------------------------------------
export BASE=$work/bookworm.img ARCH=arm64
KUBERNETES=apt make_small "$work/k.img" >"$work/said" && not_ok 'KUBERNETES=apt, and nobody has kubeadm' || has 'KUBERNETES=apt, and nobody has kubeadm: said' 'package kubeadm' "$(cat "$work/said")"
said=$(KUBERNETES=apt KUBERNETES_APT=$work/kubes.list make_small "$work/k.img") || not_ok 'KUBERNETES=apt' "$said"
open_card "$work/k.img"
for p in kubeadm kubelet kubectl kubernetes-cni conntrack; do equal "KUBERNETES=apt: $p is there" 'install ok unpacked' "$(status_of $p)"; done
equal 'KUBERNETES=apt: the board asks no other source' 0 "$(root_read /etc/apt/sources.list | grep -c kubes)"
rm -f "$work"/k.img*
KUBERNETES=apt KUBERNETES_APT=$work/nothing no_image 'a KUBERNETES_APT that is none' 'KUBERNETES_APT is no file'
mkdir -p "$work/kube"
for p in kubeadm kubelet kubectl; do printf '#!/bin/sh\n' >"$work/kube/$p" && chmod 755 "$work/kube/$p"; done
echo '[{"RepoTags":["registry.example/pause:3.9","registry.example/pause:3.10"]}]' >"$work/manifest.json"
tar -cf "$work/kube/pause.tar" -C "$work" manifest.json
echo '{"manifests":[{"annotations":{"io.containerd.image.name":"registry.example/kube-proxy:v1.33.1"}}]}' >"$work/index.json"
tar -cf "$work/kube/proxy.tar" -C "$work" index.json
said=$(KUBERNETES=$work/kube make_small "$work/k.img") || not_ok 'KUBERNETES=DIR' "$said"
open_card "$work/k.img"
equal 'KUBERNETES=DIR: its programs can run' '0755 0 0755 0 0755 0' "$(for p in kubeadm kubelet kubectl; do mode /usr/bin/$p; done | xargs)"
equal 'KUBERNETES=DIR: the kubelet is on' /usr/lib/systemd/system/kubelet.service "$(root_link /etc/systemd/system/multi-user.target.wants/kubelet.service)"
equal 'KUBERNETES=DIR: its images are on the card' "$(sha256sum <"$work/kube/proxy.tar")" "$(root_read /usr/lib/bramble/images/proxy.tar | sha256sum)"
equal 'KUBERNETES=DIR: the image that holds a pod is known' registry.example/pause:3.10 "$(root_read /usr/lib/bramble/images/pause)"
equal 'KUBERNETES=DIR: they become containerd'\''s' /usr/lib/systemd/system/bramble-images.service \
	"$(root_link /etc/systemd/system/multi-user.target.wants/bramble-images.service)"
rm -f "$work/kube/pause.tar" "$work"/k.img*
has 'KUBERNETES=DIR without that image: said' 'none of the images holds a pod' "$(KUBERNETES=$work/kube make_small "$work/k.img")"
rm -rf "$work"/{k.img*,*.img,repo,kubes,cache,made}
unset BASE ARCH
