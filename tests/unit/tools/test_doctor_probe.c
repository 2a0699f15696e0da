// SPDX-License-Identifier: Apache-2.0
// Every probe answers, and its answer says what was seen.
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

#include "tools/doctor_probe.h"

// R-CLI-013
static void every_probe_says_what_it_saw(void **state)
{
    (void)state;
#define PROBE(NAME, name, purpose, advice)                                                         \
    {                                                                                              \
        char detail[256];                                                                          \
        struct text text = TEXT_OVER(detail);                                                      \
        doctor_probe_##NAME(&text);                                                                \
        assert_true(text.length > 0);                                                              \
        assert_false(text.is_cut);                                                                 \
    }
#include "tools/doctor.def"
}

static void probes_leave_no_descriptor_open(void **state)
{
    (void)state;
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    every_probe_says_what_it_saw(state);
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    assert_int_equal(before, after);
}

// What the rest of the tests could not run without is there.
static void what_the_project_needs_is_found(void **state)
{
    (void)state;
    char detail[256];
    struct text text = TEXT_OVER(detail);
    assert_true(doctor_probe_memfd_seals(&text));
    assert_true(doctor_probe_pidfd(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_probe_says_what_it_saw),
        cmocka_unit_test(probes_leave_no_descriptor_open),
        cmocka_unit_test(what_the_project_needs_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
