#include "io/consensus_check.h"

#include "core/limits.h"
#include "io/raft_version.h"

#include <errno.h>
#include <string.h>

/* libraft's messages (uv_encoding.c): u64 type (0.22: u8 type, 0, u8 version, zeros), u64 length of
 * the header, the header, and for entries and snapshots a payload; numbers are little-endian.
 * Headers have grown at the end from version to version, so more than what is needed is fine. */
enum {
        PREAMBLE = 16,
        ENTRIES_FIXED =
                40,      /* term, previous index, previous term, commit index, number of entries */
        ENTRY_HEAD = 16, /* u64 term, u8 type, 3 unused, u32 length */
        SNAPSHOT_FIXED = 40, /* term, index, term, index of the configuration, its length */
        HEAD_MAX = 1024 * 1024,
        ENTRY_MAX = LIMIT_COMMAND_BYTES + 64,
        SNAPSHOT_MAX = LIMIT_CHARTER_BYTES + 64,
        SERVERS_MAX = 1024,
        CONFIGURATION_FORMAT = 1,
#ifdef RAFT_VERSION_NUMBER
        VERSION_BITS = 0xff << 16,
        APPENDED_MIN = 32, /* 0.22 looks for the sender's features at its end */
#else
        VERSION_BITS = 0,
        APPENDED_MIN = 24,
#endif
};

static uint64_t le64(const char *p) {
        uint64_t v = 0;

        for (unsigned i = 8; i > 0; i--)
                v = v << 8 | (uint8_t)p[i - 1];
        return v;
}

static uint32_t le32(const char *p) {
        return (uint32_t)(le64((const char[8]){ p[0], p[1], p[2], p[3] }));
}

static uint64_t head_type(const struct consensus_check *k) {
        return le64(k->head.data) & ~(uint64_t)VERSION_BITS;
}

static uint64_t head_len(const struct consensus_check *k) {
        return le64(k->head.data + 8);
}

static const char *entry_head(const struct consensus_check *k, uint32_t entry) {
        return k->head.data + PREAMBLE + ENTRIES_FIXED + (size_t)entry * ENTRY_HEAD;
}

static uint8_t entry_type(const struct consensus_check *k, uint32_t entry) {
        return (uint8_t)entry_head(k, entry)[8];
}

static uint32_t entry_len(const struct consensus_check *k, uint32_t entry) {
        return le32(entry_head(k, entry) + 12);
}

/* u8 format, u64 number, and for each server u64 id, a string with its NUL, u8 role. */
static bool configuration_valid(const char *data, size_t len) {
        uint64_t servers;
        size_t at = 9;

        if (len < at || data[0] != CONFIGURATION_FORMAT)
                return false;
        servers = le64(data + 1);
        if (servers == 0 || servers > SERVERS_MAX)
                return false;
        for (uint64_t i = 0; i < servers; i++) {
                const char *nul = len - at > 8 ? memchr(data + at + 8, '\0', len - at - 8) : NULL;

                if (!nul || (size_t)(nul - data) + 2 > len || (uint8_t)nul[1] > RAFT_SPARE)
                        return false;
                at = (size_t)(nul - data) + 2;
        }
        return true;
}

static bool preamble_valid(const struct consensus_check *k) {
        static const uint8_t least[] = {
                [RAFT_APPEND_ENTRIES] = ENTRIES_FIXED,
                [RAFT_APPEND_ENTRIES_RESULT] = APPENDED_MIN,
                [RAFT_REQUEST_VOTE] = 40, /* with its flags, which 0.22 reads in any case */
                [RAFT_REQUEST_VOTE_RESULT] = 24,
                [RAFT_INSTALL_SNAPSHOT] = SNAPSHOT_FIXED + 8,
                [RAFT_TIMEOUT_NOW] = 24,
        };
        uint64_t type = head_type(k), len = head_len(k);

        /* whole words: a header is either as long as an old one or holds the next field, too */
        return type > 0 && type < sizeof(least) && len >= least[type] && len <= HEAD_MAX &&
               len % 8 == 0;
}

