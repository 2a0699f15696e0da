// SPDX-License-Identifier: Apache-2.0
// The rules that tell a broker and its clients where to meet.
#include "schemas/control_path.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static void add_folder(struct text *text)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/') {
        text_add_format(text, "%s/streambroker", runtime);
    } else if (geteuid() == 0) {
        text_add(text, "/run/streambroker");
    } else {
        text_add_format(text, "/tmp/streambroker-%u", (unsigned)geteuid());
    }
}

int control_path_folder(char *out, size_t size_bytes)
{
    char bytes[CONTROL_PATH_BYTES_MAX];
    struct text text = TEXT_OVER(bytes);
    add_folder(&text);
    return text.is_cut || !text_copy(out, size_bytes, bytes) ? -ENAMETOOLONG : 0;
}

int control_path_socket(const char *graph, char *out, size_t size_bytes)
{
    char bytes[CONTROL_PATH_BYTES_MAX];
    struct text text = TEXT_OVER(bytes);
    add_folder(&text);
    text_add_format(&text, "/%s.sock", graph);
    return text.is_cut || !text_copy(out, size_bytes, bytes) ? -ENAMETOOLONG : 0;
}
