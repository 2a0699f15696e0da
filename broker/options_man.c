// SPDX-License-Identifier: Apache-2.0
// The manual page of streambroker: options and exit statuses are those of the tables.
#include "broker/options_man.h"

#include "base/man_page.h"

static void print_options(FILE *out)
{
    man_page_section("OPTIONS", out);
    static const struct {
        const char *name;
        char letter;
        const char *value;
        const char *text;
    } rows[] = {
#define OPTION(ID, long_name, short_name, value_name, text)                                        \
    {(long_name), (short_name), (value_name), (text)},
#include "broker/options.def"
#undef OPTION
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char word[64];
        if (rows[i].letter != 0) {
            snprintf(word, sizeof word, "-%c, --%s", rows[i].letter, rows[i].name);
        } else {
            snprintf(word, sizeof word, "--%s", rows[i].name);
        }
        man_page_item(word, rows[i].value, rows[i].text, out);
    }
}

static void print_surroundings(FILE *out)
{
    man_page_section("SIGNALS", out);
    man_page_item("SIGINT, SIGTERM, SIGHUP", NULL,
                  "The first one ends the graph gracefully: sources stop, and what is queued is "
                  "worked off within `timeouts.stop`. A second one forces the end.",
                  out);
    man_page_section("ENVIRONMENT", out);
    man_page_item("STREAMBROKER_PROCESSOR_PATH", NULL,
                  "Folders, separated by colons, in which processors are looked up behind the "
                  "folder of the graph and before the install.",
                  out);
    man_page_item("XDG_RUNTIME_DIR", NULL,
                  "Where the control socket is: `streambroker/NAME.sock` in it; for root in "
                  "`/run`, and without it in `/tmp/streambroker-UID`.",
                  out);
    man_page_item("STATE_DIRECTORY", NULL,
                  "Where the newest versions of signed processors are kept.", out);
    man_page_item("NOTIFY_SOCKET", NULL, "Set by systemd: it is told when the graph runs.", out);
}

void options_man_print(FILE *out)
{
    man_page_begin("streambroker", "run a graph of isolated streaming processors", out);
    man_page_section("SYNOPSIS", out);
    fprintf(out, ".B streambroker\n[\\fIoptions\\fR] \\fIGRAPH\\fR\n");
    man_page_section("DESCRIPTION", out);
    man_page_text("Reads a graph file (YAML or JSON), checks all of it, starts every node of it as "
                  "a process of its own, in a sandbox unless the graph says otherwise, and stays "
                  "in the foreground until every node has finished. Frames travel through shared "
                  "memory from node to node. A node that crashes or stalls is started again.",
                  out);
    man_page_text("The log goes to stderr: `LEVEL node[life]: text`, one event a line. A running "
                  "graph is asked, watched and changed with `streamctl`.",
                  out);
    print_options(out);
    print_surroundings(out);
    man_page_statuses(EXIT_STATUS_OF_BROKER, out);
    man_page_section("SEE ALSO", out);
    man_page_text(
        "`streamctl`(1), and the folder `share/doc/streambroker/docs` of the install: graph.md "
        "has every key of a graph file, troubleshooting.md every error with what to do.",
        out);
}
