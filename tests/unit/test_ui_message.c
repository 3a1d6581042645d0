#include "gateway/ui_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* What a browser makes of a gzip stream that goes on and on. */
static void unpacked(const struct buf *stream, const char *want) {
        char out[4096] = "";
        z_stream z = { .next_in = (Bytef *)stream->data,
                       .avail_in = (uInt)stream->len,
                       .next_out = (Bytef *)out,
                       .avail_out = sizeof(out) - 1 };

        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK); /* all is out, and more may come */
        assert_int_equal(z.avail_in, 0);
        assert_string_equal(out, want);
        (void)inflateEnd(&z);
}

static struct ui_message *message(const char *event, const char *data) {
        struct ui_message *m = ui_message_begin(event);

        assert_non_null(m);
        assert_int_equal(buf_add_text(&m->plain, data), 0);
        assert_int_equal(ui_message_end(m), 0);
        return m;
}

static void packs(void **state) {
        struct ui_message *one = message("state", "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
        struct ui_message *two = message("change", "{\"a\":1}"), *beat = ui_message_text(":\n\n");
        struct ui_packer packer = { 0 };
        const struct buf *bytes, *again;
        struct buf stream = { 0 };

        (void)state;
        assert_int_equal(ui_message_bytes(one, false, &packer, &bytes), 0);
        assert_string_equal(bytes->data, "event: state\ndata: "
                                         "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n\n");
        assert_int_equal(buf_add(&stream, ui_message_gzip_head, UI_GZIP_HEAD), 0);
        assert_int_equal(ui_message_bytes(two, true, &packer, &bytes), 0);
        assert_int_equal(ui_message_bytes(one, true, &packer, &again), 0);
        assert_int_equal(buf_add(&stream, again->data, again->len), 0); /* in another order */
        assert_int_equal(buf_add(&stream, bytes->data, bytes->len), 0);
        assert_int_equal(ui_message_bytes(beat, true, &packer, &bytes), 0);
        assert_int_equal(buf_add(&stream, bytes->data, bytes->len), 0);
        assert_int_equal(ui_message_bytes(one, true, &packer, &bytes), 0);
        assert_ptr_equal(bytes, again); /* made once */
        unpacked(&stream, "event: state\ndata: {\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n\n"
                          "event: change\ndata: {\"a\":1}\n\n:\n\n");
        ui_message_unref(ui_message_ref(one));
        ui_message_unref(one);
        ui_message_unref(two);
        ui_message_unref(beat);
        ui_message_unref(NULL);
        ui_packer_done(&packer);
        ui_packer_done(&packer);
        buf_done(&stream);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(packs) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
