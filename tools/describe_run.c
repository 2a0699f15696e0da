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
#include "base/text.h"

enum { OUTPUT_BYTES_MAX = 256 * 1024, ERROR_BYTES_MAX = 4096, ERROR_LINE_BYTES = 160 };

#define DEADLINE_NS (2 * CLOCK_NS_PER_S)

// What one program said until now. Of its errors only the end is kept.
struct said {
    char *bytes;
    size_t size_bytes;
    size_t count;
    char errors[ERROR_BYTES_MAX];
    size_t error_count;
};

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

static _Noreturn void become(const char *program, const char *word, int output, int errors)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)word, NULL};
    char python[PATH_MAX + 64];
    char *environment[] = {find_python(python, sizeof python) ? python : NULL, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0) {
        execve(program, argv, environment);
        dprintf(STDERR_FILENO, "cannot be executed: %s\n", strerror(errno));
    }
    _exit(127);
}

// One read of its stderr. Returns false at its end, or when nothing is there now.
static bool read_errors(struct said *said, int fd)
{
    char block[ERROR_BYTES_MAX / 2];
    ssize_t took = read(fd, block, sizeof block);
    if (took <= 0) {
        return took < 0 && errno == EINTR;
    }
    size_t count = (size_t)took;
    if (said->error_count + count > sizeof said->errors) {
        size_t kept = sizeof said->errors - count;
        kept = kept < said->error_count ? kept : said->error_count;
        memmove(said->errors, said->errors + said->error_count - kept, kept);
        said->error_count = kept;
    }
    memcpy(said->errors + said->error_count, block, count);
    said->error_count += count;
    return true;
}

// Reads until the end of its stdout. Returns 0, -ETIMEDOUT, -EFBIG.
static int read_all(struct said *said, int output, int errors)
{
    int64_t deadline = clock_now_ns() + DEADLINE_NS;
    struct pollfd fds[] = {{.fd = output, .events = POLLIN}, {.fd = errors, .events = POLLIN}};
    for (;;) {
        int64_t left_ns = deadline - clock_now_ns();
        if (left_ns <= 0) {
            return -ETIMEDOUT;
        }
        if (poll(fds, 2, (int)(left_ns / CLOCK_NS_PER_MS) + 1) <= 0) {
            continue;
        }
        if (fds[1].revents != 0 && !read_errors(said, errors)) {
            fds[1].fd = -1;
        }
        if (fds[0].revents == 0) {
            continue;
        }
        if (said->count == said->size_bytes) {
            return -EFBIG;
        }
        ssize_t took = read(output, said->bytes + said->count, said->size_bytes - said->count);
        if (took == 0) {
            return 0;
        }
        if (took < 0 && errno != EINTR) {
            return -errno;
        }
        said->count += took > 0 ? (size_t)took : 0;
    }
}

// Adds the last line that it wrote to stderr: mostly that one says why.
static void add_last_error(const struct said *said, struct text *text)
{
    size_t end = said->error_count;
    while (end > 0 && said->errors[end - 1] == '\n') {
        end--;
    }
    size_t start = end;
    while (start > 0 && said->errors[start - 1] != '\n') {
        start--;
    }
    size_t count = end - start < ERROR_LINE_BYTES ? end - start : ERROR_LINE_BYTES;
    if (count > 0) {
        text_add(text, ": ");
        text_add_escaped(text, said->errors + start, count);
    }
}

static int explain(const struct said *said, int result, const char *word, struct diag *out_why)
{
    struct text text = TEXT_OVER(out_why->text);
    if (result == -ETIMEDOUT) {
        text_add(&text, "it did not answer within 2 s");
    } else if (result == -EFBIG) {
        text_add(&text, "its description is larger than 256 KiB");
    } else if (result == 0 && said->count == 0) {
        text_add_format(&text, "it printed nothing for %s", word);
        result = -EPROTO;
    } else {
        return result;
    }
    add_last_error(said, &text);
    return result;
}

static int run(const char *program, const char *word, struct said *said, struct diag *out_why)
{
    int ends[2];
    int error_ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    auto_fd int output = ends[0];
    auto_fd int output_end = ends[1];
    if (pipe2(error_ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -errno;
    }
    auto_fd int errors = error_ends[0];
    auto_fd int errors_end = error_ends[1];
    // Only this end waits for nothing: what it writes is not to be cut.
    fcntl(errors_end, F_SETFL, 0);
    pid_t pid = fork();
    if (pid == 0) {
        become(program, word, output_end, errors_end);
    }
    close(steal_fd(&output_end));
    close(steal_fd(&errors_end));
    if (pid < 0) {
        return -errno;
    }
    int result = read_all(said, output, errors);
    // Its stdout is closed or its time is up: either way it has nothing more to do.
    kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    // At most what a pipe holds: a child of it may write on.
    for (int i = 0; i < 64 && read_errors(said, errors); i++) {
    }
    return explain(said, result, word, out_why);
}

int describe_run_word(const char *program, const char *word, json_t **out_json,
                      struct diag *out_why)
{
    auto_free char *bytes = malloc(OUTPUT_BYTES_MAX);
    struct said said = {.bytes = bytes, .size_bytes = OUTPUT_BYTES_MAX};
    diag_set(out_why, "it cannot be run");
    int failed = bytes == NULL ? -ENOMEM : run(program, word, &said, out_why);
    if (failed != 0) {
        return failed;
    }
    json_error_t error;
    *out_json = json_loadb(bytes, said.count, JSON_REJECT_DUPLICATES, &error);
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
