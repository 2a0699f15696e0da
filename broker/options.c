// SPDX-License-Identifier: Apache-2.0
// Reads the command line by the table in options.def.
#include "broker/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/exit_status.h"
#include "base/nearest.h"
#include "base/text.h"

#define HELP_COLUMN 26

struct entry {
    const char *name;
    char letter;
    const char *value;
    const char *help;
};

static const struct entry entries[OPTION_COUNT] = {
#define OPTION(ID, long_name, short_name, value_name, text)                                        \
    [OPTION_##ID] = {                                                                              \
        .name = (long_name), .letter = (short_name), .value = (value_name), .help = (text)},
#include "broker/options.def"
#undef OPTION
};

// Below are the system's own users, above is what is no number of a user.
#define UID_LOWEST 1000U
#define UID_HIGHEST 2147483647U

struct parser {
    int argc;
    char *const *argv;
    int next;
    struct options options;
    struct text why;
};

static int refuse_unknown(struct parser *parser, const char *name, size_t count)
{
    char wanted[64];
    struct text text = TEXT_OVER(wanted);
    text_add_bytes(&text, name, count);
    struct nearest nearest = nearest_to(wanted);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        nearest_offer(&nearest, entries[i].name);
    }
    text_add(&parser->why, "there is no option --");
    text_add_escaped(&parser->why, wanted, strlen(wanted));
    if (nearest.best[0] != '\0') {
        text_add_format(&parser->why, "; did you mean --%s?", nearest.best);
    } else {
        text_add(&parser->why, "; --help lists them");
    }
    return -EINVAL;
}

static int set_log_format(struct parser *parser, const char *value)
{
    if (strcmp(value, "text") == 0) {
        parser->options.log_format = LOG_FORMAT_TEXT;
    } else if (strcmp(value, "json") == 0) {
        parser->options.log_format = LOG_FORMAT_JSON;
    } else {
        text_add(&parser->why, "--log-format is text or json, not '");
        text_add_escaped(&parser->why, value, strlen(value));
        text_add(&parser->why, "'");
        return -EINVAL;
    }
    return 0;
}

static int set_print(struct parser *parser, const char *value)
{
    static const char *const forms[] = {
        [GRAPH_CHECK_YAML] = "yaml",     [GRAPH_CHECK_JSON] = "json",
        [GRAPH_CHECK_DOT] = "dot",       [GRAPH_CHECK_TEXT] = "text",
        [GRAPH_CHECK_GRANTS] = "grants", [GRAPH_CHECK_GRANTS_JSON] = "grants-json"};
    for (size_t i = GRAPH_CHECK_YAML; i <= GRAPH_CHECK_GRANTS_JSON; i++) {
        if (strcmp(forms[i], value) == 0) {
            parser->options.print = (enum graph_check_print)i;
            return 0;
        }
    }
    text_add(&parser->why, "--print is yaml, json, dot, text, grants or grants-json, not '");
    text_add_escaped(&parser->why, value, strlen(value));
    text_add(&parser->why, "'");
    return -EINVAL;
}

// Each number is one node's at a time, and never that of an ordinary user.
static int set_uids(struct parser *parser, const char *value)
{
    unsigned long numbers[2];
    char *end = NULL;
    numbers[0] = strtoul(value, &end, 10);
    bool is_pair = end != value && *end == '-';
    const char *last = end + 1;
    numbers[1] = is_pair ? strtoul(last, &end, 10) : 0;
    if (!is_pair || end == last || *end != '\0' || numbers[0] < UID_LOWEST ||
        numbers[1] > UID_HIGHEST || numbers[0] > numbers[1]) {
        text_add_format(&parser->why, "--uids is a range such as 60578-61183, from %u to %u, not '",
                        UID_LOWEST, UID_HIGHEST);
        text_add_escaped(&parser->why, value, strlen(value));
        text_add(&parser->why, "'");
        return -EINVAL;
    }
    parser->options.uid_first = (unsigned)numbers[0];
    parser->options.uid_last = (unsigned)numbers[1];
    return 0;
}

static int set(struct parser *parser, enum option_id id, const char *value)
{
    parser->options.is_given[id] = true;
    switch (id) {
    case OPTION_SOCKET:
        parser->options.socket = value;
        return 0;
    case OPTION_LOG_FORMAT:
        return set_log_format(parser, value);
    case OPTION_PRINT:
        return set_print(parser, value);
    case OPTION_KEYS:
        parser->options.keys = value;
        return 0;
    case OPTION_UIDS:
        return set_uids(parser, value);
    case OPTION_VERBOSE:
        parser->options.log_level = LOG_DEBUG;
        return 0;
    case OPTION_QUIET:
        parser->options.log_level = LOG_ERROR;
        return 0;
    case OPTION_CHECK:
    case OPTION_VERIFY:
    case OPTION_DESCRIBE:
    case OPTION_TRUSTED:
    case OPTION_MACHINE:
    case OPTION_KEEP:
    case OPTION_IDLE:
    case OPTION_WATCH:
    case OPTION_VERSION:
    case OPTION_HELP:
    case OPTION_COUNT:
        break;
    }
    return 0;
}

