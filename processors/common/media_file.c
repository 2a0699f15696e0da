// SPDX-License-Identifier: Apache-2.0
// Kinds of files by their names.
#include "processors/common/media_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const struct {
    const char *ending;
    enum media_file_kind kind;
} endings[] = {
#define X(name, text, ending) {ending, MEDIA_FILE_##name},
    MEDIA_FILE_KINDS(X)
#undef X
        {".log", MEDIA_FILE_LINES},
    {".csv", MEDIA_FILE_LINES},
    {".jsonl", MEDIA_FILE_LINES},
    {".md", MEDIA_FILE_LINES},
};

enum media_file_kind media_file_kind_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash == NULL ? path : slash, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot, endings[i].ending) == 0) {
            return endings[i].kind;
        }
    }
    return MEDIA_FILE_RAW;
}

int media_file_make_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return 0;
    }
    char *folder = strndup(path, (size_t)(slash - path));
    if (folder == NULL) {
        return -ENOMEM;
    }
    int result = mkdir(folder, 0777) < 0 && errno != EEXIST ? -errno : 0;
    free(folder);
    return result;
}
