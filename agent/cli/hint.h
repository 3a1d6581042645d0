/* hint - what to do after an error, where the error itself does not say it.  Pure. */
#ifndef BRAMBLE_CLI_HINT_H
#define BRAMBLE_CLI_HINT_H

/* For what an agent answers: 'code' is its "code", 0 for none.  NULL where the words say it
 * already. */
const char *hint_of_answer(int code, const char *error);
/* For an agent of this board that cannot be reached; 'error' is a negative errno. */
const char *hint_of_socket(int error);
/* The same for one behind --host. */
const char *hint_of_host(int error);
/* For the status of a function's answer; NULL: its body says it. */
const char *hint_of_status(long status);

#endif
