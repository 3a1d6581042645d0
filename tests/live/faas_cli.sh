#!/bin/bash
# faas_cli.sh URL USER PASSWORD IMAGE - what faas-cli sends to a gateway, in its order, by curl: for a
# bramble that runs.  IMAGE is one that the bramble has, and whose process reads stdin.
# (faas-cli itself is in no Debian.)  Last line: N passed, N failed.
set -u
[ $# = 4 ] || { echo 'usage: faas_cli.sh URL USER PASSWORD IMAGE' >&2 && exit 2; }
url=$1 user=$2 password=$3 image=$4
status='' body=''
# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"
name=cli-test space=cli-space
work=$(mktemp -d)
printf 'user = "%s:%s"\n' "$user" "$password" >"$work/auth" # not among the arguments

ask() { # METHOD PATH [BODY]: sets status and body
	body=$(curl -s -m 30 -K "$work/auth" -A 'faas-cli/0.18.12' -X "$1" -H 'Content-Type: application/json' \
		${3+-d "$3"} -w '\n%{http_code}' "$url$2")
	status=${body##*$'\n'} body=${body%$'\n'*}
}
step() { # NAME STATUS METHOD PATH [BODY]
	ask "${@:3}"
	if [[ " $2 " == *" $status "* ]]; then ok "$1"; else not_ok "$1" "want: $2" "got:  $status $body"; fi
}
shows() { # NAME JQ-FILTER WANT: of the last answer
	local got
	got=$(jq -r "$2" <<<"$body" 2>&1)
	if [ "$got" = "$3" ]; then ok "$1"; else not_ok "$1" "want: $3" "got:  $got" "of:   $body"; fi
}
clean() {
	ask DELETE /system/functions "{\"functionName\":\"$name\",\"namespace\":\"openfaas-fn\"}"
	ask DELETE /system/functions "{\"functionName\":\"$name\",\"namespace\":\"$space\"}"
	ask DELETE /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\"}"
	ask DELETE "/system/namespace/$space" "{\"name\":\"$space\"}"
	rm -rf "$work"
}
trap clean EXIT

# --- login, version, list -------------------------------------------------------------------------
step 'login' 200 GET /system/functions
shows 'what it gets is a list' type array
status=$(curl -s -m 10 -u "$user:wrong" -o /dev/null -w '%{http_code}' "$url/system/functions")
if [ "$status" = 401 ]; then ok 'login with a wrong password'; else not_ok 'login with a wrong password' "$status"; fi
step 'version' 200 GET /system/info
shows 'of a bramble, and nothing is empty' \
	'[.provider.provider, (.provider.orchestration, .provider.version.sha, .provider.version.release, .version.sha, .version.release, .version.commit_message, .arch | length > 0)] | join(" ")' \
	'bramble true true true true true true true'
step 'list' 200 GET '/system/functions?namespace='

# --- secret create, list --------------------------------------------------------------------------
step 'secret create' '200 201 202' POST /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\",\"value\":\"first\"}"
step 'secret create again' 409 POST /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\",\"value\":\"first\"}"
step 'secret list' 200 GET '/system/secrets?namespace=openfaas-fn'
shows 'it has the name' ".[] | select(.name == \"$name-key\") | .namespace" openfaas-fn
shows 'and no value' '[.[] | keys[]] | unique | join(" ")' 'name namespace'
step 'a name that is none' 400 POST /system/secrets '{"name":"../x","value":"v"}'
step 'another' 400 POST /system/secrets '{"name":"a/b","value":"v"}'
step 'a secret without a value' 400 POST /system/secrets '{"name":"novalue"}'

# --- deploy: PUT, on 404 POST -----------------------------------------------------------------------
spec="{\"service\":\"$name\",\"image\":\"$image\",\"namespace\":\"\",\"envProcess\":\"\",\"envVars\":{\"COLOUR\":\"green\"},\"constraints\":null,\"secrets\":[\"$name-key\"],\"labels\":{\"com.openfaas.scale.min\":\"1\",\"team\":\"a\"},\"annotations\":{\"topic\":\"x\"},\"limits\":{\"memory\":\"32Mi\",\"cpu\":\"500m\"},\"requests\":{\"memory\":\"5Mi\"},\"readOnlyRootFilesystem\":true}"
step 'deploy begins with PUT' 404 PUT /system/functions "$spec"
step 'then POST' '200 201 202' POST /system/functions "$spec"
step 'with a secret that is not there' 400 POST /system/functions "${spec/$name-key/nosuch}"
case $body in *nosuch*) ok 'and says which' ;; *) not_ok 'and says which' "$body" ;; esac
step 'into a namespace that is not there' 400 POST /system/functions "${spec/\"namespace\":\"\"/\"namespace\":\"nowhere\"}"

# --- ready, describe, list, invoke, logs ---------------------------------------------------------------
step 'ready: the gateway' 200 GET /healthz
for _ in {1..300}; do
	ask GET "/system/function/$name"
	[ "$(jq -r .availableReplicas <<<"$body" 2>/dev/null)" != 1 ] || break
	read -rt 0.1 <> <(:) || :
