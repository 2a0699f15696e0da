// SPDX-License-Identifier: Apache-2.0
// Opens what is granted, and expands the words of grants.def.
#include "sandbox/grant.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"

struct grant_row {
    const char *word;
    const char *meaning;
    uint32_t flag;
};

struct path_row {
    enum grant grant;
    enum sandbox_bind_kind kind;
    const char *path;
};

struct env_row {
    enum grant grant;
    const char *variable;
};

static const struct grant_row grants[] = {
#define GRANT(NAME, word, flag, meaning) [GRANT_##NAME] = {word, meaning, flag},
#include "sandbox/grants.def"
};

static const struct path_row paths[] = {
#define GRANT_PATH(NAME, KIND, path) {GRANT_##NAME, SANDBOX_BIND_##KIND, path},
#include "sandbox/grants.def"
};

static const struct env_row variables[] = {
#define GRANT_ENV(NAME, variable) {GRANT_##NAME, variable},
#include "sandbox/grants.def"
};

const char *grant_word(enum grant grant)
{
    SB_ASSERT((size_t)grant < ARRAY_COUNT(grants));
    return grants[grant].word;
}

const char *grant_meaning(enum grant grant)
{
    SB_ASSERT((size_t)grant < ARRAY_COUNT(grants));
    return grants[grant].meaning;
}

enum grant grant_find(const char *word)
{
    size_t i = 0;
    while (i < ARRAY_COUNT(grants) && strcmp(grants[i].word, word) != 0) {
        i++;
    }
    return (enum grant)i;
}

void grant_set_init(struct grant_set *set)
{
    *set = (struct grant_set){.count = 0};
}

void grant_set_fini(struct grant_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        cleanup_fd(&set->items[i].fd);
        free(set->items[i].target);
    }
    for (size_t i = 0; i < set->variable_count; i++) {
        free(set->variables[i]);
    }
    grant_set_init(set);
}

// Takes fd and target, also when it fails.
static int add_item(struct grant_set *set, struct grant_item item)
{
    if (item.target == NULL || set->count == GRANT_ITEMS_MAX) {
        cleanup_fd(&item.fd);
        bool is_full = item.target != NULL;
        free(item.target);
        return is_full ? -E2BIG : -ENOMEM;
    }
    set->flags |= grants[item.grant].flag;
    set->items[set->count++] = item;
    return 0;
}

// --- Paths ------------------------------------------------------------------------------------

