/* The CRI's client against a small runtime of our own on the same loop: versions of the API, a
 * runtime that is still starting, and lists that no runtime should send. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/cri.h"
#include "io/grpc_frame.h"

#include "cri.pb-c.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

static uv_loop_t loop;
static uv_timer_t patience;
static char dir[64], path[96];

/* ---- the runtime ---- */

/* One call at a time, which is all that these tests make. */
static struct {
        uv_pipe_t listener, pipe;
        nghttp2_session *session;
        const char *speaks; /* "v1", "v1alpha2", "": nothing of the CRI */
        unsigned starting;  /* calls of Status that it fails before it is ready */
        const ProtobufCMessage *reply;
        const char *status; /* of all but Status */
        char in[4096];
        char called[96];
        bool namespace; /* somebody sent containerd's header */
        struct buf out;
        size_t out_at;
        const char *end_status, *end_message;
} server;

static nghttp2_nv header(const char *name, const char *value) {
        return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                             strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static ssize_t on_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *arg) {
        const nghttp2_nv trailers[] = { header("grpc-status", server.end_status),
                                        header("grpc-message", server.end_message) };
        size_t n = server.out.len - server.out_at;

        (void)source;
        (void)arg;
        if (n > length)
                n = length;
        memcpy(buf, server.out.data + server.out_at, n);
        server.out_at += n;
        if (server.out_at == server.out.len) {
                *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
                (void)nghttp2_submit_trailer(session, id, trailers, 2);
        }
        return (ssize_t)n;
}

static void answer(nghttp2_session *session, int32_t id, const ProtobufCMessage *reply,
                   const char *status, const char *message) {
        const nghttp2_nv headers[] = { header(":status", "200"),
                                       header("content-type", "application/grpc") };
        const nghttp2_data_provider data = { .read_callback = on_data };
        const Cri__Empty empty = CRI__EMPTY__INIT;
        uint8_t prefix[GRPC_PREFIX_BYTES];
        size_t len;

        if (!reply)
                reply = &empty.base;
        len = protobuf_c_message_get_packed_size(reply);
        server.out.len = server.out_at = 0;
        grpc_frame_prefix(prefix, (uint32_t)len);
        assert_int_equal(buf_add(&server.out, prefix, sizeof(prefix)), 0);
        assert_int_equal(buf_reserve(&server.out, len), 0);
        (void)protobuf_c_message_pack(reply, (uint8_t *)server.out.data + server.out.len);
        server.out.len += len;
        server.end_status = status;
        server.end_message = message;
        assert_int_equal(nghttp2_submit_response(session, id, headers, 2, &data), 0);
}

static void serve(nghttp2_session *session, int32_t id) {
        char prefix[32];

        (void)snprintf(prefix, sizeof(prefix), "/runtime.%s.", server.speaks);
        if (!server.speaks[0] || !str_starts(server.called, prefix)) {
                answer(session, id, NULL, "12", "unknown service");
        } else if (str_ends(server.called, "/Status") && server.starting > 0) {
                server.starting--;
                answer(session, id, NULL, "2", "server is not initialized yet");
        } else if (str_ends(server.called, "/Status")) {
                answer(session, id, server.reply, "0", "");
        } else {
                answer(session, id, server.reply, server.status, "as the test wants it");
        }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *arg) {
        (void)session;
        (void)frame;
        (void)name_len;
        (void)flags;
        (void)arg;
        if (str_eq((const char *)name, ":path"))
                (void)str_copy_n(server.called, sizeof(server.called), (const char *)value, len);
        server.namespace = server.namespace || str_eq((const char *)name, "containerd-namespace");
        return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg) {
        (void)arg;
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM && frame->hd.type == NGHTTP2_DATA)
                serve(session, frame->hd.stream_id);
        return 0;
}

static void on_written(uv_write_t *write, int status) {
        (void)status;
        free(write);
}

static void flush(void) {
        const uint8_t *data;
        ssize_t n;

        while ((n = nghttp2_session_mem_send(server.session, &data)) > 0) {
                uv_write_t *write = malloc(sizeof(*write) + (size_t)n);
                uv_buf_t buf;

                assert_non_null(write);
                buf = uv_buf_init((char *)(write + 1), (unsigned)n);
                memcpy(buf.base, data, (size_t)n);
                (void)uv_write(write, (uv_stream_t *)&server.pipe, &buf, 1, on_written);
        }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
        (void)handle;
        (void)size;
        *buf = uv_buf_init(server.in, sizeof(server.in));
}

