// SPDX-License-Identifier: Apache-2.0
// Fills in what every untrusted process has: its program as sealed bytes, the system's folders, a
// few harmless devices, limits, and a system call policy.
#include "broker/lives/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/search.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph.h"
#include "sandbox/filter.h"
#include "sandbox/launcher.h"

// Of our library and its data, where the node has a root of its own.
#define SANDBOX_LIB "/run/streambroker/lib"

// What every sandbox shows of the machine. Missing ones are left out.
static const struct {
    enum sandbox_bind_kind kind;
    const char *path;
} base_binds[] = {
    {SANDBOX_BIND_EXECUTE, "/usr"},
    {SANDBOX_BIND_READ, "/etc/ld.so.cache"},       // where libraries are
    {SANDBOX_BIND_READ, "/etc/fonts"},             // which fonts of /usr to take
    {SANDBOX_BIND_READ, "/var/cache/fontconfig"},  // what is known of them
    {SANDBOX_BIND_READ, "/etc/alternatives"},      // links of /usr lead through it
    {SANDBOX_BIND_DEVICE, "/dev/null"},
    {SANDBOX_BIND_DEVICE, "/dev/urandom"},
};

// Besides those that the limits of the node set.
static const struct sandbox_rlimit base_rlimits[] = {
    {RLIMIT_CORE, 0},           // no file is left by a crash
    {RLIMIT_MEMLOCK, 65536},    // memory that cannot be moved
    {RLIMIT_MSGQUEUE, 0},       // outlives its maker
    {RLIMIT_SIGPENDING, 1024},  // counted per user
    {RLIMIT_RTPRIO, 0},         // the broker says who is urgent
    {RLIMIT_NICE, 0},          {RLIMIT_STACK, 8U << 20},
};

bool cage_is_wanted(const struct graph_node *node)
{
#ifdef SB_SANITIZE_NAME
    // The runtime of a sanitizer needs /proc, which no sandbox has: in such a build, which is for
    // tests only, a node that says nothing runs without one.
    if (node->sandbox.tier == GRAPH_TIER_UNSET) {
        return node->found.judged.is_untrusted_only;
    }
#endif
    return node->sandbox.tier != GRAPH_TIER_TRUSTED || node->found.judged.is_untrusted_only;
}

bool cage_is_plain(const struct graph_node *node)
{
    const struct graph_sandbox *sandbox = &node->sandbox;
    return cage_is_wanted(node) && sandbox->rootfs == NULL && !sandbox->is_network &&
           !sandbox->is_display &&
           sandbox->read.count + sandbox->write.count + sandbox->devices.count == 0;
}

static void add_bind(struct sandbox_plan *plan, enum sandbox_bind_kind kind, int fd,
                     const char *path)
{
    SB_ASSERT(plan->bind_count < SANDBOX_BINDS_MAX);
    plan->binds[plan->bind_count++] =
        (struct sandbox_bind){.kind = kind, .fd = fd, .source = path, .target = path};
}

