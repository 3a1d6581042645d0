/* io/cri and crictl on a real containerd of our own (tests/live/crictl-bed): what it says about
 * itself, images there and absent, a pod that runs, is stopped and removed.  As root; 77
 * otherwise. */
#include "base/str.h"
#include "io/cri.h"
#include "io/grpc.h"
#include "io/json.h"

#include "cri.pb-c.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

#define PLAIN "docker.io/library/plain:latest"

static const char *bed;
static char crictl[512], sock[256];
static pid_t containerd_pid;
static uv_loop_t loop;
static uv_timer_t patience, poll_timer;
static struct cri *cri;
static struct grpc *raw; /* for what the product never asks: making pods */

static struct {
        bool waiting;
        bool up;
        int result;
        char why[400];
        char text[4096];
        size_t n;
        struct cri_runtime runtime;
} seen;

/* ---- the world ---- */

static void too_late(uv_timer_t *timer) {
        fprintf(stderr, "waited too long for %s\n", (const char *)timer->data);
        abort();
}

/* Runs the loop until a callback says go(). */
static void wait_for(const char *what) {
        seen.waiting = true;
        patience.data = (void *)(uintptr_t)what;
        assert_int_equal(uv_timer_start(&patience, too_late, PATIENCE_MS, 0), 0);
        while (seen.waiting)
                (void)uv_run(&loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&patience);
}

static void go(int result, const char *why) {
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
        seen.waiting = false;
}

static int vsh(const char *before, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));
static int vsh(const char *before, const char *format, va_list args) {
        char command[2048];
        size_t n = (size_t)snprintf(command, sizeof(command), "%s", before);
        FILE *f;
        int status;

        (void)vsnprintf(command + n, sizeof(command) - n, format, args);
        f = popen(command, "r");
        assert_non_null(f);
        n = 0;
        memset(seen.text, 0, sizeof(seen.text));
        for (int c; (c = fgetc(f)) != EOF;)
                if (n < sizeof(seen.text) - 1)
                        seen.text[n++] = (char)c;
        status = pclose(f);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The exit status of a command; what it wrote is in seen.text. */
static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...) {
        va_list args;
        int status;

        va_start(args, format);
        status = vsh("", format, args);
        va_end(args);
        return status;
}

/* crictl as kubeadm calls it, both outputs together. */
static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...) {
        char before[1200];
        va_list args;
        int status;

        (void)snprintf(before, sizeof(before), "exec 2>&1; %s -r unix://%s -i unix://%s ", crictl,
                       sock, sock);
        va_start(args, format);
        status = vsh(before, format, args);
        va_end(args);
        return status;
}

/* restrict_oom_score_adj: a root without CAP_SYS_RESOURCE cannot lower it for the pods. */
static void write_config(void) {
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/cri.toml", bed);
        f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f,
                "version = 2\nroot = \"%s/root-dir\"\nstate = \"%s/state\"\n"
                "disabled_plugins = [\"io.containerd.snapshotter.v1.btrfs\", "
                "\"io.containerd.snapshotter.v1.zfs\", \"io.containerd.snapshotter.v1.aufs\", "
                "\"io.containerd.snapshotter.v1.devmapper\"]\n"
                "[grpc]\n  address = \"%s\"\n[debug]\n  level = \"warn\"\n"
                "[plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"" PLAIN "\"\n"
                "  disable_apparmor = true\n  restrict_oom_score_adj = true\n"
                "[plugins.\"io.containerd.grpc.v1.cri\".cni]\n  bin_dir = \"%s/cni-bin\"\n"
                "  conf_dir = \"%s/cni-conf\"\n",
                bed, bed, sock, bed, bed);
        assert_int_equal(fclose(f), 0);
}

static void start_containerd(const char *config) {
        char path[512], log[512];

        (void)snprintf(path, sizeof(path), "%s/%s", bed, config);
        (void)snprintf(log, sizeof(log), "%s/log", bed);
        containerd_pid = fork();
        assert_true(containerd_pid >= 0);
        if (containerd_pid > 0)
                return;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen(log, "ae", stdout) && dup2(STDOUT_FILENO, STDERR_FILENO) >= 0)
                execlp("containerd", "containerd", "--config", path, (char *)NULL);
        _exit(127);
}

