#include "gateway/slots.h"

static void on_idle(uv_idle_t *idle) {
        struct slots *s = container_of(idle, struct slots, idle);

        while (!list_empty(&s->freed)) {
                struct function *fn = container_of(s->freed.next, struct function, freed);

                list_remove(&fn->freed);
                function_wake(fn);
                function_unref(fn);
        }
        (void)uv_idle_stop(idle);
}

void slots_init(struct slots *s, uv_loop_t *loop) {
        (void)uv_idle_init(loop, &s->idle);
        list_init(&s->freed);
}

void slots_close(struct slots *s) {
        while (!list_empty(&s->freed)) {
                struct function *fn = container_of(s->freed.next, struct function, freed);

                list_remove(&fn->freed);
                function_unref(fn);
        }
        if (!uv_is_closing((uv_handle_t *)&s->idle))
                uv_close((uv_handle_t *)&s->idle, NULL);
}

void slots_freed(struct slots *s, struct function *fn) {
        if (fn->n_waiting == 0 || fn->freed.next != &fn->freed ||
            uv_is_closing((uv_handle_t *)&s->idle))
                return;
        list_append(&s->freed, &function_ref(fn)->freed);
        (void)uv_idle_start(&s->idle, on_idle);
}
