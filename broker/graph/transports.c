// SPDX-License-Identifier: Apache-2.0
// Finds libraries of transports and looks who could have written them.
#include "broker/graph/transports.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/search.h"
#include "base/text.h"
#include "broker/graph/graph.h"
#include "sandbox/trust_owner.h"

bool transports_is_ring(const struct graph_link *link)
{
    return strcmp(link->transport, TRANSPORTS_RING) == 0;
}

void transports_path(char out_path[WIRE_TRANSPORT_PATH_BYTES_MAX])
{
    struct text path = text_over(out_path, WIRE_TRANSPORT_PATH_BYTES_MAX);
    const char *rest = getenv("STREAMBROKER_TRANSPORT_PATH");
    while (rest != NULL && *rest != '\0') {
        size_t length = strcspn(rest, ":");
        if (rest[0] == '/') {
            text_add_format(&path, "%s%.*s", path.length > 0 ? ":" : "", (int)length, rest);
        }
        rest += length + (rest[length] == ':' ? 1 : 0);
    }
    char install[PATH_MAX];
    if (search_beside_program("../libexec/streambroker/transports", install) == 0) {
        text_add_format(&path, "%s%s", path.length > 0 ? ":" : "", install);
    }
}

static int check_owner(const char *path, struct diag *out_why)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int failed = trust_owner_check(fd, out_why);
    if (failed == -EPERM) {
        char who[DIAG_TEXT_BYTES_MAX];
        text_copy(who, sizeof who, out_why->text);
        diag_set(out_why, "%s: %s", path, who);
    }
    return failed;
}

int transports_find(const char *path, const char *name, struct diag *out_why)
{
    const char *rest = path;
    while (*rest != '\0') {
        size_t length = strcspn(rest, ":");
        char folder[PATH_MAX];
        char file[PATH_MAX];
        snprintf(folder, sizeof folder, "%.*s", (int)length, rest);
        int written =
            snprintf(file, sizeof file, "%.*s/libstreambroker-%s.so", (int)length, rest, name);
        if (written < (int)sizeof file && access(file, F_OK) == 0) {
            int failed = check_owner(folder, out_why);
            return failed != 0 ? failed : check_owner(file, out_why);
        }
        rest += length + (rest[length] == ':' ? 1 : 0);
    }
    diag_set(out_why, "there is no libstreambroker-%s.so in %s", name,
             *path != '\0' ? path : "any folder of transports");
    return -ENOENT;
}
