// SPDX-License-Identifier: Apache-2.0
// Both directions of a SPAWN request.
#include "sandbox/launcher_request.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static bool add_string(struct launcher_request *request, const char *string, size_t bytes_max)
{
    size_t room = bytes_max - request->string_bytes;
    size_t count = strnlen(string, room) + 1;
    if (count > room) {
        return false;
    }
    memcpy(request->strings + request->string_bytes, string, count);
    request->string_bytes += (uint32_t)count;
    return true;
}

static int add_list(struct launcher_request *request, const char *const *strings,
                    uint32_t *out_count)
{
    uint32_t count = 0;
    for (; strings != NULL && strings[count] != NULL; count++) {
        if (count == LAUNCH_ARGUMENTS_MAX ||
            !add_string(request, strings[count], LAUNCH_STRINGS_BYTES_MAX)) {
            return -E2BIG;
        }
    }
    *out_count = count;
    return 0;
}

static int fill_strings(struct launcher_request *request, const struct launch_plan *plan)
{
    if (plan->path == NULL || plan->path[0] == '\0' || plan->arguments == NULL ||
        plan->arguments[0] == NULL) {
        return -EINVAL;
    }
    // With a folder a relative path would mean two things.
    if (plan->folder != NULL && plan->path[0] != '/') {
        return -EINVAL;
    }
    if (!add_string(request, plan->path, LAUNCH_STRINGS_BYTES_MAX)) {
        return -E2BIG;
    }
    int result = add_list(request, plan->arguments, &request->argument_count);
    if (result == 0) {
        result = add_list(request, plan->environment, &request->environment_count);
    }
    if (result == 0 && plan->folder != NULL) {
        request->has_folder = 1;
        result = add_string(request, plan->folder, LAUNCH_STRINGS_BYTES_MAX) ? 0 : -E2BIG;
    }
    return result;
}

static int fill_sandbox(struct launcher_request *request, const struct sandbox_plan *plan, int *fds,
                        size_t *fd_count)
{
    if (plan->bind_count > SANDBOX_BINDS_MAX || plan->filter_bytes > SANDBOX_FILTER_BYTES_MAX) {
        return -E2BIG;
    }
    struct launcher_sandbox *to = &request->sandbox;
    to->tier = plan->tier;
    to->is_degrade = plan->is_degrade;
    to->again = plan->again;
    to->grants = plan->grants;
    to->bind_count = (uint32_t)plan->bind_count;
    to->tmpfs_bytes = plan->tmpfs_bytes;
    const size_t bytes_max = LAUNCH_STRINGS_BYTES_MAX + LAUNCHER_SANDBOX_STRINGS_BYTES_MAX;
    for (size_t i = 0; i < plan->bind_count; i++) {
        const struct sandbox_bind *bind = &plan->binds[i];
        to->bind_kinds[i] = (uint8_t)bind->kind;
        to->bind_has_fd[i] = bind->fd >= 0;
        if (bind->fd >= 0) {
            fds[(*fd_count)++] = bind->fd;
        }
        if (!add_string(request, bind->fd >= 0 ? "" : bind->source, bytes_max) ||
            !add_string(request, bind->target, bytes_max)) {
            return -E2BIG;
        }
    }
    if (plan->filter_bytes > 0) {
        memcpy(request->strings + request->string_bytes, plan->filter, plan->filter_bytes);
        request->filter_bytes = (uint32_t)plan->filter_bytes;
    }
    return 0;
}

int launcher_request_fill(struct launcher_request *request, const struct launch_plan *plan,
                          int out_fds[LAUNCHER_FDS_MAX], size_t *out_fd_count)
{
    int result = fill_strings(request, plan);
    if (result < 0) {
        return result;
    }
    const struct sandbox_plan *sandbox = plan->sandbox;
    bool is_caged = sandbox != NULL && sandbox->tier == SANDBOX_UNTRUSTED;
    if (is_caged && (sandbox->program_fd < 0 || plan->stdout_fd < 0 || plan->stderr_fd < 0)) {
        return -EINVAL;
    }
    bool has_program = is_caged || (sandbox != NULL && sandbox->program_fd > STDERR_FILENO);
    const int wanted[LAUNCHER_FD_COUNT] = {
        [LAUNCHER_FD_CONTROL] = plan->control_fd,
        [LAUNCHER_FD_STDOUT] = plan->stdout_fd,
        [LAUNCHER_FD_STDERR] = plan->stderr_fd,
        [LAUNCHER_FD_PROGRAM] = has_program ? sandbox->program_fd : -1,
        [LAUNCHER_FD_ROOTFS] = is_caged ? sandbox->rootfs_fd : -1,
        [LAUNCHER_FD_DOMAIN] = !is_caged && plan->domain_fd > STDERR_FILENO ? plan->domain_fd : -1};
    size_t fd_count = 0;
    for (size_t i = 0; i < LAUNCHER_FD_COUNT; i++) {
        if (wanted[i] >= 0) {
            request->has_fd[i] = 1;
            out_fds[fd_count++] = wanted[i];
        }
    }
    if (sandbox != NULL) {
        request->sandbox.is_metered = sandbox->is_metered;
        request->sandbox.meters = sandbox->meters;
        if (sandbox->rlimit_count > SANDBOX_RLIMITS_MAX) {
            return -E2BIG;
        }
        request->sandbox.rlimit_count = (uint32_t)sandbox->rlimit_count;
        memcpy(request->sandbox.rlimits, sandbox->rlimits, sizeof sandbox->rlimits);
    }
    if (is_caged) {
        result = fill_sandbox(request, sandbox, out_fds, &fd_count);
    }
    *out_fd_count = fd_count;
    return result;
}

