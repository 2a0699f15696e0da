// SPDX-License-Identifier: Apache-2.0
// Whose memory the payloads of an output lie in, and what is taken for memory of a device.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/links/generation.h"

#define LINKS 2
#define SLOTS 5
#define PAYLOAD 5000
#define SLOT_BYTES 8192
#define POOL_BYTES (SLOTS * SLOT_BYTES)
#define MIB (UINT64_C(1) << 20)

struct fixture {
    struct graph_node wanted[1 + LINKS];
    struct actual_node nodes[1 + LINKS];  // the producer, then its readers
    struct graph_link wanted_links[LINKS];
    struct actual_link links[LINKS];
    struct actual_link *all_links[LINKS];
    struct actual_output output;
    struct actual_output *outputs[1];
    struct generation *generations[2];
    struct generation *generation;
};

static void make_node(struct fixture *fixture, size_t index, const char *id)
{
    struct graph_node *wanted = &fixture->wanted[index];
    struct actual_node *node = &fixture->nodes[index];
    wanted->sandbox.tier = GRAPH_TIER_TRUSTED;
    wanted->limits.gpu_memory = GRAPH_NONE_BYTES;
    node->wanted = wanted;
    snprintf(node->life.id, sizeof node->life.id, "%s", id);
    node->gpu.is_known = true;
    node->gpu.device = (struct wire_device){.is_software = true, .has_pools = true, .name = "soft"};
}

static int setup(void **state)
{
    static const char *const ids[] = {"from", "one", "two"};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct generation *generation =
        calloc(1, sizeof *generation + LINKS * sizeof generation->links[0]);
    if (fixture == NULL || generation == NULL) {
        return -1;
    }
    for (size_t i = 0; i <= LINKS; i++) {
        make_node(fixture, i, ids[i]);
    }
    fixture->generation = generation;
    fixture->output.node = &fixture->nodes[0];
    fixture->output.links = fixture->all_links;
    fixture->output.generations = fixture->generations;
    fixture->outputs[0] = &fixture->output;
    fixture->nodes[0].outputs = fixture->outputs;
    fixture->nodes[0].output_count = 1;
    snprintf(fixture->output.address, sizeof fixture->output.address, "from.video");
    generation->output = &fixture->output;
    generation->plan.slot_count = SLOTS;
    generation->link_count = LINKS;
    for (size_t i = 0; i < LINKS; i++) {
        struct actual_link *link = &fixture->links[i];
        fixture->all_links[i] = link;
        fixture->wanted_links[i].found.memory = SB_MEMORY_GPU;
        *link = (struct actual_link){.wanted = &fixture->wanted_links[i],
                                     .output = &fixture->output,
                                     .to = &fixture->nodes[1 + i]};
        snprintf(link->to_address, sizeof link->to_address, "%s.video", ids[1 + i]);
        generation->links[i].link = link;
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->generation);
    free(fixture);
    return 0;
}

static void expect_host(struct fixture *fixture, const char *why)
{
    assert_int_equal(device_pool_plan(fixture->generation, PAYLOAD), 0);
    assert_int_equal(fixture->generation->device.slot_bytes, 0);
    assert_false(fixture->output.choice.is_device);
    assert_string_equal(fixture->output.choice.why, why);
}

static void expect_device(struct fixture *fixture)
{
    assert_int_equal(device_pool_plan(fixture->generation, PAYLOAD), 0);
    assert_int_equal(fixture->generation->device.slot_bytes, SLOT_BYTES);
    assert_int_equal(fixture->generation->device.size_bytes, POOL_BYTES);
    assert_true(fixture->output.choice.is_device);
    assert_string_equal(fixture->output.choice.why, "from.video and its readers are on soft");
}

// R-GPU-027
static void equal_devices_of_trusted_nodes_share_memory(void **state)
{
    expect_device(*state);
}

// R-GPU-027
static void the_reason_says_which_end_keeps_the_device_out(void **state)
{
    struct fixture *fixture = *state;
    fixture->nodes[2].gpu.is_known = false;
    expect_host(fixture, "two shares no memory of a device");
    fixture->wanted_links[1].found.memory = SB_MEMORY_CPU;
    expect_host(fixture, "two.video works on the CPU");
    fixture->nodes[0].gpu.is_known = false;
    expect_host(fixture, "from shares no memory of a device");
}

// R-GPU-027
static void another_device_driver_or_vendor_is_another_device(void **state)
{
    struct fixture *fixture = *state;
    struct wire_device *other = &fixture->nodes[1].gpu.device;
    const struct wire_device same = *other;
    const char *why = "from is on soft and one on soft, which are two devices or drivers";
    other->device_uuid[15] = 1;
    expect_host(fixture, why);
    *other = same;
    other->driver_uuid[0] = 1;
    expect_host(fixture, why);
    *other = same;
    other->vendor = 1;
    expect_host(fixture, why);
    *other = same;
    other->is_software = false;
    expect_host(fixture, why);
}

