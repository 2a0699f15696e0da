// SPDX-License-Identifier: Apache-2.0
// evil: a processor that tries one thing that it may not, and prints what the kernel said.
//
// Each try is one line, "denied WHAT: ERROR" or "allowed WHAT"; "note WHAT NUMBER" is for the
// reader to judge, and "done" ends it. The attacks on memory and messages, which need no library,
// are in evil_worker.c.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <streambroker/streambroker.h>

#include "attack/evil.h"

static struct evil_target target;

void evil_tried(const char *what, long result)
{
    if (result < 0) {
        printf("denied %s: %s\n", what, strerrorname_np(errno));
    } else {
        printf("allowed %s\n", what);
    }
    fflush(stdout);
}

void evil_note(const char *what, long number)
{
    printf("note %s %ld\n", what, number);
    fflush(stdout);
}

static const struct {
    const char *name;
    void (*attack)(const struct evil_target *target);
} attacks[] = {
#define ATTACK(name, function) {name, function},
#include "attack/evil.def"
#undef ATTACK
};

static const char *const modes[] = {
#define ATTACK(name, function) name,
#include "attack/evil.def"
#undef ATTACK
    NULL};

static int evil_run(struct sb_node *node)
{
    target.path = sb_param_string(node, "path");
    target.number = (long)sb_param_int(node, "number");
    attacks[sb_param_choice(node, "mode")].attack(&target);
    puts("done");
    fflush(stdout);
    _exit(3);
}

static const struct sb_param params[] = {
    {.name = "mode",
     .type = SB_PARAM_CHOICE,
     .help = "What it tries.",
     .initial = "nothing",
     .choices = modes,
     .is_fixed = true},
    {.name = "path",
     .type = SB_PARAM_STRING,
     .help = "A file or socket of the host.",
     .initial = "",
     .is_fixed = true},
    {.name = "number",
     .type = SB_PARAM_INT,
     .help = "A process or port of the host.",
     .initial = "0",
     .minimum = 0,
     .maximum = 1e9,
     .is_fixed = true},
};

static const struct sb_processor evil = {
    .struct_size = sizeof evil,
    .name = "evil",
    .version = "1.0.0",
    .summary = "Tries one thing that it may not.",
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_MANUAL,
    .run = evil_run,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&evil, argc, argv);
}