static void stop_containerd(void) {
        assert_int_equal(kill(containerd_pid, SIGTERM), 0);
        assert_int_equal(waitpid(containerd_pid, NULL, 0), containerd_pid);
}

/* ---- the module's callbacks ---- */

static void on_state(void *arg, bool up, int error, const char *why) {
        (void)arg;
        seen.up = up;
        assert_int_equal(error == 0, up);
        assert_int_equal(why[0] == '\0', up);
        if (up || error == -EOPNOTSUPP)
                go(error, why);
}

static void on_raw_state(void *arg, bool up, int error, const char *why) {
        (void)arg;
        if (up)
                go(error, why);
}

static void on_version(void *arg, int result, const char *why, const struct cri_version *v) {
        (void)arg;
        if (result == 0)
                (void)snprintf(seen.text, sizeof(seen.text), "%s %s", v->runtime_name,
                               v->runtime_api_version);
        go(result, why);
}

static void on_status(void *arg, int result, const char *why, const struct cri_status *s) {
        (void)arg;
        if (result == 0) {
                seen.runtime = s->runtime;
                seen.n = s->n_conditions;
        }
        go(result, why);
}

static void on_image(void *arg, int result, const char *why, const struct cri_image *image) {
        (void)arg;
        seen.n = image ? image->n_tags : 0;
        (void)snprintf(seen.text, sizeof(seen.text), "%s", image && seen.n ? image->tags[0] : "");
        go(result, why);
}

static void on_pulled(void *arg, int result, const char *why, const char *id) {
        (void)arg;
        (void)snprintf(seen.text, sizeof(seen.text), "%s", id);
        go(result, why);
}

static void on_pods(void *arg, int result, const char *why, const struct cri_pod *pods, size_t n) {
        (void)arg;
        seen.n = n;
        (void)snprintf(seen.text, sizeof(seen.text), "%s/%s %s", n ? pods[0].namespace : "",
                       n ? pods[0].name : "", n && pods[0].ready ? "ready" : "not ready");
        go(result, why);
}

static void on_containers(void *arg, int result, const char *why,
                          const struct cri_container *containers, size_t n) {
        (void)arg;
        seen.n = n;
        (void)snprintf(seen.text, sizeof(seen.text), "%s %d %s", n ? containers[0].name : "",
                       n ? (int)containers[0].state : -1, n ? containers[0].image : "");
        go(result, why);
}

static void on_done(void *arg, int result, const char *why) {
        (void)arg;
        go(result, why);
}

/* ---- pods, by bytes of our own ---- */

struct bytes {
        uint8_t data[512];
        size_t len;
};

/* One field with a length of one or two bytes. */
static void put(struct bytes *to, unsigned field, const void *data, size_t len) {
        assert_true(to->len + len + 3 <= sizeof(to->data));
        to->data[to->len++] = (uint8_t)(field << 3 | 2);
        if (len > 127)
                to->data[to->len++] = (uint8_t)(len | 0x80);
        to->data[to->len++] = (uint8_t)(len > 127 ? len >> 7 : len);
        memcpy(to->data + to->len, data, len);
        to->len += len;
}

static void put_text(struct bytes *to, unsigned field, const char *text) {
        put(to, field, text, strlen(text));
}

/* PodSandboxConfig of a pod in the network of whoever runs the runtime. */
static struct bytes pod_config(void) {
        static const uint8_t node_network[] = { 1 << 3, 2 }; /* NamespaceOption.network = NODE */
        struct bytes meta = { 0 }, security = { 0 }, linux_ = { 0 }, config = { 0 };

        put_text(&meta, 1, "web");
        put_text(&meta, 2, "uid-1");
        put_text(&meta, 3, "default");
        put(&security, 1, node_network, sizeof(node_network));
        put_text(&linux_, 1, getenv("LIVE_CGROUP"));
        put(&linux_, 2, security.data, security.len);
        put(&config, 1, meta.data, meta.len);
        put(&config, 8, linux_.data, linux_.len);
        return config;
}

static void on_raw(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        char *id = arg;

        if (result == 0 && id)
                (void)snprintf(id, 80, "%s",
                               ((const Cri__PodSandboxIdRequest *)reply)->pod_sandbox_id);
        go(result, why);
}

