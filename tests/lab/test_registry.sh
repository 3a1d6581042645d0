#!/bin/bash
# test_registry.sh - images: pulled from real registries (anonymous, with a password, slow, cut off,
# lying), pushed from another computer, brought up as a stack, and removed.  Three boards; the
# registries are another computer on their LAN.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=provision/oci.sh
. "$here/../../provision/oci.sh"

r=10.77.0.254 # where the registries are
export BRAMBLE_LAB_CONF="
[functions]
insecure_registries = $r:5000, $r:5001, $r:5002, $r:5003"
w=$(mktemp -d)
chmod 755 "$w"
export HOME=$w
pids=
end_registries() {
	local f
	# shellcheck disable=SC2086 # one word a process
	[ -z "$pids" ] || kill $pids 2>/dev/null
	for f in "$w"/*.pid; do [ ! -e "$f" ] || kill "$(cat "$f")" 2>/dev/null; done
	rm -rf "$w"
}
lab_up 3
trap 'end_registries; show_boards; [ -n "${KEEP:-}" ] || "$lab" down' EXIT
lan() { "$lab" lan "$@"; }
here_ctl() { lan "$here/../../build/${SAN:+san-}${CC:-gcc}/agentctl" --host 10.77.0.11 --pki "$BRAMBLE_LAB/pki" "$@"; }
reason() { fn b1 "$1" .reason; }
reason_is() { grep -qE -- "$2" <<<"$(reason "$1" 2>/dev/null)"; } # NAME REGEX
ready() { fn_is b1 "$1" .available_replicas "$2"; }
everybody() { agree 3 b1 b2 b3; }

# ---- registries ---------------------------------------------------------------------------------------
registry() { # PORT AUTH
	cat >"$w/$1.yml" <<-END
		version: 0.1
		log: {level: error, accesslog: {disabled: false}}
		storage: {filesystem: {rootdirectory: $w/store}}
		http: {addr: "$r:$1", secret: x}
		$2
	END
	# itself, not a shell around it: it is ended by its id
	nsenter --net="/run/netns/$BRAMBLE_LAB_PREFIX" docker-registry serve "$w/$1.yml" >>"$w/$1.log" 2>&1 &
	pids="$pids $!"
}
proxy() { # NAME, what it serves on standard input
	{
		printf 'daemon on; master_process off; pid %s/%s.pid; error_log %s/%s.log;\nevents {}\nhttp { access_log %s/%s.access;' \
			"$w" "$1" "$w" "$1" "$w" "$1"
		for d in client_body proxy fastcgi uwsgi scgi; do printf ' %s_temp_path %s/t;' $d "$w"; done
		printf ' proxy_max_temp_file_size 0;\n'
		cat
		echo '}'
	} >"$w/$1.conf"
	lan nginx -c "$w/$1.conf" 2>/dev/null
}
perl -e 'print "ann:" . crypt("se:cret", "\$2y\$05\$abcdefghijklmnopqrstuv") . "\n"' >"$w/htpasswd"
registry 5000 ''
registry 5001 "auth: {htpasswd: {realm: lab, path: $w/htpasswd}}"
proxy slow <<-END
	server { listen $r:5002; location / {
		proxy_pass http://$r:5000; proxy_set_header Host \$http_host; limit_rate 2m; } }
END
proxy liar <<-END
	server { listen $r:5003;
		location ~ ^/v2/bramble/web/blobs/ { root $w; try_files /lie =404; }
		location / { proxy_pass http://$r:5000; proxy_set_header Host \$http_host; } }
END

"$here/images" "$w/images" hello wordcount web || exit 1
copy() { lan skopeo copy -q --preserve-digests --dest-tls-verify=false "oci-archive:$1" "docker://$r:5000/$2"; }
assert 'the registry is filled' wait_until 20 copy "$w/images/hello.tar" bramble/hello:one
copy "$w/images/wordcount.tar" bramble/wordcount:1
copy "$w/images/web.tar" bramble/web:1
manifest=$(tar -xOf "$w/images/hello.tar" index.json | jq -r '.manifests[0].digest')
layer=$(tar -xOf "$w/images/hello.tar" "blobs/sha256/${manifest#*:}" | jq -r '.layers[0].digest')
# An index: for this machine, and for another one (with a manifest that nobody here could run).
other=arm64
[ "$oci_arch" != arm64 ] || other=amd64
size=$(tar -xOf "$w/images/hello.tar" "blobs/sha256/${manifest#*:}" | wc -c)
wordcount=$(tar -xOf "$w/images/wordcount.tar" index.json | jq -r '.manifests[0].digest')
wsize=$(tar -xOf "$w/images/wordcount.tar" "blobs/sha256/${wordcount#*:}" | wc -c)
copy "$w/images/wordcount.tar" bramble/hello:part
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"%s"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"%s"%s}}]}' \
	"$wordcount" "$wsize" "$other" "$manifest" "$size" "$oci_arch" "$oci_variant" >"$w/index"
lan curl -sS --fail-with-body -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary "@$w/index" \
	"http://$r:5000/v2/bramble/hello/manifests/1" || not_ok 'the index is taken'

# ---- pulling --------------------------------------------------------------------------------------------
eventually 'one bramble of three' 60 everybody
[ "$failed" = 0 ] || finish
t=$EPOCHREALTIME
assert 'a function from the registry, on all boards' timeout 60 "$lab" run b1 agentctl deploy hello --image $r:5000/bramble/hello:1 --replicas 3
echo "      pulled and ready after $(awk -v a="$EPOCHREALTIME" -v b="$t" 'BEGIN { printf "%.1f", a - b }') s"
has 'it answers' '^Hello from hello-' "$(echo x | invoke b2 hello)"
image() { ctl "$1" images -o json | jq -r ".[] | select(.name == \"$2\") | $3"; } # BOARD NAME FILTER
equal 'the bramble knows the index, not one manifest' "sha256:$(sha "$w/index")" "$(image b1 $r:5000/bramble/hello:1 .digest)"
eventually 'and its size' 10 sh -c "[ \$('$lab' run b2 agentctl images -o json | jq '.[0].size') -gt 10000 ]"
eventually 'all boards have it' 20 says 3 image b3 $r:5000/bramble/hello:1 '.boards | length'
equal 'its layer came over the line to the registry once' 1 "$(grep -c "GET /v2/bramble/hello/blobs/$layer HTTP" "$w/5000.log")"
none_pulls() { ! { for b in b1 b2 b3; do run $b pgrep bramble-pull; done; } | grep -q .; }
eventually 'the pull program is gone' 20 none_pulls
lean() { # an agent that has done its work is as small as before
	local kb
	kb=$(run "$1" sh -c 'awk "/VmRSS/ { print \$2 }" /proc/$(pgrep -x bramble-agent)/status')
	[ "$kb" -lt 8192 ] || { echo "$kb KB" && return 1; }
}
[ -n "${SAN:-}" ] || eventually 'the agent is below 8 MB' 40 lean b1

deploy() { ctl b1 deploy "$1" --image "$2" --no-wait; }
assert 'an image that is nowhere is taken' deploy missing $r:5000/bramble/nothing:1
eventually 'and the function says why it does not run' 15 reason_is missing "cannot pull $r:5000/bramble/nothing:1: $r:5000 says 404: no such image"
assert 'one of a registry that is not there' deploy nowhere $r:5999/x:1
eventually 'says so too' 20 reason_is nowhere "cannot pull $r:5999/x:1: "
for f in missing nowhere; do ctl b1 remove $f >/dev/null; done

# ---- a password -----------------------------------------------------------------------------------------
assert 'a registry with a password' deploy secret $r:5001/bramble/wordcount:1
eventually 'says that it wants a login' 15 reason_is secret "401: it needs a login .agentctl registry login $r:5001"
refuse 'a login needs a password' 'password' ctl b2 registry login $r:5001 --user ann
login() { run b2 agentctl registry login $r:5001 --user ann <<<"$1"; }
assert 'a wrong one is kept' login wrong
eventually 'and does not help' 30 reason_is secret "401: no such image, or this user may not pull it"
assert 'the right one' login se:cret
eventually 'lets it in' 60 ready secret 1
leader=$(status b1 .leader)
run "$leader" rm /etc/bramble/registry.json
ctl b1 remove secret >/dev/null
ctl b1 image remove $r:5001/bramble/wordcount:1 >/dev/null
assert 'a board that lacks the login (a card that was flashed)' deploy secret $r:5001/bramble/wordcount:1
eventually 'gets it from another board' 60 ready secret 1
for b in b1 b2 b3; do equal "only root reads it on $b" '600 root' "$(run $b stat -c '%a %U' /etc/bramble/registry.json)"; done
equal 'it is in no log' '' "$(for b in b1 b2 b3; do run $b journalctl -q --no-pager | grep -F se:cret; done)"
has 'registry list shows the user' "$r:5001 +ann" "$(ctl b3 registry list)"
assert 'logout' ctl b1 registry logout $r:5001
equal 'takes it from all boards' '' "$(ctl b3 registry list | grep ann)"
ctl b1 remove secret >/dev/null

# ---- cut in the middle ------------------------------------------------------------------------------------
mkdir -p "$w/large/root/bin"
head -c 12000000 /dev/urandom >"$w/large/root/noise"
tar -xOf "$w/images/web.tar" "blobs/sha256/$(tar -xOf "$w/images/web.tar" "blobs/sha256/$(tar -xOf "$w/images/web.tar" index.json | jq -r '.manifests[0].digest' | cut -d: -f2)" | jq -r '.layers[0].digest' | cut -d: -f2)" |
	tar -xzC "$w/large/root"
touch "$w/large/plain"
oci_pack "$w/large" docker.io/bramble/large:1 '"Entrypoint":["/bin/web"],"Env":["PATH=/bin"],"ExposedPorts":{"8080/tcp":{}}'
copy "$w/large/image.tar" bramble/large:1
assert 'a large one over a slow line' deploy large $r:5002/bramble/large:1
eventually 'shows how far it is' 20 reason_is large 'fetching image [1-9][0-9]* of 1[0-9] MB'
kill -KILL "$(cat "$w/slow.pid")"
assert 'the registry is cut off' sh -c "! '$lab' lan curl -s -m 2 http://$r:5002/v2/"
lan nginx -c "$w/slow.conf"
eventually 'it goes on when that is back' 60 ready large 1
has 'where it was' '"GET [^"]*" 206 ' "$(cat "$w/slow.access")"

# ---- lies ---------------------------------------------------------------------------------------------------
wlayer=$(tar -xOf "$w/images/web.tar" index.json | jq -r '.manifests[0].digest')
wlayer=$(tar -xOf "$w/images/web.tar" "blobs/sha256/${wlayer#*:}" | jq -r '.layers[0].size')
head -c "$wlayer" /dev/zero >"$w/lie"
assert 'other bytes than the digest says' deploy lied $r:5003/bramble/web:1
eventually 'are refused' 40 reason_is lied 'cannot get its image|cannot pull its image|digest'
equal 'nothing of it is on the boards' '' "$(for b in b1 b2 b3; do run $b ctr -n openfaas-fn images ls -q | grep 5003; done)"
has 'the others go on' '^Hello from hello-' "$(echo x | invoke b3 hello)"
ctl b1 remove lied >/dev/null
ctl b1 remove large >/dev/null

# ---- the tag moves --------------------------------------------------------------------------------------------
copy "$w/images/web.tar" bramble/tag:1
api() { # the gateway of b1, as faas-cli has it
	run b1 curl -s -o /dev/null -w '%{http_code}' -u "$(run b1 agentctl auth -o json | jq -r '"\(.user):\(.password)"')" \
		-X PUT -d "$1" http://127.0.0.1:8080/system/functions
}
assert 'a function from a tag' ctl b1 deploy tag --image $r:5000/bramble/tag:1
copy "$w/images/wordcount.tar" bramble/tag:1
before=$(image b1 $r:5000/bramble/tag:1 .digest)
equal 'deployed again' 202 "$(api "{\"service\":\"tag\",\"image\":\"$r:5000/bramble/tag:1\"}")"
equal 'it stays what it was' "$before" "$(image b1 $r:5000/bramble/tag:1 .digest)"
equal 'with com.bramble.pull=always' 202 "$(api "{\"service\":\"tag\",\"image\":\"$r:5000/bramble/tag:1\",\"annotations\":{\"com.bramble.pull\":\"always\"}}")"
eventually 'it is what the registry has now' 10 says "$wordcount" image b1 $r:5000/bramble/tag:1 .digest
equal 'another word for it is refused' 400 "$(api "{\"service\":\"tag\",\"image\":\"$r:5000/bramble/tag:1\",\"annotations\":{\"com.bramble.pull\":\"sometimes\"}}")"
ctl b1 remove tag >/dev/null

# ---- push ---------------------------------------------------------------------------------------------------
has 'an archive is pushed from another computer' 'docker.io/bramble/large:1 is in the bramble' "$(here_ctl push "$w/large/image.tar" 2>&1)"
has 'again: its layer is there already' '1[0-9] MB of it were there' "$(here_ctl push "$w/large/image.tar" 2>&1)"
mkdir "$w/layout"
tar -C "$w/layout" -xf "$w/images/wordcount.tar"
has 'a folder in OCI layout, under another name' 'docker.io/ann/count:7 is in the bramble' "$(here_ctl push "$w/layout" --name ann/count:7 2>&1)"
refuse 'a folder that is none' 'OCI layout' here_ctl push "$w"
refuse 'an image that is not here' 'none of docker' here_ctl push no/such:1
refuse 'an archive that is cut off' 'cut off|damaged' here_ctl push <(head -c 3000 "$w/images/web.tar")

# ---- up -------------------------------------------------------------------------------------------------------
cat >"$w/stack.yml" <<-END
	version: 1.0
	provider: {name: openfaas, gateway: "http://127.0.0.1:8080"}
	functions:
	  count:
	    image: ann/count:7
	    fprocess: /bin/wordcount
	    environment: {COLOUR: "\${COLOUR:-green}"}
	  page:
	    image: $r:5000/bramble/web:1
	    environment_file: [env.yml]
	    labels:
	      com.openfaas.scale.min: "2"
	    limits: {memory: 20Mi}
	    readonly_root_filesystem: true
END
printf 'environment:\n  SHAPE: round\n' >"$w/env.yml"
here_up() { timeout 100 "$lab" lan "$here/../../build/${SAN:+san-}${CC:-gcc}/agentctl" --host 10.77.0.11 --pki "$BRAMBLE_LAB/pki" up "$@"; }
said=$(here_up "$w/stack.yml" 2>&1)
has 'a stack of two functions goes up' 'count +ready +http://10.77.0.11:8080/function/count' "$said"
has 'both of them' 'page +ready +http://10.77.0.11:8080/function/page' "$said"
equal 'the first answers' 3 "$(lan curl -s -d 'one two three' http://10.77.0.11:8080/function/count | awk '{ print $2 }')"
has 'the second has its environment' 'SHAPE=round' "$(lan curl -s http://10.77.0.11:8080/function/page/env)"
eventually 'and its replicas' 20 ready page 2
has 'again, one of them, with a variable' 'count +ready' "$(COLOUR=blue here_up -f "$w/stack.yml" --filter 'c*' 2>&1)"
sed -i 's/image: ann/imag: ann/' "$w/stack.yml"
refuse 'a mistake has its line' "stack.yml:4: function count has neither an 'image'" here_up "$w/stack.yml"
for f in count page; do ctl b1 remove $f >/dev/null; done

# ---- taking away ------------------------------------------------------------------------------------------------
refuse 'an image in use stays' 'function hello uses it' ctl b2 image remove $r:5000/bramble/hello:1
refuse 'one that is not there' 'is not in this bramble' ctl b2 image remove no/such:1
assert 'one that is not in use goes' ctl b2 image remove ann/count:7
holds() { for b in b1 b2 b3; do run $b ctr -n openfaas-fn images ls -q; done | grep -c "^$1\$"; }
eventually 'from all boards' 20 says 0 holds docker.io/ann/count:7

# A card that fills: the third copy goes, two stay for the bramble, and what functions use stays.
ctl b1 remove hello >/dev/null
eventually 'three copies of hello' 20 says 3 holds $r:5000/bramble/hello:1
full() { run "$1" sh -c "echo 'keep_free = 9000G' >>/etc/bramble/bramble.conf && systemctl restart bramble-agent"; }
full b3
eventually 'a card that fills gives up the third copy' 40 says 2 holds $r:5000/bramble/hello:1
full b2
eventually 'the bramble is whole' 40 everybody
eventually 'two copies again, after a board was away' 40 says 2 holds $r:5000/bramble/hello:1
assert 'they are young, and stay' always 22 says 2 holds $r:5000/bramble/hello:1
finish
