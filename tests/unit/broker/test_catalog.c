// SPDX-License-Identifier: Apache-2.0
// Processors are found in their places and asked once per content.
#include "unit/broker/graph_fixture.h"

static int find(struct fixture *fixture, const char *const *exec, struct catalog_entry *entry,
                struct diag *why)
{
    memset(why, 0, sizeof(*why));
    return catalog_find(fixture->catalog, fixture->folder, exec, NULL, entry, why);
}

static void a_processor_is_asked_once_per_content(void **state)
{
    struct fixture *fixture = *state;
    const char *const exec[] = {"blur", NULL};
    struct catalog_entry first;
    struct catalog_entry second;
    struct diag why;
    assert_int_equal(find(fixture, exec, &first, &why), 0);
    assert_int_equal(find(fixture, exec, &second, &why), 0);
    assert_ptr_equal(first.descriptor, second.descriptor);
    assert_int_equal(fixture->described, 1);
    fixture_add(fixture, "blur", FIXTURE_DESCRIPTION("blur", "", "", ""));
    assert_int_equal(find(fixture, exec, &second, &why), 0);
    assert_int_equal(fixture->described, 2);
    assert_int_equal(second.descriptor->input_count, 0);
    // The one that a running graph has is still there.
    assert_int_equal(first.descriptor->input_count, 1);
}

static void a_script_counts_with_its_content(void **state)
{
    struct fixture *fixture = *state;
    char program[128];
    snprintf(program, sizeof(program), "%s/sh", fixture->folder);
    assert_int_equal(symlink("/bin/sh", program), 0);
    const char *const exec[] = {"./sh", "script", NULL};
    struct catalog_entry entry;
    struct diag why;
    fixture_add(fixture, "script", FIXTURE_DESCRIPTION("one", "", "", ""));
    assert_int_equal(find(fixture, exec, &entry, &why), 0);
    assert_string_equal(entry.descriptor->name, "one");
    fixture_add(fixture, "script", FIXTURE_DESCRIPTION("two", "", "", ""));
    assert_int_equal(find(fixture, exec, &entry, &why), 0);
    assert_string_equal(entry.descriptor->name, "two");
    assert_int_equal(fixture->described, 2);
}

// R-WORKER-016
static void one_that_hangs_costs_its_deadline_once(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "hang", "#!/bin/sh\nread x < /dev/null; while :; do :; done\n", 0755);
    const char *const exec[] = {"hang", NULL};
    struct catalog_entry entry;
    struct diag why;
    assert_int_equal(find(fixture, exec, &entry, &why), -ETIMEDOUT);
    assert_true(why.text[0] != '\0');
    assert_int_equal(find(fixture, exec, &entry, &why), -ETIMEDOUT);
    assert_true(why.text[0] != '\0');
    assert_int_equal(fixture->described, 1);
}

static void what_is_not_there_or_not_executable_is_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct catalog_entry entry;
    struct diag why;
    assert_int_equal(find(fixture, (const char *const[]){"nope", NULL}, &entry, &why), -ENOENT);
    assert_non_null(strstr(why.text, fixture->folder));
    fixture_write(fixture, "data", "x", 0644);
    assert_int_equal(find(fixture, (const char *const[]){"data", NULL}, &entry, &why), -EACCES);
    assert_int_equal(fixture->described, 0);
}

static void the_nearest_processor_is_offered(void **state)
{
    struct fixture *fixture = *state;
    char near[64];
    assert_true(catalog_nearest(fixture->catalog, "sorce", near, sizeof(near)));
    assert_string_equal(near, "source");
    assert_false(catalog_nearest(fixture->catalog, "qqqqqq", near, sizeof(near)));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_processor_is_asked_once_per_content),
        CASE(a_script_counts_with_its_content),
        CASE(one_that_hangs_costs_its_deadline_once),
        CASE(what_is_not_there_or_not_executable_is_told_apart),
        CASE(the_nearest_processor_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
