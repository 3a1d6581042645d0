# kubernetes - images that came with the card (KUBERNETES=DIR of make image).  Sourced.
# shellcheck shell=sh
images=/usr/lib/bramble/images # *.tar, and pause: the name of the image that holds a pod

# containerd asks for the image that holds a pod by a name of its own choice: it must be the one that is
# on the card, for without the Internet there is no other.
step_kubernetes() {
	i_conf=/etc/containerd/config.toml
	i_pause=$(head -n 1 "$ROOT$images/pause" 2>/dev/null | tr -cd 'A-Za-z0-9./:@_-')
	[ -n "$i_pause" ] && [ -d "$ROOT/etc/containerd" ] || return 0
	if [ ! -s "$ROOT$i_conf" ]; then
		printf 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "%s"\n' "$i_pause" | put $i_conf 644
	elif grep -qE '^[[:space:]]*sandbox_image[[:space:]]*=' "$ROOT$i_conf"; then
		sed -E "s|^([[:space:]]*sandbox_image[[:space:]]*=).*|\1 \"$i_pause\"|" "$ROOT$i_conf" | put $i_conf 644
	elif grep -q '^[[:space:]]*\[plugins\."io\.containerd\.grpc\.v1\.cri"\]' "$ROOT$i_conf"; then
		sed "/^[[:space:]]*\[plugins\.\"io\.containerd\.grpc\.v1\.cri\"\]/a\\
      sandbox_image = \"$i_pause\"" "$ROOT$i_conf" | put $i_conf 644
	else
		{
			cat "$ROOT$i_conf"
			printf '\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "%s"\n' "$i_pause"
		} | put $i_conf 644
	fi
	case $? in
	0)
		say "containerd holds pods by $i_pause"
		restart containerd.service
		;;
	2) return 1 ;;
	esac
}

# Each archive goes as soon as containerd has it: a card of 4 GB has no room for both.
import_images() {
	i_bad=0
	for i_tar in "$ROOT$images"/*.tar; do
		[ -e "$i_tar" ] || continue
		if i_out=$(ctr -n k8s.io images import "$i_tar" 2>&1); then
			rm -f "$i_tar"
			say "containerd has the images of ${i_tar##*/}"
		else
			i_bad=$((i_bad + 1))
			problem "images-${i_tar##*/}" "containerd does not take ${i_tar##*/}: $(printf %s "$i_out" | tail -n 1 | cut -c1-160)" \
				'is there room on the card? It is tried again at the next start: systemctl restart bramble-images'
		fi
	done
	log_flush
	[ "$i_bad" = 0 ]
}
