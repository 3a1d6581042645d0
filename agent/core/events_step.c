/* events_step - what is another way in one picture of the bramble than in the one before. */
#include "core/events.h"

#include "base/str.h"
#include "core/alarms.h"
#include "core/charter.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct step {
        struct events *log;
        const struct world *before, *now;
        struct event_time at;
        unsigned n; /* written, and what there was no place for */
};

static void write_down(struct step *s, const struct event *e) {
        if (++s->n < EVENTS_STEP)
                (void)events_add(s->log, s->now->term, s->at, e);
}

__attribute__((format(printf, 5, 6))) static void say(struct step *s, enum event_kind kind,
                                                      enum severity severity, const char *board,
                                                      const char *format, ...) {
        struct event e = { .kind = kind, .severity = severity, .alarm = ALARM_KINDS };
        va_list args;

        (void)str_copy(e.board, sizeof(e.board), board);
        va_start(args, format);
        (void)vsnprintf(e.text, sizeof(e.text), format, args);
        va_end(args);
        write_down(s, &e);
}

/* "name", with its namespace where that is not the usual one. */
static const char *function_name(const struct world_function *f, char dst[static 2 * SIZE_NAME]) {
        if (str_eq(f->namespace, CHARTER_NAMESPACE))
                (void)snprintf(dst, 2 * SIZE_NAME, "%s", f->name);
        else
                (void)snprintf(dst, 2 * SIZE_NAME, "%s.%s", f->name, f->namespace);
        return dst;
}

__attribute__((format(printf, 5, 6))) static void say_function(struct step *s, enum event_kind kind,
                                                               const char *function,
                                                               const char *board,
                                                               const char *format, ...) {
        struct event e = { .kind = kind, .severity = SEVERITY_INFO, .alarm = ALARM_KINDS };
        va_list args;

        (void)str_copy(e.board, sizeof(e.board), board);
        (void)str_copy(e.function, sizeof(e.function), function);
        va_start(args, format);
        (void)vsnprintf(e.text, sizeof(e.text), format, args);
        va_end(args);
        write_down(s, &e);
}

static const char *name_of(const struct step *s, uint64_t node) {
        const struct world_member *m = world_member(s->now, node);

        if (!m)
                m = world_member(s->before, node);
        return m && m->name[0] ? m->name : "a board";
}

/* ---- boards ------------------------------------------------------------------------------------
 */

/* What was last said of a board's coming and going; NULL: nothing that is still remembered. */
static const struct event *last_word(const struct events *log, const char *board) {
        for (uint32_t i = log->n; i-- > 0;) {
                const struct event *e = events_at(log, i);

                if ((e->kind == EVENT_JOINED || e->kind == EVENT_LEFT || e->kind == EVENT_LOST ||
                     e->kind == EVENT_BACK) &&
                    str_eq(e->board, board))
                        return e;
        }
        return NULL;
}

static uint32_t newest_instance(const struct world *w) {
        uint32_t newest = 0;

        for (uint32_t i = 0; i < w->n_instances; i++)
                if (w->instances[i].id > newest)
                        newest = w->instances[i].id;
        return newest;
}

static void lost(struct step *s, const struct world_member *m) {
        struct event e = { .kind = EVENT_LOST,
                           .severity = SEVERITY_WARNING,
                           .alarm = ALARM_KINDS,
                           .mark = newest_instance(s->before) };

        (void)str_copy(e.board, sizeof(e.board), m->name);
        (void)snprintf(e.text, sizeof(e.text), "%s does not answer any more", m->name);
        write_down(s, &e);
}

/* A new member is down until its first report: that is no return. */
static void came_or_went(struct step *s, const struct world_member *was,
                         const struct world_member *is) {
        const struct event *last = last_word(s->log, is->name);

        if (!str_eq(was->name, is->name))
                say(s, EVENT_RENAMED, SEVERITY_INFO, is->name, "%s is called %s now", was->name,
                    is->name);
        if (was->up && !is->up && !(last && last->kind == EVENT_LOST))
                lost(s, is);
        if (!was->up && is->up && !(last && last->kind != EVENT_LOST))
                say(s, EVENT_BACK, SEVERITY_INFO, is->name, "%s is back", is->name);
}

static void members(struct step *s) {
        for (uint32_t i = 0; i < s->before->n_members; i++) {
                const struct world_member *was = &s->before->members[i];
                const struct world_member *is = world_member(s->now, was->node);

                if (is)
                        came_or_went(s, was, is);
                else
                        say(s, EVENT_LEFT, SEVERITY_INFO, was->name,
                            "%s does not belong to the bramble any more", was->name);
        }
        for (uint32_t i = 0; i < s->now->n_members; i++) {
                const struct world_member *is = &s->now->members[i];

                if (!world_member(s->before, is->node))
                        say(s, EVENT_JOINED, SEVERITY_INFO, is->name, "%s has joined the bramble",
                            is->name);
        }
}

