#!/bin/bash
# test_gateway_hostile.sh OUT - 10,000 hostile requests and as many readings in other pieces for
# OUT/bramble-gateway: each gets what it should, nothing of it stays.  Under sanitizers where OUT is
# such a build.  No root.  Last line: N passed, N failed.
# shellcheck source=tests/live/gateway_bed.sh disable=SC2015,SC2016,SC2034,SC2059,SC2154 # ok never fails; eval expands later; formats are ours
set -u
options=(--timeout 2 --wait 2 --head-timeout 1 --idle-timeout 3 --connections 300)
. "$(dirname "$0")/gateway_bed.sh"
"${CC:-gcc}" -std=gnu17 -O1 -D_GNU_SOURCE -o "$dir/hostile" "$here/gateway_hostile.c" || exit 1

f=$url/function/hello
state "$(function_json hello openfaas-fn 1 1 0 '' '{"service":"hello","image":"y"}' "$(instance 1 one true true)")"
until_true 5 eval '[ "$(code "$f")" = 200 ]'
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$gateway/status"; }
descriptors() { find "/proc/$gateway/fd" -type l 2>/dev/null | wc -l; }
at_first=$(descriptors) # the connection to the function is kept
quiet() { until_true 15 eval '[ "$(descriptors)" -le "$at_first" ]'; }

n=${HOSTILE:-10000} seed=${HOSTILE_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "seed $seed"
attack() { # HOW-MANY SEED; what was wrong, whole: HOSTILE_LOG=FILE
	"$dir/hostile" attack "$gport" "$1" "$2" >"$dir/wrong" && ok || bad "hostile requests, seed $2" "$(tee -a "${HOSTILE_LOG:-/dev/null}" <"$dir/wrong")"
	check 'the next request' 'one GET /' "$(call "$f")"
}
# a first part, to have all memory that is ever kept
attack $((n / 5)) "$seed"
quiet && ok || bad "descriptors are left: $(descriptors)"
before=$(rss)
# meanwhile slow ones are shown out
"$dir/hostile" loris "$gport" 100 >"$dir/loris" &
slow=$!
attack $((n - n / 5)) $((seed + 1))
wait $slow
check 'slow heads are told and closed' 0 $?
quiet && ok || bad "descriptors are left: $(descriptors)"
more=$(($(rss) - before))
case $out in *san*) ok ;; *) [ $more -lt 300 ] && ok || bad "memory is left: $more KB more after $n requests" ;; esac

# ---- the end ------------------------------------------------------------------------------------------
kill -TERM $gateway
wait $gateway
check 'ends in order' 0 $? # with what leaked, under sanitizers
grep -E 'ERROR: |runtime error' "$dir/log" && bad 'a sanitizer found something' "$(cat "$dir/log")"
[ "$failed" = 0 ] || tail -n 20 "$dir/log"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
