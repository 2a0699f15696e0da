// SPDX-License-Identifier: Apache-2.0
// What the loss of a device means: for the node, for all on that device, and when it is broken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/supervision/device_loss.h"

#define SECOND CLOCK_NS_PER_S
#define OLD INT64_C(0)

static const uint8_t card[SB_DEVICE_UUID_BYTES] = "a graphics card";
static const uint8_t other[SB_DEVICE_UUID_BYTES] = "another of them";

// A life that began right before loses the device.
static enum device_loss_answer lose(struct device_losses *losses, const uint8_t *uuid,
                                    int64_t now_ns)
{
    return device_loss_note(losses, uuid, now_ns - 1, now_ns);
}

// R-GPU-024
static void two_losses_within_five_seconds_concern_everything_on_the_device(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    assert_int_equal(lose(&losses, card, 100 * SECOND), DEVICE_LOSS_ALONE);
    assert_int_equal(lose(&losses, card, 105 * SECOND), DEVICE_LOSS_ROUND);
}

// R-GPU-024
static void a_loss_later_than_that_concerns_its_node_only(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    for (int64_t at_ns = 100 * SECOND; at_ns < 300 * SECOND; at_ns += 5 * SECOND + 1) {
        assert_int_equal(lose(&losses, card, at_ns), DEVICE_LOSS_ALONE);
    }
}

// R-GPU-024
static void losses_of_two_devices_are_not_counted_together(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    assert_int_equal(lose(&losses, card, 100 * SECOND), DEVICE_LOSS_ALONE);
    assert_int_equal(lose(&losses, other, 101 * SECOND), DEVICE_LOSS_ALONE);
    assert_int_equal(lose(&losses, other, 102 * SECOND), DEVICE_LOSS_ROUND);
    assert_int_equal(lose(&losses, card, 103 * SECOND), DEVICE_LOSS_ROUND);
}

// R-GPU-024
static void lives_from_before_the_restart_of_all_are_part_of_it(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    assert_int_equal(lose(&losses, card, 100 * SECOND), DEVICE_LOSS_ALONE);
    assert_int_equal(lose(&losses, card, 101 * SECOND), DEVICE_LOSS_ROUND);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(device_loss_note(&losses, card, OLD, 101 * SECOND + i),
                         DEVICE_LOSS_JOINED);
    }
    // One that was started since then is news.
    assert_int_equal(lose(&losses, card, 102 * SECOND), DEVICE_LOSS_ROUND);
}

// R-GPU-025
static void after_three_restarts_of_all_a_loss_counts_until_it_was_quiet_for_a_minute(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    int64_t at_ns = 100 * SECOND;
    assert_int_equal(lose(&losses, card, at_ns), DEVICE_LOSS_ALONE);
    for (int i = 0; i < DEVICE_LOSS_ROUNDS_MAX; i++) {
        assert_int_equal(lose(&losses, card, at_ns += SECOND), DEVICE_LOSS_ROUND);
    }
    assert_int_equal(lose(&losses, card, at_ns += SECOND), DEVICE_LOSS_BROKEN);
    // Longer waits between the lives do not make it whole.
    for (int i = 0; i < 10; i++) {
        assert_int_equal(lose(&losses, card, at_ns += 60 * SECOND), DEVICE_LOSS_BROKEN);
    }
    assert_int_equal(lose(&losses, card, at_ns += 60 * SECOND + 1), DEVICE_LOSS_ALONE);
    assert_int_equal(lose(&losses, card, at_ns + SECOND), DEVICE_LOSS_ROUND);
}

static void more_devices_than_there_is_room_for_push_out_the_quietest(void **state)
{
    (void)state;
    struct device_losses losses = {.count = 0};
    for (int64_t i = 0; i < DEVICE_LOSS_DEVICES_MAX; i++) {
        uint8_t uuid[SB_DEVICE_UUID_BYTES] = {(uint8_t)(i + 1)};
        assert_int_equal(lose(&losses, uuid, 100 * SECOND + i), DEVICE_LOSS_ALONE);
    }
    assert_int_equal(lose(&losses, card, 101 * SECOND), DEVICE_LOSS_ALONE);
    const uint8_t first[SB_DEVICE_UUID_BYTES] = {1};
    const uint8_t third[SB_DEVICE_UUID_BYTES] = {3};
    assert_int_equal(lose(&losses, third, 102 * SECOND), DEVICE_LOSS_ROUND);
    assert_int_equal(lose(&losses, first, 103 * SECOND), DEVICE_LOSS_ALONE);
    assert_int_equal(losses.count, DEVICE_LOSS_DEVICES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_losses_within_five_seconds_concern_everything_on_the_device),
        cmocka_unit_test(a_loss_later_than_that_concerns_its_node_only),
        cmocka_unit_test(losses_of_two_devices_are_not_counted_together),
        cmocka_unit_test(lives_from_before_the_restart_of_all_are_part_of_it),
        cmocka_unit_test(after_three_restarts_of_all_a_loss_counts_until_it_was_quiet_for_a_minute),
        cmocka_unit_test(more_devices_than_there_is_room_for_push_out_the_quietest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
