// SPDX-License-Identifier: Apache-2.0
// Tries every wall and every meter as a start would, and says what came of it.
#include "broker/machine_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sandbox/cgroup.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/shim_landlock.h"
#include "sandbox/stage.h"
#include "sandbox/walls.h"

enum { STATUS_INTERNAL = 70 };

static void add(json_t *list, const char *name, bool is_there, const char *text)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:b, s:s}", "name", name, "ok", is_there, "text", text));
}

static void add_walls(json_t *list)
{
    uint32_t missing = launcher_jail_missing_walls();
    for (unsigned i = 0; i < WALL_COUNT; i++) {
        enum wall wall = (enum wall)i;
        bool is_there = (missing >> i & 1) == 0;
        char bytes[64];
        struct text text = TEXT_OVER(bytes);
        text_add(&text, "stands");
        if (wall == WALL_USER_NAMESPACE && launcher_jail_is_own_uid()) {
            text_add(&text, ": a user of its own stands in for it");
        }
        if (wall == WALL_LANDLOCK) {
            text_add_format(&text, ", ABI %d", shim_landlock_version());
        }
        add(list, walls_name(wall), is_there, is_there ? bytes : walls_text(wall));
    }
}

static void add_meters(json_t *list)
{
    static struct cgroup cgroup;
    cgroup_open(&cgroup, 0);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        const char *controller = cgroup_find_controller_name((enum cgroup_controller)i);
        char name[32];
        snprintf(name, sizeof name, "cgroup-%s", controller);
        bool is_there = (cgroup.has >> i & 1) != 0;
        const char *why = cgroup.step == CGROUP_STEP_RLIMITS ? cgroup.why : "not switched on here";
        add(list, name, is_there, is_there ? cgroup_step_text(cgroup.step) : why);
    }
    cgroup_close(&cgroup);
}

static void add_users(json_t *list)
{
    uid_t uid = 0;
    auto_fd int claim = -1;
    int failed = launcher_uid_claim(&uid, &claim);
    char bytes[128];
    struct text text = TEXT_OVER(bytes);
    if (failed == 0) {
        text_add_format(&text, "the next one is %u", (unsigned)uid);
    } else {
        text_add(&text, failed == -EPERM ? "the broker may not become another user"
                                         : strerrordesc_np(-failed));
    }
    add(list, "own-uid", failed == 0, bytes);
    // Without a user of its own a worker reaches what its broker reaches.
    int error = failed == 0 ? -stage_try(uid) : 0;
    add(list, "mapped-mounts", error == 0,
        failed != 0  ? "not needed without users of their own"
        : error == 0 ? "owners can be mapped"
                     : strerrordesc_np(error));
}

int machine_command(void)
{
    json_t *list = json_array();
    if (list == NULL) {
        return STATUS_INTERNAL;
    }
    add_walls(list);
    add_meters(list);
    add_users(list);
    bool is_printed = json_dumpf(list, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF &&
                      fflush(stdout) == 0;
    json_decref(list);
    return is_printed ? 0 : STATUS_INTERNAL;
}
