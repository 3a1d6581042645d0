#include "io/oci_spec.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        CPU_PERIOD_USEC = 100000, /* the kernel's default */
        CPU_QUOTA_LEAST_USEC = 1000,
        PIDS_MAX = 512,
        OOM_SCORE = 500,
};

/* Parts that are the same for every function. */
static const char capabilities[] = "[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\","
                                   "\"CAP_FSETID\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\","
                                   "\"CAP_SETGID\",\"CAP_SETUID\"]";
static const char masked_paths[] =
        "[\"/proc/acpi\",\"/proc/asound\",\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\","
        "\"/proc/timer_list\",\"/proc/timer_stats\",\"/proc/sched_debug\",\"/proc/scsi\","
        "\"/sys/firmware\",\"/sys/devices/virtual/powercap\"]";
static const char readonly_paths[] =
        "[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]";
static const char rlimits[] = "[{\"type\":\"RLIMIT_NOFILE\",\"hard\":4096,\"soft\":1024}]";
static const char sysctl[] = "{\"net.ipv4.ip_unprivileged_port_start\":\"0\"}";

struct mount {
        const char *destination;
        const char *type;
        const char *source;
        const char *options; /* separated by commas */
};

static const struct mount mounts[] = {
        { "/proc", "proc", "proc", "nosuid,noexec,nodev" },
        { "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
        { "/dev/pts", "devpts", "devpts",
          "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
        { "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
        { "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
        { "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
};
/* With v1 it would be a mount for each controller: not worth their milliseconds. */
static const struct mount mount_cgroup = { "/sys/fs/cgroup", "cgroup", "cgroup",
                                           "nosuid,noexec,nodev,relatime,ro" };
/* Counts against the function's memory limit. */
static const struct mount mount_tmp = { "/tmp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777" };
#define BIND_OPTIONS "rbind,ro,nosuid,nodev"

/* ---- what runs ---- */

struct process {
        bool watchdog;    /* ours has to be mounted */
        char *const *own; /* NULL-terminated: entrypoint, then ... */
        char *const *own_more;
        struct buf fprocess;
};

static bool is_watchdog(const char *path) {
        static const char *const names[] = { "fwatchdog", "of-watchdog", "classic-watchdog" };
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (str_eq(name, names[i]))
                        return true;
        }
        return false;
}

/* The last NAME=VALUE of the two environments; the function's wins over the image's. */
static const char *find_env(const struct oci_spec *s, const char *name) {
        const char *const *lists[] = { s->spec->env, (const char *const *)s->config->env };
        size_t len = strlen(name);

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                const char *found = NULL;

                for (const char *const *e = lists[i]; e && *e; e++) {
                        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
                                found = *e + len + 1;
                }
                if (found)
                        return found;
        }
        return NULL;
}

static int join(struct buf *out, char *const *words) {
        int r = 0;

        for (; *words && r == 0; words++)
                r = buf_printf(out, "%s%s", out->len ? " " : "", *words);
        return r;
}

static int decide_process(const struct oci_spec *s, struct process *p, struct fail *f) {
        const struct oci_config *c = s->config;
        const char *first = c->entrypoint[0] ? c->entrypoint[0] : c->cmd[0];
        const char *asked = str_or(s->spec->process, "");
        const char *env = str_or(find_env(s, "fprocess"), "");
        int r = 0;

        p->own = c->entrypoint;
        p->own_more = c->cmd;
        if (first && is_watchdog(first))
                return *asked ? buf_add_text(&p->fprocess, asked) : 0;
        if (!*asked && !*env && c->exposes_http && first)
                return 0;
        p->watchdog = true;
        if (str_eq(find_env(s, "mode"), "static")) /* files, and no command */
                return 0;
        if (*asked || *env)
                return buf_add_text(&p->fprocess, *asked ? asked : env);
        r = join(&p->fprocess, c->entrypoint);
        if (r == 0)
                r = join(&p->fprocess, c->cmd);
        if (r == 0 && p->fprocess.len == 0)
                return fail(f, -EINVAL, "the image has no command, and no process is named");
        return r;
}

/* ---- writing ---- */

/* Adds 'item' (made by cJSON, perhaps NULL for want of memory) under 'key', or to an array. */
static int put(cJSON *o, const char *key, cJSON *item) {
        if (item && (key ? cJSON_AddItemToObject(o, key, item) : cJSON_AddItemToArray(o, item)))
                return 0;
        cJSON_Delete(item);
        return -ENOMEM;
}

static int put_text(cJSON *o, const char *key, const char *text) {
        return put(o, key, cJSON_CreateString(text));
}

static int put_number(cJSON *o, const char *key, uint64_t v) {
        char digits[24];

        (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
        return put(o, key, cJSON_CreateRaw(digits)); /* exact, unlike a double */
}

/* A new object or array below 'o'; NULL: no memory. */
static cJSON *put_new(cJSON *o, const char *key, cJSON *item) {
        return put(o, key, item) < 0 ? NULL : item;
}

static int put_words(cJSON *array, const char *words) {
        while (*words) {
                size_t len = strcspn(words, ",");
                char word[64];

                if (str_copy_n(word, sizeof(word), words, len) < 0 ||
                    put_text(array, NULL, word) < 0)
                        return -ENOMEM;
                words += len + (words[len] == ',');
        }
        return 0;
}

static int put_mount(cJSON *array, const struct mount *m) {
        cJSON *o = put_new(array, NULL, cJSON_CreateObject()), *options;

        if (!o || put_text(o, "destination", m->destination) < 0 ||
            put_text(o, "type", m->type) < 0 || put_text(o, "source", m->source) < 0)
                return -ENOMEM;
        options = put_new(o, "options", cJSON_CreateArray());
        return options ? put_words(options, m->options) : -ENOMEM;
}

static int put_bind(cJSON *array, const char *source, const char *destination) {
        const struct mount m = { destination, "bind", source, BIND_OPTIONS };

        return source && *source ? put_mount(array, &m) : 0;
}

/* Nothing in it is ever a program or a device. */
static int put_secrets(cJSON *array, const char *source) {
        const struct mount m = { OCI_SECRETS_PATH, "bind", source, BIND_OPTIONS ",noexec" };

        return source && *source ? put_mount(array, &m) : 0;
}

static int put_mounts(cJSON *root, const struct oci_spec *s, const struct process *p) {
        cJSON *array = put_new(root, "mounts", cJSON_CreateArray());
        int r = array ? 0 : -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(mounts) && r == 0; i++)
                r = put_mount(array, &mounts[i]);
        if (r == 0 && s->host->cgroup_v2)
                r = put_mount(array, &mount_cgroup);
        if (r == 0 && s->spec->read_only_root)
                r = put_mount(array, &mount_tmp);
        if (r == 0)
                r = put_bind(array, s->host->resolv_conf, "/etc/resolv.conf");
        if (r == 0)
                r = put_bind(array, s->hosts, "/etc/hosts");
        if (r == 0)
                r = put_bind(array, s->hostname, "/etc/hostname");
        if (r == 0)
                r = put_secrets(array, s->spec->secrets);
        if (r == 0 && p->watchdog)
                r = put_bind(array, s->spec->watchdog, OCI_WATCHDOG_PATH);
        return r;
}

/* Adds NAME=VALUE, or replaces what has the same name. */
static int set_env(cJSON *array, const char *text) {
        const char *equals = strchr(text, '=');
        size_t len = equals ? (size_t)(equals - text) + 1 : 0;
        cJSON *old;
        int i = 0;

        if (len < 2)
                return 0; /* no variable: docker ignores it too */
        cJSON_ArrayForEach(old, array) {
                if (strncmp(old->valuestring, text, len) == 0)
                        return cJSON_ReplaceItemInArray(array, i, cJSON_CreateString(text))
                                       ? 0
                                       : -ENOMEM;
                i++;
        }
        return put_text(array, NULL, text);
}

static int put_env(cJSON *process, const struct oci_spec *s, const struct process *p) {
        cJSON *array = put_new(process, "env", cJSON_CreateArray());
        auto_free char *fprocess = NULL;
        int r = array ? 0 : -ENOMEM;

        if (r == 0)
                r = put_text(array, NULL,
                             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        for (char *const *e = s->config->env; *e && r == 0; e++)
                r = set_env(array, *e);
        for (const char *const *e = s->spec->env; e && *e && r == 0; e++)
                r = set_env(array, *e);
        if (r == 0 && p->fprocess.len > 0) {
                if (asprintf(&fprocess, "fprocess=%s", p->fprocess.data) < 0) {
                        fprocess = NULL;
                        return -ENOMEM;
                }
                r = set_env(array, fprocess);
        }
        return r;
}

static int put_args(cJSON *process, const struct process *p) {
        cJSON *array = put_new(process, "args", cJSON_CreateArray());
        int r = array ? 0 : -ENOMEM;

        if (r == 0 && p->watchdog)
                return put_text(array, NULL, OCI_WATCHDOG_PATH);
        for (char *const *a = p->own; *a && r == 0; a++)
                r = put_text(array, NULL, *a);
        for (char *const *a = p->own_more; *a && r == 0; a++)
                r = put_text(array, NULL, *a);
        return r;
}

static int put_user(cJSON *process, const struct oci_user *u) {
        cJSON *o = put_new(process, "user", cJSON_CreateObject()), *groups;

        if (!o || put_number(o, "uid", u->uid) < 0 || put_number(o, "gid", u->gid) < 0)
                return -ENOMEM;
        groups = u->n_groups ? put_new(o, "additionalGids", cJSON_CreateArray()) : o;
        for (uint32_t i = 0; i < u->n_groups && groups; i++) {
                if (put_number(groups, NULL, u->groups[i]) < 0)
                        return -ENOMEM;
        }
        return groups ? 0 : -ENOMEM;
}

static int put_process(cJSON *root, const struct oci_spec *s, const struct process *p) {
        static const char *const sets[] = { "bounding", "effective", "permitted" };
        cJSON *o = put_new(root, "process", cJSON_CreateObject());
        cJSON *caps = o ? put_new(o, "capabilities", cJSON_CreateObject()) : NULL;
        int r = caps ? 0 : -ENOMEM;

        if (r == 0)
                r = put_user(o, s->user);
        if (r == 0)
                r = put_args(o, p);
        if (r == 0)
                r = put_env(o, s, p);
        if (r == 0)
                r = put_text(o, "cwd", s->config->working_dir);
        for (size_t i = 0; i < ARRAY_SIZE(sets) && r == 0; i++)
                r = put(caps, sets[i], cJSON_CreateRaw(capabilities));
        if (r == 0)
                r = put(o, "rlimits", cJSON_CreateRaw(rlimits));
        if (r == 0)
                r = put(o, "noNewPrivileges", cJSON_CreateTrue());
        /* the kernel ends a function before it ends the agent */
        return r < 0 ? r : put_number(o, "oomScoreAdj", OOM_SCORE);
}

static int put_memory(cJSON *o, const struct oci_spec *s) {
        cJSON *memory = put_new(o, "memory", cJSON_CreateObject());

        if (!memory || put_number(memory, "limit", s->spec->memory_bytes) < 0)
                return -ENOMEM;
        /* memory and swap together: no swap, which would wear the card out */
        return s->host->swap ? put_number(memory, "swap", s->spec->memory_bytes) : 0;
}

static int put_cpu(cJSON *o, uint32_t millicores) {
        cJSON *cpu = put_new(o, "cpu", cJSON_CreateObject());
        uint64_t quota = (uint64_t)millicores * CPU_PERIOD_USEC / 1000;

        if (quota < CPU_QUOTA_LEAST_USEC) /* the kernel takes no less */
                quota = CPU_QUOTA_LEAST_USEC;
        if (!cpu || put_number(cpu, "quota", quota) < 0)
                return -ENOMEM;
        return put_number(cpu, "period", CPU_PERIOD_USEC);
}

static int put_resources(cJSON *linux_object, const struct oci_spec *s) {
        cJSON *o = put_new(linux_object, "resources", cJSON_CreateObject());
        int r = o ? put(o, "devices", cJSON_CreateRaw("[{\"allow\":false,\"access\":\"rwm\"}]"))
                  : -ENOMEM;

        if (r == 0 && s->spec->memory_bytes && s->host->memory)
                r = put_memory(o, s);
        if (r == 0 && s->spec->cpu_millicores && s->host->cpu)
                r = put_cpu(o, s->spec->cpu_millicores);
        if (r == 0 && s->host->pids) {
                cJSON *pids = put_new(o, "pids", cJSON_CreateObject());

                r = pids ? put_number(pids, "limit", PIDS_MAX) : -ENOMEM;
        }
        return r;
}

static int put_namespaces(cJSON *linux_object, const struct oci_spec *s) {
        static const char *const types[] = { "pid", "ipc", "uts", "mount", "cgroup" };
        cJSON *array = put_new(linux_object, "namespaces", cJSON_CreateArray()), *o;
        size_t n = ARRAY_SIZE(types) - (s->host->cgroup_v2 ? 0 : 1);

        for (size_t i = 0; i < n && array; i++) {
                o = put_new(array, NULL, cJSON_CreateObject());
                if (!o || put_text(o, "type", types[i]) < 0)
                        return -ENOMEM;
        }
        o = array ? put_new(array, NULL, cJSON_CreateObject()) : NULL;
        if (!o || put_text(o, "type", "network") < 0)
                return -ENOMEM;
        return s->spec->netns && *s->spec->netns ? put_text(o, "path", s->spec->netns) : 0;
}

static int put_linux(cJSON *root, const struct oci_spec *s) {
        cJSON *o = put_new(root, "linux", cJSON_CreateObject());
        char cgroup[32 + OCI_ID_SIZE];
        int r = o ? put_namespaces(o, s) : -ENOMEM;

        (void)snprintf(cgroup, sizeof(cgroup), "/openfaas-fn/%s", s->spec->id);
        if (r == 0)
                r = put_resources(o, s);
        if (r == 0)
                r = put_text(o, "cgroupsPath", cgroup);
        if (r == 0)
                r = put(o, "sysctl", cJSON_CreateRaw(sysctl));
        if (r == 0)
                r = put(o, "maskedPaths", cJSON_CreateRaw(masked_paths));
        if (r == 0)
                r = put(o, "readonlyPaths", cJSON_CreateRaw(readonly_paths));
        return r == 0 && s->seccomp ? put(o, "seccomp", cJSON_CreateRaw(s->seccomp)) : r;
}

static int put_root(cJSON *root, const struct oci_spec *s, const struct process *p) {
        cJSON *fs = put_new(root, "root", cJSON_CreateObject());
        cJSON *notes = put_new(root, "annotations", cJSON_CreateObject());
        int r = fs && notes ? put_text(root, "ociVersion", "1.0.2") : -ENOMEM;

        if (r == 0)
                r = put_text(fs, "path", "rootfs"); /* in the shim's bundle */
        if (r == 0)
                r = put(fs, "readonly", cJSON_CreateBool(s->spec->read_only_root));
        if (r == 0 && s->spec->group && *s->spec->group)
                r = put_text(notes, "io.containerd.runc.v2.group", s->spec->group);
        if (r == 0 && s->spec->hostname && *s->spec->hostname)
                r = put_text(root, "hostname", s->spec->hostname);
        if (r == 0)
                r = put_process(root, s, p);
        if (r == 0)
                r = put_mounts(root, s, p);
        return r < 0 ? r : put_linux(root, s);
}

bool oci_id_valid(const char *id) {
        size_t len = strlen(id);

        for (size_t i = 0; i < len; i++) {
                bool between = i > 0 && i + 1 < len && strchr("._-", id[i]);

                if (!between && !isalnum((unsigned char)id[i]))
                        return false;
        }
        return len > 0 && len < OCI_ID_SIZE;
}

int oci_spec_write(const struct oci_spec *s, char **ret, struct fail *f) {
        auto_json cJSON *root = NULL;
        struct process p = { 0 };
        char *text;
        int r;

        if (!oci_id_valid(s->spec->id))
                return fail(f, -EINVAL, "'%.80s' is no container id", s->spec->id);
        r = decide_process(s, &p, f);
        if (r == 0 && p.watchdog && !(s->spec->watchdog && *s->spec->watchdog))
                r = fail(f, -EINVAL, "the image needs fwatchdog, which this board does not have");
        if (r == 0) {
                root = cJSON_CreateObject();
                r = root ? put_root(root, s, &p) : -ENOMEM;
        }
        buf_done(&p.fprocess);
        if (r < 0)
                return r;
        text = cJSON_PrintUnformatted(root);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}
