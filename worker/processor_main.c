// SPDX-License-Identifier: Apache-2.0
// The main of every processor: a worker of a broker, or one of its few options.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <streambroker/processor.h>
#include <streambroker/version.h>

#include "base/check.h"
#include "base/fd.h"
#include "worker/boot.h"
#include "worker/cycle.h"
#include "worker/describe.h"
#include "worker/describe_check.h"
#include "worker/node_log.h"
#include "worker/selftest.h"
#include "worker/step.h"

#define EXIT_USAGE 2

static int run_describe(const struct sb_processor *processor)
{
    char *json;
    size_t count;
    if (describe_json(processor, &json, &count) != 0) {
        fprintf(stderr, "%s: the descriptor is too large\n", processor->name);
        return SB_EXIT_FAILED;
    }
    int failed = fd_write_all(STDOUT_FILENO, json, count);
    failed = failed != 0 ? failed : fd_write_all(STDOUT_FILENO, "\n", 1);
    free(json);
    return failed != 0 ? SB_EXIT_FAILED : SB_EXIT_FINISHED;
}

static int run_version(const struct sb_processor *processor)
{
    printf("%s %s (streambroker %s)\n", processor->name, processor->version, SB_VERSION_STRING);
    return SB_EXIT_FINISHED;
}

static int run_help(const struct sb_processor *processor);

static const struct {
    const char *name;
    const char *help;
    int (*run)(const struct sb_processor *processor);
} options[] = {
    {"--describe", "print ports and parameters as JSON", run_describe},
    {"--selftest", "run once on generated frames, without a broker", selftest_run},
    {"--version", "print name and version", run_version},
    {"--help", "print this", run_help},
};

static int run_help(const struct sb_processor *processor)
{
    printf("%s: %s\n\nA streambroker processor: name it in a graph file and run the graph.\n"
           "Alone it knows:\n",
           processor->name, processor->summary != NULL ? processor->summary : "");
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        printf("  %-12s %s\n", options[i].name, options[i].help);
    }
    return SB_EXIT_FINISHED;
}

static bool has_broker(void)
{
    int type;
    socklen_t size = sizeof type;
    return getsockopt(WORKER_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET;
}

static int run_worker(const struct sb_processor *processor)
{
    // Nothing that the processor starts may inherit it.
    fcntl(WORKER_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    // The kernel rounds sleeps of ordinary processes up by 50 us: ticks would be that late.
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    struct sb_node *node = calloc(1, sizeof *node);
    if (node == NULL || boot_init(node, processor) != 0) {
        fprintf(stderr, "<3>out of memory\n");
        return SB_EXIT_FAILED;
    }
    int failed = boot_run(node);
    int status = failed == 0 ? cycle_run(node) : node->exit_status;
    if (node->is_open && processor->close != NULL) {
        status_phase(node, WORKER_CLOSING);
        processor->close(node);
    }
    if (!node->is_failed) {
        step_release_all(node);
    }
    boot_fini(node);
    free(node);
    return status;
}

int sb_processor_main(const struct sb_processor *processor, int argc, char **argv)
{
    char reason[512];
    if (describe_check(processor, reason, sizeof reason) != 0) {
        fprintf(stderr, "<3>%s\n", reason);
        return SB_EXIT_BAD_CONFIG;
    }
    for (size_t i = 0; argc == 2 && i < ARRAY_COUNT(options); i++) {
        if (strcmp(argv[1], options[i].name) == 0) {
            return options[i].run(processor);
        }
    }
    if (has_broker()) {
        return run_worker(processor);
    }
    fprintf(stderr,
            "%s: this is a streambroker processor and there is no broker; name it in a graph file "
            "and run 'streambroker GRAPH', or see %s --help\n",
            processor->name, argc > 0 ? argv[0] : processor->name);
    return EXIT_USAGE;
}
