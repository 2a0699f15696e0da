// SPDX-License-Identifier: Apache-2.0
// Loads the libraries of transports, each once, and checks that they are what they say.
#include "worker/carrier_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_whole(const struct sb_transport *table)
{
    return table->open_writer != NULL && table->loan != NULL && table->publish != NULL &&
           table->abandon != NULL && table->close_writer != NULL && table->open_reader != NULL &&
           table->is_attached != NULL && table->take != NULL && table->release != NULL &&
           table->close_reader != NULL;
}

static int check_table(struct sb_node *node, const char *path, const char *name,
                       const struct sb_transport *table)
{
    if (table == NULL) {
        return sb_node_error(node, -ELIBBAD, "%s has no " SB_TRANSPORT_SYMBOL, path);
    }
    if (table->version != SB_TRANSPORT_VERSION || table->struct_size != sizeof *table) {
        return sb_node_error(node, -ELIBBAD, "%s is of version %u (%zu bytes), expected %d (%zu)",
                             path, table->version, table->struct_size, SB_TRANSPORT_VERSION,
                             sizeof *table);
    }
    if (table->name == NULL || strcmp(table->name, name) != 0) {
        return sb_node_error(node, -ELIBBAD, "%s calls itself '%s'", path,
                             table->name == NULL ? "" : table->name);
    }
    return is_whole(table) ? 0 : sb_node_error(node, -ELIBBAD, "%s lacks a function", path);
}

static int load_file(struct sb_node *node, const char *path, const char *name,
                     const struct sb_transport **out_transport)
{
    // Never unloaded: what it started, it keeps until the worker ends.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return sb_node_error(node, -ELIBBAD, "%s", dlerror());
    }
    const struct sb_transport *table = dlsym(library, SB_TRANSPORT_SYMBOL);
    int failed = check_table(node, path, name, table);
    if (failed == 0) {
        *out_transport = table;
    }
    return failed;
}

int carrier_load(struct sb_node *node, const char *name, const struct sb_transport **out_transport)
{
    if (node->transport_path[0] == '\0') {
        return sb_node_error(node, -EACCES, "only nodes with sandbox: trusted may load one");
    }
    const char *rest = node->transport_path;
    while (*rest != '\0') {
        size_t length = strcspn(rest, ":");
        char path[PATH_MAX];
        int written =
            snprintf(path, sizeof path, "%.*s/libstreambroker-%s.so", (int)length, rest, name);
        if (written > 0 && (size_t)written < sizeof path && access(path, F_OK) == 0) {
            return load_file(node, path, name, out_transport);
        }
        rest += length + (rest[length] == ':' ? 1 : 0);
    }
    return sb_node_error(node, -ENOENT, "there is no libstreambroker-%s.so in %s", name,
                         node->transport_path);
}
