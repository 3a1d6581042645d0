/* verbs - one function a verb of agentctl; each in the file of its noun. */
#ifndef BRAMBLE_CLI_VERBS_H
#define BRAMBLE_CLI_VERBS_H

#include "cli/cli.h"

int verb_status(const struct cli *c, int argc, char **argv);
int verb_events(const struct cli *c, int argc, char **argv);
int verb_top(const struct cli *c, int argc, char **argv);
int verb_nodes(const struct cli *c, int argc, char **argv);
int verb_doctor(const struct cli *c, int argc, char **argv);
int verb_push(const struct cli *c, int argc, char **argv);
int verb_up(const struct cli *c, int argc, char **argv);
int verb_images(const struct cli *c, int argc, char **argv);
int verb_image(const struct cli *c, int argc, char **argv);
int verb_registry(const struct cli *c, int argc, char **argv);
int verb_import(const struct cli *c, int argc, char **argv);
int verb_deploy(const struct cli *c, int argc, char **argv);
int verb_store(const struct cli *c, int argc, char **argv);
int verb_functions(const struct cli *c, int argc, char **argv);
int verb_invoke(const struct cli *c, int argc, char **argv);
int verb_scale(const struct cli *c, int argc, char **argv);
int verb_remove(const struct cli *c, int argc, char **argv);
int verb_logs(const struct cli *c, int argc, char **argv);
int verb_secret(const struct cli *c, int argc, char **argv);
int verb_namespace(const struct cli *c, int argc, char **argv);
int verb_dashboard(const struct cli *c, int argc, char **argv);
int verb_auth(const struct cli *c, int argc, char **argv);
int verb_pki(const struct cli *c, int argc, char **argv);
int verb_kubeconfig(const struct cli *c, int argc, char **argv);
int verb_promote(const struct cli *c, int argc, char **argv);
int verb_reset(const struct cli *c, int argc, char **argv);
int verb_shutdown_all(const struct cli *c, int argc, char **argv);
int verb_shutdown(const struct cli *c, int argc, char **argv); /* reboot, too */
int verb_drain(const struct cli *c, int argc, char **argv);
int verb_uncordon(const struct cli *c, int argc, char **argv);
int verb_rename(const struct cli *c, int argc, char **argv);
int verb_locate(const struct cli *c, int argc, char **argv);
int verb_targets(const struct cli *c, int argc, char **argv);
int verb_flash(const struct cli *c, int argc, char **argv);
int verb_complete(const struct cli *c, int argc, char **argv);
int verb_version(const struct cli *c, int argc, char **argv);

#endif
