// SPDX-License-Identifier: Apache-2.0
// Build tool: prints the man page of streambroker, or a table of docs/troubleshooting.md.
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/exit_status.h"
#include "broker/options_man.h"
#include "broker/supervision/health.h"
#include "sandbox/launcher.h"
#include "sandbox/trust_verdict.h"
#include "sandbox/walls.h"

struct event_row {
    const char *name;
    enum log_level level;
    const char *meaning;
};

static const struct event_row events[] = {
#define EVENT(NAME, name, LEVEL, is_throttled, text) {name, LOG_##LEVEL, text},
#include "broker/supervision/health.def"
#undef EVENT
};

static const char *const advice[HEALTH_TYPE_COUNT] = {
#define ADVICE(NAME, text) [HEALTH_##NAME] = (text),
#include "broker/supervision/advice.def"
#undef ADVICE
};

static void print_statuses(enum exit_status_of of)
{
    printf("| status | means | what to do |\n|---|---|---|\n");
    const struct exit_status *row;
    for (size_t i = 0; (row = exit_status_row(i)) != NULL; i++) {
        if (row->of == of) {
            printf("| %d%s | %s | %s |\n", row->number, row->number == 128 ? " + n" : "",
                   row->meaning, row->advice);
        }
    }
}

static void print_events(enum log_level level)
{
    printf("| event | means | what to do |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_COUNT(events); i++) {
        if (events[i].level == level) {
            printf("| `%s` | %s | %s |\n", events[i].name, events[i].meaning,
                   advice[i] != NULL ? advice[i] : "see its text");
        }
    }
}

static void print_names_of_events(void)
{
    for (size_t i = 0, count = 0; i < ARRAY_COUNT(events); i++) {
        if (events[i].level > LOG_WARNING) {
            printf("%s`%s` (%s)", count++ > 0 ? ",\n" : "", events[i].name, events[i].meaning);
        }
    }
    printf(".\n");
}

static void print_walls(void)
{
    printf("| wall | missing means |\n|---|---|\n");
    for (unsigned i = 0; i < WALL_COUNT; i++) {
        printf("| `%s` | %s |\n", walls_name((enum wall)i), walls_text((enum wall)i));
    }
}

static void print_steps(void)
{
#define X(name, text) printf("- %s\n", text);
    LAUNCH_STEPS(X)
#undef X
}

static void print_verdicts(void)
{
    for (unsigned i = 0; i < TRUST_VERDICT_COUNT; i++) {
        if (!trust_verdict_is_good((enum trust_verdict)i)) {
            printf("- %s\n", trust_verdict_text((enum trust_verdict)i));
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "man") == 0) {
        options_man_print(stdout);
    } else if (strcmp(what, "broker") == 0) {
        print_statuses(EXIT_STATUS_OF_BROKER);
    } else if (strcmp(what, "streamctl") == 0) {
        print_statuses(EXIT_STATUS_OF_CONTROL);
    } else if (strcmp(what, "worker") == 0) {
        print_statuses(EXIT_STATUS_OF_WORKER);
    } else if (strcmp(what, "errors") == 0) {
        print_events(LOG_ERROR);
    } else if (strcmp(what, "warnings") == 0) {
        print_events(LOG_WARNING);
    } else if (strcmp(what, "others") == 0) {
        print_names_of_events();
    } else if (strcmp(what, "walls") == 0) {
        print_walls();
    } else if (strcmp(what, "steps") == 0) {
        print_steps();
    } else if (strcmp(what, "verdicts") == 0) {
        print_verdicts();
    } else {
        fprintf(stderr, "usage: reference_make man|broker|streamctl|worker|errors|warnings|others|"
                        "walls|steps|verdicts\n");
        return 2;
    }
    return 0;
}