// The path as one absolute text without "." and "..": where the place is inside. Returns false when
// it is too long.
static bool make_target(const char *folder, const char *path, char out[PATH_MAX])
{
    char whole[PATH_MAX];
    struct text text = TEXT_OVER(whole);
    text_add_format(&text, "%s/%s", path[0] == '/' ? "" : folder, path);
    if (text.is_cut) {
        return false;
    }
    size_t length = 0;
    char *save = NULL;
    for (char *part = strtok_r(whole, "/", &save); part != NULL;
         part = strtok_r(NULL, "/", &save)) {
        if (strcmp(part, ".") == 0) {
            continue;
        }
        if (strcmp(part, "..") == 0) {
            while (length > 0 && out[--length] != '/') {
            }
            continue;
        }
        out[length++] = '/';
        size_t count = strlen(part);
        memcpy(out + length, part, count);
        length += count;
    }
    out[length] = '\0';
    return true;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// What no grant of a path gives, because something else does, or nothing may.
static const char *find_objection(const char *target)
{
    if (target[0] == '\0') {
        return "is everything; name the folders that it needs";
    }
    if (is_below(target, "/proc")) {
        return "is about processes, which no worker sees";
    }
    if (is_below(target, "/dev")) {
        return "is a device; write it in devices";
    }
    return is_below(target, "/shim") ? "is a place of the sandbox itself" : NULL;
}

// Links of /proc lead to what others have open: they are never followed.
static int open_path(int folder, const char *path, uint64_t more)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | more, .resolve = RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

static int open_parent(const char *target)
{
    char parent[PATH_MAX];
    text_copy(parent, sizeof parent, target);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    return open_path(AT_FDCWD, parent, O_DIRECTORY);
}

static const char *text_of(int error)
{
    switch (-error) {
    case ENOENT:
        return "does not exist";
    case EACCES:
    case EPERM:
        return "is closed to you";
    case ELOOP:
        return "is a link that leads nowhere, or into a process";
    case ENOTDIR:
        return "leads through something that is no folder";
    case EROFS:
        return "is on a file system that is read-only";
    default:
        return "cannot be used";
    }
}

// A file that is written but not there: its folder must be, and be writable for us.
static int make_file(const char *target, bool is_folder, bool is_making, const char **out_why)
{
    auto_fd int parent = open_parent(target);
    if (parent < 0) {
        *out_why = parent == -ENOENT ? "cannot be made: its folder does not exist"
                                     : "cannot be made: its folder cannot be used";
        return parent;
    }
    if (faccessat(parent, ".", W_OK | X_OK, AT_EACCESS) < 0) {
        *out_why = "cannot be made: its folder is closed to you";
        return -errno;
    }
    if (!is_making) {
        return 0;
    }
    const char *name = strrchr(target, '/') + 1;
    int made = is_folder ? mkdirat(parent, name, 0777)
                         : openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (made < 0 && errno != EEXIST) {
        *out_why = "cannot be made";
        return -errno;
    }
    if (!is_folder && made >= 0) {
        close(made);
    }
    return 0;
}

static int check_access(int fd, enum grant grant, const char **out_why)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    if (grant == GRANT_ROOTFS && !S_ISDIR(info.st_mode)) {
        *out_why = "is no folder";
        return -ENOTDIR;
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        *out_why = "is neither a file nor a folder";
        return -EINVAL;
    }
    int mode = (grant == GRANT_WRITE ? W_OK : R_OK) | (S_ISDIR(info.st_mode) ? X_OK : 0);
    if (faccessat(fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) < 0) {
        *out_why = text_of(-errno);
        return -errno;
    }
    return 0;
}

int grant_add_path(struct grant_set *set, enum grant grant, const char *folder, const char *path,
                   bool is_making, const char **out_why)
{
    char target[PATH_MAX];
    if (path[0] == '\0' || !make_target(folder, path, target)) {
        *out_why = path[0] == '\0' ? "is empty; name a file or folder" : "is too long";
        return -EINVAL;
    }
    *out_why = find_objection(target);
    if (*out_why != NULL) {
        return -EINVAL;
    }
    bool is_folder = path[strlen(path) - 1] == '/';
    uint64_t more = is_folder ? O_DIRECTORY : 0;
    auto_fd int fd = open_path(AT_FDCWD, target, more);
    bool is_new = fd == -ENOENT && grant == GRANT_WRITE;
    if (is_new) {
        int failed = make_file(target, is_folder, is_making, out_why);
        if (failed != 0) {
            return failed;
        }
        fd = is_making ? open_path(AT_FDCWD, target, more) : -1;
    }
    if (fd < 0 && !(is_new && !is_making)) {
        *out_why = text_of(fd);
        return fd;
    }
    if (fd >= 0) {
        int failed = check_access(fd, grant, out_why);
        if (failed != 0) {
            return failed;
        }
    }
    int failed = add_item(set, (struct grant_item){.grant = grant,
                                                   .kind = grant == GRANT_WRITE ? SANDBOX_BIND_WRITE
                                                                                : SANDBOX_BIND_READ,
                                                   .fd = steal_fd(&fd),
                                                   .target = strdup(target),
                                                   .is_new = is_new});
    *out_why = failed != 0 ? "is one too many" : NULL;
    return failed;
}

// --- Words ------------------------------------------------------------------------------------

