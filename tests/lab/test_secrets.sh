#!/bin/bash
# Two boards: secrets from the command line to a function's file and nowhere else, namespaces, logs of
# both boards, and what faas-cli sends.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 2
boards=(b1 b2)
eventually 'both boards name one master' 30 agree 2 "${boards[@]}"
learn_names "${boards[@]}"
assert 'images' import_images m1 secret wordcount

secret() { printf '%s' "$2" | run "$1" agentctl secret "${@:3}"; } # BOARD VALUE ARGS...
user=$(ctl m1 auth -o json | jq -r .user) password=$(ctl m1 auth -o json | jq -r .password)
api() { # METHOD PATH [BODY]: as another computer on the LAN; prints status and body
	local answer
	answer=$("$lab" lan curl -s -m 30 -u "$user:$password" -X "$1" -w '\n%{http_code}' \
		${3:+-d "$3"} "http://${via:-10.77.0.12}:8080$2")
	echo "${answer##*$'\n'} ${answer%$'\n'*}"
}
code() { local answer; answer=$(api "$@") && echo "${answer%% *}"; }

# --- a secret's life ------------------------------------------------------------------------------
# Made of parts, so that no argument, script or history holds what is looked for later.
value=quartz-$(printf '%s' lantern)-4711 second=$(printf 'amber-%s' thimble-0815)
equal 'nobody has a secret yet' '[]' "$(ctl w1 secret list -o json | jq -c .)"
assert 'create, on a board that does not lead' secret w1 "$value" create api-key
refuse 'it exists' 'exists already' secret m1 other create api-key
refuse 'update of what does not' 'does not exist' secret m1 other update nosuch
refuse 'a name that leads elsewhere' 'no name of a secret' secret m1 v create ../x
refuse 'a value among the arguments' 'can be read by everybody' secret m1 '' create k --from-literal=v
refuse 'nor bare' 'can be read by everybody' secret m1 '' create k v
refuse 'an empty one' 'is empty' secret m1 '' create k
refuse 'one that is too large' 'larger than 32 KB' sh -c "head -c 40000 /dev/zero | '$lab' run m1 agentctl secret create k"
equal 'its name comes out' api-key "$(ctl m1 secret list)"
equal 'and no more than that' '[{"name":"api-key","namespace":"openfaas-fn"}]' "$(ctl w1 secret list -o json | jq -c .)"

refuse 'deploy with one that is not there' "secret nosuch does not exist" ctl m1 deploy reader --image bramble/secret --secret nosuch
assert 'deploy with one that is' ctl m1 deploy reader --image bramble/secret --replicas 2 --secret api-key
equal 'a replica on each board' 2 "$(fn m1 reader '[.placements[] | select(.state == "ready").node] | unique | length')"
want="uid=1234 api-key mode=400 uid=1234 tmpfs read-only value=$value"
each() { # the answers of both replicas, each asked directly
	local a
	for a in $(fn m1 reader '.placements[] | select(.state == "ready").address'); do
		run m1 curl -s -m 5 -d x "http://$a:8080/" | xargs
	done | sort -u
}
equal 'both read it: their own file, mode 0400, on tmpfs, not to be written' "$want" "$(each)"
refuse 'removing it while it is used' 'reader uses the secret' ctl w1 secret remove api-key

# --- it is nowhere else ---------------------------------------------------------------------------
# Everything that a copied card, a journal or a look at the processes shows, for one text.
found() { # BOARD TEXT
	run "$1" sh -c 'text=$(cat)
		# the board itself, its card below, and containerd and logs, by other names
		grep -rlF -- "$text" /var/lib/bramble /etc /var/log /var/lib/containerd/io.containerd.metadata.v1.bolt /run/containerd /run/log 2>/dev/null
		journalctl -q --no-pager -a -o json | grep -F -- "$text" | head -n 1
		for p in /proc/[0-9]*; do
			tr "\0" "\n" <"$p/cmdline" | grep -F -- "$text"
			tr "\0" "\n" <"$p/environ" | grep -F -- "$text"
		done 2>/dev/null' <<<"$2"
}
for b in m1 w1; do
	equal "$b: nowhere on the card, in the journal, among processes" '' "$(found "$b" "$value")"
	equal "$b: nor as base64" '' "$(found "$b" "$(printf '%s' "$value" | base64)")"
done
# The twins: what is looked for can be found by the same means.
assert 'a function with the text in its environment' ctl m1 deploy leaky --image bramble/wordcount --env "LEAK=$value" --replicas 2
for b in m1 w1; do has "$b: and there it is found" "$value" "$(found "$b" "$value")"; done
run m1 logger -t test "said $value"
has 'in the journal too' "said $value" "$(run m1 journalctl -q --no-pager -t test)"
assert 'without it again' ctl m1 remove leaky