// R-GPU-021
static void a_software_driver_shares_memory_with_trusted_nodes_only(void **state)
{
    struct fixture *fixture = *state;
    static const char *const devices[] = {"gpu"};
    for (size_t i = 0; i <= LINKS; i++) {
        struct graph_node *wanted = &fixture->wanted[i];
        wanted->sandbox.tier = GRAPH_TIER_UNTRUSTED;
        expect_host(fixture, i == 0   ? "from is not granted a GPU"
                             : i == 1 ? "one is not granted a GPU"
                                      : "two is not granted a GPU");
        wanted->sandbox.devices.items = devices;
        wanted->sandbox.devices.count = 1;
        assert_int_equal(device_pool_plan(fixture->generation, PAYLOAD), 0);
        assert_int_equal(fixture->generation->device.slot_bytes, 0);
        assert_non_null(strstr(fixture->output.choice.why,
                               "is not trusted, and the driver of soft believes what is written"));
        wanted->sandbox.tier = GRAPH_TIER_TRUSTED;
    }
}

// R-GPU-028: memory of a device can be written by everybody who has it.
static void a_reader_that_is_not_trusted_shares_memory_with_no_other_reader(void **state)
{
    struct fixture *fixture = *state;
    static const char *const devices[] = {"gpu"};
    for (size_t i = 0; i <= LINKS; i++) {
        fixture->nodes[i].gpu.device.is_software = false;
    }
    expect_device(fixture);
    fixture->wanted[2].sandbox.tier = GRAPH_TIER_UNTRUSTED;
    fixture->wanted[2].sandbox.devices.items = devices;
    fixture->wanted[2].sandbox.devices.count = 1;
    expect_host(fixture,
                "two is not trusted, and could write what other readers of from.video read");
    fixture->generation->links[0] = fixture->generation->links[1];
    fixture->generation->link_count = 1;
    expect_device(fixture);
}

// R-GPU-029
static void memory_above_the_limit_of_the_node_is_not_asked_for(void **state)
{
    struct fixture *fixture = *state;
    fixture->wanted[0].limits.gpu_memory = 2 * MIB;
    struct generation before = {.device = {.counted_bytes = 2 * MIB - POOL_BYTES}};
    fixture->generations[0] = &before;
    fixture->output.generation_count = 1;
    expect_device(fixture);
    fixture->generations[1] = fixture->generation;
    fixture->output.generation_count = 2;
    assert_int_equal(device_pool_bytes_of(&fixture->nodes[0]), 2 * MIB);
    before.device.counted_bytes = 2 * MIB;
    fixture->output.generation_count = 1;
    const char *why = "from needs 40KiB of its device and has 2MiB, and its limit gpu_memory is "
                      "2MiB";
    expect_host(fixture, why);
    fixture->wanted[0].gpu = GRAPH_GPU_REQUIRE;
    assert_int_equal(device_pool_plan(fixture->generation, PAYLOAD), -EDQUOT);
    assert_string_equal(fixture->output.choice.why, why);
}

static int memory(off_t size_bytes)
{
    int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size_bytes), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    return fd;
}

static void refuse(struct fixture *fixture, int fd, uint64_t said_bytes, const char *fault)
{
    int kept = fd;
    const char *found = NULL;
    assert_int_equal(device_pool_take(fixture->generation, said_bytes, &fd, &found), -EPROTO);
    assert_string_equal(found, fault);
    assert_int_equal(fd, kept);
    if (fd >= 0) {
        close(fd);
    }
}

// R-GPU-020: each of them before a reader or a driver has seen it.
static void what_is_no_such_memory_is_refused_and_stays_the_callers(void **state)
{
    struct fixture *fixture = *state;
    refuse(fixture, memory(POOL_BYTES), POOL_BYTES, "was not asked for");
    expect_device(fixture);
    refuse(fixture, memory(POOL_BYTES), POOL_BYTES + 1, "has another size than it was told");
    refuse(fixture, memory(POOL_BYTES - 1), POOL_BYTES, "is smaller than what was said");
    refuse(fixture, memory(4 * POOL_BYTES), POOL_BYTES, "is far larger than what was said");
    refuse(fixture, eventfd(0, EFD_CLOEXEC), POOL_BYTES, "is no memory");
    refuse(fixture, -1, POOL_BYTES, "is not open");
}

// R-GPU-029
static void memory_counts_with_its_real_size_and_is_taken_once(void **state)
{
    struct fixture *fixture = *state;
    struct device_pool *pool = &fixture->generation->device;
    const char *fault = NULL;
    expect_device(fixture);
    fixture->generations[0] = fixture->generation;
    fixture->output.generation_count = 1;
    assert_true(device_pool_is_owed(pool));
    assert_int_equal(device_pool_bytes_of(&fixture->nodes[0]), POOL_BYTES);
    int fd = memory(POOL_BYTES + 4136);
    assert_int_equal(device_pool_take(fixture->generation, POOL_BYTES, &fd, &fault), 0);
    assert_int_equal(fd, -1);
    assert_false(device_pool_is_owed(pool));
    assert_int_equal(device_pool_bytes_of(&fixture->nodes[0]), POOL_BYTES + 4136);
    refuse(fixture, memory(POOL_BYTES), POOL_BYTES, "was not asked for");
    close(pool->fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_devices_of_trusted_nodes_share_memory),
        TEST(the_reason_says_which_end_keeps_the_device_out),
        TEST(another_device_driver_or_vendor_is_another_device),
        TEST(a_software_driver_shares_memory_with_trusted_nodes_only),
        TEST(a_reader_that_is_not_trusted_shares_memory_with_no_other_reader),
        TEST(memory_above_the_limit_of_the_node_is_not_asked_for),
        TEST(what_is_no_such_memory_is_refused_and_stays_the_callers),
        TEST(memory_counts_with_its_real_size_and_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
