#include "io/sensors_card.h"

#include "io/sensors_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* sys/dev/block/179:2 leads to .../mmcblk0/mmcblk0p2, whose last part is the device's name. */
static uint64_t errors_of(int root_fd, dev_t device) {
        char link[48], path[512], target[256], *name;
        uint64_t n = 0;
        ssize_t len;

        (void)snprintf(link, sizeof(link), "sys/dev/block/%u:%u", major(device), minor(device));
        len = readlinkat(root_fd, link, target, sizeof(target) - 1);
        if (len <= 0)
                return 0;
        target[len] = '\0';
        name = strrchr(target, '/');
        name = name ? name + 1 : target;
        (void)snprintf(path, sizeof(path), "sys/fs/ext4/%s/errors_count", name);
        return sensors_file_number(root_fd, path, &n) < 0 ? 0 : n;
}

uint64_t sensors_card_errors(int root_fd, const char *state_dir) {
        struct stat root = { 0 }, state = { 0 };
        uint64_t sum = 0;

        if (fstat(root_fd, &root) == 0)
                sum += errors_of(root_fd, root.st_dev);
        if (stat(state_dir, &state) == 0 && state.st_dev != root.st_dev)
                sum += errors_of(root_fd, state.st_dev);
        return sum;
}