# --- a new value --------------------------------------------------------------------------------------
replicas() { fn m1 reader '[.placements[] | "\(.id) \(.address)"] | sort | join(" ")'; }
before=$(replicas)
assert 'update' secret m1 "$second" update api-key
want=${want/"$value"/"$second"}
eventually 'running replicas have it, without a new start' 10 says "$want" each
equal 'they are the same replicas' "$before" "$(replicas)"
assert 'to zero' ctl m1 scale reader 0
eventually 'none is left' 30 fn_is m1 reader '.placements | length' 0
equal 'a call wakes it: its board may have the secret before its place is written down' 200 "$(code POST /function/reader x)"
assert 'two again' ctl m1 scale reader 2
eventually 'both answer' 30 fn_is m1 reader .available_replicas 2
for b in m1 w1; do run "$b" systemctl restart bramble-agent; done
eventually 'after a restart of both agents' 30 agree 2 m1 w1
eventually 'they still answer' 20 says "$want" each
assert 'more replicas' ctl m1 scale reader 4
eventually 'four are ready' 30 fn_is m1 reader .available_replicas 4
equal 'the new ones have the new value' "$want" "$(each)"
for b in m1 w1; do equal "$b: the new one is nowhere either" '' "$(found "$b" "$second")"; done
run m1 sh -c 'kill -9 $(systemctl show -p MainPID --value bramble-agent)'
eventually 'after a kill -9' 30 agree 2 m1 w1
eventually 'they still answer' 20 says "$want" each

# --- what a card alone tells ------------------------------------------------------------------------------
has 'the key has a file of its own' '^600 ' "$(run m1 stat -c '%a %n' /var/lib/bramble/secrets.key)"
same_key() { says '2 1' sh -c "for b in m1 w1; do '$lab' run \$b sha256sum /var/lib/bramble/secrets.key | cut -c1-64; done | sort | uniq -c | awk '{ print \$1, NR }'"; }
assert 'the same on both boards' same_key
equal 'the folder of secrets is for root alone' 700 "$(run m1 stat -c %a /run/bramble/secrets)"
leader=$(status m1 .leader)
other=$([ "$leader" = m1 ] && echo w1 || echo m1)
run "$other" sh -c 'systemctl stop bramble-agent; rm /var/lib/bramble/secrets.key; systemctl start bramble-agent'
eventually 'a board that lost the key has it from the other' 20 run "$other" test -s /var/lib/bramble/secrets.key
assert 'the same again' same_key
eventually 'and both agree' 30 agree 2 m1 w1
run "$leader" sh -c 'systemctl stop bramble-agent; rm /var/lib/bramble/secrets.key; systemctl start bramble-agent'
eventually 'the leader too, from a member' 30 run "$leader" test -s /var/lib/bramble/secrets.key
eventually 'and both agree again' 30 agree 2 m1 w1
eventually 'with it the old secret opens' 30 secret m1 third update api-key
eventually 'and reaches the replicas' 15 says "${want/"$second"/third}" each

# --- gone -----------------------------------------------------------------------------------------------------
assert 'remove the function' ctl m1 remove reader
for b in m1 w1; do
	eventually "$b: its files are gone" 20 run "$b" sh -c '[ -z "$(ls /run/bramble/secrets)" ]'
done
assert 'now the secret may go' ctl m1 secret remove api-key
refuse 'once' 'does not exist' ctl m1 secret remove api-key

# --- namespaces -------------------------------------------------------------------------------------------------
equal 'one namespace' openfaas-fn "$(ctl w1 namespace list)"
refuse 'deploy into one that is not there' 'namespace dev does not exist' ctl m1 deploy words --image bramble/wordcount --namespace dev
assert 'make it' ctl w1 namespace create dev
assert 'deploy into it' ctl m1 deploy words --image bramble/wordcount --namespace dev
has 'and call it' '1 2 7' "$("$lab" lan curl -s -m 10 -d 'one two' "http://10.77.0.11:8080/function/words.dev" | awk '{ $1 = 1 } 1')"
equal 'a secret of its own' 0 "$(secret m1 x create k --namespace dev >/dev/null; echo $?)"
equal 'is not of the others' '' "$(ctl m1 secret list | grep -x k)"
refuse 'it is not empty' 'still has 1 functions and 1 secrets' ctl m1 namespace remove dev
assert 'empty it' ctl m1 remove words.dev
assert 'and the secret' ctl m1 secret remove k --namespace dev
assert 'then it may go' ctl m1 namespace remove dev
refuse 'the first one may not' 'always there' ctl m1 namespace remove openfaas-fn

