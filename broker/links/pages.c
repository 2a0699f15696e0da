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

// The place behind the generation that the producer writes: the newest one of which all before have
// ended. 0 = it is part of none.
static size_t end_of_written(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    const struct generation_link *before = NULL;
    size_t behind = 0;
    for (size_t i = 0; i < output->generation_count; i++) {
        struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages == NULL) {
            continue;
        }
        if (before != NULL && end_kind_of(before) != LINK_END_GENERATION) {
            break;
        }
        if (before != NULL && pages->first_seq == 0) {
            pages->first_seq = end_of(before);
        }
        before = pages;
        behind = i + 1;
    }
    return behind;
}

struct generation *pages_set_lost(const struct actual_link *link)
{
    for (size_t i = end_of_written(link); i > 0; i--) {
        struct generation *generation = link->output->generations[i - 1];
        struct generation_link *pages = pages_of(generation, link);
        // Where nothing is known of its memory, nobody can have written it.
        uint64_t end = end_of(pages);
        if (end != 0) {
            pages->end_seq = end;
            pages->end_kind = LINK_END_LOST;
            return generation;
        }
    }
    return NULL;
}

void pages_resolve(const struct actual_link *link)
{
    (void)end_of_written(link);
}

bool pages_is_stream_ended(const struct actual_link *link)
{
    size_t behind = end_of_written(link);
    return behind > 0 &&
           end_kind_of(pages_of(link->output->generations[behind - 1], link)) == LINK_END_STREAM;
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
    size_t behind = end_of_written(link);
    for (size_t i = 0; i < behind; i++) {
        struct account part = account_of(pages_of(link->output->generations[i], link));
        account_add(&account, &part);
    }
    return account;
}

bool pages_is_unread(const struct generation_link *pages)
{
    const struct consume_page *consume = pages->consume.view;
    uint64_t next =
        consume == NULL ? 0 : atomic_load_explicit(&consume->next, memory_order_acquire);
    uint64_t end = end_of(pages);
    return end != 0 && end > pages->first_seq && next < end;
}

// The pages of a link in the next generation that has it, NULL when there is none.
static struct generation_link *behind(const struct generation *generation,
                                      const struct actual_link *link)
{
    const struct actual_output *output = generation->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        struct generation_link *pages = output->generations[i]->number > generation->number
                                            ? pages_of(output->generations[i], link)
                                            : NULL;
        if (pages != NULL) {
            return pages;
        }
    }
    return NULL;
}

void pages_keep_link(struct generation *generation, struct generation_link *pages)
{
    struct actual_link *link = pages->link;
    struct account account = account_of(pages);
    account_abandon(&account);
    account_add(&link->past, &account);
    struct generation_link *next = behind(generation, link);
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