/* Taken out of use by a person, or given back. */
static void cordons(struct step *s) {
        for (uint32_t i = 0; i < s->now->n_members; i++) {
                const struct world_member *is = &s->now->members[i];
                const struct world_member *was = world_member(s->before, is->node);

                if (!was || was->cordoned == is->cordoned)
                        continue;
                say(s, EVENT_DRAINED, SEVERITY_INFO, is->name,
                    is->cordoned ? "%s is drained: what it carries moves elsewhere"
                                 : "%s may carry functions again",
                    is->name);
        }
}

/* A leader that was elected once more, after nobody led, counts too. */
static void leader(struct step *s, bool same_bramble) {
        const struct world *before = s->before, *now = s->now;
        const char *name = name_of(s, now->leader);

        if (same_bramble && before->leader == now->leader && before->term == now->term)
                return;
        if (same_bramble && before->leader && before->leader != now->leader)
                say(s, EVENT_ELECTED, SEVERITY_INFO, name,
                    "%s leads the bramble now, in place of %s (election %" PRIu64 ")", name,
                    name_of(s, before->leader), now->term);
        else
                say(s, EVENT_ELECTED, SEVERITY_INFO, name,
                    "%s leads the bramble (election %" PRIu64 ")", name, now->term);
}

static void master(struct step *s) {
        const struct world_member *old = world_member(s->now, s->before->master);
        const char *name = name_of(s, s->now->master);

        if (!s->before->master || !s->now->master || s->before->master == s->now->master)
                return;
        if (old && !old->up)
                say(s, EVENT_MOVED, SEVERITY_WARNING, name,
                    "%s is the master now, as %s does not answer", name, old->name);
        else
                say(s, EVENT_MOVED, SEVERITY_INFO, name, "%s is the master now, in place of %s",
                    name, name_of(s, s->before->master));
}

static void kubernetes(struct step *s) {
        const struct world_kube *was = &s->before->kube, *is = &s->now->kube;
        const char *plane = is->n_planes ? name_of(s, is->planes[0]) : "";

        if (is->off && !was->off)
                say(s, EVENT_KUBERNETES, SEVERITY_INFO, "", "Kubernetes was taken off the boards");
        else if (is->founded && !was->founded)
                say(s, EVENT_KUBERNETES, SEVERITY_INFO, plane,
                    "the Kubernetes cluster %s answers; its control plane is on %s", is->version,
                    plane[0] ? plane : "a board of its own");
        else if (is->epoch != was->epoch && is->n_planes)
                say(s, EVENT_KUBERNETES, SEVERITY_INFO, plane,
                    is->restore ? "the Kubernetes control plane is rebuilt on %s, from a snapshot"
                                : "a Kubernetes control plane is made on %s",
                    plane);
}

/* ---- functions ---------------------------------------------------------------------------------
 */

static void functions(struct step *s) {
        char name[2 * SIZE_NAME];

        for (uint32_t i = 0; i < s->before->n_functions; i++) {
                const struct world_function *was = &s->before->functions[i];

                if (!world_function(s->now, was->name, was->namespace))
                        say_function(s, EVENT_REMOVED, function_name(was, name), "",
                                     "%.100s was removed", name);
        }
        for (uint32_t i = 0; i < s->now->n_functions; i++) {
                const struct world_function *is = &s->now->functions[i];
                const struct world_function *was =
                        world_function(s->before, is->name, is->namespace);

                (void)function_name(is, name);
                if (!was)
                        say_function(s, EVENT_DEPLOYED, name, "", "%.80s was deployed, from %.80s",
                                     name, is->image);
                else if (was->generation != is->generation)
                        say_function(s, EVENT_DEPLOYED, name, "", "%.80s was updated, from %.80s",
                                     name, is->image);
                if (was && was->replicas != is->replicas)
                        say_function(s, EVENT_SCALED, name, "",
                                     "%.100s was scaled from %" PRIu32 " to %" PRIu32 " replicas",
                                     name, was->replicas, is->replicas);
        }
}

static const struct world_instance *instance(const struct world *w, uint32_t id) {
        for (uint32_t i = 0; i < w->n_instances; i++)
                if (w->instances[i].id == id)
                        return &w->instances[i];
        return NULL;
}

/* Replicas of one function that one board had to give away. */
struct move {
        const struct world_function *was, *is;
        const struct world_member *from;
        uint32_t n; /* gone from there */
        uint32_t after;
};

