#include "io/sensors_power.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/report.h"
#include "io/sensors_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* drivers/char/broadcom/vcio.c: the size in the number is that of a pointer */
#define MAILBOX_PROPERTY _IOWR(100, 0, char *)

enum {
        TAG_GET_THROTTLED = 0x00030046,
        MAILBOX_SUCCESS = (int)0x80000000,
        TAG_ANSWERED = (int)0x80000000,
};

void sensors_mailbox_ask(uint32_t ret[static MAILBOX_WORDS]) {
        const uint32_t ask[MAILBOX_WORDS] = {
                MAILBOX_WORDS * 4, 0, TAG_GET_THROTTLED, 4, 0, 0 /* sticky bits to clear */, 0,
        };

        memcpy(ret, ask, sizeof(ask));
}

uint32_t sensors_mailbox_answer(const uint32_t answer[static MAILBOX_WORDS]) {
        if (answer[1] != (uint32_t)MAILBOX_SUCCESS || answer[2] != TAG_GET_THROTTLED ||
            answer[4] != ((uint32_t)TAG_ANSWERED | 4))
                return 0;
        return (answer[5] & POWER_FIRMWARE_BITS) | POWER_KNOWN;
}

static uint32_t read_mailbox(int fd) {
        /* the firmware takes the address without its lowest four bits */
        uint32_t words[8] __attribute__((aligned(16))) = { 0 };

        if (fd < 0)
                return 0;
        sensors_mailbox_ask(words);
        if (ioctl(fd, MAILBOX_PROPERTY, words) < 0)
                return 0;
        return sensors_mailbox_answer(words);
}

static void find_alarm(struct sensors_power *p, int root_fd) {
        int fd = openat(root_fd, "sys/class/hwmon", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *entry;

        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return;
        }
        while (!p->alarm[0] && (entry = readdir(dir))) {
                char path[64], name[16];

                if (entry->d_name[0] == '.' || strlen(entry->d_name) > 16)
                        continue;
                (void)snprintf(path, sizeof(path), "sys/class/hwmon/%.16s/name", entry->d_name);
                if (sensors_file_read(root_fd, path, name, sizeof(name)) > 0 &&
                    str_eq(name, "rpi_volt\n"))
                        (void)snprintf(p->alarm, sizeof(p->alarm),
                                       "sys/class/hwmon/%.16s/in0_lcrit_alarm", entry->d_name);
        }
        (void)closedir(dir);
}

void sensors_power_open(struct sensors_power *p, int root_fd, bool hwmon) {
        struct stat st;

        *p = (struct sensors_power){
                .mailbox = openat(root_fd, "dev/vcio", O_RDONLY | O_CLOEXEC | O_NONBLOCK),
        };
        if (p->mailbox >= 0 && (fstat(p->mailbox, &st) < 0 || !S_ISCHR(st.st_mode)))
                sensors_power_close(p);
        if (hwmon)
                find_alarm(p, root_fd);
}

void sensors_power_close(struct sensors_power *p) {
        if (p->mailbox >= 0)
                (void)close(p->mailbox);
        p->mailbox = -1;
}

uint32_t sensors_power_read(const struct sensors_power *p, int root_fd) {
        uint32_t bits = read_mailbox(p->mailbox);
        uint64_t alarm;

        if (bits != 0 || !p->alarm[0] || sensors_file_number(root_fd, p->alarm, &alarm) < 0)
                return bits;
        return POWER_KNOWN | (alarm ? POWER_UNDER_VOLTAGE : 0); /* of the last two seconds */
}
