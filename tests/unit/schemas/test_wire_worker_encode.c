// SPDX-License-Identifier: Apache-2.0
// Encodings byte by byte: a change of one is a change of the protocol.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "unit/schemas/wire_samples.h"

static struct wire_message message;

static void each_message_has_the_bytes_of_the_golden_file(void **state)
{
    (void)state;
    char path[4096];
    const char *root = getenv("SB_SOURCE_DIR");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/tests/golden/wire_worker.txt", root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
        sample_fill(&message, sample_types[i].type);
        int size_bytes = wire_worker_encode(&message, bytes, sizeof bytes);
        assert_true(size_bytes >= WIRE_HEADER_BYTES);
        char line[4096];
        int length = snprintf(line, sizeof line, "%s ", sample_types[i].name);
        for (int j = 0; j < size_bytes; j++) {
            length += snprintf(line + length, sizeof line - (size_t)length, "%02x", bytes[j]);
        }
        snprintf(line + length, sizeof line - (size_t)length, "\n");
        char golden[4096] = "";
        // When the change is wanted: raise WIRE_PROTOCOL_VERSION, put these lines into the file.
        if (fgets(golden, sizeof golden, file) == NULL || strcmp(golden, line) != 0) {
            print_error("is now: %s", line);
        }
        assert_string_equal(golden, line);
    }
    char rest[16];
    assert_null(fgets(rest, sizeof rest, file));
    fclose(file);
}

static void a_message_that_does_not_fit_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    sample_fill(&message, WIRE_SETUP);
    uint8_t bytes[512];
    int whole = wire_worker_encode(&message, bytes, sizeof bytes);
    assert_true(whole > WIRE_HEADER_BYTES);
    memset(bytes, 0xee, sizeof bytes);
    for (int room = 0; room < whole; room++) {
        assert_int_equal(wire_worker_encode(&message, bytes, (size_t)room), -EMSGSIZE);
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], 0xee);
    }
    assert_int_equal(wire_worker_encode(&message, bytes, (size_t)whole), whole);
}

static void a_message_above_the_limit_of_the_protocol_is_refused(void **state)
{
    (void)state;
    static char value[SB_STRING_BYTES_MAX];
    memset(value, 'x', sizeof value - 1);
    static struct wire_param params[9];
    for (size_t i = 0; i < 9; i++) {
        snprintf(params[i].name, sizeof params[i].name, "p%zu", i);
        params[i].value = value;
    }
    static uint8_t bytes[2 * LIMIT_MESSAGE_BYTES_MAX];
    message.type = WIRE_CONFIG;
    message.config = (struct wire_config){.serial = 1, .param_count = 7, .params = params};
    assert_true(wire_worker_encode(&message, bytes, sizeof bytes) > 7 * (SB_STRING_BYTES_MAX - 1));
    message.config.param_count = 9;
    assert_int_equal(wire_worker_encode(&message, bytes, sizeof bytes), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_has_the_bytes_of_the_golden_file),
        cmocka_unit_test(a_message_that_does_not_fit_is_refused_and_nothing_is_written),
        cmocka_unit_test(a_message_above_the_limit_of_the_protocol_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
