// SPDX-License-Identifier: Apache-2.0
// Keeps what the log writes.
#include "broker/control/log_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static void keep(void *context, const struct log_record *record)
{
    struct log_ring *ring = context;
    size_t count =
        record->text_count < LOG_TEXT_BYTES_MAX ? record->text_count : LOG_TEXT_BYTES_MAX;
    char *text = strndup(record->text, count);
    pthread_mutex_lock(&ring->lock);
    ring->last_serial++;
    struct log_ring_line *line = &ring->lines[ring->last_serial % LOG_RING_LINES];
    free(line->text);
    *line = (struct log_ring_line){.serial = ring->last_serial,
                                   .time_ns = clock_wall_ns(),
                                   .level = record->level,
                                   .generation = record->generation,
                                   .stream = record->stream,
                                   .is_intercepted = record->is_intercepted,
                                   .text = text};
    text_copy(line->node, sizeof line->node, record->node != NULL ? record->node : "");
    pthread_mutex_unlock(&ring->lock);
}

int log_ring_create(struct log_ring **out_ring)
{
    struct log_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&ring->lock, NULL);
    log_listen(keep, ring);
    *out_ring = ring;
    return 0;
}

void log_ring_destroy(struct log_ring *ring)
{
    if (ring == NULL) {
        return;
    }
    log_listen(NULL, NULL);
    for (size_t i = 0; i < LOG_RING_LINES; i++) {
        free(ring->lines[i].text);
    }
    pthread_mutex_destroy(&ring->lock);
    free(ring);
}

uint64_t log_ring_last(struct log_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    uint64_t last = ring->last_serial;
    pthread_mutex_unlock(&ring->lock);
    return last;
}

static const struct log_ring_line *find(const struct log_ring *ring, const char *node,
                                        uint64_t *serial)
{
    for (; *serial <= ring->last_serial; (*serial)++) {
        const struct log_ring_line *line = &ring->lines[*serial % LOG_RING_LINES];
        if (node == NULL || strcmp(line->node, node) == 0) {
            return line;
        }
    }
    return NULL;
}

int log_ring_next(struct log_ring *ring, const char *node, uint64_t *serial,
                  struct log_ring_line *out_line, uint64_t *out_missed)
{
    pthread_mutex_lock(&ring->lock);
    uint64_t oldest =
        ring->last_serial < LOG_RING_LINES ? 1 : ring->last_serial - LOG_RING_LINES + 1;
    *out_missed = *serial < oldest ? oldest - *serial : 0;
    *serial = *serial < oldest ? oldest : *serial;
    const struct log_ring_line *line = find(ring, node, serial);
    if (line != NULL) {
        *out_line = *line;
        out_line->text = strdup(line->text != NULL ? line->text : "");
        (*serial)++;
    }
    pthread_mutex_unlock(&ring->lock);
    return line != NULL ? 1 : 0;
}
