#!/bin/bash
# The store: what is listed can be deployed without a registry, runs on any board, and answers.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016,SC2030,SC2031 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 2
eventually 'a bramble of two' 30 agree 2 b1 b2
user=$(ctl b1 auth -o json | jq -r .user) password=$(ctl b1 auth -o json | jq -r .password)
http() { "$lab" lan curl -s -m 30 "$@"; } # as a computer on the LAN
gate=http://10.77.0.12:8080
all=(figlet env wordcount qr load hello-classic hello-serializing hello-streaming hello-http hello-static)

# --- the list --------------------------------------------------------------------------------------
list=$(http $gate/store)
equal 'GET /store lists them, for anybody' "${all[*]}" "$(jq -r '[.functions[].name] | join(" ")' <<<"$list")"
equal 'each has what faas-cli reads' "${#all[@]}" "$(jq '[.functions[] | select(.title != "" and .description != "" and
	(.images | keys) == ["arm64", "armhf", "x86_64"] and (.environment | type) == "object")] | length' <<<"$list")"
equal 'with the version of its schema' 0.2.0 "$(jq -r .version <<<"$list")"
has 'agentctl store list' '^figlet +Writes' "$(ctl b2 store list)"
equal 'and as JSON it is the same' "$(jq -cS . <<<"$list")" "$(ctl b1 store list -o json | jq -cS .)"
equal 'another verb is not taken' 405 "$(http -o /dev/null -w '%{http_code}' -X DELETE $gate/store)"

# --- faas-cli's way: the image of the list, PUT, on 404 POST ---------------------------------------
put() { # METHOD NAME
	jq -c ".functions[] | select(.name == \"$2\") | {service: .name, image: .images.armhf, envProcess: .fprocess,
		readOnlyRootFilesystem, labels, annotations, envVars: .environment}" <<<"$list" |
		http -o /dev/null -w '%{http_code}' -u "$user:$password" -X "$1" -H 'Content-Type: application/json' -d @- $gate/system/functions
}
equal 'PUT of one that is not there' 404 "$(put PUT figlet)"
equal 'POST makes it' 202 "$(put POST figlet)"
eventually 'figlet runs' 30 fn_is b1 figlet .available_replicas 1

# --- agentctl's way --------------------------------------------------------------------------------
refuse 'a function that the store has not' 'has no function' ctl b1 store deploy dance
refuse 'deploy without a name' 'NAME' ctl b1 store deploy
for f in "${all[@]:1}"; do assert "store deploy $f" ctl b2 store deploy "$f"; done
assert 'under another name, twice' ctl b1 store deploy figlet --name banner --replicas 2 --memory 16Mi
eventually 'on both boards' 30 fn_is b1 banner '[.placements[] | select(.state == "ready").node] | unique | length' 2
refuse 'an image of this host that no store has' 'the store has no image' ctl b1 deploy none --image bramble.local/none:1 --no-wait

# --- answers ---------------------------------------------------------------------------------------
call() { http "${@:2}" "$gate/function/$1"; } # NAME[/PATH] CURL-ARGUMENTS
equal 'figlet' '# # ###|# #  #|###  #|# #  #|# # ###' "$(call figlet -d hi | paste -sd '|')"
equal 'by its other name' '# #|# #|###|# #|# #' "$(call banner -d H | paste -sd '|')"
equal 'wordcount' '1 4 25' "$(printf 'four boards, one bramble\n' | call wordcount --data-binary @-)"
equal 'env knows the call' 'Http_Method=PUT|Http_Path=/a|Http_Query=b=c' \
	"$(call 'env/a?b=c' -X PUT -d x | grep -E '^Http_(Method|Path|Query)=' | sort | paste -sd '|')"
has 'and its board' '^BRAMBLE_NODE=(m1|w1)$' "$(call env | grep ^BRAMBLE_NODE=)"
has 'qr' '^█+$' "$(call qr -d "$gate" | head -n 1)"
equal 'a text that is too long for it' 500 "$(head -c 300 /dev/zero | tr '\0' x | call qr -o /dev/null -w '%{http_code}' --data-binary @-)"
has 'load says where it ran' '^(m1|w1) \(load-[0-9]+\): 50 ms of CPU in' "$(call 'load?ms=50')"
has 'hello-classic' '^Hello from (m1|w1), mode classic\.' "$(call hello-classic)"
has 'it hears' '^You said: me$' "$(call hello-classic -d me)"
has 'hello-serializing' 'mode serializing\.' "$(call hello-serializing -d me)"
equal 'hello-streaming says five lines' 5 "$(call hello-streaming -d me | grep -c '^[1-5]: hello from .*: me$')"
first_and_all() { call hello-streaming -o /dev/null -w '%{time_starttransfer} %{time_total}'; }
has 'and the first long before the last' yes "$(first_and_all | awk '{ print ($2 - $1 > 0.5 ? "yes" : "no: " $0) }')"
one=$(call hello-http -d me) two=$(call hello-http -d me)
has 'hello-http' 'mode http, call [0-9]+ of this process' "$one"
equal 'is one process for all calls' 1 "$(($(sed -n 's/.*call \([0-9]*\) of.*/\1/p' <<<"$two") - $(sed -n 's/.*call \([0-9]*\) of.*/\1/p' <<<"$one")))"
has 'hello-static' '<h1>Hello from a bramble</h1>' "$(call hello-static/)"
equal 'as a page' 'text/html; charset=utf-8' "$(call hello-static/ -o /dev/null -w '%{content_type}')"
equal 'with nothing beside it' 404 "$(call hello-static/nothing -o /dev/null -w '%{http_code}')"
equal 'nor above it' 400 "$(call hello-static/../../etc/passwd --path-as-is -o /dev/null -w '%{http_code}')"

# --- they are small --------------------------------------------------------------------------------
below() { [ "$("${@:2}")" -lt "$1" ] || { "${@:2}" && return 1; }; } # LIMIT COMMAND...
assert 'all of them take less than 1 MB of the card' below 1000000 run b1 stat -c %s /usr/share/bramble/functions/functions.tar
rss() { run "$1" sh -c 'for p in $(pidof fwatchdog); do awk "/^VmRSS/ { print \$2 }" /proc/$p/status; done' | sort -n | tail -n 1; }
for b in b1 b2; do assert "$b: no watchdog has 1 MB" below 1024 rss $b; done
finish
