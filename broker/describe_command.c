// SPDX-License-Identifier: Apache-2.0
// Describes programs for a person who asks: nobody has said yet that they may do anything.
#include "broker/describe_command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/search.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph.h"
#include "broker/graph/graph_fields.h"
#include "broker/lives/describing.h"
#include "broker/verify_command.h"
#include "sandbox/trust.h"

enum { STATUS_FAILED = 1, STATUS_INTERNAL = 70, STATUS_REFUSED = 77 };

struct asked {
    struct launcher *launcher;  // borrowed
    struct trust *trust;        // owned, NULL = as they are
    struct graph_node node;     // one about which nothing was said: untrusted, without grants
};

static int open_trust(struct trust **out_trust)
{
    char install[PATH_MAX];
    bool has_install = search_beside_program("../libexec/streambroker", install) == 0;
    int failed = trust_create(has_install ? install : NULL, NULL, out_trust);
    struct diag why = {.text = ""};
    if (failed == 0 && access(VERIFY_KEYS_DEFAULT, F_OK) == 0 &&
        trust_add_keys(*out_trust, VERIFY_KEYS_DEFAULT, &why) != 0) {
        // Keys that cannot be used vouch for nobody.
        fprintf(stderr, "%s; every program is described in a sandbox\n", why.text);
    }
    return failed;
}

// Runs it and reads what it says. Returns 0 and the JSON, or a negative errno and why.
static int describe(struct asked *asked, const char *path, char **out_json, size_t *out_count,
                    struct diag *out_why)
{
    struct trust_program judged = {.memfd = -1, .verdict = TRUST_GOOD};
    if (asked->trust != NULL) {
        trust_look(asked->trust, path, strrchr(path, '/') + 1, &judged);
    }
    auto_fd int memfd = judged.memfd;
    bool is_caged = !trust_verdict_is_good(judged.verdict);
    const struct graph_program program = {.path = path, .fd = memfd};
    char folder[PATH_MAX];
    if (!text_copy(folder, sizeof folder, path)) {
        diag_set(out_why, "its path is too long");
        return -ENAMETOOLONG;
    }
    strrchr(folder, '/')[1] = '\0';
    char own[PATH_MAX];
    text_copy(own, sizeof own, path);
    char word[] = "--describe";
    char *const argv[] = {own, word, NULL};
    struct describing_context context = {asked->launcher, false};
    int failed = describing_now(&context, is_caged ? &asked->node : NULL, &program, folder, argv,
                                out_json, out_count, out_why);
    if (failed != 0) {
        return failed;
    }
    struct descriptor *descriptor;
    failed = descriptor_parse(*out_json, *out_count, &descriptor, out_why);
    if (failed == 0) {
        descriptor_destroy(descriptor);
    }
    return failed;
}

// Returns the exit status that one program asks for.
static int add(struct asked *asked, const char *path, json_t *list)
{
    char absolute[PATH_MAX];
    struct diag why = {.text = ""};
    auto_free char *bytes = NULL;
    size_t count = 0;
    const struct search_places places = {.folder = "."};
    int failed = search_program(&places, path, absolute);
    if (failed != 0) {
        diag_set(&why, failed == -EACCES ? "it may not be executed" : "there is no such program");
    } else {
        failed = describe(asked, absolute, &bytes, &count, &why);
    }
    json_t *entry = json_pack("{s:s}", "path", path);
    json_t *json = failed == 0 ? json_loadb(bytes, count, 0, NULL) : NULL;
    if (json != NULL) {
        json_object_set_new(entry, "description", json);
    } else {
        json_object_set_new(entry, "error", json_string(why.text));
    }
    int status = json_array_append_new(list, entry) != 0 ? STATUS_INTERNAL : 0;
    if (json == NULL && status == 0) {
        status = failed == -EOPNOTSUPP ? STATUS_REFUSED : STATUS_FAILED;
    }
    return status;
}

int describe_command(struct launcher *launcher, const char *const *programs, size_t count,
                     bool is_trusted)
{
    struct asked asked = {.launcher = launcher};
    graph_fields_init(GRAPH_SECTION_NODE, &asked.node);
    json_t *list = json_array();
    int status =
        list == NULL || (!is_trusted && open_trust(&asked.trust) != 0) ? STATUS_INTERNAL : 0;
    for (size_t i = 0; i < count && status != STATUS_INTERNAL; i++) {
        int own = add(&asked, programs[i], list);
        status = own > status ? own : status;
    }
    if (status == STATUS_INTERNAL || json_dumpf(list, stdout, JSON_INDENT(2)) != 0 ||
        fputc('\n', stdout) == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "streambroker: out of memory, or stdout cannot be written\n");
        status = STATUS_INTERNAL;
    }
    trust_destroy(asked.trust);
    json_decref(list);
    return status;
}
