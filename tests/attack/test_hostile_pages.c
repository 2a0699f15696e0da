// SPDX-License-Identifier: Apache-2.0
// A peer process writes garbage at full rate over every page that it may write, while the other
// side works: it must not crash, hang, look outside of its memory, or lose more than its own link.
// Arguments: rounds (200 000 for each row), seed.
// test: uses=shm,ring_rig timeout=120
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schemas/limits.h"
#include "shm/futex.h"
#include "unit/shm/ring_run.h"

#ifdef SB_SANITIZE_NAME
#define ROUNDS_DEFAULT 40000
#else
#define ROUNDS_DEFAULT 200000
#endif

// Rounds of the attacker that a row goes on for at least: it may be slow to get a CPU.
#define TURNS_MAX 100
#define ATTACKS_MIN 1000

static uint64_t rounds;
static uint64_t seed;
static uint64_t clamped;           // by the producers of a test
static _Atomic uint64_t *attacks;  // shared with the attacker

// A value as an attacker would choose it: noise, an edge, or almost the truth.
static uint64_t invent(struct ring_run_random *random, const struct ring_rig *rig)
{
    const uint64_t edges[] = {0, 1, UINT64_MAX, UINT64_MAX / 2, LIMIT_SEQ_MAX, LIMIT_SEQ_MAX + 1};
    uint64_t near[] = {atomic_load(&rig->publish->tail), atomic_load(&rig->publish->low),
                       atomic_load(&rig->consume->next), atomic_load(&rig->consume->retired)};
    switch (ring_run_next(random, 4)) {
    case 0:
        return random->state;
    case 1:
        return edges[ring_run_next(random, 6)];
    default:
        return near[ring_run_next(random, 4)] + ring_run_next(random, 5) - 2;
    }
}

static void scribble(void *bytes, uint64_t size_bytes, struct ring_run_random *random,
                     const struct ring_rig *rig)
{
    _Atomic uint64_t *words = bytes;
    uint64_t first = ring_run_next(random, size_bytes / 8);
    uint64_t count = 1 + ring_run_next(random, 8);
    for (uint64_t i = first; i < first + count && i < size_bytes / 8; i++) {
        atomic_store_explicit(&words[i], invent(random, rig), memory_order_release);
    }
}

static _Noreturn void attack_as_consumer(struct ring_rig *rig, uint64_t own_seed)
{
    struct ring_run_random random = {own_seed};
    struct consume_page *page = rig->consume;
    for (;;) {
        atomic_fetch_add(attacks, 1);
        // Behind the constants, which nobody reads from there.
        scribble((uint8_t *)page + 64, rig->consume_bytes - 64, &random, rig);
        // Hazards that look like claims of what is about to be reclaimed.
        for (uint32_t i = 0; i < rig->config.claims_max; i++) {
            uint64_t low = atomic_load(&rig->publish->low);
            atomic_store(&page->hazards[i], low + ring_run_next(&random, 4) - 2);
        }
    }
}

static _Noreturn void attack_as_producer(struct ring_rig *rig, uint64_t own_seed)
{
    struct ring_run_random random = {own_seed};
    struct publish_page *page = rig->publish;
    for (;;) {
        atomic_fetch_add(attacks, 1);
        scribble((uint8_t *)page + 64, rig->publish_bytes - 64, &random, rig);
        scribble(rig->slots, rig->slots_bytes, &random, rig);
        // Cells that look like the frame that is waited for, with anything in them.
        uint64_t next = atomic_load(&rig->consume->next);
        struct link_cell *cell = publish_cell(page, rig->config.depth,
                                              (next - rig->config.first_seq) % rig->config.depth);
        atomic_store(&cell->slot, (uint32_t)invent(&random, rig));
        atomic_store(&cell->length_bytes, ring_run_next(&random, 2) ? 8 : invent(&random, rig));
        atomic_store(&cell->seq, next);
        if (ring_run_next(&random, 4) != 0) {
            atomic_store(&page->end, 0);
        }
    }
}

