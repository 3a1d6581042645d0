/* ui_diff - what the dashboard shows, as objects with fields, and what changed between two such
 * pictures as JSON.  Values are JSON texts and are compared as they are.  Pure. */
#ifndef BRAMBLE_CORE_UI_DIFF_H
#define BRAMBLE_CORE_UI_DIFF_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        UI_PICTURE_BYTES = 4 * 1024 * 1024, /* of all names and values */
        UI_PICTURE_OBJECTS = 1024,          /* boards and functions */
        UI_PICTURE_FIELDS = 32 * 1024,
};

enum ui_section {
        UI_TOP,       /* one object: its fields stand by themselves */
        UI_BOARDS,    /* known by their first field: "id" */
        UI_FUNCTIONS, /* by their first two: "name" and "namespace" */
        UI_SECTIONS,
};

struct ui_span { /* in 'text' */
        uint32_t at, len;
};

struct ui_field {
        struct ui_span name, value;
};

struct ui_object {
        enum ui_section section;
        struct ui_span key; /* JSON: how 'gone' calls it */
        uint32_t first, n;  /* fields */
};

/* All zero is an empty one. */
struct ui_picture {
        struct buf text;
        size_t n_objects, objects_capacity, n_fields, fields_capacity;
        struct ui_object *objects;
        struct ui_field *fields;
};

void ui_picture_done(struct ui_picture *p);
/* Nothing is in it any more; the memory stays for the next. */
void ui_picture_empty(struct ui_picture *p);

/* Begins an object; 'key' is JSON.  Sections come in their order.  -ENOMEM, -EMSGSIZE. */
int ui_picture_object(struct ui_picture *p, enum ui_section section, const char *key);
/* Adds a field to it; 'name' needs no escape, 'value' is JSON. */
int ui_picture_field(struct ui_picture *p, const char *name, const char *value);

/* Gives a field of the first object another value; no-op where there is none of that name. */
int ui_picture_set(struct ui_picture *p, const char *name, const char *value);

/* The whole picture as one JSON object.  -ENOMEM, -EMSGSIZE. */
int ui_picture_print(const struct ui_picture *p, struct buf *out);
/* What is other in 'now' than in 'before', in the same shape: objects with the fields that they are
 * known by and those that changed, fields that are gone as null, and "gone".  1: something is;
 * 0: nothing, and nothing was appended.  -ENOMEM, -EMSGSIZE. */
int ui_picture_change(const struct ui_picture *before, const struct ui_picture *now,
                      struct buf *out);

#endif