size_t launcher_request_bytes(const struct launcher_request *request)
{
    return offsetof(struct launcher_request, strings) + request->string_bytes +
           request->filter_bytes;
}

// --- The launcher's end -----------------------------------------------------------------------

struct bytes {
    char *at;
    const char *end;
    const int *fds;
    size_t fd_count;  // left
};

static char *next_string(struct bytes *bytes)
{
    char *string = bytes->at;
    size_t length = strnlen(string, (size_t)(bytes->end - string));
    if (string + length >= bytes->end) {
        return NULL;
    }
    bytes->at = string + length + 1;
    return string;
}

// Returns false when there is none left; where none was sent *out_fd is -1.
static bool next_fd(struct bytes *bytes, bool is_sent, int *out_fd)
{
    *out_fd = -1;
    if (is_sent) {
        if (bytes->fd_count == 0) {
            return false;
        }
        *out_fd = *bytes->fds++;
        bytes->fd_count--;
    }
    return true;
}

static bool take_list(struct bytes *bytes, uint32_t count, char **strings)
{
    if (count > LAUNCH_ARGUMENTS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        strings[i] = next_string(bytes);
        if (strings[i] == NULL) {
            return false;
        }
    }
    strings[count] = NULL;
    return true;
}

static bool take_binds(struct bytes *bytes, const struct launcher_sandbox *from,
                       struct sandbox_plan *to)
{
    for (size_t i = 0; i < to->bind_count; i++) {
        struct sandbox_bind *bind = &to->binds[i];
        bind->kind = (enum sandbox_bind_kind)from->bind_kinds[i];
        bind->source = next_string(bytes);
        bind->target = next_string(bytes);
        if (bind->source == NULL || bind->target == NULL || bind->target[0] != '/' ||
            bind->kind > SANDBOX_BIND_PUBLIC ||
            !next_fd(bytes, from->bind_has_fd[i] != 0, &bind->fd)) {
            return false;
        }
    }
    return true;
}

static bool take_sandbox(struct bytes *bytes, const struct launcher_request *request,
                         struct sandbox_plan *to)
{
    const struct launcher_sandbox *from = &request->sandbox;
    if (from->tier > SANDBOX_UNTRUSTED || from->again > SANDBOX_AGAIN_LATER ||
        from->bind_count > SANDBOX_BINDS_MAX || from->rlimit_count > SANDBOX_RLIMITS_MAX ||
        request->filter_bytes > SANDBOX_FILTER_BYTES_MAX) {
        return false;
    }
    to->tier = (enum sandbox_tier)from->tier;
    to->is_degrade = from->is_degrade != 0;
    to->again = (enum sandbox_again)from->again;
    to->is_metered = from->is_metered != 0;
    to->meters = from->meters;
    to->grants = from->grants;
    to->tmpfs_bytes = from->tmpfs_bytes;
    to->bind_count = from->bind_count;
    to->rlimit_count = from->rlimit_count;
    memcpy(to->rlimits, from->rlimits, sizeof to->rlimits);
    if (!take_binds(bytes, from, to)) {
        return false;
    }
    to->filter = (const uint8_t *)request->strings + request->string_bytes;
    to->filter_bytes = request->filter_bytes;
    return true;
}

bool launcher_request_take(struct launcher_request *request, const int *fds, size_t fd_count,
                           struct launcher_spawn *out)
{
    struct bytes bytes = {.at = request->strings,
                          .end = request->strings + request->string_bytes,
                          .fds = fds,
                          .fd_count = fd_count};
    *out = (struct launcher_spawn){.plan = {.folder = NULL}};
    out->plan.path = next_string(&bytes);
    if (out->plan.path == NULL || !take_list(&bytes, request->argument_count, out->arguments) ||
        !take_list(&bytes, request->environment_count, out->environment)) {
        return false;
    }
    if (request->has_folder != 0) {
        out->plan.folder = next_string(&bytes);
        if (out->plan.folder == NULL) {
            return false;
        }
    }
    int placed[LAUNCHER_FD_COUNT];
    for (size_t i = 0; i < LAUNCHER_FD_COUNT; i++) {
        if (!next_fd(&bytes, request->has_fd[i] != 0, &placed[i])) {
            return false;
        }
    }
    out->plan.control_fd = placed[LAUNCHER_FD_CONTROL];
    out->plan.stdout_fd = placed[LAUNCHER_FD_STDOUT];
    out->plan.stderr_fd = placed[LAUNCHER_FD_STDERR];
    out->plan.program_fd = placed[LAUNCHER_FD_PROGRAM];
    out->plan.domain_fd = placed[LAUNCHER_FD_DOMAIN];
    out->plan.arguments = out->arguments;
    out->plan.environment = out->environment;
    out->plan.rlimits = out->sandbox.rlimits;
    out->sandbox.program_fd = placed[LAUNCHER_FD_PROGRAM];
    out->sandbox.rootfs_fd = placed[LAUNCHER_FD_ROOTFS];
    bool is_whole = take_sandbox(&bytes, request, &out->sandbox) && bytes.fd_count == 0 &&
                    bytes.at == bytes.end;
    out->plan.rlimit_count = out->sandbox.rlimit_count;
    return is_whole &&
           (out->sandbox.tier == SANDBOX_TRUSTED ||
            (out->sandbox.program_fd >= 0 && out->plan.stdout_fd >= 0 && out->plan.stderr_fd >= 0));
}
