#!/bin/bash
# Two boards: asynchronous calls under the real units, and what a power cut leaves of them.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

lab_up 2
boards=(b1 b2)
eventually 'both boards name one master' 30 agree 2 "${boards[@]}"
learn_names "${boards[@]}"
assert 'images' import_images m1 hello
w1=${slot_of[w1]} at=http://10.77.0.$((10 + ${slot_of[w1]#b})):8080
user=$(ctl m1 auth -o json | jq -r .user) password=$(ctl m1 auth -o json | jq -r .password)

code() { "$lab" lan curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
metric() { "$lab" lan curl -s -m 10 "$at/metrics" | awk -v m="$1" '$1 == m { print $2 }'; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
all_accepted() { # FUNCTION N
	local i
	for ((i = 0; i < $2; i++)); do [ "$(code -d x "$at/async-function/$1")" = 202 ] || return 1; done
}
deploy() { # NAME IMAGE
	code -u "$user:$password" -X POST -d "{\"service\":\"$1\",\"image\":\"bramble/$2\",\"labels\":{\"com.openfaas.scale.min\":\"1\"},\"annotations\":{\"com.openfaas.retry.attempts\":\"1000\",\"com.openfaas.retry.max_wait\":\"2s\"}}" "$at/system/functions"
}

equal 'deploy' 202 "$(deploy hello hello)"
eventually 'it is ready' 60 fn_is m1 hello '[.placements[] | select(.state == "ready")] | length >= 1' true
equal 'nothing is stored before the first call' '' "$(run w1 ls /var/lib/bramble-gateway)"
assert 'twenty calls are accepted' all_accepted hello 20
eventually 'and made' 30 metric_is 'bramble_async_completed_total{queue="hello.openfaas-fn"}' 20
equal 'none failed' 0 "$(metric 'bramble_async_failures_total{queue="hello.openfaas-fn"}')"
equal 'nobody else reads what waits' 'drwx------ bramble-gateway' "$(run w1 stat -L -c '%A %U' /var/lib/bramble-gateway)"
equal 'a callback to a function' 202 "$(code -d x -H 'X-Callback-Url: http://gateway:8080/async-function/hello' "$at/async-function/hello")"
eventually 'which is an asynchronous call as well' 30 metric_is 'bramble_async_completed_total{queue="hello.openfaas-fn"}' 22

# --- a power cut ------------------------------------------------------------------------------------
equal 'one whose image nobody has yet' 202 "$(deploy later shout)"
eventually 'it is there' 30 fn_is m1 later .name later
assert 'five calls are accepted' all_accepted later 5
assert 'power cut' "$lab" off "$w1"
assert 'power on' "$lab" on "$w1"
eventually 'the board is back' 60 agree 2 "${boards[@]}"
all_wait() { [ "$(metric 'bramble_async_depth{queue="later.openfaas-fn"}')" = 5 ]; }
eventually 'nothing was lost: all five wait' 30 all_wait
assert 'its image comes' import_images m1 shout
eventually 'and all five are made' 90 sh -c "'$lab' lan curl -s '$at/metrics' | grep -qxF 'bramble_async_depth{queue=\"later.openfaas-fn\"} 0'"
equal 'nor failed' 0 "$(metric 'bramble_async_failures_total{queue="later.openfaas-fn"}')"
finish
