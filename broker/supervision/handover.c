// SPDX-License-Identifier: Apache-2.0
// Hands the links of a dead worker on to the next life of its node.
#include "broker/supervision/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/link_leave.h"
#include "broker/links/pages.h"
#include "broker/lives/life.h"
#include "broker/lives/life_message.h"
#include "broker/supervision/letter_office.h"
#include "broker/supervision/news.h"
#include "broker/supervision/resume.h"
#include "shm/recover.h"

// --- As producer ------------------------------------------------------------------------------

static bool is_any_read(const struct generation *generation)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        if (generation->links[i].is_read_sent) {
            return true;
        }
    }
    return false;
}

// Nobody can have written or read a frame of it: not all of its memory reached the producer.
static bool is_unused(const struct generation *generation)
{
    bool is_written = generation->pool.is_sealed && !generation->is_being_made;
    for (size_t i = 0; i < generation->link_count; i++) {
        is_written = is_written && generation->links[i].publish.is_sealed;
    }
    return !is_written && !is_any_read(generation);
}

void handover_drop_unused(struct broker *broker, struct actual_output *output)
{
    struct generation *unused = generation_newest(output);
    if (unused == NULL || unused->is_orphan || !is_unused(unused)) {
        return;
    }
    for (size_t i = 0; i < unused->link_count; i++) {
        // Where it was to begin is where the next one begins.
        unused->links[i].link->next_seq = unused->links[i].first_seq;
    }
    generation_drop(broker, unused);
}

// What the reader took was published. It cannot have taken more than one frame that `tail` does not
// tell of: a reader that lies must not move the frame numbers that all readers see.
static uint64_t taken_end(const struct generation_link *pages)
{
    const struct consume_page *consume = pages->consume.view;
    uint64_t next =
        consume == NULL ? 0 : atomic_load_explicit(&consume->next, memory_order_acquire);
    const struct publish_page *publish = pages->publish.view;
    uint64_t tail = atomic_load_explicit(&publish->tail, memory_order_acquire);
    return tail > LIMIT_SEQ_MAX || next > tail + 2 ? 0 : next;
}

// Finds where the frames of one generation of a link end, and the newest step among them.
static void find_end(struct generation_link *pages, uint64_t step_max)
{
    const struct publish_page *publish = pages->publish.view;
    struct actual_link *link = pages->link;
    pages->end_kind = LINK_END_GENERATION;
    pages->end_seq = pages->first_seq;
    if (publish == NULL || pages->first_seq == 0) {
        return;
    }
    uint64_t first = pages->first_seq;
    uint64_t end = recover_published_end(publish, pages->depth, first, taken_end(pages));
    uint64_t step = recover_last_step(publish, pages->depth, first, end);
    step = step > step_max ? step_max : step;
    link->last_step = step > link->last_step ? step : link->last_step;
    pages->end_seq = end;
}

// Ends one generation of a link, of which the one before ended at `before`. Returns where.
static uint64_t end_pages(struct broker *broker, struct generation *generation,
                          struct generation_link *pages, uint64_t before, uint64_t step_max)
{
    if (pages->first_seq == 0) {
        pages->first_seq = before;
    }
    if (pages->end_kind == LINK_END_OPEN) {
        bool is_missing =
            pages->publish.view == NULL && pages->first_seq != 0 && generation->pool.is_sealed;
        if (is_missing && generation_give_stand_in(broker, generation, pages) != 0) {
            log_line(LOG_ERROR, "%s: no memory to end it in", pages->link->name);
        }
        find_end(pages, step_max);
        generation_give_end(broker, generation, pages);
    }
    return pages->end_seq;
}

static void end_link(struct broker *broker, struct actual_link *link, uint64_t step_max)
{
    const struct actual_output *output = link->output;
    uint64_t end = 0;
    for (size_t i = 0; i < output->generation_count; i++) {
        struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL) {
            end = end_pages(broker, output->generations[i], pages, end, step_max);
        }
    }
    if (end != 0) {
        link->next_seq = end;
    }
    news_move_link(broker, link, LINK_ON_REPLACED, NULL);
}