// Puts the variables of the environment in. Returns false where one is not set.
static bool expand(const char *path, char out[PATH_MAX])
{
    struct text text = text_over(out, PATH_MAX);
    while (*path != '\0') {
        if (*path != '$') {
            text_add_bytes(&text, path++, 1);
            continue;
        }
        char name[64];
        size_t count = strspn(++path, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        SB_ASSERT(count < sizeof name);
        memcpy(name, path, count);
        name[count] = '\0';
        path += count;
        const char *value = getenv(name);
        if (value == NULL || value[0] == '\0') {
            return false;
        }
        text_add(&text, value);
    }
    return !text.is_cut && out[0] == '/';
}

// Devices are mounted by their path: with the descriptor bwrap would take what makes them devices.
static int add_found(struct grant_set *set, const struct path_row *row, const char *path)
{
    int fd = -1;
    if (row->kind != SANDBOX_BIND_DEVICE) {
        fd = open_path(AT_FDCWD, path, 0);
        if (fd < 0) {
            return 0;
        }
    }
    return add_item(set,
                    (struct grant_item){
                        .grant = row->grant, .kind = row->kind, .fd = fd, .target = strdup(path)});
}

static int add_row(struct grant_set *set, const struct path_row *row)
{
    char pattern[PATH_MAX];
    if (!expand(row->path, pattern)) {
        return 0;
    }
    glob_t found = {.gl_pathc = 0};
    int failed = 0;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && failed == 0; i++) {
            failed = add_found(set, row, found.gl_pathv[i]);
        }
    }
    globfree(&found);
    return failed;
}

static int add_variable(struct grant_set *set, const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        return 0;
    }
    if (set->variable_count == GRANT_VARIABLES_MAX) {
        return -E2BIG;
    }
    size_t size_bytes = strlen(name) + strlen(value) + 2;
    char *pair = malloc(size_bytes);
    if (pair == NULL) {
        return -ENOMEM;
    }
    struct text text = text_over(pair, size_bytes);
    text_add_format(&text, "%s=%s", name, value);
    for (size_t i = 0; i < set->variable_count; i++) {
        if (strcmp(set->variables[i], pair) == 0) {
            free(pair);
            return 0;
        }
    }
    set->variables[set->variable_count++] = pair;
    return 0;
}

int grant_add_word(struct grant_set *set, enum grant grant)
{
    SB_ASSERT((size_t)grant < ARRAY_COUNT(grants));
    int failed = 0;
    for (size_t i = 0; i < ARRAY_COUNT(paths) && failed == 0; i++) {
        if (paths[i].grant == grant) {
            failed = add_row(set, &paths[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(variables) && failed == 0; i++) {
        if (variables[i].grant == grant) {
            failed = add_variable(set, variables[i].variable);
        }
    }
    set->flags |= grants[grant].flag;
    return failed;
}

int grant_add_device(struct grant_set *set, const char *path, const char **out_why)
{
    char target[PATH_MAX];
    if (!make_target("/", path, target) || !is_below(target, "/dev") ||
        strcmp(target, "/dev") == 0 || path[0] != '/') {
        *out_why = "is neither gpu, camera, sound nor a path below /dev";
        return -EINVAL;
    }
    struct stat info;
    if (stat(target, &info) < 0) {
        *out_why = text_of(-errno);
        return -errno;
    }
    if (!S_ISCHR(info.st_mode)) {
        *out_why = "is no character device";
        return -EINVAL;
    }
    const struct path_row row = {GRANT_DEVICE, SANDBOX_BIND_DEVICE, NULL};
    int failed = add_found(set, &row, target);
    *out_why = failed != 0 ? "is one too many" : NULL;
    return failed;
}

int grant_fill(const struct grant_set *set, struct sandbox_plan *plan)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct grant_item *item = &set->items[i];
        if (item->grant == GRANT_ROOTFS) {
            continue;  // it is the base, not on top of it
        }
        if (plan->bind_count == SANDBOX_BINDS_MAX) {
            return -E2BIG;
        }
        plan->binds[plan->bind_count++] = (struct sandbox_bind){
            .kind = item->kind, .fd = item->fd, .source = item->target, .target = item->target};
    }
    plan->grants |= set->flags;
    return 0;
}
