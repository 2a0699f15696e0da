// SPDX-License-Identifier: Apache-2.0
// Reads the arguments of a verb, and prints help, from verbs.def.
#include "tools/verb.h"

#include <string.h>

#include "base/check.h"
#include "base/exit_status.h"
#include "base/nearest.h"
#include "base/text.h"

static const struct verb_row rows[] = {
#define VERB(NAME, word, arguments, least, most, summary)                                          \
    {VERB_##NAME, word, arguments, least, most, summary},
#include "tools/verbs.def"
};

static const struct verb_option_row option_rows[] = {
#define OPTION(VERB, NAME, word, value, summary)                                                   \
    {VERB_OPTION_##NAME, VERB_##VERB, word, value, summary},
#include "tools/verbs.def"
};

const struct verb_row *verb_row(enum verb_id id)
{
    SB_ASSERT(id < VERBS_COUNT);
    return &rows[id];
}

const struct verb_option_row *verb_option_row(enum verb_option option)
{
    SB_ASSERT(option < VERB_OPTIONS_COUNT);
    return &option_rows[option];
}

const struct verb_row *verb_find(const char *word)
{
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        if (strcmp(rows[i].word, word) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct verb_option_row *find_option(enum verb_id verb, const char *word, size_t length)
{
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        if ((option_rows[i].verb == verb || option_rows[i].verb == VERB_ANY) &&
            strlen(option_rows[i].word) == length &&
            strncmp(option_rows[i].word, word, length) == 0) {
            return &option_rows[i];
        }
    }
    return NULL;
}

const char *verb_value(const struct verb_call *call, const char *word)
{
    const struct verb_option_row *row = find_option(call->verb->id, word, strlen(word));
    return row != NULL ? call->values[row->id] : NULL;
}

static void refuse_option(const struct verb_row *verb, const char *word, size_t length)
{
    char name[64];
    struct text text = TEXT_OVER(name);
    text_add_bytes(&text, word, length);
    struct nearest nearest = nearest_to(name);
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        if (option_rows[i].verb == verb->id || option_rows[i].verb == VERB_ANY) {
            nearest_offer(&nearest, option_rows[i].word);
        }
    }
    fprintf(stderr, "streamctl %s: no option %s; ", verb->word, word);
    if (nearest.best[0] != '\0') {
        fprintf(stderr, "did you mean %s?\n", nearest.best);
    } else {
        fprintf(stderr, "streamctl help %s lists them\n", verb->word);
    }
}

void verb_refuse(const char *word)
{
    struct nearest nearest = nearest_to(word);
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        nearest_offer(&nearest, rows[i].word);
    }
    if (nearest.best[0] != '\0') {
        fprintf(stderr, "streamctl: no verb '%s'; did you mean '%s'?\n", word, nearest.best);
    } else {
        fprintf(stderr, "streamctl: no verb '%s'; streamctl help lists them\n", word);
    }
}

// --name, --name=value or --name value. Returns how many words it took, 0 after an error.
static int parse_option(struct verb_call *call, int left, char **argv)
{
    const char *word = argv[0];
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        call->is_help = true;
        return 1;
    }
    const struct verb_option_row *row = find_option(call->verb->id, word, length);
    if (row == NULL) {
        refuse_option(call->verb, word, length);
        return 0;
    }
    if (row->value == NULL && equals != NULL) {
        fprintf(stderr, "streamctl %s: %s takes no value; write it alone\n", call->verb->word,
                row->word);
        return 0;
    }
    if (row->value == NULL || equals != NULL) {
        call->values[row->id] = equals != NULL ? equals + 1 : "";
        return 1;
    }
    if (left < 2) {
        fprintf(stderr, "streamctl%s%s: %s needs a value; write %s %s\n",
                call->verb->word[0] != '\0' ? " " : "", call->verb->word, row->word, row->word,
                row->value);
        return 0;
    }
    call->values[row->id] = argv[1];
    return 2;
}

int verb_parse_first(int argc, char **argv, struct verb_call *call)
{
    static const struct verb_row none = {.id = VERB_ANY, .word = ""};
    call->verb = &none;
    int taken = 0;
    while (taken < argc && strncmp(argv[taken], "--", 2) == 0 &&
           find_option(VERB_ANY, argv[taken], strcspn(argv[taken], "=")) != NULL) {
        int took = parse_option(call, argc - taken, argv + taken);
        if (took == 0) {
            return -1;
        }
        taken += took;
    }
    return taken;
}

static void print_usage(const struct verb_row *verb)
{
    bool has_options = false;
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        has_options = has_options || option_rows[i].verb == verb->id;
    }
    fprintf(stderr, "usage: streamctl %s%s%s%s\n", verb->word, has_options ? " [OPTIONS]" : "",
            verb->arguments[0] != '\0' ? " " : "", verb->arguments);
}