// A link whose stream the dead life had ended properly is over: nothing follows on an end.
static bool is_over(const struct actual_link *link)
{
    return link->state == LINK_DISCONNECTED || link->state == LINK_DISCONNECTING ||
           link->state == LINK_ERROR;
}

static void end_output(struct broker *broker, struct actual_output *output, uint64_t step_max)
{
    handover_drop_unused(broker, output);
    output->is_offer_new = false;
    output->is_memory_awaited = false;
    for (size_t i = 0; i < output->link_count; i++) {
        struct actual_link *link = output->links[i];
        if (is_over(link)) {
            link_leave_on_writer_gone(broker, link);
            continue;
        }
        if (pages_is_stream_ended(link)) {
            news_move_link(broker, link, LINK_ON_PRODUCER_GONE, NULL);
            continue;
        }
        end_link(broker, link, step_max);
        // Frames are numbered from 0 and seqs from 1: what numbers itself goes on behind them all.
        uint64_t number = link->next_seq == 0 ? 0 : link->next_seq - 1;
        output->first_number = number > output->first_number ? number : output->first_number;
    }
    for (size_t i = 0; i < output->generation_count; i++) {
        output->generations[i]->is_orphan = true;
    }
    generation_settle(broker, output);
}

// --- As consumer ------------------------------------------------------------------------------

static bool is_lossless(const struct actual_link *link)
{
    return actual_delivery(link) == SB_DELIVERY_LOSSLESS;
}

// Frames that its step had done: they count as released, wherever it died. What it held beyond the
// step is not done.
struct done {
    uint64_t *seqs;  // owned
    uint32_t count;
};

static struct done done_of(const struct resume *resume, const struct actual_link *link)
{
    struct done done = {.seqs = calloc(resume->claim_count + 1, sizeof *done.seqs)};
    for (size_t i = 0; done.seqs != NULL && resume->is_done && i < resume->claim_count; i++) {
        if (resume->claims[i].link_id == link->id && !resume->claims[i].is_held) {
            done.seqs[done.count++] = resume->claims[i].seq;
        }
    }
    return done;
}

static uint64_t bound_of(const struct generation_link *pages)
{
    const struct publish_page *publish = pages->publish.view;
    // While the producer goes on, the cell of its newest frame may be a newer one already.
    uint64_t tail = atomic_load_explicit(&publish->tail, memory_order_acquire);
    uint64_t end = account_end(publish, pages->depth, pages->first_seq);
    return tail >= end && tail < LIMIT_SEQ_MAX ? tail + 1 : end;
}

static void fill_page(struct generation_link *pages, const struct done *done,
                      struct consume_page *fresh)
{
    const struct consume_page *dead = pages->consume.view;
    if (dead == NULL || pages->publish.view == NULL || pages->first_seq == 0 ||
        atomic_load_explicit(&dead->next, memory_order_relaxed) == 0) {
        return;
    }
    struct recover_request request = {.is_lossless = pages->delivery == SB_DELIVERY_LOSSLESS,
                                      .first_seq = pages->first_seq,
                                      .published_end = bound_of(pages),
                                      .claims_max = pages->claims,
                                      .done_seqs = done->seqs,
                                      .done_count = done->count};
    struct recovered_reader reader;
    recover_consume_page(dead, &request, fresh, &reader);
    pages->link->past.clamped += reader.clamped;
    pages->lost += reader.lost;
    if (request.is_lossless) {
        poison_prune(&pages->link->poison, reader.retired);
    }
}

// Another program may hold more frames than the one before. Its generation was made for that one,
// and could not be read to its end with too few claims.
static uint32_t claims_of(const struct generation_link *pages)
{
    uint32_t wanted = actual_claims(pages->link);
    return wanted > pages->claims ? wanted : pages->claims;
}

