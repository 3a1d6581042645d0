#include "io/call_store.h"

#include "base/scope.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

/* Loaded with the first call, so that a gateway without asynchronous calls has none of it. */
#define SQLITE_CALLS(X)          \
        X(open_v2)               \
        X(close)                 \
        X(exec)                  \
        X(errmsg)                \
        X(extended_errcode)      \
        X(extended_result_codes) \
        X(prepare_v2)            \
        X(prepare_v3)            \
        X(step)                  \
        X(reset)                 \
        X(finalize)              \
        X(clear_bindings)        \
        X(bind_int64)            \
        X(bind_text)             \
        X(bind_blob64)           \
        X(column_int64)          \
        X(column_int)            \
        X(column_text)           \
        X(column_blob)           \
        X(column_bytes)          \
        X(get_autocommit)        \
        X(wal_hook)

static struct {
#define X(name) __typeof__(&sqlite3_##name) name;
        SQLITE_CALLS(X)
#undef X
} sqlite;

/* Pages of the log after which it is folded into the file; calls that are over by then never get
 * there.  4 KB each. */
enum { STORE_LOG_PAGES = 512, STORE_FREE_PAGES = 256, STORE_CACHE_KB = 256, STORE_VERSION = 1 };

enum statement {
        PUT,
        PUT_REQUEST,
        ATTEMPT,
        REQUEST,
        LATER,
        REMOVE,
        REMOVE_REQUEST,
        FREE,
        ANY,
        STATEMENTS
};

struct call_store {
        sqlite3 *db;
        sqlite3_stmt *statement[STATEMENTS];
        int log_pages;
};

/* The request lies apart, so that a change of state does not write it again. */
static const char schema[] =
        "PRAGMA page_size = 4096;"
        "PRAGMA auto_vacuum = INCREMENTAL;"
        "PRAGMA locking_mode = EXCLUSIVE;" /* no shared memory, and no second owner */
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;" /* one fsync a commit */
        "PRAGMA journal_size_limit = 1048576;"
        "PRAGMA temp_store = MEMORY;"
        "CREATE TABLE IF NOT EXISTS calls (seq INTEGER PRIMARY KEY, id TEXT NOT NULL,"
        " function TEXT NOT NULL, attempts INTEGER NOT NULL, begun INTEGER NOT NULL,"
        " wait_usec INTEGER NOT NULL, bytes INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS requests (seq INTEGER PRIMARY KEY, request BLOB NOT NULL);";

static const char *const sql[STATEMENTS] = {
        [PUT] = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?)",
        [PUT_REQUEST] = "INSERT INTO requests VALUES (?, ?)",
        [ATTEMPT] = "UPDATE calls SET begun = 1, attempts = ?2, wait_usec = 0 WHERE seq = ?1",
        [REQUEST] = "SELECT request FROM requests WHERE seq = ?",
        [LATER] = "UPDATE calls SET begun = 0, wait_usec = ?2 WHERE seq = ?1",
        [REMOVE] = "DELETE FROM calls WHERE seq = ?",
        [REMOVE_REQUEST] = "DELETE FROM requests WHERE seq = ?",
        [FREE] = "PRAGMA freelist_count",
        [ANY] = "SELECT EXISTS (SELECT 1 FROM calls)",
};

static int error_of(int code) {
        switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
                return -EACCES;
        default:
                return -EIO;
        }
}

static int failed(struct call_store *s, struct fail *f) {
        int code = s->db ? sqlite.extended_errcode(s->db) : SQLITE_NOMEM;

        return fail(f, error_of(code), "%s", s->db ? sqlite.errmsg(s->db) : "out of memory");
}

static int run(struct call_store *s, const char *text, struct fail *f) {
        return sqlite.exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s, f);
}

