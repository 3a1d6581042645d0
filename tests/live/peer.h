/* peer - what the stand-ins of the tests share: the frames between an agent and those who ask it,
 * and whole writes.  Written anew from the format (agent/core/frame.h): nothing is shared with what
 * is tested. */
#ifndef BRAMBLE_TESTS_PEER_H
#define BRAMBLE_TESTS_PEER_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A frame is its length without these four bytes, its type, its stream, and a body. */
enum { FRAME_REQUEST = 7, FRAME_EVENT = 10, FRAME_REPLY = 11, FRAME_HEAD_BYTES = 9 };

static inline void die(const char *what) {
        perror(what);
        exit(1);
}

static inline bool send_all(int fd, const void *data, size_t len) {
        const char *at = data;

        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

static inline bool send_frame(int fd, uint8_t type, uint32_t stream, const char *text) {
        size_t len = strlen(text);
        uint32_t counted = htonl((uint32_t)len + FRAME_HEAD_BYTES - 4), at = htonl(stream);
        char head[FRAME_HEAD_BYTES];

        memcpy(head, &counted, 4);
        head[4] = (char)type;
        memcpy(head + 5, &at, 4);
        return send_all(fd, head, sizeof(head)) && send_all(fd, text, len);
}

/* The length of the body that follows the head of a request, and its stream.  Ends the program
 * where it is no request, or its body is longer than 'most': the gateway is wrong then. */
static inline size_t request_body(const void *head, size_t most, uint32_t *ret_stream) {
        const unsigned char *at = head;
        uint32_t counted, stream;

        memcpy(&counted, at, 4);
        memcpy(&stream, at + 5, 4);
        counted = ntohl(counted);
        if (at[4] != FRAME_REQUEST || counted < FRAME_HEAD_BYTES - 4 ||
            counted - (FRAME_HEAD_BYTES - 4) > most)
                exit(3);
        *ret_stream = ntohl(stream);
        return counted - (FRAME_HEAD_BYTES - 4);
}

/* Where the gateway finds its agent. */
static inline int agent_listen(const char *path) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
        (void)unlink(path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0)
                die(path);
        return fd;
}

#endif