done
step 'describe' 200 GET "/system/function/$name?namespace=openfaas-fn&usage=1"
shows 'Ready' .availableReplicas 1
shows 'verbatim' '[.name, .namespace, .envVars.COLOUR, .limits.memory, .limits.cpu, .requests.memory, .secrets[0], .annotations.topic, .readOnlyRootFilesystem] | map(tostring) | join(" ")' \
	"$name openfaas-fn green 32Mi 500m 5Mi $name-key x true"
shows 'the image as it was said' .image "$image"
shows 'labels, and one of ours' '.labels | to_entries | map(.key + "=" + .value) | sort | join(" ")' \
	"com.openfaas.scale.min=1 faas_function=$name team=a"
shows 'what is empty is left out' 'has("constraints") or has("envProcess") or has("invocationCount")' false
shows 'made just now' '.createdAt | fromdate > (now - 600)' true
step 'describe of nobody' 404 GET /system/function/nosuch
step 'and the list' 200 GET /system/functions
shows 'has it' "[.[] | select(.name == \"$name\")] | length" 1
for _ in 1 2 3; do step 'invoke' 200 POST "/function/$name.openfaas-fn" 'one two'; done
ask GET "/system/function/$name"
shows 'calls are counted, exactly and at once' .invocationCount 3
curl -sN -m 3 -K "$work/auth" "$url/system/logs?follow=true&name=$name&namespace=openfaas-fn&tail=-1" >"$work/logs"
if [ $? = 28 ]; then ok 'logs follow until the client goes'; else not_ok 'logs follow until the client goes'; fi
body=$(head -n 1 "$work/logs")
shows 'a line is an object' '[.name, .namespace, (.instance, .timestamp, .text | length > 0)] | map(tostring) | join(" ")' "$name openfaas-fn true true true"
step 'logs of nobody' 404 GET '/system/logs?name=nosuch&follow=true&tail=-1'

# --- update: PUT of what is there; scale --------------------------------------------------------------
step 'deploy again' '200 201 202' PUT /system/functions "${spec/green/blue}"
step 'scale' '200 202' POST "/system/scale-function/$name" "{\"serviceName\":\"$name\",\"replicas\":0}"
for _ in {1..50}; do
	ask GET "/system/function/$name"
	[ "$(jq -r .replicas <<<"$body")" != 0 ] || break
	read -rt 0.1 <> <(:) || :
done
shows 'zero shows' '"\(.replicas) \(.availableReplicas)"' '0 0'
shows 'the update too' .envVars.COLOUR blue

# --- secret update, remove ------------------------------------------------------------------------------
step 'secret update' '200 202' PUT /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\",\"rawValue\":\"$(printf 'second' | base64)\"}"
step 'secret update of nobody' 404 PUT /system/secrets '{"name":"nosuch","value":"v"}'
step 'secret remove while it is used' 409 DELETE /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\"}"

# --- namespaces ---------------------------------------------------------------------------------------------
step 'namespaces' 200 GET /system/namespaces
shows 'the first one' 'index("openfaas-fn") != null' true
step 'namespace create' '200 201' POST /system/namespace/ "{\"name\":\"$space\",\"labels\":{\"team\":\"a\"},\"annotations\":{\"openfaas\":\"1\"}}"
step 'namespace create again' 409 POST /system/namespace/ "{\"name\":\"$space\"}"
step 'namespace get' 200 GET "/system/namespace/$space"
shows 'as it was made' '"\(.name) \(.labels.team) \(.annotations.openfaas)"' "$space a 1"
step 'namespace update' '200 202' PUT "/system/namespace/$space" "{\"name\":\"$space\",\"labels\":{\"team\":\"b\"}}"
step 'namespace get' 200 GET "/system/namespace/$space"
shows 'as it was changed' '"\(.name) \(.labels.team) \(.annotations)"' "$space b null"
step 'namespaces' 200 GET /system/namespaces
shows 'has it' "index(\"$space\") != null" true
step 'deploy into it' '200 201 202' POST /system/functions "{\"service\":\"$name\",\"image\":\"$image\",\"namespace\":\"$space\"}"
step 'list of it' 200 GET "/system/functions?namespace=$space"
shows 'has one' 'map(.name) | join(" ")' "$name"
step 'namespace delete with something in it' 409 DELETE "/system/namespace/$space" "{\"name\":\"$space\"}"
step 'remove' '200 202' DELETE /system/functions "{\"functionName\":\"$name\",\"namespace\":\"$space\"}"
step 'namespace delete' '200 202' DELETE "/system/namespace/$space" "{\"name\":\"$space\"}"
step 'namespace get of nobody' 404 GET "/system/namespace/$space"
step 'the first one stays' 400 DELETE /system/namespace/openfaas-fn '{"name":"openfaas-fn"}'

# --- remove ---------------------------------------------------------------------------------------------------
step 'remove' '200 202' DELETE /system/functions "{\"functionName\":\"$name\",\"namespace\":\"openfaas-fn\"}"
step 'remove again' 404 DELETE /system/functions "{\"functionName\":\"$name\",\"namespace\":\"openfaas-fn\"}"
step 'secret remove' '200 202' DELETE /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\"}"
step 'secret remove again' 404 DELETE /system/secrets "{\"name\":\"$name-key\",\"namespace\":\"openfaas-fn\"}"

finish