/* A method whose reply, like RunPodSandbox's, has an id as its field 1. */
static void call_raw(const char *path, const struct bytes *request, char *ret_id) {
        const struct grpc_method method = { path, &cri__pod_sandbox_id_request__descriptor, 60000 };
        Cri__Empty message = CRI__EMPTY__INIT;
        /* the first field is field 1: its tag is one byte, which protobuf-c writes itself */
        ProtobufCMessageUnknownField rest = { 1, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                              request->len - 1,
                                              (uint8_t *)(uintptr_t)request->data + 1 };

        message.base.unknown_fields = &rest;
        message.base.n_unknown_fields = 1;
        assert_int_equal(grpc_unary(raw, &method, NULL, &message.base, on_raw, ret_id, NULL), 0);
        wait_for(path);
        if (seen.result < 0)
                fprintf(stderr, "%s: %s\n", path, seen.why);
        assert_int_equal(seen.result, 0);
}

static void run_pod(char ret_id[static 80]) {
        struct bytes config = pod_config(), request = { 0 };

        put(&request, 1, config.data, config.len);
        call_raw("/runtime.v1.RuntimeService/RunPodSandbox", &request, ret_id);
}

static void run_container(const char *pod, char ret_id[static 80]) {
        struct bytes config = pod_config(), meta = { 0 }, image = { 0 }, own = { 0 },
                     request = { 0 }, start = { 0 };

        put_text(&meta, 1, "server");
        put_text(&image, 1, PLAIN);
        put(&own, 1, meta.data, meta.len);
        put(&own, 2, image.data, image.len);
        put_text(&request, 1, pod);
        put(&request, 2, own.data, own.len);
        put(&request, 3, config.data, config.len);
        call_raw("/runtime.v1.RuntimeService/CreateContainer", &request, ret_id);
        put_text(&start, 1, ret_id);
        call_raw("/runtime.v1.RuntimeService/StartContainer", &start, NULL);
}

/* ---- tests ---- */

static void no_cri(void **state) {
        (void)state;
        start_containerd("config.toml"); /* container-bed's: the CRI is off */
        assert_int_equal(cri_open(&loop, sock, on_state, NULL, &cri, NULL), 0);
        wait_for("containerd without CRI");
        assert_int_equal(seen.result, -EOPNOTSUPP);
        assert_false(cri_up(cri));
        assert_int_equal(cri_status(cri, on_status, NULL), -ENOTCONN);
        assert_int_equal(run("info"), 1);
        assert_non_null(strstr(seen.text, "disabled_plugins"));
        cri_close(cri);
        stop_containerd();
        assert_int_equal(run("info"), 1);
        assert_non_null(strstr(seen.text, "crictl: cannot reach the container runtime"));
}

static void starts(void **state) {
        char endpoint[300];

        (void)state;
        start_containerd("cri.toml");
        (void)snprintf(endpoint, sizeof(endpoint), "unix://%s", sock);
        assert_int_equal(cri_open(&loop, endpoint, on_state, NULL, &cri, NULL), 0);
        wait_for("containerd with CRI");
        assert_true(cri_up(cri));
        assert_string_equal(cri_api(cri), "v1");
        assert_int_equal(cri_version(cri, on_version, NULL), 0);
        wait_for("version");
        assert_string_equal(seen.text, "containerd v1");
        assert_int_equal(run("version"), 0);
        assert_non_null(strstr(seen.text, "RuntimeName:  containerd\n"));
}

