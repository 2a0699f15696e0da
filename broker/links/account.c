// SPDX-License-Identifier: Apache-2.0
// Counts what happened to the frames of a link.
#include "broker/links/account.h"

#include "base/text.h"
#include "shm/recover.h"

#define ACQUIRE memory_order_acquire
#define RELAXED memory_order_relaxed

// Frames of one account are never more than this: a hostile seq must not overflow a sum.
#define FRAMES_MAX (UINT64_C(1) << 62)

struct clamp {
    uint64_t count;
};

static uint64_t clamp_between(struct clamp *clamp, uint64_t value, uint64_t low, uint64_t high)
{
    if (value < low || value > high) {
        clamp->count++;
        return value < low ? low : high;
    }
    return value;
}

static uint64_t find_end(const struct publish_page *publish, uint32_t depth, uint64_t first_seq,
                         struct clamp *clamp)
{
    uint64_t end = atomic_load_explicit(&publish->end, ACQUIRE);
    if (end != 0) {
        return clamp_between(clamp, end, first_seq, FRAMES_MAX);
    }
    return recover_published_end(publish, depth, first_seq, first_seq);
}

uint64_t account_end(const struct publish_page *publish, uint32_t depth, uint64_t first_seq)
{
    struct clamp clamp = {0};
    return find_end(publish, depth, first_seq, &clamp);
}

static const _Atomic uint8_t *states_of(const struct consume_page *consume, uint32_t claims)
{
    const uint8_t *bytes = (const uint8_t *)consume;
    return (const _Atomic uint8_t *)(const void *)(bytes + layout_cell_states_offset(claims));
}

// Frames of a lossless link that were released out of order, ahead of `retired`.
static uint64_t count_released(const struct account_link *link, const struct consume_page *consume,
                               uint64_t retired, uint64_t next)
{
    const _Atomic uint8_t *states = states_of(consume, link->claims);
    uint64_t count = 0;
    for (uint64_t seq = retired + 1; seq < next && seq - retired <= link->depth; seq++) {
        uint8_t state =
            atomic_load_explicit(&states[(seq - link->first_seq) % link->depth], RELAXED);
        count += state == CELL_RELEASED ? 1 : 0;
    }
    return count;
}

static uint64_t count_hazards(const struct account_link *link, const struct consume_page *consume,
                              uint64_t next)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < link->claims; i++) {
        uint64_t seq = atomic_load_explicit(&consume->hazards[i], RELAXED);
        count += seq != 0 && seq < next ? 1 : 0;
    }
    return count;
}

static void count_reader(const struct account_link *link, const struct consume_page *consume,
                         uint64_t end, struct account *account, struct clamp *clamp)
{
    uint64_t first = link->first_seq;
    uint64_t next = atomic_load_explicit(&consume->next, ACQUIRE);
    // Where the first seq was not known when the page was made, its reader writes both cursors when
    // it comes to it.
    bool is_begun = next != 0;
    next = clamp_between(clamp, is_begun ? next : first, first, end);
    uint64_t held = 0;
    if (link->delivery == SB_DELIVERY_LOSSLESS || link->delivery == SB_DELIVERY_DEFAULT) {
        uint64_t retired = atomic_load_explicit(&consume->retired, ACQUIRE);
        retired = is_begun ? retired : first - 1;
        retired = clamp_between(clamp, retired, first - 1, next - 1);
        held = next - 1 - retired - count_released(link, consume, retired, next);
    } else {
        held = count_hazards(link, consume, next);
    }
    uint64_t passed = next - first;
    uint64_t evicted = atomic_load_explicit(&consume->evicted, RELAXED);
    uint64_t poisoned = atomic_load_explicit(&consume->poisoned, RELAXED);
    account->evicted = clamp_between(clamp, evicted, 0, passed);
    account->poisoned = clamp_between(clamp, poisoned, 0, passed - account->evicted);
    uint64_t taken = passed - account->evicted - account->poisoned;
    // What a transport lost was taken and released, and nobody saw it.
    uint64_t missing = atomic_load_explicit(&consume->missing, RELAXED);
    missing = clamp_between(clamp, missing, 0, FRAMES_MAX);
    account->lost = clamp_between(clamp, link->lost + missing, 0, taken);
    account->held = clamp_between(clamp, held, 0, taken - account->lost);
    account->released = taken - account->lost - account->held;
    account->queued = end - next;
    account->redelivered = atomic_load_explicit(&consume->redelivered, RELAXED);
    clamp->count += atomic_load_explicit(&consume->clamped, RELAXED);
}

struct account account_link(const struct account_link *link, const struct publish_page *publish,
                            const struct consume_page *consume)
{
    struct account account = {0};
    if (publish == NULL || link->first_seq == 0) {
        return account;
    }
    struct clamp clamp = {0};
    uint64_t end = find_end(publish, link->depth, link->first_seq, &clamp);
    account.published = end - link->first_seq;
    account.refused = atomic_load_explicit(&publish->refused, RELAXED);
    if (consume != NULL) {
        count_reader(link, consume, end, &account, &clamp);
    } else {
        account.queued = account.published;
    }
    account.clamped = clamp.count;
    return account;
}

void account_add(struct account *sum, const struct account *part)
{
    sum->published += part->published;
    sum->released += part->released;
    sum->evicted += part->evicted;
    sum->poisoned += part->poisoned;
    sum->lost += part->lost;
    sum->abandoned += part->abandoned;
    sum->queued += part->queued;
    sum->held += part->held;
    sum->redelivered += part->redelivered;
    sum->refused += part->refused;
    sum->clamped += part->clamped;
}

void account_abandon(struct account *account)
{
    account->abandoned += account->queued + account->held;
    account->queued = 0;
    account->held = 0;
}

bool account_is_balanced(const struct account *account)
{
    return account->published == account->released + account->evicted + account->poisoned +
                                     account->lost + account->abandoned + account->queued +
                                     account->held;
}

void account_text(const struct account *account, char *out, size_t size_bytes)
{
    const struct {
        const char *name;
        uint64_t value;
    } parts[] = {
        {"evicted", account->evicted},
        {"poisoned", account->poisoned},
        {"lost", account->lost},
        {"abandoned", account->abandoned},
        {"queued", account->queued},
        {"held", account->held},
        {"redelivered", account->redelivered},
        {"refused", account->refused},
        {"clamped", account->clamped},
    };
    struct text text = text_over(out, size_bytes);
    text_add_format(&text, "published=%llu released=%llu", (unsigned long long)account->published,
                    (unsigned long long)account->released);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].value != 0) {
            text_add_format(&text, " %s=%llu", parts[i].name, (unsigned long long)parts[i].value);
        }
    }
}