static int make_page(struct broker *broker, struct generation *generation,
                     struct generation_link *pages, const struct done *done)
{
    uint32_t claims = claims_of(pages);
    struct memory_item order = {.kind = WIRE_MEMORY_CONSUME,
                                .link_id = pages->link->id,
                                .generation = generation->number,
                                .depth = pages->depth,
                                .claims_max = claims,
                                .first_seq = pages->first_seq,
                                .page_number = pages->link->page_number + 1};
    struct generation_segment fresh = {.is_page = true};
    // A page is small: made here it is there when the next life asks for it.
    auto_fd int fd = segment_create("sb-consume", layout_consume_page_bytes(pages->depth, claims),
                                    SEGMENT_NORMAL, &fresh.size_bytes);
    if (fd < 0) {
        return fd;
    }
    void *bytes;
    int failed = segment_map_initial(fd, fresh.size_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    memory_thread_write_consume(&order, bytes);
    fill_page(pages, done, bytes);
    if (mprotect(bytes, fresh.size_bytes, PROT_READ) < 0) {
        failed = -errno;
        segment_unmap(bytes, fresh.size_bytes);
        return failed;
    }
    fresh.fd = steal_fd(&fd);
    fresh.view = bytes;
    generation_drop_segment(broker, &pages->consume);
    pages->consume = fresh;
    pages->claims = claims;
    pages->page_number = ++pages->link->page_number;
    pages->is_read_sent = false;
    pages->is_write_sent = false;
    return 0;
}

static int renew_input(struct broker *broker, struct actual_link *link, const struct resume *resume)
{
    const struct actual_output *output = link->output;
    pages_resolve(link);
    struct done done = done_of(resume, link);
    int failed = done.seqs == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < output->generation_count && failed == 0; i++) {
        struct generation *generation = output->generations[i];
        struct generation_link *pages = pages_of(generation, link);
        if (pages != NULL && !pages->is_drained && !generation->is_being_made) {
            failed = make_page(broker, generation, pages, &done);
        }
    }
    free(done.seqs);
    link->format_serial = 0;
    news_move_link(broker, link, LINK_ON_REPLACED, NULL);
    return failed;
}

static void give_up_frame(struct broker *broker, struct actual_node *node,
                          const struct actual_link *link, uint64_t seq, uint32_t deaths)
{
    struct dead_letter letter = {
        .time_ns = clock_now_ns(), .link_id = link->id, .seq = seq, .deaths = deaths};
    letter.generation = node->life.generation;
    text_copy(letter.to, sizeof letter.to, link->to_address);
    text_copy(letter.node, sizeof letter.node, node->life.id);
    text_copy(letter.link, sizeof letter.link, link->name);
    exit_reason_describe(&node->reason, letter.reason, sizeof letter.reason);
    uint64_t id = dead_letters_add(&broker->dead_letters, &letter);
    letter_office_write(broker, node, link, id);
    health_say(&broker->health, HEALTH_FRAME_SKIPPED, node->life.id, node->life.generation, seq,
               "seq %llu of %s is skipped: %u %s with it in work", (unsigned long long)seq,
               link->name, deaths, deaths == 1 ? "death" : "deaths");
}

// Frames that were released on all inputs, over all lives.
static uint64_t count_released(const struct actual_node *node)
{
    uint64_t released = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        released += pages_account(node->inputs[i]).released;
    }
    return released;
}

// The deaths were the frame's doing, and the node works otherwise: they do not use up its restarts.
// Where nothing but poison comes, the budget still ends it.
static void forgive(struct actual_node *node, uint32_t deaths)
{
    uint64_t released = count_released(node);
    if (released > node->settled) {
        restart_forgive(&node->restart, deaths);
    }
    node->settled = released;
}

// Counts the death for the frames of the step. Returns how many of them come again.
static size_t count_deaths(struct broker *broker, struct actual_node *node,
                           const struct resume *resume)
{
    size_t again = 0;
    uint32_t most = 0;
    bool is_skip = node->wanted->on_crash.frame == GRAPH_CRASH_FRAME_SKIP;
    uint32_t after = is_skip ? 1 : node->wanted->on_crash.poison_after;
    for (size_t i = 0; i < resume->claim_count && !resume->is_done; i++) {
        struct actual_link *link = actual_input_of(node, resume->claims[i].link_id);
        if (link == NULL || !is_lossless(link)) {
            continue;
        }
        uint64_t seq = resume->claims[i].seq;
        uint32_t deaths = poison_add(&link->poison, seq, after);
        if (!poison_is_skipped(&link->poison, seq)) {
            again++;
        } else if (deaths == after) {
            give_up_frame(broker, node, link, seq, deaths);
            most = deaths;
        }
    }
    if (most > 0) {
        forgive(node, most);
    }
    return again;
}