/* Where they are now: the newest replicas that are elsewhere and came after the loss. */
static void say_move(struct step *s, const struct move *m) {
        uint32_t f = (uint32_t)(m->is - s->now->functions), left = m->n, n = 0;
        const char *why = m->from->up ? "is drained" : "does not answer";
        char to[SIZE_NAME * 3] = "", name[2 * SIZE_NAME];
        const char *board = "";

        for (uint32_t i = s->now->n_instances; i-- > 0 && left > 0;) {
                const struct world_instance *in = &s->now->instances[i];
                const char *target = name_of(s, in->node);
                size_t len = strlen(to);

                if (in->function != f || in->node == m->from->node || in->id <= m->after)
                        continue;
                if (n > 0 && !strstr(to, target))
                        (void)snprintf(to + len, sizeof(to) - len, ", %s", target);
                else if (n == 0)
                        (void)snprintf(to, sizeof(to), "%s", board = target);
                n++;
                left--;
        }
        if (n == 0)
                return;
        (void)function_name(m->is, name);
        if (n == 1)
                say_function(s, EVENT_MOVED, name, board,
                             "%.60s moved from %.40s to %.40s, as %.40s %s", name, m->from->name,
                             to, m->from->name, why);
        else
                say_function(s, EVENT_MOVED, name, board,
                             "%" PRIu32 " replicas of %.50s moved from %.30s to %.60s, as %.30s %s",
                             n, name, m->from->name, to, m->from->name, why);
}

/* What a board that is away or drained had, others have now.  (Fewer replicas after scaling down,
 * or new ones of an update, are no moves.) */
static void moves_of(struct step *s, uint32_t function) {
        struct move m = { .is = &s->now->functions[function] };

        m.was = world_function(s->before, m.is->name, m.is->namespace);
        if (!m.was || m.was->generation != m.is->generation)
                return;
        for (uint32_t b = 0; b < s->now->n_members; b++) {
                const struct event *last;

                m.from = &s->now->members[b];
                m.n = 0;
                m.after = 0;
                if (m.from->up && !m.from->cordoned)
                        continue;
                for (uint32_t i = 0; i < s->before->n_instances; i++) {
                        const struct world_instance *in = &s->before->instances[i];

                        if (in->node != m.from->node ||
                            &s->before->functions[in->function] != m.was ||
                            instance(s->now, in->id))
                                continue;
                        m.n++;
                        m.after = in->id > m.after ? in->id : m.after;
                }
                last = m.n ? last_word(s->log, m.from->name) : NULL;
                if (last && last->kind == EVENT_LOST && last->mark > m.after)
                        m.after = last->mark;
                if (m.n)
                        say_move(s, &m);
        }
}

/* ---- alarms -------------------------------------------------------------------------------------
 */

static void say_alarm(struct step *s, enum event_kind kind, const struct world_alarm *alarm) {
        const char *board = name_of(s, alarm->node);
        struct event e = { .kind = kind, .alarm = alarm->kind };

        e.severity = kind == EVENT_ALERT ? alarm->severity : SEVERITY_INFO;
        (void)str_copy(e.board, sizeof(e.board), board);
        if (kind == EVENT_ALERT)
                (void)snprintf(e.text, sizeof(e.text), "%.36s: %s", board, alarm->text);
        else
                (void)snprintf(e.text, sizeof(e.text), "%.36s: %s is over", board,
                               alarm_name(alarm->kind));
        write_down(s, &e);
}

/* It is told when it gets worse, and when it is over or only worth knowing. */
static void alarms(struct step *s) {
        for (uint32_t i = 0; i < s->before->n_alarms; i++) {
                const struct world_alarm *was = &s->before->alarms[i];
                const struct world_alarm *is = world_alarm(s->now, was->node, was->kind);

                if (was->severity > SEVERITY_INFO && world_member(s->now, was->node) &&
                    (!is || is->severity <= SEVERITY_INFO))
                        say_alarm(s, EVENT_ALERT_OVER, was);
        }
        for (uint32_t i = 0; i < s->now->n_alarms; i++) {
                const struct world_alarm *is = &s->now->alarms[i];
                const struct world_alarm *was = world_alarm(s->before, is->node, is->kind);

                if (!was || was->severity < is->severity)
                        say_alarm(s, EVENT_ALERT, is);
        }
}

unsigned events_step(struct events *log, const struct world *before, const struct world *now,
                     struct event_time at) {
        struct step s = { .log = log, .before = before, .now = now, .at = at };
        bool same = before->bramble == now->bramble && before->n_members > 0;

        if (same)
                members(&s), cordons(&s);
        leader(&s, same);
        if (same) {
                master(&s);
                kubernetes(&s);
                functions(&s);
                for (uint32_t i = 0; i < now->n_functions; i++)
                        moves_of(&s, i);
        }
        if (same || now->n_alarms)
                alarms(&s);
        if (s.n >= EVENTS_STEP) {
                struct event more = { .kind = EVENT_SCALED,
                                      .severity = SEVERITY_INFO,
                                      .alarm = ALARM_KINDS };

                (void)snprintf(more.text, sizeof(more.text), "and %u more changes at once",
                               s.n - (EVENTS_STEP - 1));
                (void)events_add(log, now->term, at, &more);
                return EVENTS_STEP;
        }
        return s.n;
}
