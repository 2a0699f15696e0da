// SPDX-License-Identifier: Apache-2.0
// Looks for executable files, as a shell does with $PATH.
#include "base/search.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int search_beside_program(const char *relative, char out_folder[PATH_MAX])
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length < 0) {
        return -errno;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL) {
        return -ENOENT;
    }
    *slash = '\0';
    char folder[2 * PATH_MAX];
    snprintf(folder, sizeof(folder), "%s/%s", program, relative);
    return realpath(folder, out_folder) == NULL ? -errno : 0;
}

int search_lib(char out_folder[PATH_MAX])
{
    // As configured; and where the build tree has it.
    static const char *const folders[] = {"../" SB_LIBDIR, "../lib"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char inside[PATH_MAX];
        char relative[256];
        snprintf(relative, sizeof relative, "%s/streambroker", folders[i]);
        if (search_beside_program(relative, inside) == 0) {
            return search_beside_program(folders[i], out_folder);
        }
    }
    return -ENOENT;
}

// 0 when folder/name is a program; -ENOENT, -EACCES.
static int try_file(const char *folder, size_t folder_length, const char *name,
                    char out_path[PATH_MAX])
{
    char joined[PATH_MAX];
    int length = snprintf(joined, sizeof(joined), "%.*s%s%s", (int)folder_length, folder,
                          folder_length > 0 ? "/" : "", name);
    if (length >= (int)sizeof(joined)) {
        return -ENAMETOOLONG;
    }
    struct stat status;
    if (stat(joined, &status) != 0 || !S_ISREG(status.st_mode)) {
        return -ENOENT;
    }
    if (access(joined, X_OK) != 0) {
        return -EACCES;
    }
    // The last part stays as it is: a program may look at its own name.
    char *slash = strrchr(joined, '/');
    char parent[PATH_MAX];
    if (slash != NULL) {
        *slash = '\0';
    }
    const char *start = slash == NULL ? "." : slash == joined ? "/" : joined;
    if (realpath(start, parent) == NULL) {
        return -errno;
    }
    const char *last = slash == NULL ? joined : slash + 1;
    const char *between = parent[1] == '\0' ? "" : "/";
    if (strlen(parent) + strlen(between) + strlen(last) >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    char *end = stpcpy(out_path, parent);
    end = stpcpy(end, between);
    stpcpy(end, last);
    return 0;
}

// Better news than before?
static int prefer(int before, int now)
{
    return now == 0 || before == -ENOENT ? now : before;
}

int search_program(const struct search_places *places, const char *name, char out_path[PATH_MAX])
{
    const char *folder = places->folder != NULL ? places->folder : ".";
    if (name[0] == '/') {
        return try_file("", 0, name, out_path);
    }
    int found = places->folder != NULL || strchr(name, '/') != NULL
                    ? try_file(folder, strlen(folder), name, out_path)
                    : -ENOENT;
    if (strchr(name, '/') != NULL) {
        return found;
    }
    const char *part = places->path;
    while (found != 0 && part != NULL && *part != '\0') {
        size_t length = strcspn(part, ":");
        if (length > 0) {
            found = prefer(found, try_file(part, length, name, out_path));
        }
        part += length + (part[length] == ':' ? 1 : 0);
    }
    if (found != 0 && places->install != NULL) {
        found = prefer(found, try_file(places->install, strlen(places->install), name, out_path));
    }
    return found;
}

static int visit_folder(const char *folder, search_visit_fn visit, void *context)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int result = 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        const char *name = entries[i]->d_name;
        if (result == 0 && try_file(folder, strlen(folder), name, path) == 0) {
            result = visit(context, folder, name);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

int search_each(const struct search_places *places, search_visit_fn visit, void *context)
{
    int result = 0;
    const char *part = places->path;
    while (result == 0 && part != NULL && *part != '\0') {
        size_t length = strcspn(part, ":");
        auto_free char *folder = strndup(part, length);
        if (folder == NULL) {
            return -ENOMEM;
        }
        result = length > 0 ? visit_folder(folder, visit, context) : 0;
        part += length + (part[length] == ':' ? 1 : 0);
    }
    if (result == 0 && places->install != NULL) {
        result = visit_folder(places->install, visit, context);
    }
    return result;
}
