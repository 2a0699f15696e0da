// SPDX-License-Identifier: Apache-2.0
// Writes down which files a sandbox shows, and where.
#include "sandbox/launcher_shape.h"

#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

// Which file it is, and who may do what with it: an owner that changes needs another mapping.
static void add_file(struct text *text, const struct stat *info)
{
    text_add_format(text, " %llx:%llx:%o:%u:%u", (unsigned long long)info->st_dev,
                    (unsigned long long)info->st_ino, info->st_mode, info->st_uid, info->st_gid);
}

static bool add_bind(struct text *text, const struct sandbox_bind *bind)
{
    bool is_base = bind->kind == SANDBOX_BIND_EXECUTE || bind->kind == SANDBOX_BIND_PUBLIC;
    struct stat info;
    if (bind->fd >= 0 ? !is_base || fstat(bind->fd, &info) < 0 : stat(bind->source, &info) < 0) {
        return false;
    }
    text_add_format(text, "%d", (int)bind->kind);
    add_file(text, &info);
    text_add(text, bind->fd >= 0 ? "" : bind->source);
    text_add_bytes(text, "", 1);
    text_add(text, bind->target);
    text_add_bytes(text, "", 1);
    return !text->is_cut;
}

bool launcher_shape_of(const struct sandbox_plan *plan, struct launcher_shape *out_shape)
{
    if (plan->tier != SANDBOX_UNTRUSTED || plan->grants != 0 || plan->rootfs_fd >= 0) {
        return false;
    }
    struct launcher_shape shape;
    struct text text = TEXT_OVER(shape.bytes);
    text_add_format(&text, "%llu ", (unsigned long long)plan->tmpfs_bytes);
    for (size_t i = 0; i < plan->bind_count; i++) {
        if (!add_bind(&text, &plan->binds[i])) {
            return false;
        }
    }
    shape.count = text.length;
    *out_shape = shape;
    return true;
}

bool launcher_shape_is_same(const struct launcher_shape *a, const struct launcher_shape *b)
{
    return a->count == b->count && memcmp(a->bytes, b->bytes, a->count) == 0;
}