// --- The node ---------------------------------------------------------------------------------

static size_t collect_steps(const struct actual_node *node, uint64_t *steps)
{
    size_t count = 0;
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        for (size_t j = 0; j < output->link_count; j++) {
            const struct actual_link *link = output->links[j];
            if (!is_over(link)) {
                steps[count++] = output->port->is_one_per_step ? link->last_step : 0;
            }
        }
    }
    return count;
}

static void settle_steps(struct broker *broker, struct actual_node *node, struct resume *resume)
{
    uint64_t steps[LIMIT_LINKS_PER_SIDE_MAX];
    size_t count = collect_steps(node, steps);
    resume_read(node->status, steps, count, resume);
    if (resume->step < node->first_step) {
        // It did not come as far as its first step: that is still the next one.
        resume->claim_count = 0;
        return;
    }
    size_t again =
        node->successor == NULL ? count_deaths(broker, node, resume) : resume->claim_count;
    node->first_step = resume_first_step(resume, again > 0);
    node->is_repeat = node->first_step == resume->step;
}

void handover_worker(struct broker *broker, struct actual_node *node)
{
    uint64_t step_max =
        node->status == NULL ? 0 : atomic_load_explicit(&node->status->step, memory_order_acquire);
    for (size_t i = 0; i < node->output_count; i++) {
        end_output(broker, node->outputs[i], step_max);
    }
    auto_free struct resume *resume = calloc(1, sizeof *resume);
    if (resume == NULL) {
        return;
    }
    settle_steps(broker, node, resume);
    for (size_t i = 0; i < node->input_count; i++) {
        int failed = is_over(node->inputs[i]) && node->inputs[i]->state != LINK_DISCONNECTING
                         ? 0
                         : renew_input(broker, node->inputs[i], resume);
        if (failed != 0) {
            log_node(LOG_ERROR, node->life.id, node->life.generation,
                     "%s: cannot make its next page: %s", node->inputs[i]->name,
                     strerrordesc_np(-failed));
        }
    }
}

static bool is_readable(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && pages->publish.view != NULL) {
            return true;
        }
    }
    return false;
}

// The page was made at the death of the last life, and the program may be another one by now.
static void fit_page(struct broker *broker, struct generation *generation,
                     struct generation_link *pages)
{
    bool is_waiting = pages->consume.fd >= 0 && pages->consume.serial == 0 && !pages->is_drained;
    if (!is_waiting || claims_of(pages) == pages->claims) {
        return;
    }
    uint64_t nothing = 0;
    const struct done done = {.seqs = &nothing};
    int failed = make_page(broker, generation, pages, &done);
    if (failed != 0) {
        log_line(LOG_ERROR, "%s: cannot make a page for %u frames: %s", pages->link->name,
                 claims_of(pages), strerrordesc_np(-failed));
    }
}

static void give_link(struct broker *broker, const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        struct generation *generation = output->generations[i];
        struct generation_link *pages = pages_of(generation, link);
        if (pages != NULL && !generation->is_being_made) {
            fit_page(broker, generation, pages);
            generation_give_reader(broker, generation, pages);
        }
    }
}

void handover_give(struct broker *broker, struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        if (!is_readable(link) && link->state == LINK_DISCONNECTING) {
            // Its producer was gone before it had memory.
            life_message_unlink(broker, node, link->id, true);
        } else {
            give_link(broker, link);
        }
    }
}

// The generation that the next life of its reader begins with, NULL when there is none.
static struct generation *first_of(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count && link_is_up(link->state); i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && !pages->is_drained) {
            return output->generations[i];
        }
    }
    return NULL;
}

void handover_tell_formats(struct broker *broker, struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        struct actual_link *link = node->inputs[i];
        const struct generation *first = first_of(link);
        if (first == NULL) {
            continue;
        }
        actual_expect_format(link, broker_next_serial(broker));
        broker->outgoing->type = WIRE_INPUT_FORMAT;
        broker->outgoing->input_format =
            (struct wire_input_format){.link_id = link->id,
                                       .serial = link->format_serial,
                                       .format = first->format,
                                       .frame_bytes_max = generation_frame_bytes(first)};
        life_send(broker, node, NULL, 0);
    }
}
