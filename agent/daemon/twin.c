#include "daemon/twin.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "io/json.h"
#include "io/link.h"
#include "io/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void twin_seen(struct agent *a, const char *address) {
        if (log_once("same-node"))
                log_error("%s has this board's own serial: a copied card, or two boards of one "
                          "serial; only one of them can be a member",
                          address);
        (void)str_copy(a->twin, sizeof(a->twin), address);
}

static void tell(struct link *l, const char *address) {
        auto_json cJSON *o = cJSON_CreateObject();
        auto_free char *text = NULL;

        (void)cJSON_AddStringToObject(o, "verb", "twin");
        (void)cJSON_AddStringToObject(o, "address", address);
        text = cJSON_PrintUnformatted(o);
        if (text) /* stream 0 is no request's: its answer goes nowhere */
                (void)link_send(l, FRAME_REQUEST, 0, text, strlen(text));
}

void twin_refused(struct agent *a, uint64_t node, struct link *first, struct link *other) {
        const struct world_member *member = world_member(&a->world, node);
        char key[SIZE_ADDRESS + 8];

        (void)snprintf(key, sizeof(key), "twin-%s", link_address(other));
        if (log_once(key)) {
                log_error("%s has the serial of %s, which is there at %s: it is refused",
                          link_address(other), member ? member->name : "another board",
                          link_address(first));
                tell(first, link_address(other));
        }
        tell(other, link_address(first));
}

void verb_twin(struct request *q) {
        const char *address = json_text(q->args, "address", "");
        struct in_addr ip;

        if (inet_pton(AF_INET, address, &ip) != 1) {
                request_fail(q, 400, "that is no address");
                return;
        }
        twin_seen(q->agent, address);
        request_reply(q, cJSON_CreateObject());
}
