#include "io/sensors_card.h"

#include "io/sensors_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_SYSTEMS = 16 };

uint64_t sensors_card_errors(int root_fd) {
        int fd = openat(root_fd, "sys/fs/ext4", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        uint64_t sum = 0, n;
        unsigned seen = 0;

        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return 0;
        }
        while (seen < FILE_SYSTEMS && (entry = readdir(dir))) {
                char path[300];

                (void)snprintf(path, sizeof(path), "%s/errors_count", entry->d_name);
                if (entry->d_name[0] == '.' || sensors_file_number(fd, path, &n) < 0)
                        continue;
                seen++;
                sum += n < UINT32_MAX ? n : UINT32_MAX;
        }
        (void)closedir(dir);
        return sum;
}
