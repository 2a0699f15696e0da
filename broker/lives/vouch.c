// SPDX-License-Identifier: Apache-2.0
// The signature policy of a graph, applied to its nodes.
#include "broker/lives/vouch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "broker/graph/graph_fields.h"
#include "sandbox/trust_state.h"

static int add_keys(const struct graph *graph, struct trust *trust, struct diags *diags)
{
    const struct graph_strings *keys = &graph->signatures.keys;
    for (size_t i = 0; i < keys->count; i++) {
        const char *item = keys->items[i];
        char path[2 * PATH_MAX];
        struct diag why = {.text = ""};
        if (item[0] == '/') {
            snprintf(path, sizeof path, "%s", item);
        } else {
            snprintf(path, sizeof path, "%s/%s", graph->folder, item);
        }
        int failed = trust_add_keys(trust, path, &why);
        if (failed != 0) {
            diags_add(diags, DIAG_REFUSED, graph->file, keys->places[i],
                      "keys that cannot be used: %s", why.text);
            return failed;
        }
    }
    return 0;
}

int vouch_begin(const struct graph *graph, struct catalog *catalog, struct diags *diags,
                struct trust **out_trust)
{
    *out_trust = NULL;
    if (graph->signatures.policy == GRAPH_POLICY_OFF) {
        return 0;
    }
    struct trust *trust = NULL;
    int failed = trust_create(catalog_install(catalog), NULL, &trust);
    if (failed == 0 && add_keys(graph, trust, diags) != 0) {
        // A list that was read in part must not let anything through: nobody's keys count.
        trust_destroy(trust);
        trust = NULL;
        failed = trust_create(catalog_install(catalog), NULL, &trust);
    }
    if (failed != 0) {
        return -ENOMEM;
    }
    catalog_set_trust(catalog, trust, graph->signatures.policy == GRAPH_POLICY_REQUIRE);
    *out_trust = trust;
    return 0;
}

void vouch_end(struct catalog *catalog, struct trust *trust)
{
    catalog_set_trust(catalog, NULL, false);
    trust_destroy(trust);
}

void vouch_refuse(const struct graph *graph, const struct graph_node *node, const char *why,
                  struct diags *diags)
{
    diags_add(diags, DIAG_REFUSED, graph->file, node->exec.places[0],
              "processor %s is refused: %s; streamctl verify looks at one file",
              diags_quote(node->exec.items[0]).bytes, why);
}

// Variables by which the loader or an interpreter takes code from elsewhere.
static bool loads_code(const char *name)
{
    static const char *const starts[] = {"LD_", "PYTHON", "GST_PLUGIN", "VK_", "GCONV_PATH"};
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

void vouch_check_node(const struct graph *graph, const struct graph_node *node, const char *why,
                      struct diags *diags)
{
    enum graph_policy policy = graph->signatures.policy;
    const struct graph_pairs *variables = &node->sandbox.env;
    for (size_t i = 0; policy == GRAPH_POLICY_REQUIRE && i < variables->count; i++) {
        if (loads_code(variables->items[i].name)) {
            diags_add(
                diags, DIAG_REFUSED, graph->file, graph_node_place(node, GRAPH_FIELD_NODE_ENV),
                "node '%s' may not have %s: it can load code that nobody signed; leave it out",
                node->id, diags_quote(variables->items[i].name).bytes);
        }
    }
    if (policy == GRAPH_POLICY_WARN && node->found.judged.is_untrusted_only) {
        diags_add(diags, DIAG_WARNING, graph->file, node->exec.places[0],
                  "processor %s runs as untrusted only: %s; sign it with minisign",
                  diags_quote(node->exec.items[0]).bytes, why);
    }
}

int vouch_remember(const struct graph_node *node, struct diag *out_why)
{
    const struct trust_comment *signed_as = node->found.judged.signed_as;
    char folder[PATH_MAX];
    if (signed_as == NULL) {
        return 0;
    }
    int failed = trust_state_folder(folder);
    if (failed != 0) {
        diag_set(out_why, "there is no home folder; set STATE_DIRECTORY");
        return failed;
    }
    return trust_state_raise(folder, signed_as->name, &signed_as->version, out_why);
}
