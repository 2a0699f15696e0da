// SPDX-License-Identifier: Apache-2.0
// Counts the generations that readers still need.
#include "broker/links/room.h"

#include "broker/links/generation.h"
#include "broker/links/pages.h"

// The producer says in the page of the one before that it writes the newest. It has place for that
// and for one more.
static bool is_left(const struct generation *generation)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct publish_page *page = generation->links[i].publish.view;
        bool is_ended = page != NULL && atomic_load_explicit(&page->end, memory_order_acquire) != 0;
        if (is_ended &&
            atomic_load_explicit(&page->end_kind, memory_order_relaxed) == LINK_END_GENERATION) {
            return true;
        }
    }
    return false;
}

static bool is_busy(const struct actual_output *output)
{
    size_t count = output->generation_count;
    if (count == 0) {
        return false;
    }
    if (!generation_is_complete(output->generations[count - 1])) {
        return true;
    }
    const struct generation *before = count > 1 ? output->generations[count - 2] : NULL;
    return before != NULL && !before->is_orphan && !is_left(before);
}

uint32_t room_unread(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    uint32_t count = 0;
    if (!link_is_up(link->state)) {
        return 0;
    }
    pages_resolve(link);
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && !pages->is_drained && (count > 0 || pages_is_unread(pages))) {
            count++;
        }
    }
    return count;
}

bool room_is_far_behind(const struct actual_link *link)
{
    return !link->output->is_room_forced && room_unread(link) >= ROOM_UNREAD_MAX;
}

static bool is_any_far_behind(const struct actual_output *output)
{
    for (size_t i = 0; i < output->link_count; i++) {
        if (room_is_far_behind(output->links[i])) {
            return true;
        }
    }
    return false;
}

enum room room_look(const struct actual_output *output)
{
    if (is_busy(output)) {
        return ROOM_BUSY;
    }
    bool is_unread = output->generation_count >= LIMIT_GENERATIONS_MAX || is_any_far_behind(output);
    return is_unread ? ROOM_UNREAD : ROOM_FREE;
}

bool room_will_come(const struct actual_output *output)
{
    // The only one of a producer that goes on is still written when the next one comes.
    return output->generation_count > 1 ||
           (output->generation_count == 1 && output->generations[0]->is_orphan);
}

// There are pages of the link that its reader has not given back.
static bool is_kept(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count && link_is_up(link->state); i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        bool is_writable = i + 1 == output->generation_count && !output->generations[i]->is_orphan;
        if (pages != NULL && !pages->is_drained && !is_writable) {
            return true;
        }
    }
    return false;
}

bool room_is_withheld(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    if (!node_is_alive(output->node->life.state) || is_busy(output)) {
        return false;
    }
    if (output->is_memory_awaited || output->generation_count >= LIMIT_GENERATIONS_MAX) {
        return is_kept(link);
    }
    return output->is_offer_new && room_is_far_behind(link);
}
