/* verb_flash - writes a card image to a card, and reads it back. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "io/card.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <unistd.h>

static void show(void *arg, uint64_t done) {
        progress_to(arg, done);
}

static int open_image(const struct cli *c, const char *path, int *ret_fd, uint64_t *ret_bytes) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        unsigned char end[2] = { 0 };
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return cli_fail(c, "cannot open %s: %s%s", cli_safe(path), strerror(errno),
                                errno == ENOENT ? " (make image makes one)" : "");
        /* the last two bytes of a partition table */
        if (!S_ISREG(st.st_mode) || pread(fd, end, 2, 510) != 2 || end[0] != 0x55 || end[1] != 0xaa)
                return cli_fail(c, "%s is no card image%s", cli_safe(path),
                                str_ends(path, ".xz") || str_ends(path, ".zip")
                                        ? ": unpack it first"
                                        : ": take one of make image, or of Raspberry Pi OS");
        *ret_bytes = (uint64_t)st.st_size;
        *ret_fd = take_fd(&fd);
        return CLI_DONE;
}

/* A link like /dev/disk/by-id/... is followed: what counts is the disk's own name. */
static int look(const struct cli *c, const char *path, struct card *card, uint64_t bytes) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        auto_free char *real = realpath(path, NULL);
        struct fail f = { 0 };

        if (!real)
                return cli_fail(c, "cannot open %s: %s (lsblk lists the disks)", cli_safe(path),
                                strerror(errno));
        if (!str_starts(real, "/dev/"))
                return cli_fail(c, "%s is no disk: lsblk lists them", cli_safe(path));
        if (card_look(root, real + 5, card, &f) < 0 || card_refuse(card, bytes, &f) < 0)
                return cli_fail(c, "%s", fail_text(&f));
        return CLI_DONE;
}

static bool agreed(const struct card *card, bool yes) {
        char answer[8] = "", size[16];

        if (yes)
                return true;
        if (!cli_on_terminal(STDIN_FILENO))
                return false;
        fprintf(stderr,
                "Everything on /dev/%s (%s, %s) will be gone.  Type yes to go on: ", card->disk,
                card->model[0] ? cli_safe(card->model) : "no model", str_size(size, card->bytes));
        return fgets(answer, sizeof(answer), stdin) && str_eq(answer, "yes\n");
}

static int write_card(const struct cli *c, int image, int disk, uint64_t bytes) {
        struct progress p;
        struct fail f = { 0 };
        int r;

        progress_begin(&p, "writing", bytes);
        r = card_write(image, disk, bytes, show, &p, &f);
        progress_end(&p);
        if (r < 0)
                return cli_fail(c, "%s", fail_text(&f));
        (void)ioctl(disk, BLKFLSBUF, 0);
        progress_begin(&p, "reading back", bytes);
        r = card_verify(image, disk, bytes, show, &p, &f);
        progress_end(&p);
        if (r < 0)
                return cli_fail(c, "%s", fail_text(&f));
        (void)ioctl(disk, BLKRRPART, 0); /* so that the boot partition can be opened at once */
        return CLI_DONE;
}

int verb_flash(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "yes", no_argument, NULL, 'y' }, { 0 } };
        auto_close int image = -EBADF, disk = -EBADF;
        struct card card;
        uint64_t bytes = 0;
        bool yes = false;
        int o, r;

        while ((o = getopt_long(argc, argv, "y", options, NULL)) != -1) {
                if (o != 'y')
                        return cli_misused(c, argv[0], "this option is not known");
                yes = true;
        }
        if (optind + 2 != argc)
                return cli_misused(c, argv[0], "flash takes an image and a disk");
        if ((r = open_image(c, argv[optind], &image, &bytes)) != CLI_DONE ||
            (r = look(c, argv[optind + 1], &card, bytes)) != CLI_DONE)
                return r;
        if (!agreed(&card, yes))
                return cli_fail(c, "nothing was written: answer yes, or say --yes");
        /* O_EXCL on a disk: nobody may have mounted it since */
        disk = open(argv[optind + 1], O_RDWR | O_EXCL | O_CLOEXEC);
        if (disk < 0)
                return cli_fail(c, "cannot open /dev/%s: %s%s", card.disk, strerror(errno),
                                errno == EACCES  ? " (as root, or in group disk)"
                                : errno == EBUSY ? " (somebody uses it: unmount it first)"
                                                 : "");
        r = write_card(c, image, disk, bytes);
        if (r != CLI_DONE)
                return r;
        if (c->json) {
                cJSON *all = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(all, "disk", card.disk);
                (void)cJSON_AddNumberToObject(all, "bytes", (double)bytes);
                return cli_print_json(all);
        }
        printf("%s is on /dev/%s, and was read back: the card can be pulled out\n",
               cli_safe(argv[optind]), card.disk);
        return CLI_DONE;
}
