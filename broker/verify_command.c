// SPDX-License-Identifier: Apache-2.0
// Judges one program for a person who asks.
#include "broker/verify_command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/search.h"
#include "base/text.h"
#include "sandbox/trust.h"

enum { STATUS_NO_INPUT = 66, STATUS_INTERNAL = 70, STATUS_REFUSED = 77 };

// The folder without links, and the last part as it was written: the signature is for this name.
static int resolve(const char *path, char out[2 * PATH_MAX])
{
    char folder[PATH_MAX];
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (!text_copy(folder, sizeof folder, path)) {
        return -ENAMETOOLONG;
    }
    folder[name - path] = '\0';
    if (realpath(slash != NULL ? folder : ".", real) == NULL) {
        return -errno;
    }
    snprintf(out, 2 * (size_t)PATH_MAX, "%s/%s", real[1] != '\0' ? real : "", name);
    return access(out, F_OK) < 0 ? -errno : 0;
}

static int add_keys(struct trust *trust, const char *keys)
{
    struct diag why = {.text = ""};
    if (keys == NULL && access(VERIFY_KEYS_DEFAULT, F_OK) < 0) {
        return 0;
    }
    int failed = trust_add_keys(trust, keys != NULL ? keys : VERIFY_KEYS_DEFAULT, &why);
    if (failed != 0) {
        fprintf(stderr, "%s\n", why.text);
    }
    return failed;
}

static int judge(struct trust *trust, const char *path, const char *absolute)
{
    struct trust_program program;
    trust_look(trust, absolute, strrchr(absolute, '/') + 1, &program);
    cleanup_fd(&program.memfd);
    char bytes[DIAG_TEXT_BYTES_MAX + PATH_MAX];
    struct text line = TEXT_OVER(bytes);
    text_add_escaped(&line, path, strlen(path));
    text_add(&line, ": ");
    text_add_escaped(&line, program.text, strlen(program.text));
    if (!trust_verdict_is_good(program.verdict)) {
        fprintf(stderr, "%s\n", bytes);
        return STATUS_REFUSED;
    }
    return puts(bytes) >= 0 && fflush(stdout) == 0 ? 0 : STATUS_INTERNAL;
}

int verify_command(const char *path, const char *keys)
{
    char absolute[2 * PATH_MAX];
    int failed = resolve(path, absolute);
    if (failed != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-failed));
        return STATUS_NO_INPUT;
    }
    char install[PATH_MAX];
    bool has_install = search_beside_program("../libexec/streambroker", install) == 0;
    struct trust *trust;
    failed = trust_create(has_install ? install : NULL, NULL, &trust);
    if (failed != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-failed));
        return STATUS_INTERNAL;
    }
    int status = add_keys(trust, keys) == 0 ? judge(trust, path, absolute) : STATUS_REFUSED;
    trust_destroy(trust);
    return status;
}
