// SPDX-License-Identifier: Apache-2.0
// One child with its stdout in a pipe, a deadline, and a limit for what it may say.
#include "tools/describe_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/search.h"

enum { OUTPUT_BYTES_MAX = 256 * 1024 };

#define DEADLINE_NS (2 * CLOCK_NS_PER_S)

// Where a program in Python finds the module of this install, as the broker would say it.
static bool find_python(char *out, size_t size_bytes)
{
    char lib[PATH_MAX];
    if (search_lib(lib) != 0) {
        return false;
    }
    int length = snprintf(out, size_bytes, "PYTHONPATH=%s/streambroker/python", lib);
    return length < (int)size_bytes;
}

static _Noreturn void become(const char *program, const char *word, int output)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)word, NULL};
    char python[PATH_MAX + 64];
    char *environment[] = {find_python(python, sizeof python) ? python : NULL, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0) {
        execve(program, argv, environment);
    }
    _exit(127);
}

// Reads until the end. Returns the count, -ETIMEDOUT, -EFBIG.
static ssize_t read_all(int fd, char *bytes, size_t size_bytes)
{
    int64_t deadline = clock_now_ns() + DEADLINE_NS;
    size_t count = 0;
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left_ns = deadline - clock_now_ns();
        if (left_ns <= 0) {
            return -ETIMEDOUT;
        }
        if (poll(&poll_fd, 1, (int)(left_ns / CLOCK_NS_PER_MS) + 1) <= 0) {
            continue;
        }
        if (count == size_bytes) {
            return -EFBIG;
        }
        ssize_t took = read(fd, bytes + count, size_bytes - count);
        if (took == 0) {
            return (ssize_t)count;
        }
        if (took < 0 && errno != EINTR) {
            return -errno;
        }
        count += took > 0 ? (size_t)took : 0;
    }
}

static int run(const char *program, const char *word, char *bytes, size_t size_bytes,
               size_t *out_count, struct diag *out_why)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    auto_fd int output = ends[0];
    pid_t pid = fork();
    if (pid == 0) {
        become(program, word, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        return -errno;
    }
    ssize_t count = read_all(output, bytes, size_bytes);
    // Its stdout is closed or its time is up: either way it has nothing more to do.
    kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (count == -ETIMEDOUT) {
        diag_set(out_why, "it did not answer within 2 s");
    } else if (count == -EFBIG) {
        diag_set(out_why, "its description is larger than 256 KiB");
    } else if (count == 0) {
        diag_set(out_why, "it printed nothing for %s", word);
        return -EPROTO;
    }
    *out_count = count > 0 ? (size_t)count : 0;
    return count < 0 ? (int)count : 0;
}

int describe_run_word(const char *program, const char *word, json_t **out_json,
                      struct diag *out_why)
{
    auto_free char *bytes = malloc(OUTPUT_BYTES_MAX);
    size_t count = 0;
    diag_set(out_why, "it cannot be run");
    int failed =
        bytes == NULL ? -ENOMEM : run(program, word, bytes, OUTPUT_BYTES_MAX, &count, out_why);
    if (failed != 0) {
        return failed;
    }
    json_error_t error;
    *out_json = json_loadb(bytes, count, JSON_REJECT_DUPLICATES, &error);
    if (*out_json == NULL) {
        diag_set(out_why, "it is no processor: what it printed for %s is no description", word);
        return -EPROTO;
    }
    return 0;
}

int describe_run(const char *program, json_t **out_json, struct diag *out_why)
{
    json_t *json = NULL;
    int failed = describe_run_word(program, "--describe", &json, out_why);
    if (failed != 0) {
        return failed;
    }
    const char *name = json_string_value(json_object_get(json, "name"));
    if (json_integer_value(json_object_get(json, "streambroker")) != 1 || name == NULL) {
        diag_set(out_why, "it is no processor: what it printed for --describe is no description");
        json_decref(json);
        return -EPROTO;
    }
    *out_json = json;
    return 0;
}
