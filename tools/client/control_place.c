// SPDX-License-Identifier: Apache-2.0
// Finds the control sockets of this user's brokers.
#include <streambroker/control.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "schemas/control_path.h"

#define SUFFIX ".sock"

int sb_control_path(const char *graph, char *out, size_t size_bytes)
{
    return text_is_id(graph) ? control_path_socket(graph, out, size_bytes) : -EINVAL;
}

static int is_socket_name(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > strlen(SUFFIX) && strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

int sb_control_list(int (*each)(void *context, const char *path), void *context)
{
    char folder[CONTROL_PATH_BYTES_MAX];
    int result = control_path_folder(folder, sizeof folder);
    if (result != 0) {
        return result;
    }
    struct dirent **entries;
    int count = scandir(folder, &entries, is_socket_name, alphasort);
    if (count < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    for (int i = 0; i < count; i++) {
        char path[CONTROL_PATH_BYTES_MAX];
        struct text text = TEXT_OVER(path);
        text_add_format(&text, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (result == 0 && !text.is_cut) {
            result = each(context, path);
        }
    }
    free(entries);
    return result;
}