# --- logs of both boards -------------------------------------------------------------------------------------------
assert 'a function on both boards' ctl m1 deploy words --image bramble/wordcount --replicas 2
mapfile -t at < <(fn m1 words '.placements[] | select(.state == "ready") | "\(.address) \(.id)"')
call_each() { for a in "${at[@]}"; do run m1 curl -s -m 5 -o /dev/null -d "$1" "http://${a% *}:8080/"; done; }
call_each one
logs_of() { "$lab" lan curl -s -m 20 -u "$user:$password" "http://10.77.0.12:8080/system/logs?name=words$1" | jq -r .instance | sort | uniq -c | awk '{ print $2 }' | xargs; }
ids=$(printf '%s\n' "${at[@]}" | cut -d' ' -f2 | sort | xargs)
eventually 'lines of both' 10 says "$ids" logs_of ''
equal 'of one, by its number' "${at[0]#* }" "$(logs_of "&instance=${at[0]#* }")"
equal 'of one, by its host name' "${at[1]#* }" "$(logs_of "&instance=words-${at[1]#* }")"
equal 'nothing since tomorrow' '' "$(logs_of "&since=$(date -u -d tomorrow +%FT%TZ)")"
equal 'all since yesterday' "$ids" "$(logs_of "&since=$(date -u -d yesterday +%FT%TZ)")"
equal 'one line of each' 2 "$("$lab" lan curl -s -m 20 -u "$user:$password" "http://10.77.0.12:8080/system/logs?name=words&tail=1" | wc -l)"
"$lab" lan curl -sN -m 60 -u "$user:$password" "http://10.77.0.11:8080/system/logs?name=words&follow=true&tail=1" >"$BRAMBLE_LAB/followed" &
reader=$!
lines() { wc -l <"$BRAMBLE_LAB/followed"; }
eventually 'following begins with the last lines' 10 says 2 lines
call_each two
more() { [ "$(lines)" -ge 6 ] && [ "$(jq -r .instance "$BRAMBLE_LAB/followed" | sort -u | xargs)" = "$ids" ]; }
eventually 'and goes on with those of both boards' 10 more
kill "$reader"
wait "$reader" 2>/dev/null
no_links() { [ "$(run w1 ss -Hxp | grep -c 'bramble-gatew.*gateway.sock')" -le 1 ]; }
eventually 'a reader that has gone leaves nothing open' 10 no_links
has 'agentctl too' ' words\.' "$(ctl w1 logs words --since 10m --tail all)"
equal 'and nothing older' '' "$(ctl w1 logs words --since 2099-01-01T00:00:00Z)"
assert 'remove it' ctl m1 remove words

# --- counts outlive agents, gateways and boards ----------------------------------------------------------------------
assert 'a function to count' ctl m1 deploy words --image bramble/wordcount
for via in 10.77.0.11 10.77.0.12 10.77.0.11; do "$lab" lan curl -s -m 10 -o /dev/null -d x "http://$via:8080/function/words"; done
count() { api GET /system/function/words | cut -d' ' -f2- | jq .invocationCount; }
eventually 'three calls' 5 says 3 count
for b in m1 w1; do run "$b" systemctl restart bramble-agent bramble-gateway; done
eventually 'after a restart of everything' 30 says 3 count
"$lab" lan curl -s -m 10 -o /dev/null -d x "http://10.77.0.12:8080/function/words"
eventually 'and on from there' 10 says 4 count
run w1 sh -c 'kill -9 $(systemctl show -p MainPID --value bramble-agent)'
eventually 'after a kill -9' 30 says 4 count
eventually 'both agents are back' 30 agree 2 m1 w1
eventually 'and the gateway asks its own again' 20 says 200 code GET /system/secrets
assert 'remove it' ctl m1 remove words

# --- what faas-cli sends ----------------------------------------------------------------------------------------------
while read -r line; do
	case $line in
	'ok '*) ok "faas-cli: ${line#ok    }" ;;
	'FAIL '*) not_ok "faas-cli: ${line#FAIL  }" ;;
	*passed*) sum=$line ;;
	*) echo "      $line" ;;
	esac
done < <("$lab" lan "$here/../live/faas_cli.sh" http://10.77.0.12:8080 "$user" "$password" bramble/wordcount)
has 'faas-cli: it came to its end' 'passed' "${sum:-}"
finish
