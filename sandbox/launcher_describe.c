// SPDX-License-Identifier: Apache-2.0
// Runs a program that describes itself, within a deadline, and collects what it writes.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/units.h"
#include "sandbox/launcher.h"

enum { ERRORS_BYTES = 4096, ERROR_LINE_BYTES = 300 };

// One run, from the request to the end of everything that it writes.
struct launcher_description {
    struct launcher *launcher;  // borrowed
    uint32_t serial;
    int64_t timeout_ns;
    int pidfd;   // owned, -1 before it runs
    int output;  // owned, -1 after its end
    int errors;  // likewise
    char *json;  // owned
    size_t count;
    char error_bytes[ERRORS_BYTES];  // the end of what it wrote to stderr
    size_t error_count;
    bool is_over;  // it ended, or never ran
    int wait_status;
    bool is_out_of_memory;
    struct launch_event failure;  // kind is 0 when it ran
};

static void fini(struct launcher_description *run)
{
    cleanup_fd(&run->pidfd);
    cleanup_fd(&run->output);
    cleanup_fd(&run->errors);
    free(run->json);
}

// A pipe: its write end for the process, its read end for us.
static int open_pipe(int *out_read, int *out_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    int result = fd_set_blocking(ends[0], false);
    if (result < 0) {
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    *out_read = ends[0];
    *out_write = ends[1];
    return 0;
}

static int begin(struct launcher_description *run, const struct launch_plan *wanted)
{
    run->json = malloc(LAUNCH_OUTPUT_BYTES_MAX + 1);
    if (run->json == NULL) {
        return -ENOMEM;
    }
    auto_fd int output = -1;
    auto_fd int errors = -1;
    int result = open_pipe(&run->output, &output);
    if (result == 0) {
        result = open_pipe(&run->errors, &errors);
    }
    if (result < 0) {
        return result;
    }
    struct launch_plan plan = *wanted;
    plan.control_fd = -1;
    plan.stdout_fd = output;
    plan.stderr_fd = errors;
    return launcher_spawn(run->launcher, &plan, run->serial);
}

// Returns 0, or -EFBIG when it wrote more than is allowed.
static int read_output(struct launcher_description *run)
{
    for (;;) {
        ssize_t got =
            read(run->output, run->json + run->count, LAUNCH_OUTPUT_BYTES_MAX + 1 - run->count);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return 0;
        }
        if (got <= 0) {
            cleanup_fd(&run->output);
            return 0;
        }
        run->count += (size_t)got;
        if (run->count > LAUNCH_OUTPUT_BYTES_MAX) {
            return -EFBIG;
        }
    }
}

// One piece at a time: a program that never stops writing must not hold up the deadline.
static void read_errors(struct launcher_description *run)
{
    if (run->error_count == ERRORS_BYTES) {
        memmove(run->error_bytes, run->error_bytes + ERRORS_BYTES / 2, ERRORS_BYTES / 2);
        run->error_count = ERRORS_BYTES / 2;
    }
    ssize_t got =
        read(run->errors, run->error_bytes + run->error_count, ERRORS_BYTES - run->error_count);
    if (got > 0) {
        run->error_count += (size_t)got;
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        cleanup_fd(&run->errors);
    }
}

void launcher_describe_take(struct launcher_description *run, const struct launch_event *event)
{
    if (event->kind == LAUNCH_SPAWNED) {
        run->pidfd = event->pidfd;
    } else if (event->kind == LAUNCH_FAILED) {
        run->failure = *event;
        run->is_over = true;
    } else {
        run->wait_status = event->wait_status;
        run->is_out_of_memory = event->usage.counts.oom_kills > 0;
        run->is_over = true;
    }
}

static int take_events(struct launcher_description *run)
{
    struct launch_event event;
    int result;
    while ((result = launcher_receive_of(run->launcher, run->serial, &event)) == 0) {
        launcher_describe_take(run, &event);
    }
    return result == -EAGAIN ? 0 : result;
}

bool launcher_describe_is_complete(const struct launcher_description *run)
{
    return run->is_over && (run->failure.kind != 0 || (run->output < 0 && run->errors < 0));
}

void launcher_describe_fds(const struct launcher_description *run, int out_fds[2])
{
    out_fds[0] = run->output;
    out_fds[1] = run->errors;
}

int launcher_describe_read(struct launcher_description *run)
{
    if (run->errors >= 0) {
        read_errors(run);
    }
    return run->output >= 0 ? read_output(run) : 0;
}

