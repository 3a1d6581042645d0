/* kubeadm_private - what kubeadm_config's files share: checks of values, and YAML. */
#ifndef BRAMBLE_CORE_KUBEADM_PRIVATE_H
#define BRAMBLE_CORE_KUBEADM_PRIVATE_H

#include "base/buf.h"
#include "core/kubeadm_config.h"

enum { KUBEADM_PORT = 6443 };

/* Each says -EINVAL with a sentence that calls the value 'what'. */
int kubeadm_check_init(const struct kubeadm_settings *s, struct fail *f);
int kubeadm_check_join(const struct kubeadm_settings *s, struct fail *f);
/* A file's absolute path: [a-zA-Z0-9/._-], below 256 characters, without "..". */
int kubeadm_check_path(const char *what, const char *path, struct fail *f);
/* The runtime's socket: such a path, perhaps behind "unix://". */
int kubeadm_check_socket(const char *socket, struct fail *f);

/* YAML, two blanks a level.  After the first error nothing more is added. */
struct yaml {
        struct buf *out;
        int error; /* 0 or -errno */
};

/* "---", apiVersion and kind. */
void yaml_document(struct yaml *y, const char *api, const char *kind);
/* "key:" */
void yaml_open(struct yaml *y, unsigned level, const char *key);
/* A line as it stands: constant text and numbers only. */
void yaml_line(struct yaml *y, unsigned level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* key: "value", escaped; nothing where 'value' is NULL. */
void yaml_text(struct yaml *y, unsigned level, const char *key, const char *value);
/* - "value" */
void yaml_item(struct yaml *y, unsigned level, const char *value);

#endif
