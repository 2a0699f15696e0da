// SPDX-License-Identifier: Apache-2.0
// What every part of the broker asks of the whole: numbers, memory for pages, another turn.
#include "broker/broker.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "schemas/status_layout.h"

void broker_set_status(struct broker *broker, int status)
{
    if (broker->exit_status == 0) {
        broker->exit_status = status;
    }
}

uint32_t broker_next_serial(struct broker *broker)
{
    broker->last_serial++;
    if (broker->last_serial == 0) {
        broker->last_serial = 1;
    }
    return broker->last_serial;
}

void broker_arm_timer(struct broker *broker)
{
    broker->is_timer_stale = true;
}

void broker_turn_again(struct broker *broker)
{
    sd_event_source_set_enabled(broker->kept_source, SD_EVENT_ONESHOT);
}

static uint64_t limit_bytes(const struct graph_share *share, const struct budget_machine *machine)
{
    if (share->permille > 0) {
        return machine->total_bytes == BUDGET_UNLIMITED
                   ? BUDGET_UNLIMITED
                   : machine->total_bytes / 1000 * share->permille;
    }
    return share->bytes == GRAPH_NONE_BYTES ? BUDGET_UNLIMITED : share->bytes;
}

// Status and bell pages are small and each node has them: they are reserved with the node.
static uint64_t node_bytes(void)
{
    uint64_t page = 4096;
    uint64_t status = (sizeof(struct status_page) + page - 1) / page * page;
    return status + page;
}

static int reserve_nodes(struct broker *broker, size_t count, char *text, size_t text_bytes)
{
    struct budget_machine machine;
    struct budget_refusal refusal;
    struct text why = text_over(text, text_bytes);
    int failed = budget_read_machine(&machine);
    if (failed != 0) {
        text_add_format(&why, "cannot read how much memory there is: %s", strerrordesc_np(-failed));
        return failed;
    }
    broker->budget.limit_bytes = limit_bytes(&broker->graph->limits.shared_memory, &machine);
    failed = budget_reserve(&broker->budget, &machine, count * node_bytes(), broker->unmade_bytes,
                            &refusal);
    if (failed != 0) {
        char needed[32];
        char available[32];
        units_format_size(refusal.needed_bytes, needed, sizeof needed);
        units_format_size(refusal.available_bytes, available, sizeof available);
        text_add_format(&why,
                        "not enough memory for the pages of %zu nodes: %s needed, %s available "
                        "(%s)",
                        count, needed, available, refusal.bound);
    }
    return failed;
}

int broker_reserve_node(struct broker *broker, char *text, size_t text_bytes)
{
    return reserve_nodes(broker, 1, text, text_bytes);
}

void broker_release_node(struct broker *broker)
{
    budget_release(&broker->budget, node_bytes());
}

int broker_reserve_pages(struct broker *broker, size_t node_count)
{
    char text[256];
    int failed = reserve_nodes(broker, node_count, text, sizeof text);
    if (failed != 0) {
        log_line(LOG_ERROR, "%s", text);
    }
    return failed;
}
