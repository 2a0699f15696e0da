// SPDX-License-Identifier: Apache-2.0
// Tells what happens to links, and what the counters of nodes and links show.
#include "broker/supervision/news.h"

#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/links/pages.h"
#include "broker/links/queue_look.h"

// --- Conditions of links ----------------------------------------------------------------------

// Why a link is in its state after an event; NULL: nothing has to be explained.
static const char *const reasons[LINK_EVENT_COUNT] = {
    [LINK_ON_AGREED] = "its memory is being made",
    [LINK_ON_REPLACED] = "an end of it died, and its next life takes over",
    [LINK_ON_PRODUCER_GONE] = "its producer is gone",
    [LINK_ON_LEAVE] = "it was taken away",
    [LINK_ON_CONSUMER_GONE] = "its consumer is gone",
    [LINK_ON_DRAINED] = "it was read to its end",
    [LINK_ON_REFUSED] = "no format or no memory",
};

static void tell_link(struct broker *broker, const struct actual_link *link, enum health_type type,
                      const char *word)
{
    struct health_event event = {.type = type, .generation = link->output->generation};
    text_copy(event.link, sizeof event.link, link->name);
    struct text text = TEXT_OVER(event.text);
    text_add_format(&text, "link %s%s%s%s", link->name, word, link->why[0] == '\0' ? "" : ": ",
                    link->why);
    health_emit(&broker->health, &event, clock_now_ns());
}

void news_move_link(struct broker *broker, struct actual_link *link, enum link_event event,
                    const char *why)
{
    enum link_condition before = link_condition(link->state);
    enum link_state state = link->state;
    link_transition(&link->state, event, link->name);
    enum link_condition now = link_condition(link->state);
    if (link->state == state) {
        return;
    }
    const char *reason = why != NULL ? why : reasons[event];
    bool is_fine = now == LINK_IS_WIRED || reason == NULL;
    text_copy(link->why, sizeof link->why, is_fine ? "" : reason);
    if (now == before) {
        return;
    }
    switch (now) {
    case LINK_IS_PENDING:
        tell_link(broker, link, HEALTH_LINK_PENDING, " waits");
        break;
    case LINK_IS_WIRED:
        tell_link(broker, link, HEALTH_LINK_WIRED, " is wired");
        break;
    case LINK_IS_REFUSED:
        tell_link(broker, link, HEALTH_LINK_REFUSED, "");
        break;
    case LINK_IS_OVER:
        tell_link(broker, link, HEALTH_LINK_OVER, " is over");
        break;
    case LINK_IS_ENDING:
        break;
    }
}

// --- Counters ---------------------------------------------------------------------------------

static bool is_paused(const struct actual_node *node)
{
    return node->is_pause_wanted || node->life.state == NODE_PAUSED;
}

bool news_is_late(const struct actual_link *link, int64_t now_ns)
{
    return link_is_up(link->state) && !is_paused(link->to) &&
           link_age_head_ns(&link->late, now_ns) >= NEWS_LATE_NS;
}

static void say_of_link(struct broker *broker, const struct actual_link *link,
                        enum health_type type, uint64_t seq, uint64_t count, const char *text)
{
    struct health_event event = {.type = type, .seq = seq, .count = count};
    event.generation = link->to->life.generation;
    text_copy(event.node, sizeof event.node, link->to->life.id);
    text_copy(event.link, sizeof event.link, link->name);
    text_copy(event.text, sizeof event.text, text);
    health_emit(&broker->health, &event, clock_now_ns());
}

// The frames from `head` to the one that is kept in sight have waited for as long as that one.
static void look_at_age(struct broker *broker, struct actual_link *link,
                        const struct queue_look *queue, int64_t now_ns)
{
    link_age_note(&link->late, queue->head, queue->tail, now_ns);
    if (is_paused(link->to)) {
        link_age_rearm(&link->late, now_ns);
    }
    if (!news_is_late(link, now_ns)) {
        link->late_peak_ns = 0;
        return;
    }
    int64_t age_ns = link_age_head_ns(&link->late, now_ns);
    link->late_peak_ns = age_ns > link->late_peak_ns ? age_ns : link->late_peak_ns;
    uint64_t first = queue->head > link->late_told ? queue->head : link->late_told + 1;
    if (link->late.mark < first) {
        return;  // told
    }
    uint64_t count = link->late.mark + 1 - first;
    link->late_told = link->late.mark;
    char peak[32];
    char text[256];
    units_format_duration(link->late_peak_ns / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS, peak,
                          sizeof peak);
    struct text out = TEXT_OVER(text);
    text_add_format(&out, "is late: frames of %s wait for %s", link->name, peak);
    say_of_link(broker, link, HEALTH_FRAME_LAG, link->late.mark, count, text);
}

static void look_at_evictions(struct broker *broker, struct actual_link *link)
{
    if (actual_delivery(link) == SB_DELIVERY_LOSSLESS) {
        return;
    }
    uint64_t evicted = pages_account(link).evicted;
    if (evicted <= link->evicted_told) {
        return;
    }
    uint64_t count = evicted - link->evicted_told;
    link->evicted_told = evicted;
    char text[256];
    struct text out = TEXT_OVER(text);
    text_add_format(&out, "did not keep up: frames of %s were evicted, in all %llu", link->name,
                    (unsigned long long)evicted);
    say_of_link(broker, link, HEALTH_FRAMES_EVICTED, 0, count, text);
}

void news_look_at_node(struct broker *broker, struct actual_node *node)
{
    struct counts counts = node->counts;
    counts_add_page(&counts, node->status);
    if (counts.errors <= node->errors_told) {
        return;
    }
    struct health_event event = {.type = HEALTH_STEP_FAILED,
                                 .generation = node->life.generation,
                                 .count = counts.errors - node->errors_told};
    node->errors_told = counts.errors;
    text_copy(event.node, sizeof event.node, node->life.id);
    struct text text = TEXT_OVER(event.text);
    text_add_format(&text, "steps returned an error, in all %llu",
                    (unsigned long long)counts.errors);
    health_emit(&broker->health, &event, clock_now_ns());
}

void news_look(struct broker *broker, int64_t now_ns)
{
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        struct actual_link *link = broker->actual->links[i];
        struct queue_look queue;
        queue_look_at(link, &queue);
        link_age_note(&link->age, queue.head, queue.tail, now_ns);
        look_at_age(broker, link, &queue, now_ns);
        look_at_evictions(broker, link);
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        news_look_at_node(broker, broker->actual->nodes[i]);
    }
}

// --- Ends -------------------------------------------------------------------------------------

void news_end_node(struct broker *broker, struct actual_node *node, enum health_type type,
                   const char *format, ...)
{
    SB_ASSERT(type == HEALTH_NODE_FINISHED || type == HEALTH_NODE_STOPPED ||
              type == HEALTH_NODE_FAILED);
    news_look_at_node(broker, node);
    for (size_t i = 0; i < node->input_count; i++) {
        look_at_evictions(broker, node->inputs[i]);
    }
    health_flush_node(&broker->health, node->life.id, clock_now_ns());
    struct health_event event = {.type = type, .generation = node->life.generation};
    text_copy(event.node, sizeof event.node, node->life.id);
    struct text text = TEXT_OVER(event.text);
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
    health_emit(&broker->health, &event, clock_now_ns());
}
