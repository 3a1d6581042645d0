# gateway_bed.sh - sourced by the gateway's tests with OUT as $1 and their gateway options in 'options':
# bed.sh with two backends, a fake agent (gateway_peer), and the gateway between them.
# shellcheck shell=bash disable=SC2034,SC2059,SC2154 # shared with the sourcing; formats are ours
# shellcheck source=tests/live/bed.sh
. "$(dirname "${BASH_SOURCE[0]}")/bed.sh"
peer gateway_peer
backend one
backend two
dead=$(printf '%d' $((port[one] + 1)))
while "$dir/gateway_peer" hold 127.0.0.1 "$dead" 1 </dev/null 2>/dev/null | grep -q '^1$'; do dead=$((dead + 1)); done

agent gateway_peer
gateway "${options[@]}"
auth=(-u admin:secret)
raw() { # sends stdin as it is, prints what comes back until the end of the connection
	exec 8<>"/dev/tcp/127.0.0.1/$gport"
	cat >&8
	timeout 8 cat <&8
	exec 8>&-
}
asked() { tail -n 1 "$dir/asked"; }

instance() { # ID NAME-OF-BACKEND|PORT READY LOCAL
	printf '{"id":%d,"node":"w1","local":%s,"address":"127.0.0.1","port":%d,"ready":%s}' \
		"$1" "$4" "${port[$2]:-$2}" "$3"
}
function_json() { # NAME NAMESPACE REPLICAS AVAILABLE INVOCATIONS REASON SPEC INSTANCES
	printf '{"name":"%s","namespace":"%s","image":"docker.io/library/x:1","replicas":%d,"available":%d,"invocations":%d,"created":1700000000,"reason":"%s","spec":%s,"instances":[%s]}' "$@"
}
state() { # FUNCTION...
	local IFS=,
	printf '{"cluster":"home","node":"m1","auth":{"user":"admin","password":"secret"},"arch":"armhf","functions":[%s]}\n' "$*" >&9
}
