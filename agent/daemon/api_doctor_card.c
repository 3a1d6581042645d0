/* api_doctor_card - what is wrong with the card, its settings and the board under it, as far as
 * the person who flashed it can help. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/agent.h"
#include "daemon/api_doctor.h"
#include "daemon/kube_private.h"
#include "io/first_boot.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A bramble without the Internet lives with a clock that nobody set; one from before this program
 * was made is wrong for certain. */
static void add_clock(cJSON *array) {
        bool set = access("/run/systemd/timesync/synchronized", F_OK) == 0;
        time_t now = time(NULL);
        char date[32] = "?", text[SIZE_REASON];
        struct tm tm;

        if (gmtime_r(&now, &tm))
                (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
        (void)snprintf(text, sizeof(text), "%s%s", date,
                       set ? ", set from the network"
                           : ", not set from the network since the start");
        doctor_add(array, "clock", (int64_t)now >= BRAMBLE_BUILT, text,
                   "a Pi has no clock of its own: without the Internet name a time server of this "
                   "network as time_servers in bramble.conf on the boot partition");
}

static void add_serial(struct agent *a, cJSON *array) {
        char text[SIZE_REASON];

        if (a->twin[0])
                (void)snprintf(text, sizeof(text), "%s calls itself this board (%016llx)", a->twin,
                               (unsigned long long)a->board.node);
        else
                (void)snprintf(text, sizeof(text), "%016llx, seen at no other board",
                               (unsigned long long)a->board.node);
        doctor_add(array, "serial", !a->twin[0], text,
                   "a copied card shows so, and two boards with one serial: switch the other one "
                   "off, flash its card anew, then restart the agent of this board");
}

static void on_problem(void *arg, const char *what, const char *text, const char *advice) {
        char name[64];

        (void)snprintf(name, sizeof(name), "card: %s", what);
        doctor_add(arg, name, false, text, advice);
}

void doctor_add_card(struct agent *a, cJSON *array) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        add_clock(array);
        add_serial(a, array);
        if (root >= 0)
                (void)first_boot_problems(root, on_problem, array);
}