static void hang_up(void) {
        if (!server.session)
                return;
        nghttp2_session_del(take_ptr(server.session));
        uv_close((uv_handle_t *)&server.pipe, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        (void)stream;
        if (!server.session)
                return;
        if (n < 0 ||
            nghttp2_session_mem_recv(server.session, (const uint8_t *)buf->base, (size_t)n) < 0)
                hang_up();
        else
                flush();
}

static void on_accept(uv_stream_t *listener, int status) {
        nghttp2_session_callbacks *callbacks;

        assert_int_equal(status, 0);
        assert_null(server.session);
        (void)uv_pipe_init(&loop, &server.pipe, 0);
        assert_int_equal(uv_accept(listener, (uv_stream_t *)&server.pipe), 0);
        (void)nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        (void)nghttp2_session_server_new(&server.session, callbacks, NULL);
        nghttp2_session_callbacks_del(callbacks);
        (void)nghttp2_submit_settings(server.session, 0, NULL, 0);
        (void)uv_read_start((uv_stream_t *)&server.pipe, on_alloc, on_read);
        flush();
}

/* ---- the client's side ---- */

static struct cri *cri;
static struct {
        bool waiting;
        int error; /* of the last state */
        char states[200];
        unsigned dones;
        int result;
        char why[400];
        size_t n;
        char text[600];
} seen;

static void too_late(uv_timer_t *timer) {
        (void)timer;
        fprintf(stderr, "waited too long; states %s\n", seen.states);
        abort();
}

static void wait_for_news(void) {
        seen.waiting = true;
        assert_int_equal(uv_timer_start(&patience, too_late, PATIENCE_MS, 0), 0);
        while (seen.waiting)
                (void)uv_run(&loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&patience);
}

static void on_state(void *arg, bool up, int error, const char *why) {
        size_t n = strlen(seen.states);

        (void)arg;
        assert_int_equal(up, error == 0);
        assert_int_equal(up, why[0] == '\0');
        (void)snprintf(seen.states + n, sizeof(seen.states) - n, "%d ", error);
        seen.error = error;
        seen.waiting = false;
}

static void ended(int result, const char *why) {
        seen.dones++;
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
        assert_true(result == 0 || why[0]);
        seen.waiting = false;
}

static void on_done(void *arg, int result, const char *why) {
        (void)arg;
        ended(result, why);
}

static void on_version(void *arg, int result, const char *why, const struct cri_version *v) {
        (void)arg;
        assert_int_equal(result == 0, v != NULL);
        (void)snprintf(seen.text, sizeof(seen.text), "%s", v ? v->runtime_name : "");
        ended(result, why);
}

static void on_status(void *arg, int result, const char *why, const struct cri_status *s) {
        (void)arg;
        assert_int_equal(result == 0, s != NULL);
        (void)snprintf(seen.text, sizeof(seen.text), "%s %d %d %s",
                       s ? s->runtime.sandbox_image : "", s && s->runtime.runtime_ready,
                       s && s->runtime.network_ready, s ? s->runtime.reason : "");
        ended(result, why);
}

static void on_pods(void *arg, int result, const char *why, const struct cri_pod *pods, size_t n) {
        (void)arg;
        seen.n = n;
        (void)snprintf(seen.text, sizeof(seen.text), "%s/%s/%s %u %d", n ? pods[0].id : "",
                       n ? pods[0].namespace : "", n ? pods[0].name : "",
                       n ? (unsigned)pods[0].attempt : 0, n && pods[0].ready);
        ended(result, why);
}

static void on_containers(void *arg, int result, const char *why,
                          const struct cri_container *containers, size_t n) {
        (void)arg;
        seen.n = n;
        (void)snprintf(seen.text, sizeof(seen.text), "%s/%s/%s/%s %d", n ? containers[0].id : "",
                       n ? containers[0].pod_id : "", n ? containers[0].name : "",
                       n ? containers[0].image : "", n ? (int)containers[0].state : -1);
        ended(result, why);
}

static void on_image(void *arg, int result, const char *why, const struct cri_image *image) {
        (void)arg;
        seen.n = image != NULL;
        ended(result, why);
}

static void on_pulled(void *arg, int result, const char *why, const char *id) {
        (void)arg;
        (void)snprintf(seen.text, sizeof(seen.text), "%s", id);
        ended(result, why);
}

static int set_up(void **state) {
        (void)state;
        memset(&server, 0, sizeof(server));
        memset(&seen, 0, sizeof(seen));
        server.speaks = "v1";
        server.status = "0";
        (void)snprintf(dir, sizeof(dir), "/tmp/test_cri.XXXXXX");
        if (!mkdtemp(dir) || uv_loop_init(&loop) < 0)
                return -1;
        (void)snprintf(path, sizeof(path), "%s/sock", dir);
        (void)uv_timer_init(&loop, &patience);
        (void)uv_pipe_init(&loop, &server.listener, 0);
        return uv_pipe_bind(&server.listener, path) < 0 ||
               uv_listen((uv_stream_t *)&server.listener, 8, on_accept) < 0;
}

static int tear_down(void **state) {
        (void)state;
        cri_close(take_ptr(cri));
        hang_up();
        uv_close((uv_handle_t *)&server.listener, NULL);
        uv_close((uv_handle_t *)&patience, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        buf_done(&server.out);
        (void)unlink(path);
        (void)rmdir(dir);
        return uv_loop_close(&loop);
}

static void connects(void) {
        assert_int_equal(cri_open(&loop, path, on_state, NULL, &cri, NULL), 0);
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), -ENOTCONN);
        wait_for_news();
}

