// SPDX-License-Identifier: Apache-2.0
// Writes graph files, runs the broker on them, and reads the reports of bench processors.
#include "tools/bench/graph_case.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/process_tree.h"

#define RUN_LIMIT_NS (120 * CLOCK_NS_PER_S)
#define LOOK_MS 100

int graph_case_init(struct graph_case *graph, struct bench *bench, const char *head)
{
    *graph = (struct graph_case){
        .bench = bench, .text = malloc(GRAPH_CASE_TEXT_BYTES), .tier = "trusted"};
    if (graph->text == NULL) {
        return -ENOMEM;
    }
    int length = snprintf(graph->text, GRAPH_CASE_TEXT_BYTES,
                          "version: 1\nname: bench-%d\nlimits: {nodes: 4096}\n%s\nnodes:\n",
                          (int)getpid(), head);
    graph->length = (size_t)length;
    return 0;
}

void graph_case_fini(struct graph_case *graph)
{
    free(graph->text);
    *graph = (struct graph_case){0};
}

static void add(struct graph_case *graph, const char *format, va_list list)
{
    size_t left = GRAPH_CASE_TEXT_BYTES - graph->length;
    int length = vsnprintf(graph->text + graph->length, left, format, list);
    graph->length += length > 0 && (size_t)length < left ? (size_t)length : 0;
}

