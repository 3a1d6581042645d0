#include "io/cni.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CNI_NAME    "bramble"
#define CNI_STATE   "/run/cni"             /* of addresses; forgotten by a reboot, as pods are */
#define CNI_RESULTS "/var/lib/cni/results" /* containerd's library keeps each pod's answer */

enum { SUBNET_MAX = 250, CONFIG_BYTES = 1024 };

static const char *const needed[] = { "bridge", "host-local", "portmap", "loopback" };

/* 0.4.0 is known to containerd 1.6 (bookworm) and all later ones.  No masquerade: our table does
 * it, and knows the other boards.  forceAddress: a board that comes back with another subnet. */
static const char config[] = "{\n"
                             "  \"cniVersion\": \"0.4.0\",\n"
                             "  \"name\": \"" CNI_NAME "\",\n"
                             "  \"plugins\": [\n"
                             "    {\n"
                             "      \"type\": \"bridge\",\n"
                             "      \"bridge\": \"" FNET_POD_BRIDGE "\",\n"
                             "      \"isGateway\": true,\n"
                             "      \"isDefaultGateway\": true,\n"
                             "      \"forceAddress\": true,\n"
                             "      \"ipMasq\": false,\n"
                             "      \"hairpinMode\": true,\n"
                             "      \"ipam\": {\n"
                             "        \"type\": \"host-local\",\n"
                             "        \"dataDir\": \"" CNI_STATE "\",\n"
                             "        \"ranges\": [[{ \"subnet\": \"%u.%u.%u.0/24\" }]]\n"
                             "      }\n"
                             "    },\n"
                             "    {\n"
                             "      \"type\": \"portmap\",\n"
                             "      \"capabilities\": { \"portMappings\": true }\n"
                             "    }\n"
                             "  ]\n"
                             "}\n";

/* Paths are said with their slash and opened below the root without it. */
static const char *below(const char *path) {
        return path + 1;
}

/* ---- plug-ins --------------------------------------------------------------------------------
 */

/* What a folder lacks, as "bridge, portmap"; "" where it has all. */
static void lacking(int root_fd, const char *dir, char *ret, size_t size) {
        char path[64];
        size_t len = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", below(dir), needed[i]);
                if (faccessat(root_fd, path, X_OK, 0) < 0 && len < size)
                        len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
                                                needed[i]);
        }
}

int cni_find_plugins(int root_fd, const char **ret_dir, struct fail *f) {
        static const char *const dirs[] = { CNI_PLUGINS_DEBIAN, CNI_PLUGINS_OTHER };
        char missing[ARRAY_SIZE(dirs)][64];

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                lacking(root_fd, dirs[i], missing[i], sizeof(missing[i]));
                if (missing[i][0] == '\0') {
                        *ret_dir = dirs[i];
                        return 0;
                }
        }
        return fail(f, -ENOENT,
                    "CNI plug-ins are missing (%s in %s): install the package "
                    "containernetworking-plugins",
                    missing[0], dirs[0]);
}

/* ---- the file --------------------------------------------------------------------------------
 */

int cni_configure(int root_fd, unsigned subnet, struct fail *f) {
        const uint32_t base = fnet_pod_address(subnet, 0);
        char text[CONFIG_BYTES];
        int len, r;

        if (subnet < 1 || subnet > SUBNET_MAX)
                return fail(f, -ERANGE, "%u is no board's subnet (1 to %d)", subnet, SUBNET_MAX);
        len = snprintf(text, sizeof(text), config, base >> 24, base >> 16 & 255, base >> 8 & 255);
        r = file_text_write(root_fd, below(CNI_CONFIG), text, (size_t)len, 0644);
        if (r == -ENOENT) {
                r = file_text_make_dir(root_fd, "etc/cni/net.d");
                if (r == 0)
                        r = file_text_write(root_fd, below(CNI_CONFIG), text, (size_t)len, 0644);
        }
        return r < 0 ? fail(f, r, "cannot write %s: %s", CNI_CONFIG, strerror(-r)) : r;
}

/* ---- taking down ------------------------------------------------------------------------------
 */

/* Removes the plain files in a folder whose names begin so; 0 also where there is no folder. */
static int remove_files(int root_fd, const char *path, const char *prefix) {
        int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct dirent *entry;
        DIR *dir;
        int r = 0;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        dir = fdopendir(fd);
        if (!dir) {
                (void)close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir))) {
                if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..") ||
                    !str_starts(entry->d_name, prefix))
                        continue;
                if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT && r == 0)
                        r = -errno;
        }
        (void)closedir(dir);
        return r;
}

/* One that is not empty, or not there, is no failure of its own. */
static void remove_dir(int root_fd, const char *path) {
        (void)unlinkat(root_fd, path, AT_REMOVEDIR);
}

static int remove_state(int root_fd, struct fail *f) {
        int r = remove_files(root_fd, below(CNI_STATE "/" CNI_NAME), "");
        int results = remove_files(root_fd, below(CNI_RESULTS), CNI_NAME "-");

        remove_dir(root_fd, below(CNI_STATE "/" CNI_NAME));
        remove_dir(root_fd, below(CNI_STATE));
        if (r < 0 || results < 0)
                return fail(f, r < 0 ? r : results, "cannot remove %s: %s",
                            r < 0 ? CNI_STATE "/" CNI_NAME : CNI_RESULTS "/" CNI_NAME "-*",
                            strerror(r < 0 ? -r : -results));
        return 0;
}

int cni_teardown(int root_fd, struct fnet *n, struct fail *f) {
        int r;

        if (faccessat(root_fd, below(CNI_CONFIG), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT
                               ? 0
                               : fail(f, -errno, "cannot see %s: %s", CNI_CONFIG, strerror(errno));
        r = fnet_remove_pod_bridge(n, f);
        if (r == 0)
                r = remove_state(root_fd, f);
        if (r < 0)
                return r;
        if (unlinkat(root_fd, below(CNI_CONFIG), 0) < 0)
                return fail(f, -errno, "cannot remove %s: %s", CNI_CONFIG, strerror(errno));
        return 1;
}