static pid_t start(struct ring_rig *rig, void (*attack)(struct ring_rig *rig, uint64_t own_seed))
{
    uint64_t own_seed = seed++;
    atomic_store(attacks, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        attack(rig, own_seed);
    }
    return child;
}

static bool is_going_on(uint64_t round)
{
    if (round < rounds || round % 1000 != 0) {
        return true;
    }
    sched_yield();
    return atomic_load(attacks) < ATTACKS_MIN;
}

static void stop(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);  // it was at it until the end
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static const struct {
    uint32_t depth;
    uint32_t claims_max;
} sizes[] = {{1, 1}, {2, 2}, {16, 2}, {64, 16}, {5, 64}};

static void recover_from(const struct ring_rig *rig, uint64_t end, struct consume_page *fresh)
{
    memset(fresh, 0, rig->consume_bytes);
    fresh->depth = rig->config.depth;
    fresh->claims_max = rig->config.claims_max;
    const uint64_t done[] = {0, 1, end, UINT64_MAX, end - 1};
    const struct recover_request request = {.is_lossless = ring_rig_is_lossless(rig),
                                            .claims_max = rig->config.claims_max,
                                            .first_seq = rig->config.first_seq,
                                            .published_end = end,
                                            .done_seqs = done,
                                            .done_count = 5};
    struct recovered_reader reader;
    recover_consume_page(rig->consume, &request, fresh, &reader);
    assert_true(reader.next >= request.first_seq && reader.next <= end);
    assert_true(reader.retired >= request.first_seq - 1 && reader.retired < reader.next);
    assert_true(reader.evicted + reader.poisoned <= reader.next - request.first_seq);
    assert_true(!request.is_lossless || reader.next - 1 - reader.retired <= rig->config.depth);
}

static void produce_beside_an_attacker(enum ring_rig_delivery delivery, size_t size)
{
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = sizes[size].depth, .claims_max = sizes[size].claims_max};
    struct ring_rig rig;
    ring_rig_init(&rig, &config);
    struct consume_page *fresh = calloc(1, rig.consume_bytes);
    assert_non_null(fresh);
    pid_t child = start(&rig, attack_as_consumer);
    uint64_t published = 0;
    // On a busy machine the two may have taken turns: then it goes on until a lie was met.
    for (uint64_t i = 0; is_going_on(i) || (delivery == RIG_LOSSLESS && rig.writer.clamped == 0 &&
                                            i < TURNS_MAX * rounds);
         i++) {
        bool is_published = ring_rig_publish(&rig);
        // R-DATA-015: with exactly the slots of the design an evicting producer always has one.
        assert_true(is_published || delivery == RIG_LOSSLESS);
        published += is_published ? 1 : 0;
        if (!is_published) {
            ring_writer_wish_space(&rig.writer, 1);
            ring_writer_awake(&rig.writer);
        }
        ring_writer_reclaim(&rig.writer);
        assert_true(ring_writer_space(&rig.writer) <= config.depth);
        if (i % 64 == 0) {
            recover_from(&rig, rig.writer.next_seq, fresh);
        }
    }
    assert_int_equal(rig.writer.next_seq - 1, published);
    clamped += rig.writer.clamped;
    stop(child);
    free(fresh);
    ring_writer_fini(&rig.writer);
    assert_int_equal(rig.pool.free_count, rig.slot_count);
    ring_rig_fini(&rig);
}

static uint64_t read_frame(const struct ring_rig *rig, const struct ring_lease *lease)
{
    assert_true(lease->slot < rig->slot_count);
    assert_true(lease->length_bytes <= rig->config.payload_bytes);
    const struct frame_header header = ring_reader_header(&rig->reader, lease);
    const volatile uint8_t *payload = ring_reader_payload(&rig->reader, lease);
    uint64_t sum = header.number;
    for (uint64_t i = 0; i < lease->length_bytes; i++) {
        sum += payload[i];
    }
    return sum;
}

