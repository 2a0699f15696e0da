// SPDX-License-Identifier: Apache-2.0
// Reads the pages of links for ends and counters.
#include "broker/links/pages.h"

struct generation_link *pages_of(struct generation *generation, const struct actual_link *link)
{
    for (size_t i = 0; generation != NULL && i < generation->link_count; i++) {
        if (generation->links[i].link == link) {
            return &generation->links[i];
        }
    }
    return NULL;
}

static const struct publish_page *publish_of(const struct generation_link *pages)
{
    return pages == NULL ? NULL : pages->publish.view;
}

// What the broker found after the producer's death goes before what the page says.
static enum link_end end_kind_of(const struct generation_link *pages)
{
    const struct publish_page *publish = publish_of(pages);
    if (pages != NULL && pages->end_kind != LINK_END_OPEN) {
        return pages->end_kind;
    }
    if (publish == NULL || atomic_load_explicit(&publish->end, memory_order_acquire) == 0) {
        return LINK_END_OPEN;
    }
    return atomic_load_explicit(&publish->end_kind, memory_order_relaxed);
}

static uint64_t end_of(const struct generation_link *pages)
{
    const struct publish_page *publish = publish_of(pages);
    if (publish == NULL || pages->first_seq == 0) {
        return 0;
    }
    if (pages->end_kind != LINK_END_OPEN) {
        return pages->end_seq;
    }
    return account_end(publish, pages->depth, pages->first_seq);
}

// The generation that the producer writes: the newest one, once it has left the one before.
static struct generation *written(const struct actual_link *link)
{
    struct actual_output *output = link->output;
    struct generation_link *old = pages_of(output->old, link);
    if (old != NULL && end_kind_of(old) != LINK_END_GENERATION) {
        return output->old;
    }
    struct generation_link *now = pages_of(output->now, link);
    if (now != NULL && now->first_seq == 0 && old != NULL) {
        now->first_seq = end_of(old);
    }
    return output->now;
}

struct generation *pages_set_lost(const struct actual_link *link)
{
    struct generation *generation = written(link);
    struct generation_link *pages = pages_of(generation, link);
    uint64_t end = end_of(pages);
    if (end == 0 && generation == link->output->now) {
        // Nobody can have written the newest one.
        generation = link->output->old;
        pages = pages_of(generation, link);
        end = end_of(pages);
    }
    if (end == 0) {
        return NULL;
    }
    pages->end_seq = end;
    pages->end_kind = LINK_END_LOST;
    return generation;
}

void pages_resolve(const struct actual_link *link)
{
    (void)written(link);
}

bool pages_is_stream_ended(const struct actual_link *link)
{
    return end_kind_of(pages_of(written(link), link)) == LINK_END_STREAM;
}

static struct account account_of(const struct generation_link *pages)
{
    if (pages == NULL) {
        return (struct account){0};
    }
    struct account_link known = {.delivery = pages->delivery,
                                 .depth = pages->depth,
                                 .claims = pages->claims,
                                 .first_seq = pages->first_seq,
                                 .lost = pages->lost};
    return account_link(&known, pages->publish.view, pages->consume.view);
}

struct account pages_account(const struct actual_link *link)
{
    struct account account = link->past;
    struct generation *newest = written(link);
    struct account old = account_of(pages_of(link->output->old, link));
    account_add(&account, &old);
    if (newest == link->output->now) {
        struct account now = account_of(pages_of(newest, link));
        account_add(&account, &now);
    }
    return account;
}

void pages_keep_link(struct generation *generation, struct generation_link *pages)
{
    struct actual_output *output = generation->output;
    struct actual_link *link = pages->link;
    struct account account = account_of(pages);
    account_abandon(&account);
    account_add(&link->past, &account);
    struct generation_link *next = output->now == generation ? NULL : pages_of(output->now, link);
    if (next != NULL && next->first_seq == 0) {
        next->first_seq = end_of(pages);
    }
}

void pages_keep(struct generation *generation)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        pages_keep_link(generation, &generation->links[i]);
    }
}
