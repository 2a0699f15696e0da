// SPDX-License-Identifier: Apache-2.0
// A processor's main in a child, its output in memory.
#include "program_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void read_all(int fd, char *bytes)
{
    ssize_t size = pread(fd, bytes, PROGRAM_BYTES_MAX - 1, 0);
    assert_true(size >= 0);
    bytes[size] = '\0';
    close(fd);
}

void program_run(struct program *program, const struct sb_processor *processor, const char *option)
{
    int out = memfd_create("out", MFD_CLOEXEC);
    int err = memfd_create("err", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // A processor that aborts on purpose leaves no core.
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        for (int fd = 3; fd < 16; fd++) {
            close(fd);
        }
        char name[] = "unit";
        char argument[64];
        snprintf(argument, sizeof argument, "%s", option != NULL ? option : "");
        char *arguments[] = {name, option != NULL ? argument : NULL, NULL};
        int status = sb_processor_main(processor, option != NULL ? 2 : 1, arguments);
        fflush(stdout);
        _exit(status);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    program->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    read_all(out, program->out);
    read_all(err, program->err);
}
