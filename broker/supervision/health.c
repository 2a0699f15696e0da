// SPDX-License-Identifier: Apache-2.0
// Logs events, keeps the newest, and holds back what repeats.
#include "broker/supervision/health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"

static const struct {
    const char *name;
    enum log_level level;
    bool is_throttled;
} types[] = {
#define EVENT(NAME, name, LEVEL, is_throttled, text) {name, LOG_##LEVEL, is_throttled},
#include "broker/supervision/health.def"
#undef EVENT
};

const char *health_type_name(enum health_type type)
{
    return (size_t)type < ARRAY_COUNT(types) ? types[type].name : "?";
}

enum log_level health_type_level(enum health_type type)
{
    SB_ASSERT(type < HEALTH_TYPE_COUNT);
    return types[type].level;
}

int health_init(struct health *health)
{
    *health = (struct health){.ring = calloc(HEALTH_RING_EVENTS, sizeof *health->ring),
                              .subjects = calloc(HEALTH_SUBJECTS_MAX, sizeof *health->subjects)};
    if (health->ring == NULL || health->subjects == NULL) {
        health_fini(health);
        return -ENOMEM;
    }
    return 0;
}

void health_fini(struct health *health)
{
    free(health->ring);
    free(health->subjects);
    *health = (struct health){.last_serial = 0};
}

static void tell(struct health *health, const struct health_event *event, uint64_t count,
                 int64_t now_ns)
{
    health->last_serial++;
    struct health_event *kept = &health->ring[health->last_serial % HEALTH_RING_EVENTS];
    *kept = *event;
    redact_string(kept->text);
    kept->serial = health->last_serial;
    kept->time_ns = now_ns;
    kept->count = count;
    char times[48] = "";
    struct text more = TEXT_OVER(times);
    if (count > 1) {
        text_add_format(&more, " count=%llu", (unsigned long long)count);
    }
    enum log_level level = types[event->type].level;
    if (event->node[0] != '\0') {
        log_node(level, event->node, event->generation, "%s%s", event->text, times);
    } else {
        log_line(level, "%s%s", event->text, times);
    }
}

static struct health_subject *find(struct health *health, const struct health_event *event)
{
    for (size_t i = 0; i < health->subject_count; i++) {
        struct health_subject *subject = &health->subjects[i];
        const struct health_event *last = &subject->last;
        if (last->type == event->type && strcmp(last->node, event->node) == 0 &&
            strcmp(last->link, event->link) == 0) {
            return subject;
        }
    }
    return NULL;
}

void health_emit(struct health *health, const struct health_event *event, int64_t now_ns)
{
    SB_ASSERT(event->type < HEALTH_TYPE_COUNT);
    uint64_t count = event->count == 0 ? 1 : event->count;
    if (!types[event->type].is_throttled) {
        tell(health, event, count, now_ns);
        return;
    }
    health_flush(health, now_ns, false);
    struct health_subject *subject = find(health, event);
    if (subject != NULL) {
        subject->pending += count;
        subject->last = *event;
        return;
    }
    tell(health, event, count, now_ns);
    if (health->subject_count < HEALTH_SUBJECTS_MAX) {
        health->subjects[health->subject_count++] =
            (struct health_subject){.told_ns = now_ns, .last = *event};
    }
}

void health_say(struct health *health, enum health_type type, const char *node, uint32_t generation,
                uint64_t seq, const char *format, ...)
{
    struct health_event event = {.type = type, .generation = generation, .seq = seq};
    text_copy(event.node, sizeof event.node, node);
    struct text text = TEXT_OVER(event.text);
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
    health_emit(health, &event, clock_now_ns());
}

int64_t health_due_ns(const struct health *health)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < health->subject_count; i++) {
        const struct health_subject *subject = &health->subjects[i];
        int64_t at_ns = subject->told_ns + CLOCK_NS_PER_S;
        due_ns = subject->pending > 0 && at_ns < due_ns ? at_ns : due_ns;
    }
    return due_ns;
}

void health_flush(struct health *health, int64_t now_ns, bool is_all)
{
    size_t kept = 0;
    for (size_t i = 0; i < health->subject_count; i++) {
        struct health_subject *subject = &health->subjects[i];
        bool is_due = is_all || now_ns - subject->told_ns >= CLOCK_NS_PER_S;
        if (is_due && subject->pending > 0) {
            tell(health, &subject->last, subject->pending, now_ns);
            subject->pending = 0;
            subject->told_ns = now_ns;
        } else if (is_due) {
            continue;  // quiet for a second: the next one is told at once
        }
        health->subjects[kept++] = *subject;
    }
    health->subject_count = kept;
}

void health_flush_node(struct health *health, const char *node, int64_t now_ns)
{
    for (size_t i = 0; i < health->subject_count; i++) {
        struct health_subject *subject = &health->subjects[i];
        if (subject->pending > 0 && strcmp(subject->last.node, node) == 0) {
            tell(health, &subject->last, subject->pending, now_ns);
            subject->pending = 0;
            subject->told_ns = now_ns;
        }
    }
}

uint64_t health_held(const struct health *health, enum health_type type)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < health->subject_count; i++) {
        sum += health->subjects[i].last.type == type ? health->subjects[i].pending : 0;
    }
    return sum;
}

void health_listen(const struct health *health, struct health_listener *out_listener)
{
    *out_listener = (struct health_listener){.next = health->last_serial + 1};
}

int health_next(const struct health *health, struct health_listener *listener,
                struct health_event *out_event, uint64_t *out_missed)
{
    *out_missed = 0;
    if (listener->next > health->last_serial) {
        return 0;
    }
    uint64_t oldest =
        health->last_serial < HEALTH_RING_EVENTS ? 1 : health->last_serial - HEALTH_RING_EVENTS + 1;
    if (listener->next < oldest) {
        *out_missed = oldest - listener->next;
        listener->next = oldest;
    }
    *out_event = health->ring[listener->next % HEALTH_RING_EVENTS];
    listener->next++;
    return 1;
}