static void add_text(struct graph_case *graph, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_text(struct graph_case *graph, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(graph, format, list);
    va_end(list);
}

void graph_case_node(struct graph_case *graph, const char *id, const char *exec, const char *config,
                     const char *more, ...)
{
    va_list list;
    va_start(list, more);
    add_text(graph, "  %s: {exec: [%s], config: {%s}, sandbox: %s", id, exec, config, graph->tier);
    add(graph, more, list);
    add_text(graph, "}\n");
    va_end(list);
}

void graph_case_link(struct graph_case *graph, const char *from, const char *to, const char *more,
                     ...)
{
    va_list list;
    va_start(list, more);
    add_text(graph, "%s  - {from: %s, to: %s", graph->has_links ? "" : "links:\n", from, to);
    graph->has_links = true;
    add(graph, more, list);
    add_text(graph, "}\n");
    va_end(list);
}

static int write_file(const struct graph_case *graph, const char *path)
{
    auto_file FILE *file = fopen(path, "we");
    if (file == NULL) {
        return -errno;
    }
    return fwrite(graph->text, 1, graph->length, file) == graph->length ? 0 : -EIO;
}

static void execute(const struct bench *bench, const char *const *wrapper, const char *path,
                    int output)
{
    char program[PATH_MAX + 32];
    snprintf(program, sizeof program, "%s/streambroker", bench->programs);
    const char *words[32];
    size_t count = 0;
    while (wrapper != NULL && wrapper[count] != NULL && count < 24) {
        words[count] = wrapper[count];
        count++;
    }
    words[count++] = program;
    words[count++] = "--log-format";
    words[count++] = "json";
    // Of its own: graphs of one name may run side by side.
    char control[PATH_MAX + 32];
    snprintf(control, sizeof control, "%s/%d.sock", bench->folder, (int)getpid());
    words[count++] = "--socket";
    words[count++] = control;
    words[count++] = path;
    words[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDERR_FILENO);
    dup2(output, STDOUT_FILENO);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

pid_t graph_case_start(struct graph_case *graph, const char *const *wrapper, int *out_log)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/bench.yaml", graph->bench->folder);
    int output[2];
    int failed = write_file(graph, path);
    if (failed != 0 || pipe2(output, O_CLOEXEC) != 0) {
        return failed != 0 ? failed : -errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execute(graph->bench, wrapper, path, output[1]);
    }
    close(output[1]);
    *out_log = output[0];
    return pid;
}

static void keep_line(struct graph_result *result, const char *line)
{
    json_t *record = json_loads(line, 0, NULL);
    const char *node = json_string_value(json_object_get(record, "node"));
    const char *text = json_string_value(json_object_get(record, "text"));
    json_t *report = text != NULL && node != NULL ? json_loads(text, 0, NULL) : NULL;
    if (text != NULL && strncmp(text, "died: ", 6) == 0 &&
        result->death_count < GRAPH_CASE_DEATHS_MAX) {
        result->deaths_ns[result->death_count++] =
            json_integer_value(json_object_get(record, "ts"));
    }
    if (json_is_object(report)) {
        json_object_set(result->nodes, node, report);
    } else {
        snprintf(result->error, sizeof result->error, "%s", text != NULL ? text : line);
    }
    json_decref(report);
    json_decref(record);
}

// CPU time of the broker without what it started. Kept from the last look, because a process that
// is gone cannot be asked.
static void look_at_broker(pid_t pid, struct graph_result *result)
{
    double cpu_ns = process_tree_use(pid).cpu_ns;
    result->broker_cpu_ns = cpu_ns > result->broker_cpu_ns ? cpu_ns : result->broker_cpu_ns;
}

static int read_log(pid_t pid, int log, struct graph_result *result)
{
    size_t size = 1 << 16;
    size_t length = 0;
    auto_free char *text = malloc(size);
    int64_t end_ns = clock_now_ns() + RUN_LIMIT_NS;
    int64_t look_ns = 0;
    while (text != NULL && clock_now_ns() < end_ns) {
        struct pollfd ready = {.fd = log, .events = POLLIN};
        int count = poll(&ready, 1, LOOK_MS);
        // It goes through all of /proc: done for every line, it would disturb what is measured.
        if (clock_now_ns() - look_ns >= LOOK_MS * CLOCK_NS_PER_MS) {
            look_ns = clock_now_ns();
            look_at_broker(pid, result);
        }
        if (count <= 0) {
            continue;
        }
        ssize_t got = read(log, text + length, size - 1 - length);
        if (got <= 0) {
            return got == 0 ? 0 : -errno;
        }
        length += (size_t)got;
        text[length] = '\0';
        char *line = text;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            keep_line(result, line);
        }
        length -= (size_t)(line - text);
        memmove(text, line, length + 1);
        if (length == size - 1) {
            return -EMSGSIZE;
        }
    }
    return text == NULL ? -ENOMEM : -ETIMEDOUT;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int graph_case_finish(struct graph_case *graph, pid_t pid, int log, struct graph_result *out_result)
{
    int64_t begin_ns = clock_now_ns();
    *out_result = (struct graph_result){.nodes = json_object()};
    int failed = read_log(pid, log, out_result);
    if (failed != 0) {
        kill(pid, SIGKILL);
    }
    int status = 0;
    struct rusage usage;
    wait4(pid, &status, 0, &usage);
    close(log);
    out_result->seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    out_result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    out_result->children_cpu_ns = (seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)) * 1e9;
    if (failed == 0 && out_result->status != 0) {
        fprintf(stderr, "streambench: the broker ended with %d: %s\n", out_result->status,
                out_result->error);
        failed = -EIO;
    }
    (void)graph;
    return failed;
}

int graph_case_run(struct graph_case *graph, struct graph_result *out_result)
{
    int log;
    pid_t pid = graph_case_start(graph, NULL, &log);
    *out_result = (struct graph_result){0};
    return pid < 0 ? pid : graph_case_finish(graph, pid, log, out_result);
}

void graph_case_free_result(struct graph_result *result)
{
    json_decref(result->nodes);
    *result = (struct graph_result){0};
}

double graph_case_number(const struct graph_result *result, const char *node, const char *path)
{
    json_t *value = json_object_get(result->nodes, node);
    char name[64];
    const char *rest = path;
    while (value != NULL && *rest != '\0') {
        size_t length = strcspn(rest, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, rest);
        value = json_object_get(value, name);
        rest += length + (rest[length] == '.' ? 1 : 0);
    }
    return json_is_number(value) ? json_number_value(value) : -1;
}