static int on_log(void *arg, sqlite3 *db, const char *name, int pages) {
        struct call_store *s = arg;

        (void)db;
        (void)name;
        s->log_pages = pages;
        return SQLITE_OK;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static int load_library(struct fail *f) {
        void *library;

        if (sqlite.wal_hook)
                return 0;
        library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
        if (!library)
                return fail(f, -ENOENT, "SQLite is not installed: %s", dlerror());
#define X(name)                                                    \
        *(void **)&sqlite.name = dlsym(library, "sqlite3_" #name); \
        if (!sqlite.name)                                          \
                return fail(f, -ENOENT, "this SQLite has no sqlite3_%s", #name);
        SQLITE_CALLS(X)
#undef X
        return 0;
}

static int read_version(struct call_store *s, int *ret, struct fail *f) {
        sqlite3_stmt *q = NULL;
        int r = 0;

        if (sqlite.prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK ||
            sqlite.step(q) != SQLITE_ROW)
                r = failed(s, f);
        else
                *ret = sqlite.column_int(q, 0);
        (void)sqlite.finalize(q);
        return r;
}

static int prepare(struct call_store *s, struct fail *f) {
        char text[64];
        int version = 0, r = read_version(s, &version, f);

        if (r < 0)
                return r;
        if (version != 0 && version != STORE_VERSION)
                return fail(f, -EPROTO, "it is of another version of bramble (%d)", version);
        r = run(s, schema, f);
        if (r < 0)
                return r;
        (void)snprintf(text, sizeof(text), "PRAGMA user_version = %d; PRAGMA cache_size = -%d",
                       STORE_VERSION, STORE_CACHE_KB);
        r = run(s, text, f);
        for (size_t i = 0; i < STATEMENTS && r == 0; i++)
                if (sqlite.prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &s->statement[i], NULL) != SQLITE_OK)
                        r = failed(s, f);
        return r;
}

/* What is over leaves its place first, so that its pages are not carried over.  A failure costs
 * nothing but a longer log: the next commit tries again. */
static void fold_log(struct call_store *s) {
        if (run(s, "PRAGMA incremental_vacuum", NULL) == 0 &&
            run(s, "PRAGMA wal_checkpoint(RESTART)", NULL) == 0)
                s->log_pages = 0;
}

int call_store_open(const char *path, struct call_store **ret, struct fail *f) {
        struct call_store *s;
        int r = load_library(f);

        if (r < 0)
                return r;
        s = calloc(1, sizeof(*s));
        if (!s)
                return fail(f, -ENOMEM, "out of memory");
        if (sqlite.open_v2(path, &s->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
                           NULL) != SQLITE_OK)
                r = failed(s, f);
        if (r == 0) {
                (void)sqlite.extended_result_codes(s->db, 1);
                (void)sqlite.wal_hook(s->db, on_log, s); /* in place of SQLite's own */
                r = prepare(s, f);
        }
        if (r < 0) {
                call_store_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

void call_store_close(struct call_store *s) {
        if (!s)
                return;
        if (s->statement[STATEMENTS - 1]) /* all of it is open */
                fold_log(s);
        for (size_t i = 0; i < STATEMENTS; i++)
                (void)sqlite.finalize(s->statement[i]);
        (void)sqlite.close(s->db);
        free(s);
}

int call_store_load(struct call_store *s, bool (*each)(void *arg, const struct call_stored *c),
                    void *arg, struct fail *f) {
        sqlite3_stmt *q = NULL;
        int code = sqlite.prepare_v2(s->db,
                                     "SELECT seq, id, function, attempts, begun, wait_usec, bytes"
                                     " FROM calls ORDER BY seq",
                                     -1, &q, NULL);
        int r = 0;

        while (code == SQLITE_OK || code == SQLITE_ROW) {
                code = sqlite.step(q);
                if (code != SQLITE_ROW)
                        break;
                if (!each(arg, &(struct call_stored){
                                       .seq = (uint64_t)sqlite.column_int64(q, 0),
                                       .id = (const char *)sqlite.column_text(q, 1),
                                       .function = (const char *)sqlite.column_text(q, 2),
                                       .attempts = (uint32_t)sqlite.column_int64(q, 3),
                                       .begun = sqlite.column_int(q, 4) != 0,
                                       .wait_usec = (uint64_t)sqlite.column_int64(q, 5),
                                       .bytes = (uint64_t)sqlite.column_int64(q, 6),
                               })) {
                        code = SQLITE_DONE;
                        break;
                }
        }
        if (code != SQLITE_DONE)
                r = failed(s, f);
        (void)sqlite.finalize(q);
        return r;
}

/* ---- changing ---------------------------------------------------------------------------------
 */

int call_store_begin(struct call_store *s, struct fail *f) {
        return run(s, "BEGIN IMMEDIATE", f);
}

static int64_t ask(struct call_store *s, enum statement which) {
        sqlite3_stmt *q = s->statement[which];
        int64_t value = sqlite.step(q) == SQLITE_ROW ? sqlite.column_int64(q, 0) : -1;

        (void)sqlite.reset(q);
        return value;
}

/* Free pages are used again while there are calls; without any, all of them can go. */
static bool can_shrink(struct call_store *s) {
        return ask(s, FREE) >= STORE_FREE_PAGES && ask(s, ANY) == 0;
}

int call_store_commit(struct call_store *s, struct fail *f) {
        int r = run(s, "COMMIT", f);

        if (r < 0)
                call_store_rollback(s);
        else if (s->log_pages >= STORE_LOG_PAGES || can_shrink(s))
                fold_log(s);
        return r;
}

void call_store_rollback(struct call_store *s) {
        if (!sqlite.get_autocommit(s->db))
                (void)run(s, "ROLLBACK", NULL);
}

static void bind(sqlite3_stmt *q, int at, uint64_t value) {
        (void)sqlite.bind_int64(q, at, (sqlite3_int64)value);
}

/* Runs a statement without a result. */
static int step(struct call_store *s, enum statement which, struct fail *f) {
        sqlite3_stmt *q = s->statement[which];
        int r = sqlite.step(q) == SQLITE_DONE ? 0 : failed(s, f);

        (void)sqlite.reset(q);
        (void)sqlite.clear_bindings(q);
        return r;
}

int call_store_put(struct call_store *s, const struct call_stored *c, const char *request,
                   struct fail *f) {
        sqlite3_stmt *q = s->statement[PUT];
        int r;

        bind(q, 1, c->seq);
        (void)sqlite.bind_text(q, 2, c->id, -1, SQLITE_STATIC);
        (void)sqlite.bind_text(q, 3, c->function, -1, SQLITE_STATIC);
        bind(q, 4, c->attempts);
        bind(q, 5, c->begun);
        bind(q, 6, c->wait_usec);
        bind(q, 7, c->bytes);
        r = step(s, PUT, f);
        if (r < 0)
                return r;
        q = s->statement[PUT_REQUEST];
        bind(q, 1, c->seq);
        (void)sqlite.bind_blob64(q, 2, request, c->bytes, SQLITE_STATIC);
        return step(s, PUT_REQUEST, f);
}

static int read_request(struct call_store *s, uint64_t seq, struct buf *ret, struct fail *f) {
        sqlite3_stmt *q = s->statement[REQUEST];
        int code, r;

        bind(q, 1, seq);
        code = sqlite.step(q);
        if (code == SQLITE_ROW)
                r = buf_add(ret, sqlite.column_blob(q, 0), (size_t)sqlite.column_bytes(q, 0));
        else
                r = code == SQLITE_DONE ? fail(f, -ENOENT, "the request is not there")
                                        : failed(s, f);
        (void)sqlite.reset(q);
        return r < 0 ? fail(f, r, "out of memory") : 0;
}

int call_store_attempt(struct call_store *s, uint64_t seq, uint32_t attempt, struct buf *ret,
                       struct fail *f) {
        int r = ret ? read_request(s, seq, ret, f) : 0;

        if (r < 0)
                return r;
        bind(s->statement[ATTEMPT], 1, seq);
        bind(s->statement[ATTEMPT], 2, attempt);
        return step(s, ATTEMPT, f);
}

int call_store_later(struct call_store *s, uint64_t seq, uint64_t wait_usec, struct fail *f) {
        bind(s->statement[LATER], 1, seq);
        bind(s->statement[LATER], 2, wait_usec);
        return step(s, LATER, f);
}

int call_store_remove(struct call_store *s, uint64_t seq, struct fail *f) {
        int r;

        bind(s->statement[REMOVE], 1, seq);
        r = step(s, REMOVE, f);
        if (r < 0)
                return r;
        bind(s->statement[REMOVE_REQUEST], 1, seq);
        return step(s, REMOVE_REQUEST, f);
}