static void info(void **state) {
        char want[300];

        (void)state;
        assert_int_equal(cri_status(cri, on_status, NULL), 0);
        wait_for("status");
        assert_int_equal(seen.result, 0);
        assert_true(seen.n >= 2);
        assert_string_equal(seen.runtime.sandbox_image, PLAIN);
        (void)snprintf(want, sizeof(want), "%s/cni-bin", bed);
        assert_string_equal(seen.runtime.cni_bin_dir, want);
        (void)snprintf(want, sizeof(want), "%s/cni-conf", bed);
        assert_string_equal(seen.runtime.cni_conf_dir, want);
        assert_false(seen.runtime.systemd_cgroup);
        assert_true(seen.runtime.runtime_ready);
        assert_false(seen.runtime.network_ready); /* no CNI configuration */
        assert_non_null(strstr(seen.runtime.reason, "cni"));

        assert_int_equal(run("-D=false info -o go-template --template "
                             "'{{.config.sandboxImage}}'"),
                         0);
        assert_string_equal(seen.text, PLAIN "\n");
        assert_int_equal(run("info -o go-template --template '{{.config.nothing}}'"), 0);
        assert_string_equal(seen.text, "");
        assert_int_equal(run("info >%s/info.json", bed), 0);
        assert_int_equal(
                sh("python3 -c 'import json, sys\n"
                   "i = json.load(open(sys.argv[1]))\n"
                   "c = {k[\"type\"]: k[\"status\"] for k in i[\"status\"][\"conditions\"]}\n"
                   "print(c[\"RuntimeReady\"], c[\"NetworkReady\"], "
                   "i[\"config\"][\"sandboxImage\"], i[\"golang\"][:2])' %s/info.json",
                   bed),
                0);
        assert_string_equal(seen.text, "True False " PLAIN " go\n");
        assert_int_equal(run("-r %s/nothing info", bed), 1);
        assert_int_equal(run("-r tcp://127.0.0.1 info"), 2);
}

static void ask_image(const char *name) {
        assert_int_equal(cri_image_status(cri, name, on_image, NULL), 0);
        wait_for(name);
        assert_int_equal(seen.result, 0);
}

static void ask_again(uv_timer_t *timer) {
        (void)timer;
        go(0, "");
}

static void images(void **state) {
        (void)state;
        ask_image(PLAIN);
        assert_int_equal(seen.n, 0);
        assert_int_equal(run("inspecti " PLAIN), 1);
        assert_string_equal(seen.text,
                            "crictl: cannot show image '" PLAIN "': there is no such image here\n");
        assert_int_equal(run("images -q"), 0);
        assert_string_equal(seen.text, "");

        assert_int_equal(sh("ctr -a %s -n k8s.io images import %s/plain.tar 2>&1", sock, bed), 0);
        for (ask_image(PLAIN); seen.n == 0; ask_image(PLAIN)) { /* it hears of it by an event */
                assert_int_equal(uv_timer_start(&poll_timer, ask_again, 20, 0), 0);
                wait_for("the image");
        }
        assert_string_equal(seen.text, PLAIN);
        assert_int_equal(run("inspecti " PLAIN), 0);
        assert_non_null(strstr(seen.text, "\"repoTags\":\t[\"" PLAIN "\"]"));
        assert_int_equal(run("inspecti -q plain >/dev/null"), 0);
        assert_int_equal(run("inspecti plain absent >/dev/null"), 1);
        assert_int_equal(run("images -q"), 0);
        assert_true(str_starts(seen.text, "sha256:"));
        assert_int_equal(run("images"), 0);
        assert_non_null(strstr(seen.text, "docker.io/library/plain "));
        assert_non_null(strstr(seen.text, " latest "));
}

static void pull(void **state) {
        const uint64_t began = uv_hrtime();

        (void)state;
        assert_int_equal(cri_pull(cri, "127.0.0.1:9/no/such:1", on_pulled, NULL), 0);
        wait_for("pull");
        assert_true(seen.result < 0);
        assert_true(strlen(seen.why) > 10);
        assert_string_equal(seen.text, "");
        assert_int_equal(run("pull 127.0.0.1:9/no/such:1"), 1);
        assert_true(str_starts(seen.text, "crictl: cannot pull '127.0.0.1:9/no/such:1': "));
        assert_ptr_equal(strchr(seen.text, '\n') + 1, strchr(seen.text, '\0')); /* one line */
        assert_int_equal(run("pull registry.example/no/such:1"), 1);
        assert_true(uv_hrtime() - began < UINT64_C(20000000000));
        assert_int_equal(cri_pull(cri, "", on_pulled, NULL), -EINVAL);
}

static void no_pods(void **state) {
        (void)state;
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), 0);
        wait_for("pods");
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(run("-D=false pods -q"), 0);
        assert_string_equal(seen.text, "");
        assert_int_equal(run("pods"), 0);
        assert_non_null(strstr(seen.text, "POD ID"));
        assert_int_equal(run("ps -aq"), 0);
        assert_string_equal(seen.text, "");
        /* gone already is as good as stopped */
        assert_int_equal(run("stopp 0123456789abcdef"), 0);
        assert_int_equal(run("rmp 0123456789abcdef"), 0);
}

