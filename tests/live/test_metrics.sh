#!/bin/bash
# test_metrics.sh OUT - what OUT/bramble-gateway tells Prometheus: exact counts, Debian's promtool, and
# a real prometheus that answers every query of the Grafana board and of the alerts, under load, with
# the figures of a board from tests/fixtures.  No root.  Last line: N passed, N failed.
# shellcheck disable=SC2015,SC2016,SC2059 # ok never fails; eval expands later; formats are ours
set -u
# shellcheck source=tests/live/bed.sh
. "$(dirname "$0")/bed.sh"
top=$here/../..
monitoring=$top/provision/monitoring
peer gateway_peer
make -s -C "$top" "$out/live/metrics_text" || exit 1

# ---- who is there --------------------------------------------------------------------------------
tell() { # ROOT: what the fake agent tells from now on
	(cd "$top" && "$out/live/metrics_text" "$1") >"$dir/node" || return
	jq -Rs '{version: "9.8.7", commit: "c0ffee", text: .}' <"$dir/node" >"$dir/metrics.new"
	mv "$dir/metrics.new" "$dir/metrics"
}
board=tests/fixtures/metrics-3Bplus
tell "$board" || { echo 'metrics: cannot make the board'; exit 1; }
export GATEWAY_PEER_METRICS=$dir/metrics
backend one
agent gateway_peer
gateway --timeout 2 --wait 1
# The board's figures are told again for a second: what is behind that is seen by asking until it is so.
metrics() { curl -s -m 10 "$url/metrics"; }
value() { metrics | awk -v n="$1" '{ v = $NF; sub(/ [^ ]*$/, "") } $0 == n { print v }'; }

function_json() { # NAME NAMESPACE REPLICAS AVAILABLE CREATED LABELS PORT
	printf '{"name":"%s","namespace":"%s","image":"x:1","replicas":%d,"available":%d,"invocations":0,"created":%d,"reason":"","spec":{"service":"%s","image":"x","labels":{%s}},"instances":[{"id":%d,"node":"m1","local":true,"address":"127.0.0.1","port":%d,"ready":true}]}' \
		"$1" "$2" "$3" "$4" "$5" "$1" "$6" "$((RANDOM + 1))" "$7"
}
hello() { function_json hello openfaas-fn 3 2 "${1:-1700000000}" '"com.openfaas.scale.min":"2","com.openfaas.scale.target":"25"' "${port[one]}"; }
dead=$(function_json dead dev 1 1 1700000000 '"com.openfaas.scale.min":"rubbish"' 1)
state() {
	local IFS=,
	printf '{"cluster":"home","node":"m1","auth":{"user":"a","password":"b"},"arch":"armhf","functions":[%s]}\n' "$*" >&9
}
state "$(hello)" "$dead"
wait_until 5 eval '[ "$(code "$url/healthz")" = 200 ]'

# ---- the page ------------------------------------------------------------------------------------
equal 'open to all' 200 "$(code "$url/metrics")"
equal 'HEAD' 200 "$(code -I "$url/metrics")"
equal 'POST' 405 "$(code -X POST "$url/metrics")"
has 'the type' '^Content-Type: text/plain; version=0.0.4; charset=utf-8' "$(curl -si "$url/metrics")"
f=$url/function/hello
for _ in {1..20}; do code "$f" >/dev/null; done
for _ in {1..3}; do code "$f/status/503" >/dev/null; done
for _ in {1..2}; do code "$url/function/dead.dev" >/dev/null; done
code "$url/function/nobody" >/dev/null
hello_=function_name=\"hello.openfaas-fn\"
equal 'calls that went well' 20 "$(value "gateway_function_invocation_total{code=\"200\",$hello_}")"
equal 'calls that did not' 3 "$(value "gateway_function_invocation_total{code=\"503\",$hello_}")"
equal 'our own failures count too' 2 "$(value 'gateway_function_invocation_total{code="502",function_name="dead.dev"}')"
equal 'begun' 23 "$(value "gateway_function_invocation_started{$hello_}")"
equal 'nobody is nowhere' '' "$(metrics | grep nobody)"
equal 'the histogram counts them all' 20 "$(value "gateway_functions_seconds_bucket{code=\"200\",$hello_,le=\"+Inf\"}")"
equal 'and sums up' 20 "$(value "gateway_functions_seconds_count{code=\"200\",$hello_}")"
equal 'its buckets are those of the contract' '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf ' \
	"$(metrics | sed -n "s/^gateway_functions_seconds_bucket{code=\"200\",$hello_,le=\"\(.*\)\"} .*/\1/p" | tr '\n' ' ')"
