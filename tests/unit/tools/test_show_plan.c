// SPDX-License-Identifier: Apache-2.0
// A plan as people read it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/show_plan.h"

static const char *print(const char *text)
{
    static char bytes[8192];
    memset(bytes, 0, sizeof bytes);
    json_t *plan = json_loads(text, 0, NULL);
    assert_non_null(plan);
    FILE *out = fmemopen(bytes, sizeof bytes, "w");
    show_plan(plan, out);
    fclose(out);
    json_decref(plan);
    return bytes;
}

// R-LIVE-007
static void steps_keys_rights_memory_and_frames_are_all_there(void **state)
{
    (void)state;
    const char *said = print(
        "{\"graph\":\"g\",\"steps\":[{\"step\":\"unwire\",\"what\":\"a.x -> b.y\"},"
        "{\"step\":\"start\",\"what\":\"c\"}],"
        "\"changes\":[{\"what\":\"a\",\"key\":\"config.n\",\"now\":\"1\",\"after\":\"2\","
        "\"is_right\":false},{\"what\":\"c\",\"key\":\"sandbox.network\",\"now\":null,"
        "\"after\":\"true\",\"is_right\":true}],"
        "\"rights\":[{\"node\":\"c\",\"key\":\"sandbox.network\",\"now\":null,\"after\":\"true\"}],"
        "\"memory_now\":{\"outputs\":[{\"output\":\"a.x\",\"slots\":4,\"payload_bytes\":1024,"
        "\"bytes\":8192,\"is_estimate\":false}],\"links\":[{\"link\":\"a.x -> b.y\",\"depth\":2,"
        "\"bytes\":4096}],\"bytes\":12288},"
        "\"memory\":{\"outputs\":[{\"output\":\"c.z\",\"slots\":8,\"payload_bytes\":2048,"
        "\"bytes\":16384,\"is_estimate\":true}],\"links\":[],\"bytes\":16384},"
        "\"frames_at_risk\":3}");
    assert_string_equal(said, "g: 2 steps\n\n"
                              "STEP    WHAT\n"
                              "unwire  a.x -> b.y\n"
                              "start   c\n\n"
                              "OF  KEY       NOW  AFTER\n"
                              "a   config.n  1    2\n\n"
                              "NODE  RIGHT            NOW  AFTER\n"
                              "c     sandbox.network  -    true\n\n"
                              "MEMORY      FRAMES    EACH      NOW    AFTER  AT MOST\n"
                              "c.z              8  2.0KiB        -  16.0KiB  yes\n"
                              "a.x              4  1.0KiB   8.0KiB        -  -\n"
                              "a.x -> b.y       2       -   4.0KiB        -  -\n"
                              "in all           -       -  12.0KiB  16.0KiB  -\n\n"
                              "frames at risk: 3 wait on links that go; they are read first, for "
                              "as long as timeouts.stop allows\n");
}

static void nothing_to_do_and_what_cannot_be_done_are_said(void **state)
{
    (void)state;
    static const char *const rest =
        "\"steps\":[],\"changes\":[],\"rights\":[],\"memory_now\":{\"outputs\":[],"
        "\"links\":[],\"bytes\":0},\"memory\":{\"outputs\":[],\"links\":[],\"bytes\":0},"
        "\"frames_at_risk\":0}";
    char text[1024];
    snprintf(text, sizeof text, "{\"graph\":\"g\",%s", rest);
    assert_non_null(strstr(print(text), "g: no steps\n"));
    assert_non_null(strstr(print(text), "frames at risk: 0\n"));
    snprintf(text, sizeof text, "{\"graph\":\"g\",\"impossible\":\"name\",%s", rest);
    assert_non_null(strstr(print(text), "g: impossible: name cannot change while the graph runs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_keys_rights_memory_and_frames_are_all_there),
        cmocka_unit_test(nothing_to_do_and_what_cannot_be_done_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
