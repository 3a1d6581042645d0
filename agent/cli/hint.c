#include "cli/hint.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* An error with one of these words says what to do. */
static const char *const says_it[] = { "agentctl ",   "try again",   " first",       "update it",
                                       "use at most", "use letters", "look whether", "--" };

/* The first that fits; a code of 0 is any. */
static const struct {
        int code;
        const char *words, *hint;
} answers[] = {
        { 0, "does not know",
          "agentctl version shows both versions: the agent may need an upgrade" },
        { 0, "belongs to no bramble", "agentctl status says what it waits for" },
        { 0, "containerd does not answer", "systemctl status containerd; agentctl doctor" },
        { 0, "too many requests", "try again in a moment" },
        { 0, "may not be asked", "log in on a board of this bramble, and ask there" },
        { 0, "leader", "try again in a moment; agentctl status says who leads" },
        { 0, "leads", "try again in a moment; agentctl status says who is there" },
        { 0, "no image name", "names look like web, web:2 or docker.io/library/nginx:1" },
        { 0, "no function name", "agentctl functions lists them" },
        { 0, "holds no image",
          "docker save, podman save and ctr images export write one that does" },
        { 404, "image", "agentctl images lists them; agentctl push IMAGE brings one" },
        { 404, "namespace", "agentctl namespace list, or agentctl namespace create NAME" },
        { 404, "secret", "agentctl secret list" },
        { 404, "board", "agentctl status lists them" },
        { 404, "function", "agentctl functions lists them" },
        { 409, "exists already", "choose another name, or remove that one" },
        { 413, "", "a secret is small: put larger data into the image" },
        { 507, "", "agentctl remove NAME or agentctl image remove NAME makes room" },
        { 500, "", "agentctl doctor, and journalctl -u bramble-agent on that board, say more" },
        { 503, "", "try again in a moment; agentctl status" },
};

const char *hint_of_answer(int code, const char *error) {
        for (size_t i = 0; i < SIZE(says_it); i++)
                if (strstr(error, says_it[i]))
                        return NULL;
        for (size_t i = 0; i < SIZE(answers); i++)
                if ((answers[i].code == 0 || answers[i].code == code) &&
                    strstr(error, answers[i].words))
                        return answers[i].hint;
        return NULL;
}

const char *hint_of_socket(int error) {
        if (error == -EACCES || error == -EPERM)
                return "you are not in group bramble: sudo adduser \"$USER\" bramble and log in "
                       "again; or use sudo";
        return "is it running?  systemctl status bramble-agent; and are you root or in group "
               "bramble?\nanother board can be asked with --host NAME";
}

const char *hint_of_host(int error) {
        if (error == -EKEYREJECTED || error == -EPROTO)
                return "is the certificate in --pki of this bramble, and is that board one of it?";
        return "is it on, and in this network?  ssh to it, and systemctl status bramble-agent";
}

const char *hint_of_status(long status) {
        switch (status) {
        case 401:
        case 403:
                return "agentctl auth has the gateway's user and password";
        case 404:
                return "agentctl functions lists them";
        case 429:
                return "try again in a moment";
        default:
                return status >= 500 ? "agentctl functions says how it is, agentctl logs NAME what "
                                       "it wrote"
                                     : NULL;
        }
}
