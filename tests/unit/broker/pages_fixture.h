// SPDX-License-Identifier: Apache-2.0
// A link whose generations have pages that the test writes.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/links/generation.h"
#include "broker/links/pages.h"

#define DEPTH 4
#define CLAIMS 2

struct fixture {
    struct graph_link wanted;
    struct actual_link link;
    struct actual_link *links[1];
    struct actual_node node;
    struct actual_output output;
};

static inline struct generation *add_generation(struct fixture *fixture, uint32_t number,
                                                uint64_t first_seq)
{
    struct generation *generation = calloc(1, sizeof *generation + sizeof generation->links[0]);
    struct publish_page *publish = calloc(1, layout_publish_page_bytes(DEPTH));
    struct consume_page *consume = calloc(1, layout_consume_page_bytes(DEPTH, CLAIMS));
    assert_non_null(generation);
    assert_non_null(publish);
    assert_non_null(consume);
    atomic_store(&consume->next, first_seq == 0 ? 1 : first_seq);
    generation->output = &fixture->output;
    generation->number = number;
    generation->link_count = 1;
    generation->links[0] =
        (struct generation_link){.link = &fixture->link, .depth = DEPTH, .first_seq = first_seq};
    generation->links[0].publish.view = publish;
    generation->links[0].consume.view = consume;
    assert_int_equal(generation_append(&fixture->output, generation), 0);
    return generation;
}

static inline void free_generation(struct generation *generation)
{
    if (generation != NULL) {
        free((void *)(uintptr_t)generation->links[0].publish.view);
        free((void *)(uintptr_t)generation->links[0].consume.view);
        free(generation);
    }
}

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->wanted.found.depth = DEPTH;
    fixture->wanted.found.claims = CLAIMS;
    fixture->wanted.found.delivery = SB_DELIVERY_LOSSLESS;
    fixture->link.wanted = &fixture->wanted;
    fixture->link.output = &fixture->output;
    fixture->link.state = LINK_WIRED;
    fixture->node.life.state = NODE_RUNNING;
    fixture->links[0] = &fixture->link;
    fixture->output.node = &fixture->node;
    fixture->output.links = fixture->links;
    fixture->output.link_count = 1;
    *state = fixture;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->output.generation_count; i++) {
        free_generation(fixture->output.generations[i]);
    }
    free(fixture->output.generations);
    free(fixture);
    return 0;
}

static inline struct publish_page *publish_of(struct generation *generation)
{
    return (void *)(uintptr_t)generation->links[0].publish.view;
}

static inline struct consume_page *consume_of(struct generation *generation)
{
    return (void *)(uintptr_t)generation->links[0].consume.view;
}

static inline void publish(struct generation *generation, uint64_t first, uint64_t seq)
{
    atomic_store(&publish_cell(publish_of(generation), DEPTH, (seq - first) % DEPTH)->seq, seq);
    atomic_store(&publish_of(generation)->tail, seq);
}

static inline void end_at(struct generation *generation, uint64_t end, enum link_end kind)
{
    atomic_store(&publish_of(generation)->end_kind, kind);
    atomic_store(&publish_of(generation)->end, end);
}