// The word that stands for an argument in the usage of a verb.
static const char *argument_word(const struct verb_row *verb, int index)
{
    const char *word = verb->arguments;
    for (int i = 0; i < index; i++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    return word;
}

int verb_parse(const struct verb_row *verb, int argc, char **argv, struct verb_call *out_call)
{
    struct verb_call call = *out_call;
    call.verb = verb;
    bool is_only_arguments = false;
    for (int i = 0; i < argc;) {
        if (!is_only_arguments && strcmp(argv[i], "--") == 0) {
            is_only_arguments = true;
            i++;
        } else if (!is_only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
            int took = parse_option(&call, argc - i, argv + i);
            if (took == 0) {
                return VERB_USAGE;
            }
            i += took;
        } else if (call.argument_count < verb->most) {
            call.arguments[call.argument_count++] = argv[i++];
        } else {
            fprintf(stderr, "streamctl %s: '%s' is too much; ", verb->word, argv[i]);
            print_usage(verb);
            return VERB_USAGE;
        }
    }
    if (call.argument_count < verb->least && !call.is_help) {
        const char *missing = argument_word(verb, call.argument_count);
        fprintf(stderr, "streamctl %s: %.*s is missing; ", verb->word, (int)strcspn(missing, " "),
                missing);
        print_usage(verb);
        return VERB_USAGE;
    }
    *out_call = call;
    return 0;
}

static void print_options_of(enum verb_id verb, const char *title, FILE *out)
{
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = &option_rows[i];
        if (row->verb == verb) {
            char word[64];
            snprintf(word, sizeof(word), "%s%s%s", row->word, row->value != NULL ? " " : "",
                     row->value != NULL ? row->value : "");
            fprintf(out, "%s  %-18s %s\n", title, word, row->summary);
            title = "";
        }
    }
}

static void print_verb(const struct verb_row *verb, FILE *out)
{
    fprintf(out, "usage: streamctl %s%s%s", verb->word, verb->arguments[0] != '\0' ? " " : "",
            verb->arguments);
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = &option_rows[i];
        if (row->verb == verb->id) {
            fprintf(out, " [%s%s%s]", row->word, row->value != NULL ? " " : "",
                    row->value != NULL ? row->value : "");
        }
    }
    fprintf(out, "\n\n%s\n", verb->summary);
    print_options_of(verb->id, "\nOptions:\n", out);
}

void verb_print_help(const struct verb_row *verb, FILE *out)
{
    if (verb != NULL) {
        print_verb(verb, out);
        return;
    }
    fprintf(out, "usage: streamctl VERB [OPTIONS] [ARGUMENTS]\n\nVerbs:\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        char word[64];
        snprintf(word, sizeof(word), "%s %s", rows[i].word, rows[i].arguments);
        fprintf(out, "  %-20s %s\n", word, rows[i].summary);
    }
    fprintf(out, "\nOptions of every verb that asks a broker:\n");
    print_options_of(VERB_ANY, "", out);
    fprintf(out, "\nstreamctl help VERB tells the options of a verb.\n");
}

void verb_print_docs(FILE *out)
{
    fprintf(out, "# streamctl\n\n`streamctl VERB [OPTIONS] [ARGUMENTS]`. This page is what "
                 "`streamctl docs` prints.\n\n| verb | what it does |\n|---|---|\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        fprintf(out, "| `%s%s%s` | %s |\n", rows[i].word, rows[i].arguments[0] != '\0' ? " " : "",
                rows[i].arguments, rows[i].summary);
        for (size_t j = 0; j < VERB_OPTIONS_COUNT; j++) {
            const struct verb_option_row *row = &option_rows[j];
            if (row->verb == rows[i].id) {
                fprintf(out, "| &nbsp;&nbsp;`%s%s%s` | %s |\n", row->word,
                        row->value != NULL ? " " : "", row->value != NULL ? row->value : "",
                        row->summary);
            }
        }
    }
    fprintf(out, "\nOptions of every verb that asks a broker, also before the verb:\n\n"
                 "| option | what it does |\n|---|---|\n");
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = &option_rows[i];
        if (row->verb == VERB_ANY) {
            fprintf(out, "| `%s %s` | %s |\n", row->word, row->value, row->summary);
        }
    }
    fprintf(out, "\n| exit status | means |\n|---|---|\n");
    const struct exit_status *status;
    for (size_t i = 0; (status = exit_status_row(i)) != NULL; i++) {
        if (status->of == EXIT_STATUS_OF_CONTROL) {
            fprintf(out, "| %d | %s |\n", status->number, status->meaning);
        }
    }
    fprintf(out, "\n`check` and `verify` end with what `streambroker --check` and `--verify` end "
                 "with. What to do: [troubleshooting.md](troubleshooting.md).\n");
}
