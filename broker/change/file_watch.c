// SPDX-License-Identifier: Apache-2.0
// Looks out for the graph file with inotify.
#include "broker/change/file_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/change/live.h"

#define STATUS_INTERNAL 70

// A file that is written in place is read when its writer has closed it, never half written.
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO)

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int on_event(sd_event_source *source, const struct inotify_event *event, void *context)
{
    (void)source;
    struct broker *broker = context;
    bool is_it = event->len > 0 && strcmp(event->name, base_name(broker->live.file)) == 0;
    // Events that the kernel had no room for may have been about it.
    broker->live.is_file_new = broker->live.is_file_new || is_it || (event->mask & IN_Q_OVERFLOW);
    return 0;
}

int file_watch_open(struct broker *broker)
{
    broker->live.file = broker->graph->file;
    int failed = sd_event_add_inotify(broker->event, &broker->live.file_source,
                                      broker->graph->folder, EVENTS, on_event, broker);
    if (failed < 0) {
        log_line(LOG_ERROR, "cannot watch %s: %s", broker->graph->folder, strerrordesc_np(-failed));
    }
    return failed < 0 ? failed : 0;
}

void file_watch_close(struct broker *broker)
{
    broker->live.file_source = sd_event_source_disable_unref(broker->live.file_source);
}

static void apply(struct broker *broker)
{
    struct live *live = &broker->live;
    struct graph *graph;
    struct live_refusal refusal;
    int code = live_read(broker, live->file, &graph, &refusal);
    if (code == -EINPROGRESS) {
        live_note_waiting(broker, &live->file_place);
        return;
    }
    live->is_file_new = false;
    live_leave(broker, &live->file_place);
    if (code == 0 && live_apply(broker, graph, &live->file_ticket) != 0) {
        code = STATUS_INTERNAL;
        text_copy(refusal.brief, sizeof refusal.brief, "out of memory");
    }
    if (code != 0) {
        live_reject(broker, code, refusal.brief);
        log_line(LOG_ERROR, "%s is not applied: %s", live->file, refusal.brief);
    }
}

void file_watch_turn(struct broker *broker)
{
    struct live *live = &broker->live;
    bool can_apply = broker->phase == BROKER_IDLE || broker->phase == BROKER_RUNNING ||
                     (broker->phase == BROKER_ENDED && broker->options.is_keep);
    if (!live->is_file_new || !can_apply) {
        live_leave(broker, &live->file_place);
        return;
    }
    if (!live->file_place.is_in) {
        live_join(broker, &live->file_place);
    }
    if (live_is_turn(broker, &live->file_place) && live_is_worth_it(broker, &live->file_place)) {
        apply(broker);
    }
}