static bool has_device(const struct graph_node *node, const char *word)
{
    for (size_t i = 0; i < node->sandbox.devices.count; i++) {
        if (strcmp(node->sandbox.devices.items[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t grants_of(const struct graph_node *node)
{
    return (node->sandbox.is_network ? SANDBOX_GRANT_NETWORK : 0U) |
           (node->sandbox.is_display ? SANDBOX_GRANT_DISPLAY : 0U) |
           (has_device(node, "gpu") ? SANDBOX_GRANT_GPU : 0U) |
           (has_device(node, "camera") ? SANDBOX_GRANT_CAMERA : 0U) |
           (has_device(node, "sound") ? SANDBOX_GRANT_SOUND : 0U);
}

// The launcher seals what is in it: nothing is copied in the loop.
static int open_file(const char *path, int *out_fd)
{
    auto_fd int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    if (file < 0 || fstat(file, &info) < 0) {
        return -errno;
    }
    if (!S_ISREG(info.st_mode)) {
        return -EACCES;
    }
    *out_fd = steal_fd(&file);
    return 0;
}

// Our own descriptor of the bytes that were judged, or of the file at the path.
static int open_program(const struct graph_program *program, int *out_fd)
{
    if (program->fd <= STDERR_FILENO) {
        return open_file(program->path, out_fd);
    }
    int copy = fcntl(program->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (copy < 0) {
        return -errno;
    }
    *out_fd = copy;
    return 0;
}

// --- Scripts ----------------------------------------------------------------------------------

// A program in one of the folders that every sandbox has.
static bool find_in_system(const char *name, char *out, size_t size_bytes)
{
    static const char *const folders[] = {"/usr/local/bin", "/usr/bin", "/usr/sbin"};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        snprintf(out, size_bytes, "%s/%s", folders[i], name);
        if (access(out, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

// "#!PATH [ARGUMENT]". False when this is no script.
static bool read_interpreter(struct cage *cage, int program)
{
    ssize_t got = pread(program, cage->interpreter_line, sizeof cage->interpreter_line - 1, 0);
    if (got < 3 || memcmp(cage->interpreter_line, "#!", 2) != 0) {
        return false;
    }
    cage->interpreter_line[got] = '\0';
    cage->interpreter_line[strcspn(cage->interpreter_line, "\n")] = '\0';
    return true;
}

// That of the root where the node has one.
static int open_interpreter(struct cage *cage)
{
    if (cage->rootfs.fd < 0) {
        return open_file(cage->interpreter, &cage->program_fd);
    }
    // Links in a root are meant inside of it.
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    cage->program_fd =
        (int)syscall(SYS_openat2, cage->rootfs.fd, cage->interpreter, &how, sizeof how);
    return cage->program_fd < 0 ? -errno : 0;
}

// The two words after "#!"; the second one may be empty. Whether they say `env NAME`.
static bool split_line(struct cage *cage, char **out_rest, char **out_argument)
{
    char *rest = cage->interpreter_line + 2;
    rest += strspn(rest, " \t");
    char *argument = rest + strcspn(rest, " \t");
    if (*argument != '\0') {
        *argument++ = '\0';
        argument += strspn(argument, " \t");
    }
    *out_rest = rest;
    *out_argument = argument;
    const char *slash = strrchr(rest, '/');
    return slash != NULL && strcmp(slash, "/env") == 0 && *argument != '\0' &&
           strpbrk(argument, " \t-=") == NULL;
}

// The interpreter is what is executed; the script is shown to it. `env NAME` looks for NAME as env
// would, since nothing inside may execute another program.
static int open_script(struct cage *cage, const char *program, struct diag *out_why)
{
    char *rest;
    char *argument;
    if (split_line(cage, &rest, &argument)) {
        bool is_found = cage->rootfs.fd >= 0
                            ? rootfs_find_program(&cage->rootfs, argument, cage->interpreter,
                                                  sizeof cage->interpreter)
                            : find_in_system(argument, cage->interpreter, sizeof cage->interpreter);
        if (!is_found) {
            diag_set(out_why, "its interpreter '%s' is not installed%s", argument,
                     cage->rootfs.fd >= 0 ? " in the root of its node" : "");
            return -ENOENT;
        }
        argument = NULL;
    } else if (!text_copy(cage->interpreter, sizeof cage->interpreter, rest)) {
        return -ENAMETOOLONG;
    }
    cage->script_fd = steal_fd(&cage->program_fd);
    int result = open_interpreter(cage);
    if (result < 0) {
        diag_set(out_why, "its interpreter '%s' cannot be read: %s", cage->interpreter,
                 strerror(-result));
        return result;
    }
    cage->prefix[cage->prefix_count++] = cage->interpreter;
    if (argument != NULL && *argument != '\0') {
        cage->prefix[cage->prefix_count++] = argument;
    }
    cage->plan.binds[cage->plan.bind_count++] = (struct sandbox_bind){
        .kind = SANDBOX_BIND_DATA, .fd = cage->script_fd, .source = "", .target = program};
    return 0;
}

// --- Python -----------------------------------------------------------------------------------

static bool is_named_python(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash != NULL ? slash + 1 : path, "python", 6) == 0;
}

// The module streambroker and our library, which no file of a script names.
static int add_python(struct cage *cage)
{
    char lib[PATH_MAX];
    if (search_lib(lib) != 0) {
        return 0;
    }
    char library[PATH_MAX + 64];
    snprintf(library, sizeof library, "%s/libstreambroker.so.%d", lib, SB_VERSION_MAJOR);
    snprintf(cage->python_path_bytes, sizeof cage->python_path_bytes,
             "PYTHONPATH=%s/streambroker/python", cage->rootfs.fd >= 0 ? SANDBOX_LIB : lib);
    cage->python_path = cage->python_path_bytes;
    return cage->plan.tier == SANDBOX_TRUSTED ? 0 : libraries_add(&cage->libraries, library);
}

// Of a trusted script, which the kernel gives to its interpreter.
static bool is_python_script(struct cage *cage, const struct graph_program *program)
{
    auto_fd int file = open(program->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (!read_interpreter(cage, file)) {
        return false;
    }
    char *rest;
    char *argument;
    return split_line(cage, &rest, &argument) ? is_named_python(argument) : is_named_python(rest);
}

// --- Libraries --------------------------------------------------------------------------------

// Where a file of LIB is inside: a root of the node's own may have a folder of that name, in which
// nothing can be placed.
static int set_target(const struct cage *cage, const char *path, const char *rest, char *out,
                      size_t size_bytes)
{
    int folder_length = (int)(strrchr(path, '/') - path);
    int length = cage->rootfs.fd >= 0
                     ? snprintf(out, size_bytes, SANDBOX_LIB "%s", rest)
                     : snprintf(out, size_bytes, "%.*s%s", folder_length, path, rest);
    return length < (int)size_bytes ? 0 : -ENAMETOOLONG;
}

static int set_library_path(struct cage *cage)
{
    struct text text = TEXT_OVER(cage->library_path_bytes);
    for (size_t i = 0; i < cage->libraries.count; i++) {
        const char *library = cage->library_targets[i];
        int folder_length = (int)(strrchr(library, '/') - library);
        text_add_format(&text, "%s%.*s", i == 0 ? "LD_LIBRARY_PATH=" : ":", folder_length, library);
    }
    cage->library_path = cage->libraries.count > 0 ? cage->library_path_bytes : NULL;
    return text.is_cut ? -E2BIG : 0;
}

// What our own library keeps in a folder beside itself (the list of media plugins, the module for
// Python), for the library of this install only: a program cannot name another folder that way.
static void add_data_of_install(struct cage *cage)
{
    char install[PATH_MAX];
    if (search_beside_program("..", install) != 0) {
        return;
    }
    size_t length = strlen(install);
    for (size_t i = 0; i < cage->libraries.count; i++) {
        const char *library = cage->libraries.paths[i];
        const char *slash = strrchr(library, '/');
        if (strncmp(library, install, length) != 0 || library[length] != '/' ||
            strncmp(slash, "/libstreambroker.so", 19) != 0) {
            continue;
        }
        char source[PATH_MAX];
        snprintf(source, sizeof source, "%.*s/streambroker", (int)(slash - library), library);
        cage->data_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (cage->data_fd >= 0 && set_target(cage, library, "/streambroker", cage->data_folder,
                                             sizeof cage->data_folder) == 0) {
            add_bind(&cage->plan, SANDBOX_BIND_PUBLIC, cage->data_fd, cage->data_folder);
        }
        return;
    }
}

static int place_library(struct cage *cage, size_t index)
{
    const char *library = cage->libraries.paths[index];
    char *target = cage->library_targets[index];
    int failed = set_target(cage, library, strrchr(library, '/'), target,
                            sizeof cage->library_targets[index]);
    if (failed != 0 || cage->plan.tier == SANDBOX_TRUSTED) {
        return failed;
    }
    cage->library_fds[index] = open(library, O_PATH | O_CLOEXEC);
    if (cage->library_fds[index] < 0) {
        return -errno;
    }
    add_bind(&cage->plan, SANDBOX_BIND_EXECUTE, cage->library_fds[index], target);
    return 0;
}

static int add_libraries(struct cage *cage, const char *program)
{
    const char *path = cage->script_fd >= 0 ? cage->interpreter : program;
    cage->libraries.is_own_root = cage->rootfs.fd >= 0;
    int result = libraries_find(cage->program_fd, path, &cage->libraries);
    if (result == 0 && is_named_python(cage->prefix[0])) {
        result = add_python(cage);
    }
    for (size_t i = 0; i < cage->libraries.count && result == 0; i++) {
        result = place_library(cage, i);
    }
    if (result == 0 && cage->plan.tier != SANDBOX_TRUSTED) {
        add_data_of_install(cage);
    }
    return result == 0 ? set_library_path(cage) : result;
}

void cage_make_room(struct cage *cage)
{
    struct sandbox_plan *plan = &cage->plan;
    size_t kept = 0;
    for (size_t i = 0; i < plan->bind_count; i++) {
        bool is_blocking = false;
        for (size_t j = i + 1; j < plan->bind_count && !is_blocking; j++) {
            is_blocking =
                rootfs_blocks(&cage->rootfs, plan->binds[i].target, plan->binds[j].target);
        }
        if (!is_blocking) {
            plan->binds[kept++] = plan->binds[i];
        }
    }
    plan->bind_count = kept;
}

// --- All of it --------------------------------------------------------------------------------

static bool does_want(const struct graph_node *node, const char *word)
{
    const struct descriptor *descriptor = node->found.descriptor;
    for (size_t i = 0; descriptor != NULL && i < descriptor->want_count; i++) {
        if (strcmp(descriptor->wants[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static const char *policy_of(const struct cage *cage, const struct graph_node *node,
                             uint32_t grants)
{
    if ((grants & SANDBOX_GRANT_GPU) != 0) {
        return "vulkan";
    }
    if (cage->script_fd >= 0 || (cage->prefix_count > 0 && is_named_python(cage->prefix[0]))) {
        return "python";
    }
    return does_want(node, "executable-memory") ? "jit" : "c";
}

// The system's folders, or those of a root of the node's own; devices are always ours.
static int add_base(struct cage *cage, const struct graph_node *node, struct diag *out_why)
{
    const char *root = node->found.rootfs;
    if (root != NULL) {
        int failed = rootfs_open(root, &cage->rootfs);
        if (failed != 0) {
            diag_set(out_why, "its root '%s' cannot be used: %s", root, strerror(-failed));
            return failed;
        }
    }
    for (size_t i = 0; i < cage->rootfs.count; i++) {
        add_bind(&cage->plan, SANDBOX_BIND_EXECUTE, cage->rootfs.fds[i], cage->rootfs.targets[i]);
    }
    cage->plan.rootfs_fd = cage->rootfs.fd;
    for (size_t i = 0; i < ARRAY_COUNT(base_binds); i++) {
        bool is_wanted = root == NULL || base_binds[i].kind == SANDBOX_BIND_DEVICE;
        if (is_wanted && access(base_binds[i].path, F_OK) == 0) {
            add_bind(&cage->plan, base_binds[i].kind, -1, base_binds[i].path);
        }
    }
    return 0;
}

static int fill(struct cage *cage, const struct graph_node *node,
                const struct graph_program *judged, struct diag *out_why)
{
    const char *program = judged->path;
    struct sandbox_plan *plan = &cage->plan;
    plan->tier = SANDBOX_UNTRUSTED;
    // Without its walls it would have the rights that nobody vouches for.
    plan->is_degrade = node->sandbox.is_degrade && !judged->is_untrusted_only;
    plan->grants = grants_of(node);
    plan->tmpfs_bytes = node->limits.tmpfs;
    int result = add_base(cage, node, out_why);
    if (result < 0) {
        return result;
    }
    memcpy(plan->rlimits, base_rlimits, sizeof base_rlimits);
    plan->rlimit_count = ARRAY_COUNT(base_rlimits);
    result = open_program(judged, &cage->program_fd);
    if (result < 0) {
        diag_set(out_why, "cannot read it: %s", strerror(-result));
        return result;
    }
    if (read_interpreter(cage, cage->program_fd)) {
        result = open_script(cage, program, out_why);
    }
    if (result == 0) {
        cage->prefix[cage->prefix_count++] = program;
        result = add_libraries(cage, program);
    }
    if (result == 0) {
        result = filter_find(policy_of(cage, node, plan->grants), plan->grants, &plan->filter,
                             &plan->filter_bytes, out_why);
    }
    plan->program_fd = cage->program_fd;
    cage_make_room(cage);
    return result;
}

// A trusted node runs what was judged, where somebody looked; the path else. The loader cannot find
// libraries beside bytes that have no folder.
static int fill_trusted(struct cage *cage, const struct graph_program *program)
{
    cage->prefix[cage->prefix_count++] = program->path;
    int result = is_python_script(cage, program) ? add_python(cage) : 0;
    if (program->fd <= STDERR_FILENO || result < 0) {
        return result;
    }
    result = open_program(program, &cage->program_fd);
    cage->plan.program_fd = cage->program_fd;
    return result == 0 ? add_libraries(cage, program->path) : result;
}

int cage_open(const struct graph_node *node, const struct graph_program *program,
              struct cage **out_cage, struct diag *out_why)
{
    struct cage *cage = calloc(1, sizeof *cage);
    if (cage == NULL) {
        return -ENOMEM;
    }
    cage->program_fd = -1;
    cage->script_fd = -1;
    cage->data_fd = -1;
    cage->rootfs.fd = -1;
    cage->plan.program_fd = -1;
    cage->plan.rootfs_fd = -1;
    for (size_t i = 0; i < LIBRARIES_MAX; i++) {
        cage->library_fds[i] = -1;
    }
    diag_set(out_why, "no reason is known");
    int result = 0;
    if (node != NULL && (cage_is_wanted(node) || program->is_untrusted_only)) {
        result = fill(cage, node, program, out_why);
    } else {
        result = fill_trusted(cage, program);
    }
    if (result < 0) {
        cage_close(cage);
        return result;
    }
    *out_cage = cage;
    return 0;
}

int cage_command(const struct cage *cage, const char *const *rest, const char **out)
{
    size_t count = 0;
    for (; count < cage->prefix_count; count++) {
        out[count] = cage->prefix[count];
    }
    for (size_t i = 0; rest[i] != NULL; i++) {
        if (count == LAUNCH_ARGUMENTS_MAX) {
            return -E2BIG;
        }
        out[count++] = rest[i];
    }
    out[count] = NULL;
    return 0;
}

void cage_close(struct cage *cage)
{
    if (cage == NULL) {
        return;
    }
    cleanup_fd(&cage->program_fd);
    cleanup_fd(&cage->script_fd);
    cleanup_fd(&cage->data_fd);
    for (size_t i = 0; i < LIBRARIES_MAX; i++) {
        cleanup_fd(&cage->library_fds[i]);
    }
    rootfs_close(&cage->rootfs);
    libraries_free(&cage->libraries);
    free(cage);
}
