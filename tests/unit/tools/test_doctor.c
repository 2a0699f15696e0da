// SPDX-License-Identifier: Apache-2.0
// The doctor prints one line, or one object, for everything that it looks at.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "tools/doctor.h"
#include "unit/tools/output.h"

static const char *const names[] = {
#define PROBE(NAME, name, purpose, advice) name,
#include "tools/doctor.def"
#define ASK(name, purpose, advice) name,
#include "tools/doctor.def"
};

enum { NAMES_COUNT = sizeof(names) / sizeof(names[0]) };

// R-CLI-013
static void every_thing_has_a_line_that_says_what_it_is_for(void **state)
{
    (void)state;
    output_begin();
    int status = doctor(false);
    const char *text = output_end();
    assert_int_equal(status, 0);
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        assert_non_null(strstr(text, names[i]));
    }
    size_t lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, NAMES_COUNT);
}

// R-CLI-014
static void json_has_an_object_for_every_thing(void **state)
{
    (void)state;
    output_begin();
    int status = doctor(true);
    json_t *list = json_loads(output_end(), 0, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(json_array_size(list), NAMES_COUNT);
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        const json_t *entry = json_array_get(list, i);
        bool is_there = json_is_true(json_object_get(entry, "ok"));
        assert_string_equal(json_string_value(json_object_get(entry, "name")), names[i]);
        assert_int_equal(json_is_null(json_object_get(entry, "advice")), is_there);
    }
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thing_has_a_line_that_says_what_it_is_for),
        cmocka_unit_test(json_has_an_object_for_every_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