/* ---- tests ---- */

static void speaks_v1(void **state) {
        Cri__VersionResponse reply = CRI__VERSION_RESPONSE__INIT;

        (void)state;
        connects();
        assert_true(cri_up(cri));
        assert_string_equal(cri_api(cri), "v1");
        reply.runtime_name = (char[]){ "containerd" };
        server.reply = &reply.base;
        assert_int_equal(cri_version(cri, on_version, NULL), 0);
        wait_for_news();
        assert_string_equal(server.called, "/runtime.v1.RuntimeService/Version");
        assert_string_equal(seen.text, "containerd");
        assert_false(server.namespace);
}

static void speaks_v1alpha2(void **state) {
        (void)state;
        server.speaks = "v1alpha2";
        connects();
        assert_string_equal(seen.states, "0 ");
        assert_string_equal(cri_api(cri), "v1alpha2");
        assert_int_equal(cri_pull(cri, "a", on_pulled, NULL), 0);
        wait_for_news();
        assert_string_equal(server.called, "/runtime.v1alpha2.ImageService/PullImage");
        /* a newer one after its restart */
        server.speaks = "v1";
        hang_up();
        wait_for_news();
        assert_int_equal(seen.error, -ECONNRESET);
        assert_false(cri_up(cri));
        wait_for_news();
        assert_true(cri_up(cri));
        assert_string_equal(cri_api(cri), "v1");
}

static void speaks_none(void **state) {
        (void)state;
        server.speaks = "";
        connects();
        assert_int_equal(seen.error, -EOPNOTSUPP);
        assert_false(cri_up(cri));
        assert_int_equal(cri_version(cri, on_version, NULL), -ENOTCONN);
}

static void starting(void **state) {
        (void)state;
        server.starting = 2;
        connects();
        wait_for_news();
        assert_true(cri_up(cri));
        assert_int_equal(server.starting, 0);
        (void)snprintf(seen.text, sizeof(seen.text), "%d 0 ", -EAGAIN); /* told once */
        assert_string_equal(seen.states, seen.text);
}

static void status(void **state) {
        Cri__RuntimeCondition good = CRI__RUNTIME_CONDITION__INIT,
                              bad = CRI__RUNTIME_CONDITION__INIT;
        Cri__InfoEntry config = CRI__INFO_ENTRY__INIT, other = CRI__INFO_ENTRY__INIT;
        Cri__RuntimeCondition *conditions[] = { &good, &bad };
        Cri__InfoEntry *info[] = { &other, &config };
        Cri__RuntimeStatus runtime = CRI__RUNTIME_STATUS__INIT;
        Cri__StatusResponse reply = CRI__STATUS_RESPONSE__INIT;

        (void)state;
        connects();
        assert_int_equal(cri_status(cri, on_status, NULL), 0); /* empty */
        wait_for_news();
        assert_string_equal(seen.text, " 0 0 ");
        good.type = (char[]){ "RuntimeReady" };
        good.status = true;
        bad.type = (char[]){ "NetworkReady" };
        bad.message = (char[]){ "no CNI" };
        config.key = (char[]){ "config" };
        config.value = (char[]){ "{\"sandboxImage\":\"pause\"}" };
        runtime.conditions = conditions;
        runtime.n_conditions = 2;
        reply.status = &runtime;
        reply.info = info;
        reply.n_info = 2;
        server.reply = &reply.base;
        assert_int_equal(cri_status(cri, on_status, NULL), 0);
        wait_for_news();
        assert_string_equal(seen.text, "pause 1 0 no CNI");
        config.value = (char[]){ "[crio]" };
        assert_int_equal(cri_status(cri, on_status, NULL), 0);
        wait_for_news();
        assert_string_equal(seen.text, " 1 0 no CNI");
}