equal 'a function that is slow is in a higher one' 504 "$(code "$f/never")"
equal 'slow: not below 1 s' 0 "$(value "gateway_functions_seconds_bucket{code=\"504\",$hello_,le=\"1\"}")"
equal 'slow: below 5 s' 1 "$(value "gateway_functions_seconds_bucket{code=\"504\",$hello_,le=\"5\"}")"
has 'slow: its time' '^2\.' "$(value "gateway_functions_seconds_sum{code=\"504\",$hello_}")"
equal 'wanted' 3 "$(value "gateway_service_count{$hello_}")"
equal 'ready' 2 "$(value "gateway_service_ready_count{$hello_}")"
equal 'target' 25 "$(value "gateway_service_target{$hello_}")"
equal 'min' 2 "$(value "gateway_service_min{$hello_}")"
equal 'target without a label' 50 "$(value 'gateway_service_target{function_name="dead.dev"}')"
equal 'min with a wrong label' 1 "$(value 'gateway_service_min{function_name="dead.dev"}')"
equal 'nothing under way' 0 "$(value "bramble_function_in_flight{$hello_}")"
: >"$dir/events"
curl -sN -m 10 "$f/events?$dir/seen" >"$dir/events" &
reader=$!
wait_until 5 grep -q first "$dir/events"
equal 'a stream under way' 1 "$(value "bramble_function_in_flight{$hello_}")"
kill "$reader"
wait_until 5 eval '[ "$(value "bramble_function_in_flight{$hello_}")" = 0 ]' && ok || not_ok 'a stream that was cut is under way no more'
curl -s -m 0.3 "$f/never" >/dev/null
wait_until 5 eval '[ "$(value "gateway_function_invocation_total{code=\"499\",$hello_}")" = 1 ]' && ok || not_ok 'a client that went away is a 499'
for status in 201 202 203 204 205 206 207 208 209; do code "$f/status/$status" >/dev/null; done
equal 'statuses have a limit' 8 "$(metrics | grep -c "^gateway_function_invocation_total{.*$hello_}")"
equal 'beyond it they are together' 6 "$(value "gateway_function_invocation_total{code=\"other\",$hello_}")"

# ---- functions come and go -------------------------------------------------------------------------
state "$(hello 1700000100 | sed 's/"replicas":3/"replicas":4/')" "$dead"
wait_until 5 eval '[ "$(value "gateway_service_count{$hello_}")" = 4 ]'
equal 'counts outlive a deployment (20, and the stream)' 21 "$(value "gateway_function_invocation_total{code=\"200\",$hello_}")"
state "$dead"
wait_until 5 eval '[ -z "$(value "gateway_service_count{$hello_}")" ]' && ok || not_ok 'a function that was removed is gone'
hasnt 'with all that was counted' "$hello_" "$(metrics | grep -v bramble_function_replicas)"
state "$(hello)" "$dead"
wait_until 5 eval '[ "$(value "gateway_function_invocation_started{$hello_}")" = 0 ]' && ok || not_ok 'a new one begins at 0'

# ---- the board -----------------------------------------------------------------------------------------
equal 'agent' 1 "$(value bramble_agent_up)"
has 'versions' '^bramble_build_info\{commit="c0ffee",component="agent",version="9.8.7"\} 1' "$(metrics)"
has 'of the gateway too' '^bramble_build_info\{commit="[0-9a-f]+",component="gateway",version="[0-9.]+"\} 1' "$(metrics)"
equal 'the alarm of the Pi' 0.001 "$(value 'node_hwmon_in_lcrit_alarm_volts{chip="soc_firmware_raspberrypi_hwmon",sensor="in0"}')"
equal 'its temperature' 61.224 "$(value 'node_thermal_zone_temp{type="cpu-thermal",zone="0"}')"
equal 'the firmware says' 1 "$(value 'bramble_power{state="under_voltage",since="now"}')"
equal 'members' '4 3' "$(value bramble_members) $(value bramble_members_up)"
equal 'replicas by state' '2 1' "$(value "bramble_function_replicas{$hello_,state=\"ready\"}") $(value "bramble_function_replicas{$hello_,state=\"backoff\"}")"
before=$(grep -c '"verb":"metrics"' "$dir/asked")
started=$EPOCHREALTIME
for _ in {1..30}; do metrics >/dev/null; done
took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print int(b - a) }')
asked=$(($(grep -c '"verb":"metrics"' "$dir/asked") - before))
[ "$asked" -le $((took + 2)) ] && ok || not_ok "the agent is asked once a second: $asked times in $took s"
mv "$dir/metrics" "$dir/kept" # it is silent now
wait_until 5 eval '[ "$(value bramble_agent_up)" = 0 ]' && ok || not_ok 'an agent that does not answer'
hasnt 'nothing old is told of the board' '^node_' "$(metrics)"
equal 'but of the functions' 4 "$(value "gateway_service_count{$hello_}" | sed s/3/4/)"
printf '{"error":"no","code":500}' >"$dir/metrics"
equal 'an agent that cannot' 0 "$(value bramble_agent_up)"
printf 'rubbish' >"$dir/metrics"
equal 'an agent that talks rubbish' 0 "$(value bramble_agent_up)"
mv "$dir/kept" "$dir/metrics"
equal 'an agent that answers again' 1 "$(value bramble_agent_up)"
# the machine that this runs on
tell / && wait_until 5 eval '[ "$(value "node_boot_time_seconds")" = "$(sed -n "s/^btime //p" /proc/stat)" ]' && ok || not_ok 'a real /proc'
equal 'its memory' "$(awk '/^MemTotal/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)" "$(value node_memory_MemTotal_bytes)"
equal 'its processors' "$(grep -c '^cpu[0-9]' /proc/stat)" "$(metrics | grep -c '^node_cpu_seconds_total{.*mode="idle"}')"
metrics >"$dir/real"

