#include "core/ui_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A picture from lines "section key" and " name value". */
static struct ui_picture paint(const char *const *lines) {
        struct ui_picture p = { 0 };

        for (; *lines; lines++) {
                char name[64], value[64];

                if (sscanf(*lines, " %63s %63[^\n]", name, value) != 2)
                        fail_msg("bad line %s", *lines);
                if ((*lines)[0] == ' ')
                        assert_int_equal(ui_picture_field(&p, name, value), 0);
                else
                        assert_int_equal(ui_picture_object(&p,
                                                           name[0] == 't'   ? UI_TOP
                                                           : name[0] == 'b' ? UI_BOARDS
                                                                            : UI_FUNCTIONS,
                                                           value),
                                         0);
        }
        return p;
}

static const char *const first[] = {
        "t -",       " cluster \"home\"",    " watts null",      "b \"1\"",     " id \"1\"",
        " cpu 5",    " memory {\"free\":1}", "b \"2\"",          " id \"2\"",   " cpu 7",
        "f \"a.n\"", " name \"a\"",          " namespace \"n\"", " replicas 1", NULL,
};

static void prints(void **state) {
        struct ui_picture p = paint(first), none = { 0 };
        struct buf b = { 0 };

        (void)state;
        assert_int_equal(ui_picture_print(&p, &b), 0);
        assert_string_equal(b.data,
                            "{\"cluster\":\"home\",\"watts\":null,\"boards\":[{\"id\":\"1\","
                            "\"cpu\":5,\"memory\":{\"free\":1}},{\"id\":\"2\",\"cpu\":7}],"
                            "\"functions\":[{\"name\":\"a\",\"namespace\":\"n\","
                            "\"replicas\":1}]}");
        b.len = 0;
        assert_int_equal(ui_picture_print(&none, &b), 0);
        assert_string_equal(b.data, "{\"boards\":[],\"functions\":[]}");
        buf_done(&b);
        ui_picture_done(&p);
}

static void check(const char *const *before, const char *const *now, const char *want) {
        struct ui_picture a = paint(before), b = paint(now);
        struct buf out = { 0 };
        int r;

        assert_int_equal(buf_add_text(&out, "="), 0);
        r = ui_picture_change(&a, &b, &out);
        assert_int_equal(r, want ? 1 : 0);
        assert_string_equal(out.data + 1, want ? want : out.data + 1);
        if (!want)
                assert_int_equal(out.len, 1);
        buf_done(&out);
        ui_picture_done(&a);
        ui_picture_done(&b);
}

static void changes(void **state) {
        static const char *const cpu[] = {
                "t -",       " cluster \"home\"",    " watts null",      "b \"1\"",     " id \"1\"",
                " cpu 6",    " memory {\"free\":1}", "b \"2\"",          " id \"2\"",   " cpu 7",
                "f \"a.n\"", " name \"a\"",          " namespace \"n\"", " replicas 1", NULL,
        };
        static const char *const all[] = {
                "t -",         " cluster \"home\"", " watts 3",    "b \"2\"", " id \"2\"",
                " cpu 8",      "b \"3\"",           " id \"3\"",   " cpu 1",  "f \"a.n\"",
                " name \"a\"", " namespace \"n\"",  " replicas 2", NULL,
        };
        static const char *const emptied[] = { "t -", " cluster \"home\"", " watts null", NULL };
        static const char *const no_memory[] = {
                "t -",         " cluster \"home\"", " watts null", "b \"1\"", " id \"1\"",
                " cpu 5",      "b \"2\"",           " id \"2\"",   " cpu 7",  "f \"a.n\"",
                " name \"a\"", " namespace \"n\"",  " replicas 1", NULL,
        };

        (void)state;
        check(first, first, NULL);
        check(first, cpu, "{\"boards\":[{\"id\":\"1\",\"cpu\":6}]}");
        check(first, all,
              "{\"watts\":3,\"boards\":[{\"id\":\"2\",\"cpu\":8},{\"id\":\"3\",\"cpu\":1}],"
              "\"functions\":[{\"name\":\"a\",\"namespace\":\"n\",\"replicas\":2}],"
              "\"gone\":{\"boards\":[\"1\"]}}");
        check(first, emptied, "{\"gone\":{\"boards\":[\"1\",\"2\"],\"functions\":[\"a.n\"]}}");
        check(emptied, first,
              "{\"boards\":[{\"id\":\"1\",\"cpu\":5,\"memory\":{\"free\":1}},{\"id\":\"2\","
              "\"cpu\":7}],\"functions\":[{\"name\":\"a\",\"namespace\":\"n\","
              "\"replicas\":1}]}");
        check(first, no_memory, "{\"boards\":[{\"id\":\"1\",\"memory\":null}]}");
        check(no_memory, first, "{\"boards\":[{\"id\":\"1\",\"memory\":{\"free\":1}}]}");
}

