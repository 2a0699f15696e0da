// SPDX-License-Identifier: Apache-2.0
// streambroker: options, the launcher before everything else, the graph, and the broker's loop.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/version.h>

#include "base/fd.h"
#include "base/log.h"
#include "broker/control/control_socket.h"
#include "broker/describe_command.h"
#include "broker/graph/catalog.h"
#include "broker/graph/graph_check.h"
#include "broker/graph/graph_file.h"
#include "broker/lives/cage.h"
#include "broker/lives/describing.h"
#include "broker/lives/metering.h"
#include "broker/lives/process_limits.h"
#include "broker/loop.h"
#include "broker/machine_command.h"
#include "broker/options.h"
#include "broker/supervision/letter_write.h"
#include "broker/verify_command.h"
#include "sandbox/launcher.h"
#include "sandbox/launcher_uid.h"

#define HELP_BYTES 4096

enum {
    STATUS_USAGE = 2,
    STATUS_NO_INPUT = 66,
    STATUS_UNAVAILABLE = 69,
    STATUS_INTERNAL = 70,
    STATUS_REFUSED = 77,
    STATUS_INVALID = 78,
};

// From here on signals come through the loop. No thread exists yet: those that come inherit it.
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

// A launcher that is gone cannot describe anything: then the graph is not what is wrong.
static bool is_launcher_gone(const struct launcher *launcher)
{
    struct pollfd wait = {.fd = launcher_fd(launcher), .events = POLLIN};
    return poll(&wait, 1, 0) > 0 && (wait.revents & (POLLHUP | POLLERR)) != 0;
}

// Returns 0, or an exit status.
static int open_control(const struct options *options, const struct graph *graph,
                        struct launcher *launcher, int *out_fd)
{
    struct control_socket control;
    struct diag why = {.text = ""};
    int failed = control_socket_open(options->socket, graph->name, &control, &why);
    if (failed == 0) {
        // Unlinked by who outlives us, however we end.
        failed = launcher_own_socket(launcher, control.path);
        diag_set(&why, "%s does not take the control socket %s",
                 is_launcher_gone(launcher) ? "the launcher is gone and" : "the launcher",
                 control.path);
    }
    if (failed == 0) {
        *out_fd = control.fd;
        return 0;
    }
    log_line(LOG_ERROR, "%s", why.text);
    switch (failed) {
    case -EADDRINUSE:
        return STATUS_UNAVAILABLE;
    case -EPERM:
    case -EACCES:
        return STATUS_REFUSED;
    case -ENAMETOOLONG:
        return STATUS_USAGE;
    default:
        return STATUS_INTERNAL;
    }
}

// What it takes the launcher to find out is found out while the graph is checked.
static void get_ready(const struct graph *graph, struct launcher *launcher)
{
    bool is_caged = false;
    bool is_metered = false;
    for (size_t i = 0; i < graph->node_count; i++) {
        is_caged = is_caged || cage_is_wanted(&graph->nodes[i]);
        is_metered = is_metered || metering_is_wanted(&graph->nodes[i]);
    }
    if (is_caged || is_metered) {
        // One that is gone is noticed by who needs an answer.
        (void)launcher_get_ready(launcher, is_caged, is_metered);
    }
}

static int run_graph(const struct options *options, struct graph **graph, struct catalog *catalog,
                     struct launcher *launcher, struct diags *diags)
{
    int failed = graph_file_read(options->graph, graph, diags);
    if (failed == -ENOMEM) {
        return STATUS_INTERNAL;
    }
    if (failed != 0) {
        return failed == -EINVAL ? STATUS_INVALID : STATUS_NO_INPUT;
    }
    get_ready(*graph, launcher);
    failed = graph_check(*graph, catalog, diags);
    if (failed != 0) {
        return failed == -ENOMEM ? STATUS_INTERNAL : diags_exit_status(diags);
    }
    diags_print(diags, stderr);
    *diags = (struct diags){.count = 0};
    struct broker_options wanted = {.catalog = catalog,
                                    .is_keep = options->is_given[OPTION_KEEP],
                                    .is_idle = options->is_given[OPTION_IDLE],
                                    .is_watched = options->is_given[OPTION_WATCH],
                                    .control = -1};
    int status = open_control(options, *graph, launcher, &wanted.control);
    if (status != 0) {
        return status;
    }
    block_signals();
    return loop_run(*graph, launcher, &wanted);
}

