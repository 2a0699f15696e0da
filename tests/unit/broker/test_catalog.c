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

static void *asked[8];
static unsigned asked_count;
static unsigned room;

static int begin(void *context, const struct graph_node *node, const struct graph_program *program,
                 const char *folder, char *const *argv, void *question, struct diag *out_why)
{
    (void)context;
    (void)node;
    (void)folder;
    (void)argv;
    (void)out_why;
    assert_true(program->path[0] == '/');
    if (asked_count == room) {
        return -EBUSY;
    }
    asked[asked_count++] = question;
    return 0;
}

// R-LIVE-014
static void a_question_without_an_answer_is_asked_once_and_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    const char *const blur[] = {"blur", NULL};
    const char *const sink[] = {"sink", NULL};
    struct catalog_entry entry;
    struct diag why;
    asked_count = 0;
    room = 1;
    catalog_set_begin(fixture->catalog, begin, NULL);
    assert_int_equal(find(fixture, blur, &entry, &why), -EINPROGRESS);
    assert_int_equal(find(fixture, blur, &entry, &why), -EINPROGRESS);
    assert_int_equal(asked_count, 1);
    // There is no room for a second one; it is asked as soon as there is.
    assert_int_equal(find(fixture, sink, &entry, &why), -EINPROGRESS);
    room = 8;
    assert_int_equal(find(fixture, sink, &entry, &why), -EINPROGRESS);
    assert_int_equal(asked_count, 2);
    assert_int_equal(catalog_answers(fixture->catalog), 0);
    const char json[] = "no description";
    catalog_answer(fixture->catalog, asked[0], 0, json, strlen(json), &(struct diag){.text = ""});
    assert_int_equal(catalog_answers(fixture->catalog), 1);
    assert_int_equal(find(fixture, blur, &entry, &why), -EPROTO);
    // One that was taken back is not known, and is asked again.
    catalog_forget(fixture->catalog, asked[1]);
    assert_int_equal(catalog_answers(fixture->catalog), 2);
    assert_int_equal(find(fixture, sink, &entry, &why), -EINPROGRESS);
    assert_int_equal(asked_count, 3);
    catalog_answer(fixture->catalog, asked[2], -ETIMEDOUT, NULL, 0, &(struct diag){.text = "late"});
    assert_int_equal(find(fixture, sink, &entry, &why), -ETIMEDOUT);
    assert_string_equal(why.text, "late");
    assert_int_equal(fixture->described, 0);
    catalog_set_begin(fixture->catalog, NULL, NULL);
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
        CASE(a_question_without_an_answer_is_asked_once_and_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
