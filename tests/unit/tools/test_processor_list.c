// SPDX-License-Identifier: Apache-2.0
// Processors of the search path are listed once each, and described, with what they print escaped.
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

#include "tools/processor_list.h"
#include "tools/verb.h"
#include "unit/tools/output.h"

#define FORMATS                                                                                    \
    "\"formats\":{\"memories\":[\"cpu\"],\"kinds\":[],\"pixels\":[],\"samples\":[],"               \
    "\"rate\":[0,0],\"channels\":[0,0],\"message\":null}"

static char folder[] = "/tmp/processor_list.XXXXXX";

static void write_script(const char *name, const char *script)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
}

static int setup(void **state)
{
    (void)state;
    // The broker of this build, before one that may be installed.
    char path[4096];
    snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", getenv("SB_BUILD_DIR"));
    if (setenv("PATH", path, 1) != 0 || mkdtemp(folder) == NULL ||
        setenv("STREAMBROKER_PROCESSOR_PATH", folder, 1) != 0) {
        return -1;
    }
    write_script(
        "own",
        "cat <<'END'\n"
        "{\"streambroker\":1,\"name\":\"own\",\"version\":\"2.0\",\"summary\":\"Mine\\u001b[31m.\","
        "\"mode\":\"manual\",\"interval_ns\":0,"
        "\"activation\":{\"kind\":\"any\",\"count\":0,\"within_ns\":0},\"modes\":[\"manual\"],"
        "\"wants\":[],\"inputs\":[{\"name\":\"video\",\"type\":\"video\",\"help\":\"In.\","
        "\"count\":4,\"optional\":true,\"delivery\":\"latest\",\"holds\":1,\"memory\":"
        "false," FORMATS
        "}],\"outputs\":[{\"name\":\"out\",\"type\":\"any\",\"help\":\"\",\"count\":0,\"claims\":1,"
        "\"one_per_step\":false,\"max_payload\":0,\"follows\":null," FORMATS "}],"
        "\"params\":[{\"name\":\"size\",\"type\":\"int\",\"help\":\"Big.\",\"default\":\"3\","
        "\"minimum\":1,\"maximum\":9,\"choices\":[],\"fixed\":false},"
        "{\"name\":\"kind\",\"type\":\"choice\",\"help\":\"\",\"default\":null,\"minimum\":0,"
        "\"maximum\":0,\"choices\":[\"a\",\"b\"],\"fixed\":false}]}\nEND");
    return chdir(folder);
}

static int teardown(void **state)
{
    (void)state;
    return unlink("own") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

// R-CLI-009
static void the_table_has_ports_and_types(void **state)
{
    (void)state;
    output_begin();
    int status = processor_list(false, false, true);
    const char *text = output_end();
    assert_int_equal(status, VERB_OK);
    const char *line = strstr(text, "\nown ");
    assert_non_null(line);
    assert_non_null(strstr(line, "video[4]"));
    assert_non_null(strstr(line, "out:any"));
    assert_non_null(strstr(line, "Mine\\x1b[31m."));
}

// R-CLI-014
static void json_has_the_descriptions_with_their_programs(void **state)
{
    (void)state;
    output_begin();
    int status = processor_list(true, false, true);
    json_t *list = json_loads(output_end(), 0, NULL);
    assert_int_equal(status, VERB_OK);
    assert_true(json_array_size(list) >= 1);
    const json_t *own = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(own, "program")), "own");
    assert_non_null(json_object_get(own, "outputs"));
    json_decref(list);
}

// R-CLI-010
static void a_description_has_types_bounds_and_defaults(void **state)
{
    (void)state;
    output_begin();
    int status = processor_list_describe("own", false, true);
    const char *text = output_end();
    assert_int_equal(status, VERB_OK);
    assert_non_null(strstr(text, "video_0 to _3"));
    assert_non_null(strstr(text, "In. Optional. Delivery: latest."));
    assert_non_null(strstr(text, "Big. Default: 3. From 1 to 9."));
    assert_non_null(strstr(text, "Required. One of: a, b."));
}

static void what_is_no_processor_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(processor_list_describe("nothing-such", false, true), VERB_NO_INPUT);
    assert_int_equal(processor_list_describe("/bin/true", false, true), VERB_FAILED);
}

static void one_that_cannot_be_described_is_left_out_and_said(void **state)
{
    (void)state;
    write_script("bad", "exit 3");
    output_begin();
    int status = processor_list(false, false, true);
    const char *text = output_end();
    unlink("bad");
    assert_int_equal(status, VERB_FAILED);
    assert_null(strstr(text, "\nbad "));
    assert_non_null(strstr(text, "\nown "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_ports_and_types),
        cmocka_unit_test(json_has_the_descriptions_with_their_programs),
        cmocka_unit_test(a_description_has_types_bounds_and_defaults),
        cmocka_unit_test(what_is_no_processor_is_told_apart),
        cmocka_unit_test(one_that_cannot_be_described_is_left_out_and_said),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
