#!/bin/bash
# What happened and what is wrong: the log of events on every board and over a failover; alerts in
# status, in the journal, as metrics and at a webhook; status that is shown again and again.
# shellcheck source=tests/lab/lib.sh disable=SC2317,SC2016 # functions are called by the asserts
. "$(dirname "$0")/lib.sh"

secret=T0pSecretPath
export BRAMBLE_LAB_CONF="alert_webhook = http://10.77.0.254:9099/hook/$secret?x=1"
lab_up 3
boards=(b1 b2 b3)
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$tmp"; show_boards; [ -n "${KEEP:-}" ] || "$lab" down' EXIT

events() { ctl "$1" events -o json "${@:2}"; }                             # BOARD ARGS...
# How many events of a kind about a board, whose text fits.
told() { events "$1" | jq -s "[.[] | select(.kind == \"$2\" and .board == \"$3\" and (.text | test(\"${4:-.}\")))] | length"; }
told_is() { [ "$(told "$1" "$2" "$3" "$4")" = "$5" ]; }                    # BOARD KIND NAME TEXT N
alert() { status "$1" "[.alerts[] | select(.name == \"$2\" and .board == \"$3\") | .severity] | join(\" \")"; } # BOARD NAME WHOM
alert_is() { [ "$(alert "$1" "$2" "$3" 2>/dev/null)" = "$4" ]; }
metric() { "$lab" run "$1" curl -sf -m 5 http://127.0.0.1:8080/metrics | grep -qF -- "$2"; }
no_metric() { ! metric "$@"; }

# A webhook: takes POSTs on the boards' LAN, writes the bodies down, and fails as often as it is told.
cat >"$tmp/hook.py" <<'END'
import http.server, os, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fail = os.path.exists(sys.argv[1] + "/fail")
        with open(sys.argv[1] + ("/failed" if fail else "/told"), "a") as f:
            f.write(body + "\n")
        with open(sys.argv[1] + "/paths", "a") as f:
            f.write(self.path + " " + self.headers["Content-Type"] + "\n")
        self.send_response(503 if fail else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("10.77.0.254", 9099), Hook).serve_forever()
END
touch "$tmp"/{told,failed,paths}
"$lab" lan python3 "$tmp/hook.py" "$tmp" >/dev/null 2>"$tmp/hook.err" &
pids+=($!)
hooked() { grep -F "\"alert\":\"$1\"" "$tmp/told" | grep -F "\"board\":\"$2\"" | grep -qF "\"state\":\"$3\""; } # NAME WHOM STATE
heard() { # NAME ALERT WHOM STATE: a try that fails is made again after 5 seconds, and after 15 more
	local before=$failed b
	eventually "$1" 30 hooked "${@:2}"
	[ "$failed" != "$before" ] || return 0
	for b in "${boards[@]}"; do run $b journalctl -q --no-pager -o short-precise -t bramble-agent -n 60; done
	cat "$tmp/told"
}

eventually 'a bramble of three' 30 agree 3 "${boards[@]}"
for b in "${boards[@]}"; do wait_until 10 run "$b" sh -c 'grep -qE "^(m1|w[12])$" /etc/hostname'; done
learn_names "${boards[@]}"

# --- the log ------------------------------------------------------------------------------------------
eventually 'who leads is told' 10 told_is b1 elected "$(status b1 .leader)" 'leads the bramble' 1
eventually 'who joined is told once' 10 sh -c "[ \"\$('$lab' run b1 agentctl events -o json | jq -r 'select(.kind == \"joined\").board' | sort | xargs)\" = 'w1 w2' ]"
assert 'an image' import_images b1 hello
assert 'a function' ctl b1 deploy hello --image bramble/hello --replicas 3
deployed() { events "$1" | jq -e -s 'any(.[]; .kind == "deployed" and .function == "hello" and .severity == "info")'; }
for b in "${boards[@]}"; do eventually "$b tells that it was deployed" 10 deployed "$b"; done
eventually 'three replicas' 30 fn_is b1 hello .available_replicas 3
assert 'scaling' ctl b1 scale hello 2
eventually 'is told' 10 sh -c "'$lab' run b2 agentctl events | grep -q 'hello was scaled from 3 to 2 replicas'"
assert 'and back' ctl b1 scale hello 3
eventually 'three again' 30 fn_is b1 hello .available_replicas 3
same() { [ "$(events b1 | jq -c '[.id, .kind, .text]')" = "$(events b2 | jq -c '[.id, .kind, .text]')" ] && [ "$(events b2 | jq -c '[.id, .text]')" = "$(events b3 | jq -c '[.id, .text]')" ]; }
eventually 'every board has the same entries under the same ids' 10 same
equal 'ids grow' true "$(events b1 | jq -s '[.[].id] == ([.[].id] | sort | unique)')"
last=$(events b1 | jq -s '.[-1].id')
equal 'nothing is newer than the newest' '' "$(events b1 --since "$last")"
equal 'since an id' "$last" "$(events b1 --since $((last - 1)) | jq .id)"
equal 'since a minute: all of it' "$(events b1 | wc -l)" "$(events b1 --since 10m | wc -l)"
has 'for people' "^20[0-9-]+ [0-9:]+ info +deployed +hello was deployed" "$(ctl b3 events | grep deployed)"
refuse 'what --since is not' 'takes the id of an event' ctl b1 events --since yesterday
refuse 'nor a name' 'takes no name' ctl b1 events hello
has 'what joined is in the journal under the id of roles' 'has joined' \
	"$(run "${slot_of[$(status b1 .leader)]}" journalctl -q -o cat MESSAGE_ID=3f1d6c0a5b9e4c3f9a27d2f6a4b8e711)"

# --- a failover, followed -----------------------------------------------------------------------------
old=$(status b1 .leader)
oldslot=${slot_of[$old]}
mapfile -t rest < <(printf '%s\n' "${boards[@]}" | grep -vx "$oldslot")
"$lab" run "${rest[0]}" agentctl events --follow -o json --since "$last" >"$tmp/follow" 2>&1 </dev/null &
pids+=($!)
"$lab" off "$oldslot"
follow_has() { jq -e -s "any(.[]; .kind == \"$1\" and (.text | test(\"$2\")))" "$tmp/follow"; }
eventually 'following: the loss is told' 20 follow_has lost "^$old does not answer any more$"
eventually 'and who leads in its place' 20 follow_has elected "leads the bramble now, in place of $old"
eventually 'and what moved, and why' 60 follow_has moved "^hello moved from $old to .*, as $old does not answer$"
eventually 'the other board tells the same' 10 sh -c "[ \"\$('$lab' run ${rest[0]} agentctl events -o json | jq -c '[.id, .text]')\" = \"\$('$lab' run ${rest[1]} agentctl events -o json | jq -c '[.id, .text]')\" ]"
equal 'the loss is told once' 1 "$(told "${rest[0]}" lost "$old")"
eventually 'after a minute it is an alert' 80 alert_is "${rest[0]}" board-lost "$old" error
has 'with what to do' "error $old: does not answer: look at its lights" "$(ctl "${rest[1]}" status)"
eventually 'as a metric' 10 metric "${rest[1]}" "bramble_alert{alert=\"board-lost\",name=\"$old\",severity=\"error\"} 1"
heard 'at the webhook' board-lost "$old" begins
assert 'its power comes back' "$lab" on "$oldslot"
eventually 'all are there' 60 agree 3 "${boards[@]}"
eventually 'its return is told' 10 told_is "${rest[0]}" back "$old" 'is back' 1
eventually 'the alert is over' 10 alert_is "${rest[0]}" board-lost "$old" ''
eventually 'and no metric any more' 10 no_metric "${rest[1]}" 'alert="board-lost"'
heard 'the webhook hears it' board-lost "$old" over
eventually 'the one that was away has all entries' 10 same

# --- agents that are restarted forget nothing that others know --------------------------------------------
leader=${slot_of[$(status b1 .leader)]}
before=$(events "$leader" | jq -c '[.id, .text]')
assert 'the leader is restarted' run "$leader" systemctl restart bramble-agent
eventually 'all agree again' 30 agree 3 "${boards[@]}"
knows() { [ "$(events "$1" | jq -c '[.id, .text]' | head -n "$(wc -l <<<"$before")")" = "$before" ]; }
eventually 'and it has the whole log' 15 knows "$leader"
eventually 'as everybody' 10 same

# --- voltage, heat, card ----------------------------------------------------------------------------------
w=$(status b1 '[.nodes[] | select(.leader | not) | .name][0]')
s=${slot_of[$w]}
other=$(status b1 "[.nodes[] | select(.name != \"$w\") | .name][0]")
equal 'nothing is wrong' '[]' "$(status b1 '.alerts | tostring')"
touch "$tmp/fail" # the webhook answers 503 for a while
"$lab" sensor "$s" under-voltage 1
eventually 'too little voltage' 10 alert_is b1 under-voltage "$w" warning
has 'in words' "warning $w: too little voltage now: give it a better supply" "$(ctl b2 status)"
has 'with its age' '^[0-9]+$' "$(status b1 '.alerts[0].since_ms | floor')"
equal 'not on another board' '' "$(alert b1 under-voltage "$other")"
eventually 'as a metric' 10 metric b3 "bramble_alert{alert=\"under-voltage\",name=\"$w\",severity=\"warning\"} 1"
journal_has() { run "$1" journalctl -q -o cat MESSAGE_ID="$2" BRAMBLE_NODE="$w" | grep -q "$3"; }
for b in "$s" "${slot_of[$(status b1 .leader)]}"; do
	eventually "in the journal of $b" 10 journal_has "$b" 6a1f0de2c5b1495aa2f4f0c2a7d4b0e3 'too little voltage now'
done
eventually 'the webhook was tried' 10 grep -q under-voltage "$tmp/failed"
rm "$tmp/fail"
eventually 'and is tried again until it takes it' 30 hooked under-voltage "$w" begins
"$lab" sensor "$s" under-voltage 0
equal 'a short recovery is no end' warning "$(alert b1 under-voltage "$w")"
eventually 'after a while it is over, and remembered' 45 alert_is b1 under-voltage "$w" info
has 'in words' "info $w: had too little voltage since it was started" "$(ctl b1 status)"
eventually 'the end is an event' 5 told_is b1 alert-over "$w" 'under-voltage is over' 1
eventually 'in the journal too' 5 journal_has "$s" b7c93d8e1f6a4a0d8c5e92b64d13f7a8 'under-voltage is over'
heard 'and at the webhook' under-voltage "$w" over
equal 'each was told once' 2 "$(grep -c '"alert":"under-voltage"' "$tmp/told")"
equal 'a body is good JSON, with what Slack, Discord and Gotify want' true \
	"$(jq -s 'all(.[]; .text and .content and .title and .message and .priority and .cluster == "home")' "$tmp/told")"
has 'the whole URL is asked' "^/hook/$secret\?x=1 application/json$" "$(sort -u "$tmp/paths")"
never_said() { ! { for b in "${boards[@]}"; do run "$b" journalctl -q --no-pager; run "$b" sh -c 'cat /proc/[0-9]*/cmdline'; done; } | grep -aq "$secret"; }
assert 'and no journal and no argument has it' never_said
equal '(where it would be found)' 1 "$(run "$s" grep -c "$secret" /etc/bramble/bramble.conf)"
no_process() { ! { for b in "${boards[@]}"; do run "$b" pgrep bramble-pull; done; } | grep -q .; }
eventually 'the process that told it is gone' 10 no_process

"$lab" sensor "$s" temp 79500
eventually 'too hot, by the limit of that board' 25 alert_is b1 hot "$w" warning
has 'in words' "$w: too hot \(79 C\): a board of this kind .* slows down at 8[0-9] C" "$(ctl b1 status)"
"$lab" sensor "$s" temp 48000
eventually 'it cools down' 45 alert_is b1 hot "$w" ''

device=$(run "$s" sh -c 'basename "$(readlink "/sys/dev/block/$(stat -c %Hd:%Ld /var/lib/bramble)")"')/errors_count
if run "$s" test -e "/sys/fs/ext4/$device"; then # (on a host with another file system there is nothing to lay it over)
	run "$s" sh -c "echo 3 >/run/errors && mount --bind /run/errors /sys/fs/ext4/$device"
	eventually 'a card with errors' 10 alert_is b1 card-failing "$w" warning
	has 'in words' "$w: the card has errors \(ext4 counts 3\)" "$(ctl b1 status)"
	run "$s" umount "/sys/fs/ext4/$device"
	eventually 'it was checked' 45 alert_is b1 card-failing "$w" ''
fi

# --- a certificate that ends, a clock that is wrong ----------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 5 -subj /CN=gw \
	-keyout "$tmp/key" -out "$tmp/crt" 2>/dev/null
run "$s" sh -c 'cat >/etc/bramble/gateway.crt' <"$tmp/crt"
run "$s" sh -c 'cat >/etc/bramble/gateway.key && chmod 600 /etc/bramble/gateway.key && chown bramble-gateway /etc/bramble/gateway.key' <"$tmp/key"
run "$s" sh -c 'printf "[gateway]\ntls_port = 8443\n" >>/etc/bramble/bramble.conf && systemctl restart bramble-agent'
eventually 'a certificate that ends' 20 alert_is b1 certificate-ending "$w" warning
has 'in words' "$w: the certificate of the gateway ends in [45] days" "$(ctl b1 status)"
equal 'on that board alone' 1 "$(status b1 '[.alerts[] | select(.name == "certificate-ending")] | length')"

# A library that the agent of one board is started with: its wall clock is three hours behind.
cat >"$tmp/clock.c" <<'END'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t) {
        int r = (int)syscall(SYS_clock_gettime, id, t);
        if (r == 0 && id == CLOCK_REALTIME) t->tv_sec -= 3 * 3600;
        return r;
}
END
gcc -shared -fPIC -o "$tmp/clock.so" "$tmp/clock.c"
run "$s" sh -c 'cat >/usr/lib/slow-clock.so' <"$tmp/clock.so"
run "$s" sh -c 'mkdir -p /run/systemd/system/bramble-agent.service.d && printf "[Service]\nEnvironment=LD_PRELOAD=/usr/lib/slow-clock.so\n" >/run/systemd/system/bramble-agent.service.d/clock.conf && systemctl daemon-reload && systemctl restart bramble-agent'
eventually 'a clock that is wrong' 60 alert_is b1 clock-wrong "$w" warning
has 'in words' "$w: its clock is (2|3) h behind the others'" "$(ctl b1 status)"
equal 'only of that board' 1 "$(status b1 '[.alerts[] | select(.name == "clock-wrong")] | length')"
run "$s" sh -c 'rm /run/systemd/system/bramble-agent.service.d/clock.conf && systemctl daemon-reload && systemctl restart bramble-agent'
eventually 'it is right again' 60 alert_is b1 clock-wrong "$w" ''
equal 'an alert goes on over restarts of the agent' '1 0' "$(told b1 alert "$w" 'certificate of the gateway') $(told b1 alert-over "$w" 'certificate-ending')"
run "$s" rm /etc/bramble/gateway.crt
run "$s" systemctl restart bramble-agent
eventually 'until it is over' 20 alert_is b1 certificate-ending "$w" ''
eventually 'which is told' 5 told_is b1 alert-over "$w" 'certificate-ending' 1

# --- status, again and again -----------------------------------------------------------------------------------
watched=$(run b1 timeout 20 script -qec 'timeout --foreground -s INT 5 agentctl status --watch 1' /dev/null </dev/null | tr -d '\r')
has 'in place on a terminal' $'\033\\[H' "$watched"
equal 'on a screen of its own' 1 "$(grep -aoF $'\033[?1049h' <<<"$watched" | wc -l)"
equal 'which it leaves' 1 "$(grep -aoF $'\033[?1049l' <<<"$watched" | wc -l)"
assert 'more than one page' [ "$(grep -aoF $'\033[H' <<<"$watched" | wc -l)" -ge 2 ]
has 'with the boards' "$w" "$watched"
assert 'one below the other as JSON' [ "$(run b1 timeout -s INT 5 agentctl status --watch 1 -o json </dev/null | jq -s 'map(.cluster) | map(select(. == "home")) | length')" -ge 2 ]
refuse 'seconds that are none' 'takes seconds' ctl b1 status --watch 0

finish