static void consume_once(struct ring_rig *rig, struct ring_run_random *random, uint64_t *held,
                         uint32_t *held_count)
{
    struct ring_lease lease;
    uint64_t choice = ring_run_next(random, 16);
    (void)ring_reader_is_ready(&rig->reader);
    assert_true(ring_reader_queued(&rig->reader) <= rig->config.depth);
    if (choice == 0) {
        ring_reader_wish(&rig->reader, 1);
        ring_reader_awake(&rig->reader);
    } else if (choice == 1 && *held_count < rig->config.claims_max) {
        (void)ring_reader_skip(&rig->reader);
    } else if (choice < 10 && ring_reader_take(&rig->reader, &lease) == RING_TAKEN) {
        assert_true(*held_count < rig->config.claims_max);
        held[(*held_count)++] = lease.seq;
        (void)read_frame(rig, &lease);
    } else if (*held_count > 0) {
        uint64_t which = ring_run_next(random, *held_count);
        // R-WORKER-018: what was taken can be released, whatever the producer does meanwhile.
        assert_int_equal(ring_reader_release(&rig->reader, held[which]), 0);
        held[which] = held[--*held_count];
    }
    assert_int_equal(rig->reader.held_count, *held_count);
}

static void consume_beside_an_attacker(enum ring_rig_delivery delivery, size_t size)
{
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = sizes[size].depth, .claims_max = sizes[size].claims_max};
    struct ring_rig rig;
    ring_rig_init(&rig, &config);
    struct ring_run_random random = {seed++};
    uint64_t held[64];
    uint32_t held_count = 0;
    pid_t child = start(&rig, attack_as_producer);
    for (uint64_t i = 0; is_going_on(i); i++) {
        consume_once(&rig, &random, held, &held_count);
        uint64_t end = recover_published_end(rig.publish, config.depth, 1, rig.reader.next);
        assert_true(end >= rig.reader.next && end <= LIMIT_SEQ_MAX + config.depth + 1);
        (void)recover_last_step(rig.publish, config.depth, 1, end);
        if (i % 512 == 511) {
            ring_reader_set_end(&rig.reader, end, LINK_END_LOST);
        }
        if (i % 512 == 511 || rig.reader.next > LIMIT_SEQ_MAX / 2 || rig.reader.end != 0) {
            // A link that ended starts again.
            struct consume_page *page = rig.consume;
            memset((uint8_t *)page + 64, 0, rig.consume_bytes - 64);
            atomic_store(&page->next, 1);
            struct ring_reader_config again = rig.reader.config;
            again.is_producer_gone = false;
            ring_reader_fini(&rig.reader);
            assert_int_equal(ring_reader_init(&rig.reader, &again), 0);
            held_count = 0;
        }
    }
    stop(child);
    ring_rig_fini(&rig);
}

// R-DATA-022
static void a_consumer_that_writes_garbage_cannot_disturb_a_lossless_producer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        produce_beside_an_attacker(RIG_LOSSLESS, i);
    }
    assert_true(clamped > 0);
    clamped = 0;
}

// R-DATA-015 R-DATA-022 R-MEM-006
static void a_consumer_that_writes_garbage_cannot_hold_up_an_evicting_producer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        produce_beside_an_attacker(RIG_ORDERED, i);
    }
    assert_true(clamped > 0);
    clamped = 0;
}

// R-DATA-022
static void a_producer_that_writes_garbage_shows_its_consumer_nothing_but_its_own_pool(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t d = 0; d < 3; d++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            consume_beside_an_attacker(deliveries[d], i);
        }
    }
}

int main(int argc, char **argv)
{
    rounds = ring_run_frames(argc, argv, ROUNDS_DEFAULT);
    seed = ring_run_seed(argc, argv);
    attacks =
        mmap(NULL, sizeof *attacks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (attacks == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consumer_that_writes_garbage_cannot_disturb_a_lossless_producer),
        cmocka_unit_test(a_consumer_that_writes_garbage_cannot_hold_up_an_evicting_producer),
        cmocka_unit_test(
            a_producer_that_writes_garbage_shows_its_consumer_nothing_but_its_own_pool),
    };
    return cmocka_run_group_tests_name("hostile_pages", tests, NULL, NULL);
}