# ---- promtool ----------------------------------------------------------------------------------------------
command -v promtool >/dev/null && command -v prometheus >/dev/null && ok || not_ok 'promtool and prometheus are here (provision/deps)'
tell "$board"
wait_until 5 eval '[ "$(value node_boot_time_seconds)" = 1700000000 ]'
# Names that are not ours to choose: node_exporter's own complaint of CamelCase, and three of OpenFaaS.
foreign="^(node_memory_[A-Za-z0-9_]+ metric names should be written in 'snake_case'|gateway_service_(ready_)?count non-histogram|gateway_function_invocation_started counter metrics should)"
metrics >"$dir/page"
for page in page real; do
	equal "promtool is content with the $page" '' "$(promtool check metrics <"$dir/$page" 2>&1 | grep -vE "$foreign")"
done
has 'promtool does complain' 'no help text' "$(printf 'a_total 1\n' | promtool check metrics 2>&1)"
cp "$monitoring"/* "$dir"
for config in prometheus prometheus-dns; do
	promtool check config "$dir/$config.yml" >"$dir/said" 2>&1 && ok || not_ok "promtool check config $config" "$(cat "$dir/said")"
done
cp "$here/metrics_alerts.yml" "$dir/alerts-test.yml"
(cd "$dir" && promtool test rules alerts-test.yml) >"$dir/said" 2>&1 && ok || not_ok 'the alerts' "$(cat "$dir/said")"

# ---- prometheus -----------------------------------------------------------------------------------------------
printf '[{"targets":["127.0.0.1:%s"],"labels":{"board":"m1"}}]' "$gport" >"$dir/bramble-targets.json"
sed -i 's/_interval: .*/_interval: 1s/' "$dir/prometheus.yml"
(cd "$dir" && exec prometheus --config.file=prometheus.yml --storage.tsdb.path="$dir/tsdb" \
	--web.listen-address=127.0.0.1:0 --log.level=info) >"$dir/prometheus.log" 2>&1 &
prometheus=$!
pids+=("$prometheus")
wait_until 20 grep -qs 'Server is ready' "$dir/prometheus.log" || not_ok 'prometheus starts' "$(cat "$dir/prometheus.log")"
pport=$(ss -Hltnp 2>/dev/null | sed -n "s/.*127.0.0.1:\([0-9]*\) .*pid=$prometheus,.*/\1/p" | head -n 1)
# load until all is over, with failures among it
while :; do
	curl -s -o /dev/null "$f" -o /dev/null "$f" -o /dev/null "$f/status/500" -o /dev/null "$url/function/dead.dev"
	read -rt 0.05 <> <(:) || :
