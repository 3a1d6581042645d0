#!/bin/bash
# test_gateway_hostile.sh OUT - 10,000 hostile requests and as many readings in other pieces for
# OUT/bramble-gateway: each gets what it should, nothing of it stays.  Under sanitizers where OUT is
# such a build.  No root.  Last line: N passed, N failed.
# shellcheck source=tests/live/gateway_bed.sh disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
options=(--timeout 2 --wait 2 --head-timeout 1 --idle-timeout 3 --connections 300)
. "$(dirname "$0")/gateway_bed.sh"
peer gateway_hostile

f=$url/function/hello
state "$(function_json hello openfaas-fn 1 1 0 '' '{"service":"hello","image":"y"}' "$(instance 1 one true true)")"
wait_until 5 eval '[ "$(code "$f")" = 200 ]'
at_first=$(descriptors) # the connection to the function is kept
quiet() { wait_until 15 eval '[ "$(descriptors)" -le "$at_first" ]'; }

n=${HOSTILE:-10000} seed=${HOSTILE_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seed $seed"
attack() { # HOW-MANY SEED; what was wrong, whole: HOSTILE_LOG=FILE
	"$dir/gateway_hostile" attack "$gport" "$1" "$2" >"$dir/wrong" && ok || not_ok "hostile requests, seed $2" "$(tee -a "${HOSTILE_LOG:-/dev/null}" <"$dir/wrong")"
	equal 'the next request' 'one GET /' "$(call "$f")"
}
# a first part, to have all memory that is ever kept
attack $((n / 5)) "$seed"
quiet && ok || not_ok "descriptors are left: $(descriptors)"
before=$(rss)
# meanwhile slow ones are shown out
"$dir/gateway_hostile" loris "$gport" 100 >"$dir/loris" &
slow=$!
attack $((n - n / 5)) $((seed + 1))
wait $slow
equal 'slow heads are told and closed' 0 $?
quiet && ok || not_ok "descriptors are left: $(descriptors)"
more=$(($(rss) - before))
sanitized && ok || { [ $more -lt 300 ] && ok || not_ok "memory is left: $more KB more after $n requests"; }

# ---- the end ------------------------------------------------------------------------------------------
kill -TERM $gateway
ended
