// SPDX-License-Identifier: Apache-2.0
// Joins the mounts of cgroup file systems with the groups that a process is in.
#include "sandbox/cgroup_find.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

// The fields of one line of mountinfo that matter here.
struct mount {
    char *root;     // what of the file system is mounted
    char *point;    // where
    char *type;     // cgroup or cgroup2
    char *options;  // of the file system: v1 has the controllers among them
};

const char *cgroup_find_controller_name(enum cgroup_controller controller)
{
    static const char *const names[] = {
#define X(NAME, name) [CGROUP_##NAME] = name,
        CGROUP_CONTROLLERS(X)
#undef X
    };
    SB_ASSERT((size_t)controller < ARRAY_COUNT(names));
    return names[controller];
}

// The kernel writes blanks and the like as \ooo.
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        unsigned code;
        if (from[0] == '\\' && sscanf(from, "\\%3o", &code) == 1) {
            *to++ = (char)code;
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        size_t count = strcspn(at, ",");
        if (count == length && memcmp(at, word, length) == 0) {
            return true;
        }
        at += count;
    }
    return false;
}

static bool read_mount(char *line, struct mount *out_mount)
{
    char *tail = strstr(line, " - ");
    if (tail == NULL) {
        return false;
    }
    *tail = '\0';
    char *fields[5];
    char *save = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        fields[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
        if (fields[i] == NULL) {
            return false;
        }
    }
    char *type = strtok_r(tail + 3, " ", &save);
    char *source = strtok_r(NULL, " ", &save);
    char *options = strtok_r(NULL, " ", &save);
    if (type == NULL || source == NULL || options == NULL) {
        return false;
    }
    *out_mount =
        (struct mount){.root = fields[3], .point = fields[4], .type = type, .options = options};
    unescape(out_mount->root);
    unescape(out_mount->point);
    return true;
}

// Where the group `path` of a hierarchy is seen through a mount of it; empty when it is outside.
static void join(const struct mount *mount, const char *path, char out[PATH_MAX])
{
    out[0] = '\0';
    size_t root_length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    bool is_inside = strncmp(path, mount->root, root_length) == 0 &&
                     (path[root_length] == '/' || path[root_length] == '\0');
    if (!is_inside || strncmp(path, "/..", 3) == 0) {
        return;
    }
    const char *rest = path + root_length;
    struct text text = text_over(out, PATH_MAX);
    text_add(&text, mount->point);
    text_add(&text, strcmp(rest, "/") == 0 ? "" : rest);
    if (text.is_cut) {
        out[0] = '\0';
    }
}

// One line of /proc/self/cgroup: "ID:CONTROLLERS:PATH", no controllers for v2.
static void join_group(const struct mount *mount, char *line, struct cgroup_places *places)
{
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) {
        return;
    }
    controllers++;
    size_t controllers_length = (size_t)(path - controllers);
    path++;
    if (strcmp(mount->type, "cgroup2") == 0) {
        if (controllers_length == 0 && places->v2[0] == '\0') {
            join(mount, path, places->v2);
            text_copy(places->v2_top, sizeof places->v2_top, mount->point);
        }
        return;
    }
    char list[256];
    if (controllers_length >= sizeof list) {
        return;
    }
    memcpy(list, controllers, controllers_length);
    list[controllers_length] = '\0';
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        const char *name = cgroup_find_controller_name((enum cgroup_controller)i);
        if (has_word(list, name) && has_word(mount->options, name) && places->v1[i][0] == '\0') {
            join(mount, path, places->v1[i]);
        }
    }
}

void cgroup_find(char *mountinfo, char *self, struct cgroup_places *out_places)
{
    memset(out_places, 0, sizeof *out_places);
    char *save = NULL;
    for (char *line = strtok_r(mountinfo, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        struct mount mount;
        if (!read_mount(line, &mount) || strncmp(mount.type, "cgroup", 6) != 0) {
            continue;
        }
        for (char *group = self; *group != '\0';) {
            char *end = strchrnul(group, '\n');
            bool is_last = *end == '\0';
            *end = '\0';
            join_group(&mount, group, out_places);
            *end = is_last ? '\0' : '\n';
            group = is_last ? end : end + 1;
        }
    }
}