static int take(struct parser *parser, enum option_id id, const char *value)
{
    const struct entry *entry = &entries[id];
    if (entry->value == NULL && value != NULL) {
        text_add_format(&parser->why, "--%s takes no value", entry->name);
        return -EINVAL;
    }
    if (entry->value != NULL && value == NULL) {
        if (parser->next >= parser->argc) {
            text_add_format(&parser->why, "--%s needs a value: %s", entry->name, entry->value);
            return -EINVAL;
        }
        value = parser->argv[parser->next++];
    }
    return set(parser, id, value);
}

static int take_long(struct parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t count = equals != NULL ? (size_t)(equals - word) : strlen(word);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(entries[i].name) == count && strncmp(entries[i].name, word, count) == 0) {
            return take(parser, (enum option_id)i, equals != NULL ? equals + 1 : NULL);
        }
    }
    return refuse_unknown(parser, word, count);
}

static int take_letter(struct parser *parser, char letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (entries[i].letter == letter && letter != 0) {
            return take(parser, (enum option_id)i, NULL);
        }
    }
    text_add(&parser->why, "there is no option -");
    text_add_escaped(&parser->why, &letter, 1);
    text_add(&parser->why, "; --help lists them");
    return -EINVAL;
}

static int take_graph(struct parser *parser, const char *word)
{
    struct options *options = &parser->options;
    if (options->program_count == OPTIONS_PROGRAMS_MAX) {
        text_add_format(&parser->why, "at most %d programs at a time", OPTIONS_PROGRAMS_MAX);
        return -EINVAL;
    }
    options->programs[options->program_count++] = word;
    options->graph = options->programs[0];
    return 0;
}

static int take_word(struct parser *parser, const char *word)
{
    if (word[0] != '-' || word[1] == '\0') {
        return take_graph(parser, word);
    }
    if (word[1] == '-') {
        return take_long(parser, word + 2);
    }
    int failed = 0;
    for (const char *letter = word + 1; *letter != '\0' && failed == 0; letter++) {
        failed = take_letter(parser, *letter);
    }
    return failed;
}

// Options that mean something beside another one only.
static int check_pairs(struct parser *parser)
{
    static const struct {
        enum option_id option;
        enum option_id needed;
        const char *text;
    } pairs[] = {
        {OPTION_PRINT, OPTION_CHECK, "--print prints what --check has read: write --check too"},
        {OPTION_KEYS, OPTION_VERIFY, "--keys says whom --verify trusts: write --verify too"},
        {OPTION_TRUSTED, OPTION_DESCRIBE, "--trusted is for --describe: write --describe too"},
    };
    const bool *is_given = parser->options.is_given;
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        if (is_given[pairs[i].option] && !is_given[pairs[i].needed]) {
            text_add(&parser->why, pairs[i].text);
            return -EINVAL;
        }
    }
    return 0;
}

static int check(struct parser *parser)
{
    const struct options *options = &parser->options;
    bool needs_graph = !options->is_given[OPTION_HELP] && !options->is_given[OPTION_VERSION] &&
                       !options->is_given[OPTION_MACHINE];
    if (needs_graph && options->graph == NULL) {
        text_add(&parser->why, options->is_given[OPTION_DESCRIBE]
                                   ? "which program? Give the path of one"
                                   : "which graph? Give the path of a graph file");
        return -EINVAL;
    }
    if (options->program_count > 1 && !options->is_given[OPTION_DESCRIBE]) {
        text_add(&parser->why, "one graph at a time: '");
        text_add_escaped(&parser->why, options->programs[1], strlen(options->programs[1]));
        text_add(&parser->why, "' is a second one");
        return -EINVAL;
    }
    return check_pairs(parser);
}

int options_parse(int argc, char *const *argv, struct options *out_options, char *text,
                  size_t text_bytes)
{
    struct parser parser = {.argc = argc,
                            .argv = argv,
                            .next = 1,
                            .options = {.log_level = LOG_INFO, .log_format = LOG_FORMAT_TEXT},
                            .why = text_over(text, text_bytes)};
    bool is_end = false;
    int failed = 0;
    while (parser.next < argc) {
        const char *word = argv[parser.next++];
        if (!is_end && strcmp(word, "--") == 0) {
            is_end = true;
            continue;
        }
        failed = is_end ? take_graph(&parser, word) : take_word(&parser, word);
        if (failed != 0) {
            return failed;
        }
    }
    failed = check(&parser);
    if (failed != 0) {
        return failed;
    }
    *out_options = parser.options;
    return 0;
}

void options_help(char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    text_add(&text, "streambroker [options] GRAPH\n"
                    "Runs a graph of processors until every node has finished.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct entry *entry = &entries[i];
        size_t start = text.length;
        if (entry->letter != 0) {
            text_add_format(&text, "  -%c, --%s", entry->letter, entry->name);
        } else {
            text_add_format(&text, "      --%s", entry->name);
        }
        if (entry->value != NULL) {
            text_add_format(&text, " %s", entry->value);
        }
        do {
            text_add(&text, " ");
        } while (text.length - start < HELP_COLUMN && !text.is_cut);
        text_add_format(&text, " %s\n", entry->help);
    }
    text_add(&text, "\nExit status:\n");
    const struct exit_status *status;
    for (size_t i = 0; (status = exit_status_row(i)) != NULL; i++) {
        if (status->of == EXIT_STATUS_OF_BROKER) {
            text_add_format(&text, "  %3d  %s\n", status->number, status->meaning);
        }
    }
    SB_ASSERT(!text.is_cut);
}