static bool entries_valid(struct consensus_check *k) {
        uint64_t n = le64(k->head.data + PREAMBLE + ENTRIES_FIXED - 8);

        if (n > (head_len(k) - ENTRIES_FIXED) / ENTRY_HEAD)
                return false;
        for (uint32_t i = 0; i < n; i++) {
                uint8_t type = entry_type(k, i);
                uint32_t len = entry_len(k, i);

                if ((type != RAFT_COMMAND && type != RAFT_BARRIER && type != RAFT_CHANGE) ||
                    len == 0 || len > ENTRY_MAX || len % 8 != 0)
                        return false;
        }
        k->entries = (uint32_t)n;
        k->entry = 0;
        k->entry_left = n > 0 ? entry_len(k, 0) : 0;
        return true;
}

static bool snapshot_valid(struct consensus_check *k) {
        const char *header = k->head.data + PREAMBLE;
        uint64_t configuration = le64(header + SNAPSHOT_FIXED - 8);

        if (configuration > head_len(k) - SNAPSHOT_FIXED - 8 ||
            !configuration_valid(header + SNAPSHOT_FIXED, (size_t)configuration))
                return false;
        k->payload = le64(header + SNAPSHOT_FIXED + configuration);
        return k->payload > 0 && k->payload <= SNAPSHOT_MAX;
}

static bool header_valid(struct consensus_check *k) {
        if (head_type(k) == RAFT_APPEND_ENTRIES)
                return entries_valid(k);
        return head_type(k) != RAFT_INSTALL_SNAPSHOT || snapshot_valid(k);
}

/* Up to 'most' bytes into 'to'; 0 or -ENOMEM. */
static int take(struct buf *to, uint64_t most, const char **data, size_t *len) {
        size_t n = most < *len ? (size_t)most : *len;
        int r = buf_add(to, *data, n);

        if (r < 0)
                return r;
        *data += n;
        *len -= n;
        return 0;
}

static int take_head(struct consensus_check *k, const char **data, size_t *len) {
        uint64_t whole = k->head.len < PREAMBLE ? PREAMBLE : PREAMBLE + head_len(k);
        int r = take(&k->head, whole - k->head.len, data, len);

        if (r < 0 || k->head.len < whole)
                return r;
        if (whole == PREAMBLE)
                return preamble_valid(k) ? 0 : -EBADMSG;
        return header_valid(k) ? 0 : -EBADMSG;
}

/* Commands are the charter's to judge; a configuration is libraft's own. */
static int take_entry(struct consensus_check *k, const char **data, size_t *len) {
        size_t n = k->entry_left < *len ? (size_t)k->entry_left : *len;
        int r;

        if (entry_type(k, k->entry) == RAFT_CHANGE) {
                r = take(&k->change, n, data, len);
                if (r < 0)
                        return r;
        } else {
                *data += n;
                *len -= n;
        }
        k->entry_left -= n;
        if (k->entry_left > 0)
                return 0;
        if (k->change.len > 0 && !configuration_valid(k->change.data, k->change.len))
                return -EBADMSG;
        buf_done(&k->change);
        if (++k->entry < k->entries)
                k->entry_left = entry_len(k, k->entry);
        return 0;
}

static void skip_payload(struct consensus_check *k, const char **data, size_t *len) {
        size_t n = k->payload < *len ? (size_t)k->payload : *len;

        k->payload -= n;
        *data += n;
        *len -= n;
}

int consensus_check(struct consensus_check *k, const void *bytes, size_t len) {
        const char *data = bytes;
        int r = 0;

        while (len > 0 && r == 0) {
                if (k->entry < k->entries)
                        r = take_entry(k, &data, &len);
                else if (k->payload > 0)
                        skip_payload(k, &data, &len);
                else
                        r = take_head(k, &data, &len);
                if (k->head.len > PREAMBLE && k->head.len == PREAMBLE + head_len(k) &&
                    k->entry == k->entries && k->payload == 0) {
                        buf_done(&k->head); /* the message is whole */
                        k->entry = k->entries = 0;
                }
        }
        return r;
}

void consensus_check_done(struct consensus_check *k) {
        buf_done(&k->head);
        buf_done(&k->change);
        *k = (struct consensus_check){ 0 };
}
