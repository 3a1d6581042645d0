#include "core/ui_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name;
        uint32_t n_known_by;
} sections[UI_SECTIONS] = {
        [UI_TOP] = { NULL, 0 },
        [UI_BOARDS] = { "boards", 1 },
        [UI_FUNCTIONS] = { "functions", 2 },
};

void ui_picture_done(struct ui_picture *p) {
        buf_done(&p->text);
        free(p->objects);
        free(p->fields);
        *p = (struct ui_picture){ 0 };
}

void ui_picture_empty(struct ui_picture *p) {
        p->text.len = 0;
        p->n_objects = p->n_fields = 0;
}

/* ---- filling ----------------------------------------------------------------------------------
 */

static int add_span(struct ui_picture *p, const char *text, struct ui_span *ret) {
        size_t len = strlen(text);
        int r;

        p->text.limit = UI_PICTURE_BYTES;
        r = buf_add(&p->text, text, len);
        if (r == 0)
                *ret = (struct ui_span){ (uint32_t)(p->text.len - len), (uint32_t)len };
        return r;
}

/* Room for one more of 'size' bytes behind 'n'. */
static int grow(void **items, size_t n, size_t *capacity, size_t most, size_t size) {
        size_t want = *capacity ? *capacity * 2 : 32;
        void *grown;

        if (n < *capacity)
                return 0;
        if (n >= most)
                return -EMSGSIZE;
        grown = reallocarray(*items, want, size);
        if (!grown)
                return -ENOMEM;
        *items = grown;
        *capacity = want;
        return 0;
}

int ui_picture_object(struct ui_picture *p, enum ui_section section, const char *key) {
        void *items = p->objects;
        struct ui_span span;
        int r = grow(&items, p->n_objects, &p->objects_capacity, UI_PICTURE_OBJECTS,
                     sizeof(*p->objects));

        p->objects = items;
        if (r == 0)
                r = add_span(p, key, &span);
        if (r == 0)
                p->objects[p->n_objects++] = (struct ui_object){ .section = section,
                                                                 .key = span,
                                                                 .first = (uint32_t)p->n_fields };
        return r;
}

int ui_picture_field(struct ui_picture *p, const char *name, const char *value) {
        struct ui_field field;
        void *items = p->fields;
        int r = grow(&items, p->n_fields, &p->fields_capacity, UI_PICTURE_FIELDS,
                     sizeof(*p->fields));

        p->fields = items;
        if (r == 0)
                r = add_span(p, name, &field.name);
        if (r == 0)
                r = add_span(p, value, &field.value);
        if (r < 0)
                return r;
        p->fields[p->n_fields++] = field;
        p->objects[p->n_objects - 1].n++;
        return 0;
}

int ui_picture_set(struct ui_picture *p, const char *name, const char *value) {
        size_t len = strlen(name), n = p->n_objects > 0 ? p->objects[0].n : 0;

        for (size_t i = 0; i < n; i++) {
                struct ui_field *f = &p->fields[p->objects[0].first + i];

                if (f->name.len == len && memcmp(p->text.data + f->name.at, name, len) == 0)
                        return add_span(p, value, &f->value);
        }
        return 0;
}

/* ---- printing ---------------------------------------------------------------------------------
 */

static bool same_text(const struct ui_picture *a, const struct ui_span *x,
                      const struct ui_picture *b, const struct ui_span *y) {
        return x->len == y->len && memcmp(a->text.data + x->at, b->text.data + y->at, x->len) == 0;
}

static int add_field(const struct ui_picture *p, const struct ui_field *f, bool gone, bool *first,
                     struct buf *out) {
        int r = *first ? 0 : buf_add(out, ",", 1);

        *first = false;
        if (r == 0)
                r = buf_add(out, "\"", 1);
        if (r == 0)
                r = buf_add(out, p->text.data + f->name.at, f->name.len);
        if (r == 0)
                r = buf_add(out, "\":", 2);
        if (r < 0)
                return r;
        return gone ? buf_add(out, "null", 4)
                    : buf_add(out, p->text.data + f->value.at, f->value.len);
}

/* The field of that name in the object, tried first at 'at', where it was the last time. */
static const struct ui_field *field_of(const struct ui_picture *p, const struct ui_object *o,
                                       uint32_t at, const struct ui_picture *of,
                                       const struct ui_span *name) {
        const struct ui_field *fields = p->fields + o->first;

        if (at < o->n && same_text(p, &fields[at].name, of, name))
                return &fields[at];
        for (uint32_t i = 0; i < o->n; i++)
                if (same_text(p, &fields[i].name, of, name))
                        return &fields[i];
        return NULL;
}

static const struct ui_object *object_of(const struct ui_picture *p, size_t at,
                                         const struct ui_picture *of, const struct ui_object *o) {
        if (at < p->n_objects && p->objects[at].section == o->section &&
            same_text(p, &p->objects[at].key, of, &o->key))
                return &p->objects[at];
        for (size_t i = 0; i < p->n_objects; i++)
                if (p->objects[i].section == o->section &&
                    same_text(p, &p->objects[i].key, of, &o->key))
                        return &p->objects[i];
        return NULL;
}

struct differ {
        const struct ui_picture *before, *now; /* 'before' NULL: all is new */
        struct buf *out;
        bool any;               /* something was said, at the top */
        bool open[UI_SECTIONS]; /* its array has begun */
        enum ui_section in;     /* the array that is open; UI_TOP: none */
};

