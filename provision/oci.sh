# oci.sh - packs a folder as an OCI image layout, without a registry.  Sourced by tests/lab/images
# and tests/kube/images.
# shellcheck shell=bash

oci_variant=
case $(dpkg --print-architecture) in
armhf) oci_arch=arm oci_variant=',"variant":"v7"' ;;
*) oci_arch=$(dpkg --print-architecture) ;;
esac

sha() { sha256sum "$1" | cut -d' ' -f1; }

# Moves a file to DIR/blobs/sha256/ by its hash; sets digest and size.
put() { # DIR FILE
	digest=$(sha "$2") size=$(stat -c %s "$2")
	mv "$2" "$1/blobs/sha256/$digest"
}

descriptor() { # MEDIATYPE DIGEST SIZE
	printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' "$@"
}

tar_same() { # DIR OUT NAME...: the same bytes for the same files
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf "$2" "${@:3}"
}

# oci_pack DIR REF CONFIG: DIR/root becomes DIR/image.tar, an image called REF of one layer; CONFIG
# is the inside of its "config" object.  DIR/plain: the layer is not compressed.
oci_pack() {
	local w=$1 ref=$2 digest size plain layer type config
	mkdir -p "$w/blobs/sha256"
	tar_same "$w/root" "$w/layer" .
	plain=$(sha "$w/layer")
	type=layer.v1.tar
	if [ ! -e "$w/plain" ]; then
		gzip -n -1 <"$w/layer" >"$w/layer.gz"
		mv "$w/layer.gz" "$w/layer"
		type=layer.v1.tar+gzip
	fi
	put "$w" "$w/layer"
	layer=$(descriptor $type "$digest" "$size")
	printf '{"architecture":"%s"%s,"os":"linux","config":{%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$oci_arch" "$oci_variant" "$3" "$plain" >"$w/config"
	put "$w" "$w/config"
	config=$(descriptor config.v1+json "$digest" "$size")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{%s},"layers":[{%s}]}' \
		"$config" "$layer" >"$w/manifest"
	put "$w" "$w/manifest"
	printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"%s","io.containerd.image.name":"%s"},"platform":{"architecture":"%s","os":"linux"%s}}]}' \
		"$(descriptor manifest.v1+json "$digest" "$size")" "${ref##*:}" "$ref" "$oci_arch" "$oci_variant" >"$w/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$w/oci-layout"
	tar_same "$w" "$w/image.tar" oci-layout index.json blobs
}