/* What a runtime leaves out, or invents. */
static void odd_items(void **state) {
        Cri__PodSandbox pod = CRI__POD_SANDBOX__INIT, *pods[] = { &pod };
        Cri__PodSandboxMetadata meta = CRI__POD_SANDBOX_METADATA__INIT;
        Cri__ListPodSandboxResponse reply = CRI__LIST_POD_SANDBOX_RESPONSE__INIT;
        Cri__Container container = CRI__CONTAINER__INIT, *containers[] = { &container };
        Cri__ListContainersResponse list = CRI__LIST_CONTAINERS_RESPONSE__INIT;

        (void)state;
        connects();
        pod.id = (char[]){ "1" };
        pod.state = CRI__POD_SANDBOX_STATE__SANDBOX_NOTREADY;
        reply.items = pods;
        reply.n_items = 1;
        server.reply = &reply.base;
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.n, 1);
        assert_string_equal(seen.text, "1// 0 0");
        meta.name = (char[]){ "web" };
        meta.namespace_ = (char[]){ "ns" };
        meta.attempt = 4000000000;
        pod.metadata = &meta;
        pod.state = CRI__POD_SANDBOX_STATE__SANDBOX_READY;
        assert_int_equal(cri_pods(cri, "1", on_pods, NULL), 0);
        wait_for_news();
        assert_string_equal(seen.text, "1/ns/web 4000000000 1");

        container.id = (char[]){ "2" };
        container.image_ref = (char[]){ "sha256:1" };
        container.state = (Cri__ContainerState)77;
        list.containers = containers;
        list.n_containers = 1;
        server.reply = &list.base;
        assert_int_equal(cri_containers(cri, "1", on_containers, NULL), 0);
        wait_for_news();
        assert_string_equal(seen.text, "2///sha256:1 3");
}

static void long_list(void **state) {
        Cri__PodSandbox pod = CRI__POD_SANDBOX__INIT, *pods[CRI_LIST_MAX + 1];
        Cri__ListPodSandboxResponse reply = CRI__LIST_POD_SANDBOX_RESPONSE__INIT;

        (void)state;
        connects();
        for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
                pods[i] = &pod;
        reply.items = pods;
        reply.n_items = CRI_LIST_MAX;
        server.reply = &reply.base;
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.n, CRI_LIST_MAX);
        reply.n_items++;
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, -EMSGSIZE);
        assert_int_equal(seen.n, 0);
}

static void fails(void **state) {
        (void)state;
        connects();
        assert_int_equal(cri_image_status(cri, "absent", on_image, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(cri_image_status(cri, "", on_image, NULL), -EINVAL);
        assert_int_equal(cri_pod_stop(cri, "", on_done, NULL), -EINVAL);
        server.status = "13";
        assert_int_equal(cri_pull(cri, "a", on_pulled, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, -EIO);
        assert_string_equal(seen.why, "as the test wants it");
        assert_int_equal(cri_pod_stop(cri, "1", on_done, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, -EIO);
        server.status = "5"; /* gone is as good as stopped, but no image is pulled by it */
        assert_int_equal(cri_pod_stop(cri, "1", on_done, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, 0);
        assert_int_equal(cri_pod_remove(cri, "1", on_done, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, 0);
        assert_int_equal(cri_pull(cri, "a", on_pulled, NULL), 0);
        wait_for_news();
        assert_int_equal(seen.result, -ENOENT);
}

static void closes(void **state) {
        struct fail f = { 0 };

        (void)state;
        connects();
        assert_int_equal(cri_pods(cri, NULL, on_pods, NULL), 0);
        assert_int_equal(cri_version(cri, on_version, NULL), 0);
        cri_close(take_ptr(cri));
        assert_int_equal(seen.dones, 2);
        assert_int_equal(seen.result, -ECANCELED);
        cri_close(NULL);
        assert_int_equal(cri_open(&loop, "tcp://x", on_state, NULL, &cri, &f), -EINVAL);
        assert_true(f.text[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(speaks_v1), TEST(speaks_v1alpha2), TEST(speaks_none),
                TEST(starting),  TEST(status),          TEST(odd_items),
                TEST(long_list), TEST(fails),           TEST(closes),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
