// SPDX-License-Identifier: Apache-2.0
// Messages of clients: byte by byte as in the golden file, and nothing else gets through.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "schemas/wire_control.h"

static struct control_message message;
static struct control_message again;
static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
static char reason[LIMIT_ERROR_TEXT_BYTES_MAX];

static const struct {
    enum control_type type;
    enum control_direction direction;
    const char *name;
} types[] = {
#define MESSAGE(NAME, name, id, direction, fds, text) {CONTROL_##NAME, CONTROL_##direction, #name},
#include "schemas/control_messages.def"
#undef MESSAGE
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

static const struct control_field fields[] = {
    {.name = "node", .value = "blur"}, {.name = "param", .value = "titel=gr\xc3\xbc\xc3\x9f dich"}};

static void fill(enum control_type type)
{
    message.type = type;
    switch (type) {
    case CONTROL_WELCOME:
        message.welcome =
            (struct control_welcome){.version = "1.2.3", .graph = "blur-demo", .pid = 4711};
        break;
    case CONTROL_REQUEST:
        message.request = (struct control_request){
            .call = 7, .verb = "commit-mode", .field_count = 2, .fields = fields};
        break;
    case CONTROL_PART:
        message.part =
            (struct control_part){.call = 7, .text = "{\"a\":1}", .text_bytes = 7, .is_end = true};
        break;
    case CONTROL_ANSWER:
        message.answer =
            (struct control_answer){.call = 7, .code = 66, .error = "there is no node 'blurr'"};
        break;
    }
}

static int encode(enum control_type type)
{
    fill(type);
    int size_bytes = wire_control_encode(&message, bytes, sizeof bytes);
    assert_true(size_bytes >= WIRE_HEADER_BYTES);
    return size_bytes;
}

static int decode(size_t size_bytes, enum control_direction direction)
{
    int result =
        wire_control_decode(bytes, size_bytes, 0, direction, &again, reason, sizeof reason);
    assert_int_equal(result == 0, reason[0] == '\0');
    return result;
}

static void each_message_has_the_bytes_of_the_golden_file(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/wire_control.txt", getenv("SB_SOURCE_DIR"));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        int size_bytes = encode(types[i].type);
        char line[1024];
        int length = snprintf(line, sizeof line, "%s ", types[i].name);
        for (int j = 0; j < size_bytes; j++) {
            length += snprintf(line + length, sizeof line - (size_t)length, "%02x", bytes[j]);
        }
        snprintf(line + length, sizeof line - (size_t)length, "\n");
        char golden[1024] = "";
        // When the change is wanted: raise WIRE_PROTOCOL_VERSION, put these lines into the file.
        if (fgets(golden, sizeof golden, file) == NULL || strcmp(golden, line) != 0) {
            print_error("is now: %s", line);
        }
        assert_string_equal(golden, line);
    }
    fclose(file);
}

static void each_message_comes_out_as_it_went_in(void **state)
{
    (void)state;
    assert_int_equal(decode((size_t)encode(CONTROL_WELCOME), CONTROL_TO_CLIENT), 0);
    assert_memory_equal(&again.welcome, &message.welcome, sizeof again.welcome);
    assert_int_equal(decode((size_t)encode(CONTROL_REQUEST), CONTROL_TO_BROKER), 0);
    assert_int_equal(again.request.call, 7);
    assert_string_equal(again.request.verb, "commit-mode");
    assert_int_equal(again.request.field_count, 2);
    assert_string_equal(again.request.fields[1].name, "param");
    assert_string_equal(again.request.fields[1].value, fields[1].value);
    assert_int_equal(decode((size_t)encode(CONTROL_PART), CONTROL_TO_CLIENT), 0);
    assert_int_equal(again.part.text_bytes, 7);
    assert_memory_equal(again.part.text, "{\"a\":1}", 8);
    assert_true(again.part.is_end);
    assert_int_equal(decode((size_t)encode(CONTROL_ANSWER), CONTROL_TO_CLIENT), 0);
    assert_int_equal(again.answer.code, 66);
    assert_string_equal(again.answer.error, message.answer.error);
}

static void the_other_direction_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        size_t size_bytes = (size_t)encode(types[i].type);
        bool is_to_broker = types[i].direction == CONTROL_TO_BROKER;
        assert_int_equal(decode(size_bytes, is_to_broker ? CONTROL_TO_CLIENT : CONTROL_TO_BROKER),
                         -EPROTO);
        assert_non_null(strstr(reason, "the other way"));
        assert_int_equal(wire_control_decode(bytes, size_bytes, 1, types[i].direction, &again,
                                             reason, sizeof reason),
                         -EPROTO);
    }
}

