/* api - requests from the CLI, the gateway, administrators and other agents. */
#ifndef BRAMBLE_DAEMON_API_H
#define BRAMBLE_DAEMON_API_H

#include "daemon/agent.h"

#include <cjson/cJSON.h>

/* Opens the unix sockets for the CLI and the gateway. */
int api_open(struct agent *a, struct fail *f);

/* Serves requests on a connection that carries nothing else. */
void api_attach(struct agent *a, struct link *l);

/* The request frames of a control connection: forwarded requests and their answers. */
void api_control_frame(struct agent *a, struct link *l, const struct frame *f);
void api_link_drained(struct agent *a, struct link *l);
/* Somebody else leads, or nobody: what the old leader was asked is answered with an error. */
void api_leader_changed(struct agent *a);
/* Its requests have nobody to answer to, its answers never come. */
void api_link_gone(struct agent *a, struct link *l);

/* The world or this board's own state changed: whoever watches is told. */
void api_world_changed(struct agent *a);
/* Only in how often functions were called. */
void api_counts_changed(struct agent *a);

/* Asks the leader (this board or over its control connection).  'done' comes exactly once, with
 * the reply (borrowed) or an error: -ENOTCONN (nobody leads), -ETIMEDOUT, or the reply's own. */
typedef void (*api_reply_cb)(void *arg, int result, const char *why, const cJSON *reply);
void api_ask_leader(struct agent *a, const cJSON *request, api_reply_cb done, void *arg);

/* Runs a verb of the leader for this agent itself, wherever the leader is. The same 'done'. */
void api_run_on_leader(struct agent *a, const cJSON *request, api_reply_cb done, void *arg);

/* Asks a board on its control connection.  'done' comes exactly once, perhaps at once. */
void api_ask_peer(struct agent *a, uint64_t node, const cJSON *request, api_reply_cb done,
                  void *arg);

/* Asks one board on a connection of its own.  'done' comes once and later, unless an errno is
 * returned (-EHOSTUNREACH: nobody knows its address) or it is cancelled. */
struct board_ask;
int api_ask_board(struct agent *a, uint64_t node, const cJSON *request, unsigned timeout_sec,
                  api_reply_cb done, void *arg, struct board_ask **ret);
void api_ask_cancel(struct board_ask *q); /* before 'done'; NULL is a no-op */

/* ---- for the verbs (api_*.c) ---------------------------------------------------------------- */

/* Those who are told to wait a few seconds; who comes after them is told to ask again. */
#define LIMIT_HELD_REQUESTS 8

struct request {
        struct agent *agent;
        struct link *link; /* NULL once the asker is gone: replies go nowhere */
        uint32_t stream;
        const struct api_verb *verb;
        cJSON *args; /* the whole request object */
        unsigned refs;
        bool replied;
        api_reply_cb done; /* asked by this agent itself: the reply goes here */
        void *done_arg;
        /* Frames of its stream; 'end': no more will come. NULL: dropped. */
        void (*on_data)(struct request *q, const void *data, size_t len, bool end);
        void (*on_gone)(struct request *q); /* the asker went away before the reply */
        void (*on_drained)(struct request *q);
        void *state; /* the verb's own */
        struct request *next;
        struct request *next_watcher;
        struct request *next_shown; /* coordinator_reply() */
        cJSON *shown;
};

enum {
        VERB_LEADER = 1 << 0,  /* answered by the leader: other boards pass it on */
        VERB_GATEWAY = 1 << 1, /* the gateway's socket may ask it */
        VERB_PEER = 1 << 2,    /* other boards may ask it */
        VERB_BOARDS = 1 << 3,  /* only boards may: no person, not even through another board */
        VERB_SECRET = 1 << 4,  /* the request or the answer holds a secret: wiped after use */
};

struct api_verb {
        const char *name;
        unsigned flags;
        void (*run)(struct request *q);
};

/* Answers.  request_reply takes ownership of 'result'.  Errors carry a code as HTTP has them. */
void request_reply(struct request *q, cJSON *result);
void request_fail(struct request *q, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* -errno with a sentence (may be "") as an error reply. */
void request_fail_errno(struct request *q, int error, const char *why);
/* An event or bytes before the reply; false when the asker is gone. */
bool request_event(struct request *q, const cJSON *event);
bool request_data(struct request *q, const void *data, size_t len);
/* The requests of api_watch, a list through 'next_watcher'. */
struct request **api_watchers(struct agent *a);
struct request *request_ref(struct request *q);
void request_unref(struct request *q);

/* Requests that cannot be answered yet: each verb runs again when it can. */
struct held_requests {
        unsigned n;
        struct request *list[LIMIT_HELD_REQUESTS]; /* references of ours */
};
bool request_hold(struct held_requests *h, struct request *q); /* false: no more are held */
void requests_run(struct held_requests *h);

/* The verbs; each in the file of its noun. */
void verb_status(struct request *q);
void verb_functions(struct request *q);
void verb_doctor(struct request *q);
void verb_auth(struct request *q);
void verb_version(struct request *q);
void verb_deploy(struct request *q);
void verb_remove(struct request *q);
void verb_scale(struct request *q);
void verb_wake(struct request *q);
void verb_raise(struct request *q);
void verb_thaw(struct request *q);
void verb_usage(struct request *q);
void verb_image(struct request *q);
void verb_import(struct request *q);
void verb_blob(struct request *q);
void verb_images(struct request *q);
void verb_image_remove(struct request *q);
void verb_image_spare(struct request *q);
void verb_blobs(struct request *q);
void verb_registry_login(struct request *q);
void verb_registry_logout(struct request *q);
void verb_registry_keep(struct request *q);
void verb_registry_give(struct request *q);
void verb_registry_logins(struct request *q);
void verb_logs(struct request *q);
void verb_log_lines(struct request *q);
void verb_watch(struct request *q);
void verb_events(struct request *q);
void verb_event_list(struct request *q);
void verb_calls(struct request *q);
void verb_metrics(struct request *q);
void verb_kube_founded(struct request *q);
void verb_kube_key(struct request *q);
void verb_secret_key(struct request *q);
void verb_secret_get(struct request *q);
void verb_secrets(struct request *q);
void verb_secret_set(struct request *q);
void verb_secret_remove(struct request *q);
void verb_namespaces(struct request *q);
void verb_namespace(struct request *q);
void verb_namespace_set(struct request *q);
void verb_namespace_remove(struct request *q);
void verb_promote(struct request *q);
void verb_drain(struct request *q);
void verb_uncordon(struct request *q);
void verb_rename(struct request *q);
void verb_locate(struct request *q);
void verb_locate_here(struct request *q);
void verb_twin(struct request *q);
void verb_kube_off(struct request *q);
void verb_kube_snapshot_who(struct request *q);
void verb_kube_snapshot_put(struct request *q);
void verb_kube_snapshot_get(struct request *q);
void verb_kube_join(struct request *q);
void verb_kube_leave(struct request *q);
void verb_kubeconfig(struct request *q);
void verb_kube_reset(struct request *q);
void verb_reset(struct request *q);
void verb_shutdown(struct request *q);
void verb_shutdown_begin(struct request *q);
void verb_shutdown_record(struct request *q);
void verb_shutdown_status(struct request *q);
void verb_power(struct request *q);
void verb_power_snapshot(struct request *q);

#endif