static void pod(void **state) {
        char pod[80], container[80];

        (void)state;
        run_pod(pod);
        run_container(pod, container);
        assert_int_equal(cri_pods(cri, pod, on_pods, NULL), 0);
        wait_for("the pod");
        assert_int_equal(seen.n, 1);
        assert_string_equal(seen.text, "default/web ready");
        assert_int_equal(cri_containers(cri, pod, on_containers, NULL), 0);
        wait_for("the container");
        assert_int_equal(seen.n, 1);
        assert_true(str_starts(seen.text, "server 1 "));

        assert_int_equal(run("pods -q"), 0);
        assert_int_equal(strncmp(seen.text, pod, strlen(pod)), 0);
        assert_int_equal(run("pods"), 0);
        assert_non_null(strstr(seen.text, " Ready "));
        assert_int_equal(run("ps -q --pod %.13s --name '^serv'", pod), 0);
        assert_int_equal(strncmp(seen.text, container, strlen(container)), 0);
        assert_int_equal(run("ps -q --name other"), 0);
        assert_string_equal(seen.text, "");
        assert_int_equal(run("ps --name '('"), 2);

        assert_int_equal(run("rmp %s", pod), 1);
        assert_non_null(strstr(seen.text, "runs: stop it first"));
        assert_int_equal(run("stopp %s", pod), 0);
        assert_non_null(strstr(seen.text, "Stopped sandbox "));
        assert_int_equal(run("ps -q"), 0);
        assert_string_equal(seen.text, "");
        assert_int_equal(run("ps -a --pod %s", pod), 0);
        assert_non_null(strstr(seen.text, " Exited "));
        assert_int_equal(run("rmp %s", pod), 0);
        assert_int_equal(run("pods -q"), 0);
        assert_string_equal(seen.text, "");

        run_pod(pod);
        assert_int_equal(run("rmp -f %s", pod), 0);
        assert_int_equal(run("pods -q"), 0);
        assert_string_equal(seen.text, "");
        run_pod(pod);
        assert_int_equal(cri_pod_stop(cri, pod, on_done, NULL), 0);
        wait_for("stop");
        assert_int_equal(seen.result, 0);
        assert_int_equal(cri_pod_remove(cri, pod, on_done, NULL), 0);
        wait_for("remove");
        assert_int_equal(seen.result, 0);
}

/* The agent outlives containerd's restarts. */
static void restart(void **state) {
        (void)state;
        stop_containerd();
        start_containerd("cri.toml");
        wait_for("containerd is back");
        assert_true(cri_up(cri));
        ask_image(PLAIN);
        assert_int_equal(seen.n, 1);
        cri_close(cri);
}

static void make_raw(void **state) {
        const struct grpc_config config = { .socket = sock };

        (void)state;
        assert_int_equal(grpc_open(&loop, &config, on_raw_state, NULL, &raw), 0);
        wait_for("a connection");
        pod(state);
        grpc_close(raw);
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_cri),   cmocka_unit_test(starts),  cmocka_unit_test(info),
                cmocka_unit_test(images),   cmocka_unit_test(pull),    cmocka_unit_test(no_pods),
                cmocka_unit_test(make_raw), cmocka_unit_test(restart),
        };
        const char *slash = strrchr(argv[0], '/');
        int failed;

        (void)argc;
        bed = getenv("BED");
        if (!bed || !getenv("LIVE_CGROUP") || !slash) {
                fprintf(stderr, "run me by tests/live/crictl-bed\n");
                return 77;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(crictl, sizeof(crictl), "%.*s/../crictl", (int)(slash - argv[0]), argv[0]);
        (void)snprintf(sock, sizeof(sock), "%s/sock", bed);
        write_config();
        assert_int_equal(uv_loop_init(&loop), 0);
        (void)uv_timer_init(&loop, &patience);
        (void)uv_timer_init(&loop, &poll_timer);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        if (failed && sh("tail -n 30 %s/log", bed) == 0)
                fprintf(stderr, "containerd says:\n%s", seen.text);
        return failed;
}