done &
pids+=($!)
answers() { # QUERY: has prometheus data for it?
	[ "$(curl -s -m 5 --data-urlencode "query=$1" "http://127.0.0.1:$pport/api/v1/query" |
		jq -r 'if .status == "success" then [.data.result[] | select(.value[1] != "NaN")] | length else .error end')" -gt 0 ] 2>/dev/null
}
answers_none() { ! answers "$1"; }
wait_until 20 answers 'up{job="bramble"} == 1' && ok || not_ok 'prometheus scrapes the gateway' "$(tail -n 5 "$dir/prometheus.log")"
n=0
while IFS= read -r query; do
	n=$((n + 1))
	shown=$query
	query=${query//'$__rate_interval'/10s}
	query=${query//'$board'/.*}
	query=${query//'$function'/.*}
	wait_until 20 answers "$query" && ok || not_ok "no data for the board's query: $shown"
done < <(jq -r '.panels[] | .targets[]? | .expr' "$monitoring/grafana-bramble.json")
[ "$n" -gt 25 ] && ok || not_ok "the Grafana board has only $n queries"
while IFS= read -r query; do
	query=${query#label_values(} # METRIC, LABEL)
	query=${query%)}
	answers "count by (${query#*, }) (${query%,*})" && ok || not_ok "no values for the board's variable: $query"
done < <(jq -r '.templating.list[] | select(.type == "query") | .definition' "$monitoring/grafana-bramble.json")
grafana() { jq -r "$1" "$monitoring/grafana-bramble.json"; }
equal 'its panels have numbers of their own' true "$(grafana '[.panels[].id] | length == (unique | length)')"
equal 'and places of their own' '' "$(grafana '[.panels[] | .title as $t | .gridPos as $g | range($g.x; $g.x + $g.w) as $x |
	range($g.y; $g.y + $g.h) as $y | {at: [$x, $y], t: $t}] | group_by(.at) | map(select(length > 1)[].t) | unique | join(", ")')"
equal 'none is wider than the page' true "$(grafana '[.panels[].gridPos | .x + .w <= 24] | all')"
equal 'no data for what there is not' 0 "$(answers 'node_nothing'; echo $((1 - $?)))"
has 'the alerts are looked at' '"name":"UnderVoltage"' "$(curl -s "http://127.0.0.1:$pport/api/v1/rules")"
wait_until 20 eval 'curl -s "http://127.0.0.1:$pport/api/v1/alerts" | grep -q UnderVoltage' && ok || not_ok 'an alert comes'
kill "$prometheus"

# ---- what it costs ----------------------------------------------------------------------------------------------
functions() { for i in {1..256}; do function_json "fn-$i" openfaas-fn 1 1 1700000000 '' "${port[one]}"; done | sed 's/}{"name"/},{"name"/g'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$gateway/stat"; }
scrapes() { # N
	local urls=() i
	for ((i = 0; i < $1; i++)); do urls+=(-o /dev/null "$url/metrics"); done
	curl -s "${urls[@]}"
}
few=$(ticks)
scrapes 200
few=$(($(ticks) - few))
size=$(metrics | wc -c)
state "$(functions)"
wait_until 10 eval '[ "$(value "gateway_service_count{function_name=\"fn-256.openfaas-fn\"}")" = 1 ]' && ok || not_ok '256 functions'
before=$(rss)
count() { # STATUS...: of each function
	local round i calls
	for round in "$@"; do
		calls=()
		for i in {1..256}; do calls+=(-o /dev/null "$url/function/fn-$i/status/$round"); done
		curl -s "${calls[@]}"
	done
}
count 200 404 500
counted=$(rss)
many=$(ticks)
scrapes 20
many=$(($(ticks) - many))
large=$(metrics | wc -c)
count 201 202 203 403 503 # the largest page, more than a connection's buffers hold
# readers that do not read: a few at a time, and what they wait for is not kept twice
before=$(rss)
mkfifo "$dir/reading"
"$dir/gateway_peer" hold 127.0.0.1 "$gport" 20 /metrics <"$dir/reading" >"$dir/held" &
pids+=($!)
exec 8>"$dir/reading"
wait_until 10 grep -qs '^20$' "$dir/held" && ok || not_ok '20 readers'
wait_until 5 eval '[ "$(code "$url/metrics")" = 503 ]' && ok || not_ok 'readers have a limit'
has 'and a clear word' '^8 others read this already' "$(metrics)"
equal 'functions are called nevertheless' 200 "$(code "$url/function/fn-1/status/200")"
sanitized || { [ $(($(rss) - before)) -lt 40000 ] && ok || not_ok "readers that do not read cost $(($(rss) - before)) KB"; }
exec 8>&-
wait_until 5 eval '[ "$(code "$url/metrics")" = 200 ]' && ok || not_ok 'after them all is well'
equal 'a slow reader gets it whole' "$(metrics | tail -n 1)" "$(curl -s --limit-rate 4M "$url/metrics" | tail -n 1)"
equal 'all of them are counted' 2049 "$(metrics | awk '/^gateway_function_invocation_total/ { n += $NF } END { print n }')"
promtool check metrics < <(metrics) 2>&1 | grep -vE "$foreign" >"$dir/said"
equal 'promtool is content with 256 functions' '' "$(cat "$dir/said")"
printf 'one scrape: %s bytes, %s ms of CPU (2 functions); %s bytes, %s ms (256 functions, 3 statuses each)\n' \
	"$size" "$(awk -v t="$few" 'BEGIN { print t * 10 / 200 }')" "$large" "$(awk -v t="$many" 'BEGIN { print t * 10 / 20 }')"
printf 'memory: %s KB with 256 functions, %s KB after 3 statuses each were counted, %s KB after the scrapes\n' \
	"$before" "$counted" "$(rss)"
sanitized || { [ $((counted - before)) -lt 1024 ] && ok || not_ok "counting took $((counted - before)) KB"; }

kill -TERM "$gateway"
ended
