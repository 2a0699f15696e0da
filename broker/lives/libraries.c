// SPDX-License-Identifier: Apache-2.0
// Reads which libraries an ELF file needs. The file may be hostile: everything is bounded.
#include "broker/lives/libraries.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { HEADERS_MAX = 64, ENTRIES_MAX = 512, NEEDED_MAX = 64, NAME_BYTES_MAX = 256 };

// What one file says.
struct file_needs {
    size_t needed_count;
    char needed[NEEDED_MAX][NAME_BYTES_MAX];
    char runpath[PATH_MAX];
};

static bool read_at(int fd, void *bytes, size_t count, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, bytes, count, (off_t)offset) == (ssize_t)count;
}

static bool read_header(int fd, ElfW(Ehdr) * header)
{
    return read_at(fd, header, sizeof *header, 0) &&
           memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           header->e_phentsize == sizeof(ElfW(Phdr)) && header->e_phnum <= HEADERS_MAX;
}

// Where an address of the loaded file is in the file.
static bool offset_of(const ElfW(Phdr) * headers, size_t count, uint64_t address, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type == PT_LOAD && address >= headers[i].p_vaddr &&
            address - headers[i].p_vaddr < headers[i].p_filesz) {
            *out = address - headers[i].p_vaddr + headers[i].p_offset;
            return true;
        }
    }
    return false;
}

static bool read_string(int fd, uint64_t offset, char *out, size_t size_bytes)
{
    ssize_t got = offset <= INT64_MAX ? pread(fd, out, size_bytes, (off_t)offset) : -1;
    return got > 0 && memchr(out, '\0', (size_t)got) != NULL;
}

static void take_entries(int fd, const ElfW(Dyn) * entries, size_t count, uint64_t strings,
                         struct file_needs *out)
{
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t at = strings + entries[i].d_un.d_val;
        if (entries[i].d_tag == DT_NEEDED && out->needed_count < NEEDED_MAX) {
            char *name = out->needed[out->needed_count];
            if (read_string(fd, at, name, NAME_BYTES_MAX) && strchr(name, '/') == NULL) {
                out->needed_count++;
            }
        } else if (entries[i].d_tag == DT_RUNPATH || entries[i].d_tag == DT_RPATH) {
            if (!read_string(fd, at, out->runpath, sizeof out->runpath)) {
                out->runpath[0] = '\0';
            }
        }
    }
}

static void read_needs(int fd, struct file_needs *out)
{
    out->needed_count = 0;
    out->runpath[0] = '\0';
    ElfW(Ehdr) header;
    ElfW(Phdr) headers[HEADERS_MAX];
    if (!read_header(fd, &header) ||
        !read_at(fd, headers, header.e_phnum * sizeof *headers, header.e_phoff)) {
        return;
    }
    ElfW(Dyn) entries[ENTRIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < header.e_phnum; i++) {
        if (headers[i].p_type == PT_DYNAMIC) {
            count = headers[i].p_filesz / sizeof *entries;
            count = count < ENTRIES_MAX ? count : ENTRIES_MAX;
            if (!read_at(fd, entries, count * sizeof *entries, headers[i].p_offset)) {
                return;
            }
        }
    }
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t strings;
        if (entries[i].d_tag == DT_STRTAB &&
            offset_of(headers, header.e_phnum, entries[i].d_un.d_ptr, &strings)) {
            take_entries(fd, entries, count, strings, out);
            return;
        }
    }
}

// One folder of a run path, with $ORIGIN replaced.
static bool expand(const char *word, size_t length, const char *origin, char out[PATH_MAX])
{
    static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
    for (size_t i = 0; i < 2; i++) {
        size_t name_length = strlen(names[i]);
        if (length >= name_length && strncmp(word, names[i], name_length) == 0) {
            int written = snprintf(out, PATH_MAX, "%s%.*s", origin, (int)(length - name_length),
                                   word + name_length);
            return written < PATH_MAX;
        }
    }
    return snprintf(out, PATH_MAX, "%.*s", (int)length, word) < PATH_MAX && out[0] == '/';
}

// A library of the system is seen by every sandbox.
static bool is_of_system(const char *path)
{
    return strncmp(path, "/usr/", 5) == 0 || strncmp(path, "/lib", 4) == 0;
}

static int open_library(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    ElfW(Ehdr) header;
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || (info.st_mode & S_IROTH) == 0 ||
        !read_header(fd, &header) || header.e_type != ET_DYN) {
        return -ENOENT;
    }
    return steal_fd(&fd);
}

static bool is_known(const struct libraries *libraries, const char *path)
{
    for (size_t i = 0; i < libraries->count; i++) {
        if (strcmp(libraries->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

// The C library and the like are those of the root: two of them do not go together.
static bool is_left_out(const struct libraries *libraries, const char *path)
{
    bool is_ours = strncmp(strrchr(path, '/'), "/libstreambroker", 16) == 0;
    return (is_of_system(path) && !(libraries->is_own_root && is_ours)) ||
           is_known(libraries, path);
}

static int add(struct libraries *out, const char *path)
{
    if (is_left_out(out, path)) {
        return 0;
    }
    if (out->count == LIBRARIES_MAX) {
        return -E2BIG;
    }
    out->paths[out->count] = strdup(path);
    return out->paths[out->count] == NULL ? -ENOMEM : (out->count++, 0);
}

// Looks for a library in the run path. Adds it when it is there and not the system's.
static int find_one(const struct file_needs *needs, const char *name, const char *origin,
                    struct libraries *out)
{
    for (const char *word = needs->runpath; *word != '\0';) {
        size_t length = strcspn(word, ":");
        char folder[PATH_MAX];
        char joined[PATH_MAX + NAME_BYTES_MAX];
        char path[PATH_MAX];
        bool is_good = expand(word, length, origin, folder);
        word += length + (word[length] == ':' ? 1 : 0);
        if (!is_good || realpath(folder, path) == NULL) {
            continue;
        }
        snprintf(joined, sizeof joined, "%s/%s", path, name);
        int fd = open_library(joined);
        if (fd >= 0) {
            close(fd);
            return add(out, joined);
        }
    }
    return 0;
}

static int find_all(int fd, const char *path, struct file_needs *needs, struct libraries *out)
{
    char origin[PATH_MAX];
    if (realpath(path, origin) == NULL) {
        return 0;
    }
    char *slash = strrchr(origin, '/');
    *slash = '\0';
    read_needs(fd, needs);
    int result = 0;
    for (size_t i = 0; i < needs->needed_count && result == 0; i++) {
        result = find_one(needs, needs->needed[i], origin, out);
    }
    return result;
}

int libraries_find(int fd, const char *path, struct libraries *out)
{
    auto_free struct file_needs *needs = malloc(sizeof *needs);
    if (needs == NULL) {
        return -ENOMEM;
    }
    int result = find_all(fd, path, needs, out);
    for (size_t i = 0; i < out->count && result == 0; i++) {
        auto_fd int library = open_library(out->paths[i]);
        if (library >= 0) {
            result = find_all(library, out->paths[i], needs, out);
        }
    }
    return result;
}

int libraries_add(struct libraries *libraries, const char *path)
{
    auto_fd int fd = open_library(path);
    return fd < 0 ? 0 : add(libraries, path);
}

void libraries_free(struct libraries *libraries)
{
    for (size_t i = 0; i < libraries->count; i++) {
        free(libraries->paths[i]);
    }
    libraries->count = 0;
}