static void a_message_that_was_cut_or_changed_is_refused_or_valid_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        size_t size_bytes = (size_t)encode(types[i].type);
        for (size_t cut = 0; cut < WIRE_HEADER_BYTES; cut++) {
            assert_int_equal(decode(cut, types[i].direction), -EPROTO);
        }
        for (size_t at = 0; at < size_bytes * 8; at++) {
            encode(types[i].type);
            bytes[at / 8] ^= (uint8_t)(1U << (at % 8));
            if (decode(size_bytes, types[i].direction) == 0) {
                static uint8_t other[LIMIT_MESSAGE_BYTES_MAX];
                assert_int_equal(wire_control_encode(&again, other, sizeof other), size_bytes);
            }
        }
    }
}

static void refuse_request(const struct control_request *request, const char *what)
{
    message.type = CONTROL_REQUEST;
    message.request = *request;
    int size_bytes = wire_control_encode(&message, bytes, sizeof bytes);
    assert_true(size_bytes > 0);
    assert_int_equal(decode((size_t)size_bytes, CONTROL_TO_BROKER), -EPROTO);
    if (strstr(reason, what) == NULL) {
        fail_msg("'%s' does not say '%s'", reason, what);
    }
}

static void a_request_out_of_its_bounds_is_refused(void **state)
{
    (void)state;
    refuse_request(&(struct control_request){.call = 0, .verb = "status"}, "call");
    refuse_request(&(struct control_request){.call = 1, .verb = ""}, "verb");
    refuse_request(&(struct control_request){.call = 1, .verb = "Status"}, "no id");
    static const struct control_field wrong[] = {{.name = "", .value = "x"},
                                                 {.name = "a\x01", .value = "x"},
                                                 {.name = "a", .value = "\xff"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        refuse_request(
            &(struct control_request){
                .call = 1, .verb = "status", .field_count = 1, .fields = &wrong[i]},
            "request: ");
    }
    static char large[SB_STRING_BYTES_MAX + 1];
    memset(large, 'x', sizeof large - 1);
    static const struct control_field long_field[] = {{.name = "a", .value = large}};
    refuse_request(
        &(struct control_request){
            .call = 1, .verb = "status", .field_count = 1, .fields = long_field},
        "at most");
}

static void more_fields_than_allowed_are_refused(void **state)
{
    (void)state;
    // One more than the encoder would write: the last field of a full message once more.
    static struct control_field many[CONTROL_FIELDS_MAX];
    for (size_t i = 0; i < CONTROL_FIELDS_MAX; i++) {
        many[i] = (struct control_field){.name = "a", .value = "b"};
    }
    message.type = CONTROL_REQUEST;
    message.request = (struct control_request){
        .call = 1, .verb = "status", .field_count = CONTROL_FIELDS_MAX, .fields = many};
    int size_bytes = wire_control_encode(&message, bytes, sizeof bytes);
    assert_int_equal(decode((size_t)size_bytes, CONTROL_TO_BROKER), 0);
    const size_t field_bytes = 8;  // tag, length, and two strings of one byte
    memcpy(bytes + size_bytes, bytes + size_bytes - field_bytes, field_bytes);
    assert_int_equal(decode((size_t)size_bytes + field_bytes, CONTROL_TO_BROKER), -EPROTO);
    assert_non_null(strstr(reason, "number of fields"));
}

static void a_part_holds_as_much_as_it_says(void **state)
{
    (void)state;
    static char text[CONTROL_PART_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    message.type = CONTROL_PART;
    message.part = (struct control_part){.call = 1, .text = text, .text_bytes = sizeof text - 1};
    int size_bytes = wire_control_encode(&message, bytes, sizeof bytes);
    assert_int_equal(decode((size_t)size_bytes, CONTROL_TO_CLIENT), 0);
    message.part.text_bytes++;
    size_bytes = wire_control_encode(&message, bytes, sizeof bytes);
    assert_int_equal(decode((size_t)size_bytes, CONTROL_TO_CLIENT), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_has_the_bytes_of_the_golden_file),
        cmocka_unit_test(each_message_comes_out_as_it_went_in),
        cmocka_unit_test(the_other_direction_is_refused),
        cmocka_unit_test(a_message_that_was_cut_or_changed_is_refused_or_valid_again),
        cmocka_unit_test(a_request_out_of_its_bounds_is_refused),
        cmocka_unit_test(more_fields_than_allowed_are_refused),
        cmocka_unit_test(a_part_holds_as_much_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