static int run_with_launcher(const struct options *options, struct launcher *launcher)
{
    if (options->is_given[OPTION_DESCRIBE]) {
        return describe_command(launcher, options->programs, options->program_count,
                                options->is_given[OPTION_TRUSTED]);
    }
    struct catalog *catalog;
    bool is_check = options->is_given[OPTION_CHECK];
    struct describing_context context = {launcher, !is_check && !options->is_given[OPTION_IDLE]};
    int failed = catalog_create(getenv("STREAMBROKER_PROCESSOR_PATH"), NULL, describing_now,
                                &context, &catalog);
    if (failed != 0) {
        log_line(LOG_ERROR, "cannot find the processors: %s", strerrordesc_np(-failed));
        return STATUS_INTERNAL;
    }
    int status;
    if (is_check) {
        status = graph_check_command(options->graph, catalog, options->print);
    } else {
        struct graph *graph = NULL;
        struct diags diags = {.count = 0};
        status = run_graph(options, &graph, catalog, launcher, &diags);
        diags_print(&diags, stderr);
        graph_destroy(graph);
    }
    catalog_destroy(catalog);
    if (status == STATUS_INVALID && is_launcher_gone(launcher)) {
        log_line(LOG_ERROR, "the launcher is gone: nothing was started");
        status = STATUS_INTERNAL;
    }
    return status;
}

// What was asked for was printed when it is there, and not before.
static int print(const char *text)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
        log_line(LOG_ERROR, "cannot write: %s", strerrordesc_np(errno));
        return STATUS_INTERNAL;
    }
    return 0;
}

static int run(const struct options *options)
{
    log_configure(options->log_level, options->log_format);
    char text[DIAG_TEXT_BYTES_MAX];
    if (process_limits_check(text, sizeof text) != 0) {
        log_line(LOG_ERROR, "%s", text);
        return STATUS_INTERNAL;
    }
    if (options->is_given[OPTION_UIDS]) {
        launcher_uid_set_range(options->uid_first, options->uid_last);
    }
    // The launcher is forked before anything is opened, allocated or started: it inherits nothing.
    struct launcher *launcher;
    int failed = launcher_start(&launcher);
    if (failed != 0) {
        log_line(LOG_ERROR, "cannot start the launcher: %s", strerrordesc_np(-failed));
        return STATUS_INTERNAL;
    }
    // What they would end us for is an error of the call as well, and that has a message.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int status = run_with_launcher(options, launcher);
    launcher_stop(launcher);
    return status;
}

int main(int argc, char **argv)
{
    if (fd_fill_standard() != 0) {
        return STATUS_INTERNAL;
    }
    if (letter_write_is_meant(argc, argv)) {
        return letter_write_main(argc, argv);
    }
    struct options options;
    char text[HELP_BYTES];
    if (options_parse(argc, argv, &options, text, sizeof text) != 0) {
        fprintf(stderr, "streambroker: %s\n", text);
        return STATUS_USAGE;
    }
    if (options.is_given[OPTION_HELP]) {
        options_help(text, sizeof text);
        return print(text);
    }
    if (options.is_given[OPTION_VERSION]) {
        return print("streambroker " SB_VERSION_STRING "\n");
    }
    if (options.is_given[OPTION_MACHINE]) {
        return machine_command();
    }
    if (options.is_given[OPTION_VERIFY]) {
        return verify_command(options.graph, options.keys);
    }
    return run(&options);
}
