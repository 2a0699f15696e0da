// SPDX-License-Identifier: Apache-2.0
// Asks the kernel by trying, because version numbers lie about what a distribution switched off.
#include "tools/doctor_probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/search.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

bool doctor_probe_kernel(struct text *detail)
{
    struct utsname name;
    unsigned major = 0;
    unsigned minor = 0;
    if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
        return false;
    }
    text_add_format(detail, "%s %s %s", name.sysname, name.release, name.machine);
    return major > 5 || (major == 5 && minor >= 16);
}

bool doctor_probe_futex_waitv(struct text *detail)
{
    // No waiters at all is a wrong argument for a kernel that knows the call.
    long result = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0);
    bool is_there = result < 0 && errno != ENOSYS;
    text_add(detail, is_there ? "available" : "not in this kernel");
    return is_there;
}

bool doctor_probe_memfd_seals(struct text *detail)
{
    auto_fd int fd = memfd_create("doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    bool is_there = fd >= 0 && fcntl(fd, F_ADD_SEALS, seals) == 0;
    text_add(detail, is_there ? "with future-write" : strerror(errno));
    return is_there;
}

bool doctor_probe_memfd_noexec(struct text *detail)
{
    auto_fd int fd = memfd_create("doctor", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    text_add(detail, fd >= 0 ? "available" : strerror(errno));
    return fd >= 0;
}

bool doctor_probe_pidfd(struct text *detail)
{
    auto_fd int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    text_add(detail, fd >= 0 ? "available" : strerror(errno));
    return fd >= 0;
}

bool doctor_probe_passrights(struct text *detail)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        text_add(detail, strerror(errno));
        return false;
    }
    auto_fd int first = ends[0];
    auto_fd int second = ends[1];
    int off = 0;
    bool is_there =
        second >= 0 && setsockopt(first, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
    text_add(detail, is_there ? "available" : "not in this kernel");
    return is_there;
}

static bool find_in_path(const char *name, struct text *detail)
{
    char path[PATH_MAX];
    struct search_places places = {NULL, getenv("PATH"), "/usr/bin"};
    bool is_there = search_program(&places, name, path) == 0;
    text_add(detail, is_there ? path : "not installed");
    return is_there;
}

static bool is_built(const char *processor)
{
    char folder[PATH_MAX];
    char program[PATH_MAX + 32] = "";
    if (search_beside_program("../libexec/streambroker", folder) == 0) {
        snprintf(program, sizeof program, "%s/%s", folder, processor);
    }
    return access(program, X_OK) == 0;
}

// The bridges are built only where iceoryx was installed.
bool doctor_probe_iceoryx(struct text *detail)
{
    if (!is_built("iceoryx-import")) {
        text_add(detail, "iceoryx-import, iceoryx-export and the transport were not built");
        return false;
    }
    return find_in_path("iox-roudi", detail);
}

static bool file_has_word(const char *path, const char *word)
{
    char text[4096] = "";
    auto_file FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t count = fread(text, 1, sizeof(text) - 1, file);
    text[count] = '\0';
    return strstr(text, word) != NULL;
}

bool doctor_probe_huge_pages(struct text *detail)
{
    const char *path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    static const char *const modes[] = {"[always]", "[within_size]", "[advise]", "[force]"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (file_has_word(path, modes[i])) {
            text_add_format(detail, "shared memory %s", modes[i]);
            return true;
        }
    }
    text_add(detail, "off for shared memory");
    return false;
}

// Counts *.json in a folder and names the first.
static size_t count_drivers(const char *path, char *first, size_t first_bytes)
{
    DIR *folder = opendir(path);
    size_t count = 0;
    if (folder == NULL) {
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *ending = strrchr(entry->d_name, '.');
        if (ending != NULL && strcmp(ending, ".json") == 0 && count++ == 0) {
            text_copy(first, first_bytes, entry->d_name);
        }
    }
    closedir(folder);
    return count;
}

// What works on a GPU is built only where Vulkan was installed.
bool doctor_probe_vulkan(struct text *detail)
{
    if (!is_built("gpu-blur")) {
        text_add(detail, "what works on a GPU was not built");
        return false;
    }
    char first[128] = "";
    size_t count = count_drivers("/usr/share/vulkan/icd.d", first, sizeof(first));
    count += count_drivers("/etc/vulkan/icd.d", first, sizeof(first));
    if (count == 0) {
        text_add(detail, "no driver");
    } else {
        text_add_format(detail, "%zu driver%s: %s%s", count, count == 1 ? "" : "s", first,
                        count == 1 ? "" : ", ...");
    }
    return count > 0;
}
