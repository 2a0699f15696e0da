// SPDX-License-Identifier: Apache-2.0
// Finds the broker's program and runs it, in our place or with its stdout in a pipe.
#include "tools/broker_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/search.h"
#include "tools/verb.h"

#define EXIT_NO_EXEC 127

static int find(char program[PATH_MAX])
{
    struct search_places places = {NULL, getenv("PATH"), NULL};
    char folder[PATH_MAX];
    if (search_beside_program(".", folder) == 0) {
        places.folder = folder;
    }
    return search_program(&places, "streambroker", program);
}

int broker_run(const char *verb, const char *const *arguments)
{
    char program[PATH_MAX];
    int failed = find(program);
    if (failed == 0) {
        execv(program, (char *const *)(uintptr_t)arguments);
        failed = -errno;
    }
    fprintf(stderr, "streamctl %s: cannot run streambroker: %s; install it beside streamctl\n",
            verb, strerror(-failed));
    return VERB_INTERNAL;
}

static _Noreturn void become(const char *program, const char *const *arguments, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (dup2(output, STDOUT_FILENO) >= 0) {
        execv(program, (char *const *)(uintptr_t)arguments);
    }
    _exit(EXIT_NO_EXEC);
}

// Returns its exit status, or 128 and its signal as a shell does.
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int broker_run_json(const char *const *arguments, json_t **out_json, struct diag *out_why)
{
    char program[PATH_MAX];
    if (find(program) != 0) {
        diag_set(out_why, "streambroker is not installed beside streamctl");
        return -ENOENT;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        diag_set(out_why, "cannot run streambroker: %s", strerror(errno));
        return -errno;
    }
    auto_fd int output_end = ends[1];
    auto_file FILE *output = fdopen(ends[0], "r");
    // What was printed until now must not be printed by the child once more.
    fflush(NULL);
    pid_t pid = output != NULL ? fork() : -1;
    if (pid == 0) {
        become(program, arguments, output_end);
    }
    if (pid < 0) {
        diag_set(out_why, "cannot run streambroker: %s", strerror(errno));
        return -EAGAIN;
    }
    close(steal_fd(&output_end));
    json_t *json = json_loadf(output, JSON_REJECT_DUPLICATES, NULL);
    int status = wait_for(pid);
    if (json == NULL) {
        diag_set(out_why, "%s ended with status %d and printed nothing that can be read", program,
                 status);
        return -EPROTO;
    }
    *out_json = json;
    return status;
}