// Its time begins when it runs: to copy a large program and to make a sandbox may take some too.
static int wait_for_end(struct launcher_description *run)
{
    int64_t deadline_ns = clock_now_ns() + run->timeout_ns + LAUNCH_PREPARE_NS;
    bool is_running = false;
    for (;;) {
        int result = take_events(run);
        if (!is_running && run->pidfd >= 0) {
            is_running = true;
            deadline_ns = clock_now_ns() + run->timeout_ns;
        }
        if (result < 0 || launcher_describe_is_complete(run)) {
            return result;
        }
        int64_t left_ns = deadline_ns - clock_now_ns();
        if (left_ns <= 0) {
            return -ETIMEDOUT;
        }
        struct pollfd polled[] = {{.fd = launcher_fd(run->launcher), .events = POLLIN},
                                  {.fd = run->output, .events = POLLIN},
                                  {.fd = run->errors, .events = POLLIN}};
        const struct timespec left = {.tv_sec = left_ns / CLOCK_NS_PER_S,
                                      .tv_nsec = left_ns % CLOCK_NS_PER_S};
        if (ppoll(polled, 3, &left, NULL) < 0 && errno != EINTR) {
            return -errno;
        }
        result = launcher_describe_read(run);
        if (result < 0) {
            return result;
        }
    }
}

// Adds the last line that it wrote to stderr: mostly that one says why.
static void add_last_error(const struct launcher_description *run, struct text *text)
{
    size_t end = run->error_count;
    while (end > 0 && run->error_bytes[end - 1] == '\n') {
        end--;
    }
    size_t start = end;
    while (start > 0 && run->error_bytes[start - 1] != '\n') {
        start--;
    }
    const char *line = run->error_bytes + start;
    size_t count = end - start;
    // The priority in front of a line of our library is not for people.
    if (count >= 3 && line[0] == '<' && line[2] == '>') {
        line += 3;
        count -= 3;
    }
    if (count > 0) {
        text_add(text, ": ");
        text_add_escaped(text, line, count < ERROR_LINE_BYTES ? count : ERROR_LINE_BYTES);
    }
}

// Says what a result means; result itself is 0 when the process ran and ended.
static int explain(const struct launcher_description *run, int result, struct diag *out_why)
{
    struct text text = TEXT_OVER(out_why->text);
    if (result == -ETIMEDOUT) {
        char limit[32];
        units_format_duration(run->timeout_ns, limit, sizeof limit);
        text_add_format(&text, "did not describe itself within %s", limit);
        add_last_error(run, &text);
    } else if (result == -EFBIG) {
        text_add_format(&text, "its description has more than %d bytes", LAUNCH_OUTPUT_BYTES_MAX);
    } else if (result < 0) {
        text_add_format(&text, "cannot run it: %s", strerror(-result));
    } else if (run->failure.kind == LAUNCH_FAILED) {
        text_add(&text, run->failure.text);
        result = run->failure.error;
    } else if (WIFSIGNALED(run->wait_status) && run->is_out_of_memory) {
        text_add(&text, "was out of memory instead of describing itself");
        result = -EPROTO;
    } else if (WIFSIGNALED(run->wait_status)) {
        int number = WTERMSIG(run->wait_status);
        const char *name = sigabbrev_np(number);
        text_add_format(&text, "ended by signal %d (SIG%s) instead of describing itself", number,
                        name != NULL ? name : "?");
        add_last_error(run, &text);
        result = -EPROTO;
    } else if (WEXITSTATUS(run->wait_status) != 0) {
        text_add_format(&text, "ended with status %d instead of describing itself",
                        WEXITSTATUS(run->wait_status));
        add_last_error(run, &text);
        result = -EPROTO;
    }
    return result;
}

int launcher_describe_begin(struct launcher *launcher, const struct launch_plan *plan,
                            uint32_t serial, int64_t timeout_ns,
                            struct launcher_description **out_run, struct diag *out_why)
{
    struct launcher_description *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return -ENOMEM;
    }
    *run = (struct launcher_description){.launcher = launcher,
                                         .serial = serial,
                                         .timeout_ns = timeout_ns,
                                         .pidfd = -1,
                                         .output = -1,
                                         .errors = -1};
    int result = begin(run, plan);
    if (result < 0) {
        result = explain(run, result, out_why);
        fini(run);
        free(run);
        return result;
    }
    *out_run = run;
    return 0;
}

int launcher_describe_end(struct launcher_description *run, int result, char **out_json,
                          size_t *out_count, struct diag *out_why)
{
    if (!run->is_over) {
        // Its end is reported later, to nobody.
        launcher_kill(run->launcher, run->serial);
    }
    result = explain(run, result, out_why);
    if (result == 0) {
        run->json[run->count] = '\0';
        *out_json = steal_pointer(&run->json);
        *out_count = run->count;
    }
    fini(run);
    free(run);
    return result;
}

int launcher_describe(struct launcher *launcher, const struct launch_plan *plan, int64_t timeout_ns,
                      char **out_json, size_t *out_count, struct diag *out_why)
{
    struct launcher_description *run;
    int result = launcher_describe_begin(launcher, plan, launcher_own_serial(launcher), timeout_ns,
                                         &run, out_why);
    if (result < 0) {
        return result;
    }
    result = wait_for_end(run);
    return launcher_describe_end(run, result, out_json, out_count, out_why);
}