static bool field_changed(const struct differ *d, const struct ui_object *was,
                          const struct ui_object *o, uint32_t i) {
        const struct ui_field *f = &d->now->fields[o->first + i], *old;

        if (!was)
                return true;
        old = field_of(d->before, was, i, d->now, &f->name);
        return !old || !same_text(d->before, &old->value, d->now, &f->value);
}

static bool object_changed(const struct differ *d, const struct ui_object *was,
                           const struct ui_object *o) {
        if (!was || was->n != o->n)
                return true;
        for (uint32_t i = 0; i < o->n; i++)
                if (field_changed(d, was, o, i))
                        return true;
        return false;
}

/* Fields that 'was' had and 'o' has not. */
static int add_gone_fields(const struct differ *d, const struct ui_object *was,
                           const struct ui_object *o, bool *first) {
        int r = 0;

        for (uint32_t i = 0; was && i < was->n && r == 0; i++) {
                const struct ui_field *f = &d->before->fields[was->first + i];

                if (!field_of(d->now, o, i, d->before, &f->name))
                        r = add_field(d->before, f, true, first, d->out);
        }
        return r;
}

static int add_fields(const struct differ *d, const struct ui_object *was,
                      const struct ui_object *o, bool *first) {
        int r = 0;

        for (uint32_t i = 0; i < o->n && r == 0; i++)
                if (i < sections[o->section].n_known_by || field_changed(d, was, o, i))
                        r = add_field(d->now, &d->now->fields[o->first + i], false, first, d->out);
        return r < 0 ? r : add_gone_fields(d, was, o, first);
}

static int close_section(struct differ *d) {
        int r = d->in != UI_TOP ? buf_add(d->out, "]", 1) : 0;

        d->in = UI_TOP;
        return r;
}

static int open_section(struct differ *d, enum ui_section section) {
        int r;

        if (d->in == section)
                return buf_add(d->out, ",", 1);
        r = close_section(d);
        if (r == 0)
                r = buf_printf(d->out, "%s\"%s\":[", d->any ? "," : "", sections[section].name);
        d->in = section;
        d->any = d->open[section] = true;
        return r;
}

static int add_object(struct differ *d, size_t at) {
        const struct ui_object *o = &d->now->objects[at];
        const struct ui_object *was = d->before ? object_of(d->before, at, d->now, o) : NULL;
        bool first = true;
        int r;

        if (!object_changed(d, was, o))
                return 0;
        if (o->section == UI_TOP) {
                first = !d->any;
                r = add_fields(d, was, o, &first);
                d->any = !first;
                return r;
        }
        r = open_section(d, o->section);
        if (r == 0)
                r = buf_add(d->out, "{", 1);
        if (r == 0)
                r = add_fields(d, was, o, &first);
        return r < 0 ? r : buf_add(d->out, "}", 1);
}

static int add_gone_section(struct differ *d, enum ui_section section, bool *begun) {
        bool first = true;
        int r = 0;

        for (size_t i = 0; i < d->before->n_objects && r == 0; i++) {
                const struct ui_object *o = &d->before->objects[i];

                if (o->section != section || object_of(d->now, i, d->before, o))
                        continue;
                if (first) {
                        r = buf_printf(d->out, "%s\"%s\":[",
                                       *begun   ? ","
                                       : d->any ? ",\"gone\":{"
                                                : "\"gone\":{",
                                       sections[section].name);
                        d->any = *begun = true;
                } else {
                        r = buf_add(d->out, ",", 1);
                }
                first = false;
                if (r == 0)
                        r = buf_add(d->out, d->before->text.data + o->key.at, o->key.len);
        }
        return r < 0 || first ? r : buf_add(d->out, "]", 1);
}

static int add_gone(struct differ *d) {
        bool begun = false;
        int r = add_gone_section(d, UI_BOARDS, &begun);

        if (r == 0)
                r = add_gone_section(d, UI_FUNCTIONS, &begun);
        return r < 0 || !begun ? r : buf_add(d->out, "}", 1);
}

/* A whole picture has both arrays, though nothing be in them. */
static int add_empty_sections(struct differ *d) {
        int r = 0;

        for (enum ui_section s = UI_BOARDS; s < UI_SECTIONS && r == 0; s++) {
                if (d->open[s])
                        continue;
                r = buf_printf(d->out, "%s\"%s\":[]", d->any ? "," : "", sections[s].name);
                d->any = true;
        }
        return r;
}

static int print(struct differ *d) {
        int r = buf_add(d->out, "{", 1);

        for (size_t i = 0; i < d->now->n_objects && r == 0; i++)
                r = add_object(d, i);
        if (r == 0)
                r = close_section(d);
        if (r == 0)
                r = d->before ? add_gone(d) : add_empty_sections(d);
        return r < 0 ? r : buf_add(d->out, "}", 1);
}

int ui_picture_print(const struct ui_picture *p, struct buf *out) {
        struct differ d = { .now = p, .out = out };

        return print(&d);
}

int ui_picture_change(const struct ui_picture *before, const struct ui_picture *now,
                      struct buf *out) {
        struct differ d = { .before = before, .now = now, .out = out };
        size_t len = out->len;
        int r = print(&d);

        if (r == 0 && d.any)
                return 1;
        out->len = len;
        return r;
}
