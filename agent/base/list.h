/* list - a doubly linked list threaded through its members. */
#ifndef BRAMBLE_BASE_LIST_H
#define BRAMBLE_BASE_LIST_H

#include "base/scope.h"

#include <stdbool.h>

/* A head and a member's link look alike; a head alone points at itself. */
struct list {
        struct list *next;
        struct list *prev;
};

static inline void list_init(struct list *l) {
        l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head) {
        return head->next == head;
}

static inline void list_append(struct list *head, struct list *item) {
        item->prev = head->prev;
        item->next = head;
        head->prev->next = item;
        head->prev = item;
}

/* Safe to call twice: a removed item is a list of its own. */
static inline void list_remove(struct list *item) {
        item->prev->next = item->next;
        item->next->prev = item->prev;
        list_init(item);
}

/* Walks the members; 'i' may be removed (and freed) inside the loop, its successor may not. */
#define list_each(i, next_i, head, member)                                 \
        for (i = container_of((head)->next, __typeof__(*i), member),       \
            next_i = container_of(i->member.next, __typeof__(*i), member); \
             &i->member != (head);                                         \
             i = next_i, next_i = container_of(i->member.next, __typeof__(*i), member))

#endif
