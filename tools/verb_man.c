// SPDX-License-Identifier: Apache-2.0
// The manual page of streamctl: verbs, options and exit statuses are those of the tables.
#include "tools/verb_man.h"

#include "base/man_page.h"
#include "tools/verb.h"

static void print_options(enum verb_id verb, FILE *out)
{
    for (int i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        if (row->verb == verb) {
            man_page_item(row->word, row->value, row->summary, out);
        }
    }
}

static void print_verb(const struct verb_row *verb, FILE *out)
{
    man_page_item(verb->word, verb->arguments, verb->summary, out);
    // Options are moved to the right of their verb.
    fprintf(out, ".RS\n");
    print_options(verb->id, out);
    fprintf(out, ".RE\n");
}

void verb_man_print(FILE *out)
{
    man_page_begin("streamctl", "ask, watch and change running graphs", out);
    man_page_section("SYNOPSIS", out);
    fprintf(out, ".B streamctl\n[\\fB\\-\\-socket\\fR \\fIPATH\\fR | \\fB\\-\\-graph\\fR "
                 "\\fINAME\\fR] \\fIVERB\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n");
    man_page_section("DESCRIPTION", out);
    man_page_text("Talks to a running `streambroker` through its control socket. Where one graph "
                  "runs it is that one. Some verbs need none: `processors`, `describe`, `check`, "
                  "`verify`, `new`, `doctor`, `completion`, `docs`.",
                  out);
    man_page_section("OPTIONS", out);
    man_page_text("Of every verb that asks a broker, also before the verb:", out);
    print_options(VERB_ANY, out);
    man_page_section("VERBS", out);
    for (int i = 0; i < VERBS_COUNT; i++) {
        print_verb(verb_row((enum verb_id)i), out);
    }
    man_page_statuses(EXIT_STATUS_OF_CONTROL, out);
    man_page_section("SEE ALSO", out);
    man_page_text("`streambroker`(1), and the folder `share/doc/streambroker/docs` of the install: "
                  "streamctl.md and troubleshooting.md.",
                  out);
}
