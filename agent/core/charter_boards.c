#include "core/charter_private.h"

#include "base/str.h"
#include "core/names.h"

#include <errno.h>
#include <string.h>

static struct charter_member *member_of(struct charter *c, uint64_t node) {
        return (struct charter_member *)charter_member(c, node);
}

int charter_member_cordon(struct charter *c, const struct charter_command *cmd) {
        struct charter_member *m = member_of(c, cmd->node);

        if (!m)
                return -ENOENT;
        m->cordoned = cmd->cordoned;
        return 0;
}

int charter_member_rename(struct charter *c, const struct charter_command *cmd) {
        struct charter_member *m = member_of(c, cmd->node);
        const struct charter_member *other = charter_member_by_name(c, cmd->name);

        if (!m)
                return -ENOENT;
        if (!names_board_valid(cmd->name))
                return -EINVAL;
        if (other && other != m)
                return -EEXIST;
        memset(m->name, 0, sizeof(m->name));
        (void)str_copy(m->name, sizeof(m->name), cmd->name);
        return 0;
}

void charter_name_worker(struct charter *c, struct charter_member *m) {
        char name[SIZE_NAME];

        do /* ends: of so many names in a row boards have fewer than LIMIT_BOARDS */
                (void)names_worker(name, c->next_worker++);
        while (charter_member_by_name(c, name));
        (void)str_copy(m->name, sizeof(m->name), name);
}
