// SPDX-License-Identifier: Apache-2.0
// Runs programs with --describe, and gives what they say to the catalog.
#include "broker/lives/describing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/graph/catalog.h"
#include "broker/graph/descriptor.h"
#include "broker/lives/cage.h"
#include "broker/lives/metering.h"
#include "sandbox/launcher.h"

#define DESCRIBE_NS (2 * CLOCK_NS_PER_S)
#define ACCURACY_US 1000

static_assert(LAUNCH_OUTPUT_BYTES_MAX == DESCRIPTOR_BYTES_MAX, "a description fits as it is read");

// One program that was asked.
struct describing {
    struct describing *next;
    struct broker *broker;               // borrowed
    uint32_t serial;                     // of the launcher
    void *question;                      // the catalog's
    struct launcher_description *run;    // owned
    struct sd_event_source *sources[2];  // owned: what it writes, NULL at its end
    struct sd_event_source *timer;       // owned
};

// Without the grants of the node: what a program says about itself depends on none.
struct asking {
    struct cage *cage;  // owned
    const char *arguments[LAUNCH_ARGUMENTS_MAX + 1];
    const char *environment[3];
    struct launch_plan plan;
};

static int fill(struct asking *asking, const struct describing_context *where,
                const struct graph_node *node, const struct graph_program *program,
                const char *folder, char *const *argv, struct diag *out_why)
{
    *asking = (struct asking){.cage = NULL};
    int failed = cage_open(node, program, &asking->cage, out_why);
    if (failed != 0) {
        return failed;
    }
    failed = metering_fill_description(where->launcher, node, &asking->cage->plan);
    if (failed != 0) {
        diag_set(out_why, "the launcher is gone");
        return failed;
    }
    const char *library_path = asking->cage->library_path;
    asking->environment[0] = library_path;
    asking->environment[library_path != NULL ? 1 : 0] = asking->cage->python_path;
    asking->plan = (struct launch_plan){.path = argv[0],
                                        .arguments = asking->arguments,
                                        .environment = asking->environment,
                                        .folder = folder,
                                        .sandbox = &asking->cage->plan};
    if (where->is_run && node != NULL && cage_is_plain(node)) {
        asking->cage->plan.again = SANDBOX_AGAIN_SOON;
    }
    return cage_command(asking->cage, (const char *const *)argv + 1, asking->arguments);
}

int describing_now(void *context, const struct graph_node *node,
                   const struct graph_program *program, const char *folder, char *const *argv,
                   char **out_json, size_t *out_count, struct diag *out_why)
{
    const struct describing_context *where = context;
    struct asking asking;
    int failed = fill(&asking, where, node, program, folder, argv, out_why);
    if (failed == 0) {
        failed = launcher_describe(where->launcher, &asking.plan, DESCRIBE_NS, out_json, out_count,
                                   out_why);
    }
    cage_close(asking.cage);
    return failed;
}

// --- Beside the loop --------------------------------------------------------------------------

static void unlink_and_free(struct describing *describing)
{
    struct describing **at = &describing->broker->describing;
    while (*at != describing) {
        at = &(*at)->next;
    }
    *at = describing->next;
    sd_event_source_disable_unref(describing->timer);
    sd_event_source_disable_unref(describing->sources[0]);
    sd_event_source_disable_unref(describing->sources[1]);
    free(describing);
}

static void finish(struct describing *describing, int result)
{
    struct catalog *catalog = describing->broker->live.catalog;
    auto_free char *json = NULL;
    size_t count = 0;
    struct diag why = {.text = ""};
    result = launcher_describe_end(describing->run, result, &json, &count, &why);
    catalog_answer(catalog, describing->question, result, json, count, &why);
    unlink_and_free(describing);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct describing *describing = context;
    int result = launcher_describe_read(describing->run);
    int fds[2];
    launcher_describe_fds(describing->run, fds);
    for (size_t i = 0; i < 2; i++) {
        if (fds[i] < 0) {
            describing->sources[i] = sd_event_source_disable_unref(describing->sources[i]);
        }
    }
    if (result < 0 || launcher_describe_is_complete(describing->run)) {
        finish(describing, result);
    }
    return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    finish(context, -ETIMEDOUT);
    return 0;
}

static int watch(struct describing *describing)
{
    sd_event *event = describing->broker->event;
    int fds[2];
    launcher_describe_fds(describing->run, fds);
    int failed = sd_event_add_time_relative(event, &describing->timer, CLOCK_MONOTONIC,
                                            (DESCRIBE_NS + LAUNCH_PREPARE_NS) / CLOCK_NS_PER_US,
                                            ACCURACY_US, on_late, describing);
    for (size_t i = 0; i < 2 && failed >= 0; i++) {
        failed = sd_event_add_io(event, &describing->sources[i], fds[i], EPOLLIN, on_readable,
                                 describing);
    }
    return failed < 0 ? failed : 0;
}

static int begin(struct describing *describing, const struct launch_plan *plan,
                 struct diag *out_why)
{
    struct broker *broker = describing->broker;
    broker->last_launch = broker->last_launch % LAUNCH_SERIAL_MAX + 1;
    describing->serial = broker->last_launch;
    int failed = launcher_describe_begin(broker->launcher, plan, describing->serial, DESCRIBE_NS,
                                         &describing->run, out_why);
    if (failed != 0) {
        return failed;
    }
    failed = watch(describing);
    if (failed != 0) {
        char *json;
        size_t count;
        return launcher_describe_end(describing->run, failed, &json, &count, out_why);
    }
    return 0;
}

static bool is_full(const struct broker *broker)
{
    size_t count = 0;
    for (const struct describing *at = broker->describing; at != NULL; at = at->next) {
        count++;
    }
    return count >= DESCRIBING_MAX;
}

int describing_begin(void *context, const struct graph_node *node,
                     const struct graph_program *program, const char *folder, char *const *argv,
                     void *question, struct diag *out_why)
{
    struct broker *broker = context;
    if (is_full(broker)) {
        return -EBUSY;
    }
    struct describing *describing = calloc(1, sizeof *describing);
    if (describing == NULL) {
        return -ENOMEM;
    }
    *describing =
        (struct describing){.next = broker->describing, .broker = broker, .question = question};
    broker->describing = describing;
    struct asking asking;
    const struct describing_context where = {broker->launcher, broker->phase != BROKER_IDLE};
    int failed = fill(&asking, &where, node, program, folder, argv, out_why);
    failed = failed != 0 ? failed : begin(describing, &asking.plan, out_why);
    cage_close(asking.cage);
    if (failed != 0) {
        unlink_and_free(describing);
    }
    return failed;
}

bool describing_on_launch(struct broker *broker, const struct launch_event *event)
{
    struct describing *at = broker->describing;
    while (at != NULL && at->serial != event->serial) {
        at = at->next;
    }
    if (at == NULL) {
        return false;
    }
    launcher_describe_take(at->run, event);
    if (event->kind == LAUNCH_SPAWNED) {
        // Its time begins when it runs, not while a large program is copied.
        sd_event_source_set_time_relative(at->timer, DESCRIBE_NS / CLOCK_NS_PER_US);
    }
    if (launcher_describe_is_complete(at->run)) {
        finish(at, 0);
    }
    return true;
}

void describing_cancel(struct broker *broker)
{
    while (broker->describing != NULL) {
        struct describing *describing = broker->describing;
        char *json = NULL;
        size_t count;
        struct diag why;
        launcher_describe_end(describing->run, -ECANCELED, &json, &count, &why);
        catalog_forget(broker->live.catalog, describing->question);
        unlink_and_free(describing);
    }
}
