/* crictl - the verbs of Kubernetes' crictl that kubeadm up to 1.30 calls, and a few for people. */
#include "crictl/crictl.h"

#include "base/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct verb verbs[] = {
        { "info", "", 0, 0, TAKES_QUIET | TAKES_OUTPUT | TAKES_TEMPLATE, verb_info,
          "conditions and configuration of the runtime" },
        { "version", "", 0, 0, 0, verb_version, "name and version of the runtime" },
        { "inspecti", "IMAGE...", 1, -1, TAKES_QUIET | TAKES_OUTPUT, verb_inspecti,
          "shows an image; fails where it is absent" },
        { "images", "", 0, 0, TAKES_QUIET, verb_images, "the images" },
        { "pull", "IMAGE", 1, 1, TAKES_QUIET, verb_pull, "fetches an image" },
        { "pods", "", 0, 0, TAKES_QUIET, verb_pods, "the pods" },
        { "stopp", "POD-ID...", 1, -1, 0, verb_stopp, "stops pods" },
        { "rmp", "POD-ID...", 1, -1, TAKES_FORCE, verb_rmp, "removes stopped pods" },
        { "ps", "", 0, 0, TAKES_QUIET | TAKES_ALL | TAKES_NAME | TAKES_POD, verb_ps,
          "the containers that run" },
        { NULL, NULL, 0, 0, 0, NULL, NULL },
};

static const struct {
        unsigned takes;
        const char *text;
} option_help[] = {
        { TAKES_QUIET, "-q, --quiet           ids alone, or nothing but what was asked for" },
        { TAKES_ALL, "-a, --all             also those that do not run" },
        { TAKES_FORCE, "-f, --force           stops what runs" },
        { TAKES_NAME, "--name REGEX          containers of this name" },
        { TAKES_POD, "-p, --pod ID          containers of this pod" },
        { TAKES_OUTPUT, "-o, --output json     the same without it" },
        { TAKES_TEMPLATE, "-o go-template --template '{{.config.sandboxImage}}'\n"
                          "                        one value" },
        { 0, NULL },
};

static void print_usage(void) {
        printf("usage: crictl [-r ENDPOINT] VERB [ARGUMENTS]\n\n"
               "Asks a container runtime what the kubelet asks it (part of bramble).\n\n");
        for (const struct verb *v = verbs; v->name; v++)
                printf("  %-10s%-13s%s\n", v->name, v->args, v->help);
        printf("\n"
               "  -r, --runtime-endpoint ENDPOINT  unix:///run/containerd/containerd.sock, or\n"
               "                                   CONTAINER_RUNTIME_ENDPOINT\n"
               "  -i, --image-endpoint ENDPOINT    for images, where it is another\n"
               "  -t, --timeout 30s                for connecting; where given, also for the\n"
               "                                   answer (not of pull)\n"
               "\n"
               "crictl VERB --help says more.  Exit: 0 done, 1 failed, 2 misused.\n");
}

static void print_verb_usage(const struct verb *v) {
        printf("usage: crictl %s %s%s%s\n\n%s\n", v->name, v->takes ? "[OPTIONS]" : "",
               v->takes && v->args[0] ? " " : "", v->args, v->help);
        for (size_t i = 0; option_help[i].text; i++)
                if (v->takes & option_help[i].takes)
                        printf("  %s\n", option_help[i].text);
}

static bool about_images(const struct verb *v) {
        return v->run == verb_images || v->run == verb_inspecti || v->run == verb_pull;
}

static int run(const struct options *o) {
        struct crictl c = { .o = o };
        int status = crictl_connect(&c, o->image_endpoint && about_images(o->verb)
                                                ? o->image_endpoint
                                                : o->runtime_endpoint);

        if (status == CRICTL_DONE)
                status = o->verb->run(&c, o->names);
        crictl_disconnect(&c);
        if (fflush(stdout) != 0 && status == CRICTL_DONE)
                status = crictl_fail("cannot write the answer");
        return status;
}

int main(int argc, char **argv) {
        struct options o;
        struct fail f = { 0 };

        (void)signal(SIGPIPE, SIG_IGN);
        if (options_parse(argc, argv, getenv("CONTAINER_RUNTIME_ENDPOINT"), verbs, &o, &f) < 0) {
                (void)crictl_fail("%s", crictl_safe(fail_text(&f)));
                return CRICTL_MISUSED;
        }
        if (o.version)
                printf("crictl version %s (bramble, %s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
        else if (o.help && o.verb)
                print_verb_usage(o.verb);
        else if (o.help)
                print_usage();
        else
                return run(&o);
        return CRICTL_DONE;
}