static void sets(void **state) {
        struct ui_picture p = paint(first), q = paint(first);
        struct buf b = { 0 };

        (void)state;
        assert_int_equal(ui_picture_set(&p, "watts", "false"), 0);
        assert_int_equal(ui_picture_set(&p, "nothing", "1"), 0);
        assert_int_equal(ui_picture_change(&q, &p, &b), 1);
        assert_string_equal(b.data, "{\"watts\":false}");
        ui_picture_empty(&p);
        assert_int_equal(ui_picture_set(&p, "watts", "true"), 0);
        buf_done(&b);
        ui_picture_done(&p);
        ui_picture_done(&q);
}

static void limits(void **state) {
        struct ui_picture p = { 0 };
        unsigned n = 0;

        (void)state;
        while (ui_picture_object(&p, UI_BOARDS, "\"x\"") == 0)
                n++;
        assert_int_equal(n, UI_PICTURE_OBJECTS);
        for (n = 0; ui_picture_field(&p, "a", "1") == 0;)
                n++;
        assert_int_equal(n, UI_PICTURE_FIELDS);
        ui_picture_done(&p);
}

/* Applies changes as a page does, to see that it ends where the picture is. */
struct page {
        unsigned n;
        struct {
                char id[8], cpu[8];
        } boards[8];
};

static void apply(struct page *page, const char *json) {
        for (const char *at = json; (at = strstr(at, "{\"id\":\""));) {
                char id[8], cpu[8] = "";
                unsigned i = 0;

                assert_true(sscanf(at, "{\"id\":\"%7[^\"]\",\"cpu\":%7[0-9]", id, cpu) >= 1);
                while (i < page->n && strcmp(page->boards[i].id, id) != 0)
                        i++;
                if (i == page->n)
                        strcpy(page->boards[page->n++].id, id);
                if (cpu[0])
                        strcpy(page->boards[i].cpu, cpu);
                at++;
        }
        for (const char *at = strstr(json, "\"gone\":{\"boards\":[");
             at && (at = strchr(at + 1, '"'));) {
                char id[8];

                if (sscanf(at, "\"%7[0-9]\"", id) != 1)
                        continue;
                for (unsigned i = 0; i < page->n; i++)
                        if (strcmp(page->boards[i].id, id) == 0)
                                page->boards[i] = page->boards[--page->n];
        }
}

static void random_walk(void **state) {
        struct ui_picture none = { 0 }, pictures[2] = { none, none };
        struct page page = { 0 };
        unsigned seed = 7;

        (void)state;
        for (unsigned step = 1; step < 2000; step++) {
                struct ui_picture *now = &pictures[step % 2], *before = &pictures[!(step % 2)];
                struct buf b = { 0 };
                unsigned n = 0;
                char want[8][8] = { "" };

                ui_picture_empty(now);
                for (unsigned i = 0; i < 6; i++) {
                        char id[8], cpu[8];

                        seed = seed * 1103515245 + 12345;
                        if ((seed >> 16) % 3 == 0)
                                continue;
                        (void)snprintf(id, sizeof(id), "\"%u\"", i);
                        (void)snprintf(cpu, sizeof(cpu), "%u", (seed >> 20) % 3);
                        assert_int_equal(ui_picture_object(now, UI_BOARDS, id), 0);
                        assert_int_equal(ui_picture_field(now, "id", id), 0);
                        assert_int_equal(ui_picture_field(now, "cpu", cpu), 0);
                        strcpy(want[i], cpu);
                        n++;
                }
                if (ui_picture_change(before, now, &b) == 1)
                        apply(&page, b.data);
                buf_done(&b);
                assert_int_equal(page.n, n);
                for (unsigned i = 0; i < page.n; i++)
                        assert_string_equal(page.boards[i].cpu, want[atoi(page.boards[i].id)]);
        }
        ui_picture_done(&pictures[0]);
        ui_picture_done(&pictures[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(prints), cmocka_unit_test(changes),     cmocka_unit_test(sets),
                cmocka_unit_test(limits), cmocka_unit_test(random_walk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
