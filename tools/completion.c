// SPDX-License-Identifier: Apache-2.0
// One printer per shell over the same tables.
#include "tools/completion.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "tools/verb.h"

// What can stand for a word of a usage: words, or those that streamctl prints. Every shell asks the
// broker that the line names.
struct source {
    const char *word;     // of verbs.def, as it stands there
    const char *words;    // NULL: those of the command
    const char *command;  // arguments of streamctl
    bool is_of_broker;
};

static const struct source sources[] = {
    {"NODE", NULL, "nodes -q", true},
    {"NODE.PORT", NULL, "graph -q", true},
    {"FROM", NULL, "graph -q", true},
    {"PROGRAM", NULL, "processors -q", false},
    {"PROCESSOR", NULL, "processors -q", false},
    {"SHELL", "bash zsh fish", NULL, false},
    {"MODE", "auto manual", NULL, false},
    {"ACTION", "list show replay drop", NULL, false},
    {"NAME", NULL, "list -q", false},                // of --graph
    {"STATE", "running paused ended", NULL, false},  // of --for
};

// A usage names a word when it stands in it alone: "[NODE]", not a part of "NODE.PORT".
static bool names(const char *usage, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = usage; (at = strstr(at, word)) != NULL; at++) {
        bool is_start = at == usage || at[-1] == ' ' || at[-1] == '[';
        bool is_end = at[length] == '\0' || at[length] == ' ' || at[length] == ']';
        if (is_start && is_end) {
            return true;
        }
    }
    return false;
}

static bool names_file(const char *usage)
{
    return names(usage, "GRAPH") || names(usage, "FILE") || names(usage, "PATH") ||
           names(usage, "PROCESSOR") || names(usage, "PROGRAM");
}

// The word of a new folder or node is nobody's yet.
static bool is_free(const struct verb_row *verb, const struct source *source)
{
    return (verb->id == VERB_NEW && strcmp(source->word, "NAME") == 0) ||
           (verb->id == VERB_ADD && strcmp(source->word, "NODE") == 0);
}

static void print_options(enum verb_id verb)
{
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        if (row->verb == verb || row->verb == VERB_ANY) {
            printf(" %s", row->word);
        }
    }
}

// Calls print() for every source that a usage names.
static void each_source(const struct verb_row *verb, const char *usage,
                        void (*print)(const struct source *source))
{
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        bool is_meant =
            names(usage, sources[i].word) && (verb == NULL || !is_free(verb, &sources[i]));
        if (is_meant) {
            print(&sources[i]);
        }
    }
}

// --- bash -------------------------------------------------------------------------------------

static void print_bash_source(const struct source *source)
{
    if (source->words != NULL) {
        printf(" %s", source->words);
    } else {
        printf(" $(streamctl %s%s 2>/dev/null)", source->is_of_broker ? "\"${broker[@]}\" " : "",
               source->command);
    }
}

// Words after an option that takes a value.
static void print_bash_values(void)
{
    printf("    case $last in\n");
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        if (row->value != NULL) {
            printf("        %s) words=\"", row->word);
            each_source(NULL, row->value, print_bash_source);
            printf("\" files=%s verb=- ;;\n", names_file(row->value) ? "1" : "");
        }
    }
    printf("    esac\n");
}

static void print_bash(void)
{
    printf("# streamctl completion for bash\n"
           "_streamctl() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local verb= words= files= i\n"
           "    local -a broker=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "            --socket | --graph)\n"
           "                broker+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i+1]}\")\n"
           "                i=$((i + 1)) ;;\n"
           "            -*) ;;\n"
           "            *) verb=${verb:-${COMP_WORDS[i]}} ;;\n"
           "        esac\n"
           "    done\n");
    print_bash_values();
    printf("    case $verb in\n        '') words='");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        printf("%s ", verb_row((enum verb_id)i)->word);
    }
    print_options(VERB_ANY);
    printf("' ;;\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("        %s) files=%s words=\"", verb->word, names_file(verb->arguments) ? "1" : "");
        print_options(verb->id);
        each_source(verb, verb->arguments, print_bash_source);
        printf("\" ;;\n");
    }
    printf("    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "    if [ -n \"$files\" ] && [ \"${word#-}\" = \"$word\" ]; then\n"
           "        compopt -o filenames 2>/dev/null\n"
           "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$word\")\n"
           "    fi\n"
           "}\n"
           "complete -F _streamctl streamctl\n");
}

// --- zsh --------------------------------------------------------------------------------------

static void print_zsh_source(const struct source *source)
{
    if (source->words != NULL) {
        printf(" compadd -- %s;", source->words);
    } else {
        printf(" compadd -- ${(f)\"$(streamctl %s%s 2>/dev/null)\"};",
               source->is_of_broker ? "$broker " : "", source->command);
    }
}

static void print_zsh_values(void)
{
    printf("    case ${words[CURRENT-1]} in\n");
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        if (row->value != NULL) {
            printf("        %s)", row->word);
            each_source(NULL, row->value, print_zsh_source);
            printf("%s return ;;\n", names_file(row->value) ? " _files;" : "");
        }
    }
    printf("    esac\n");
}

static void print_zsh(void)
{
    printf("#compdef streamctl\n"
           "_streamctl() {\n"
           "    local verb= i\n"
           "    local -a verbs broker\n"
           "    verbs=(\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("        '%s:%s'\n", verb->word, verb->summary);
    }
    printf("    )\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n"
           "        case ${words[i]} in\n"
           "            --socket|--graph) broker+=(\"${words[i]}\" \"${words[i+1]}\"); ((i++)) ;;\n"
           "            -*) ;;\n"
           "            *) verb=${verb:-${words[i]}} ;;\n"
           "        esac\n"
           "    done\n");
    print_zsh_values();
    printf("    case $verb in\n        '') _describe verb verbs; compadd --");
    print_options(VERB_ANY);
    printf(" ;;\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("        %s) compadd --", verb->word);
        print_options(verb->id);
        printf(";");
        each_source(verb, verb->arguments, print_zsh_source);
        printf("%s ;;\n", names_file(verb->arguments) ? " _files" : "");
    }
    printf("    esac\n"
           "}\n"
           "if [ \"${funcstack[1]}\" = _streamctl ]; then\n"
           "    _streamctl \"$@\"\n"
           "else\n"
           "    compdef _streamctl streamctl\n"
           "fi\n");
}

// --- fish -------------------------------------------------------------------------------------

static void print_fish_source(const struct source *source)
{
    if (source->words != NULL) {
        printf(" -a '%s'", source->words);
    } else {
        printf(" -a '(streamctl %s%s 2>/dev/null)'",
               source->is_of_broker ? "(__streamctl_broker) " : "", source->command);
    }
}

static void print_fish_verb(const struct verb_row *verb)
{
    printf("complete -c streamctl -n __streamctl_no_verb -a %s -d '%s'\n", verb->word,
           verb->summary);
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        if (names(verb->arguments, sources[i].word) && !is_free(verb, &sources[i])) {
            printf("complete -c streamctl -n '__fish_seen_subcommand_from %s'", verb->word);
            print_fish_source(&sources[i]);
            printf("\n");
        }
    }
    if (names_file(verb->arguments)) {
        printf("complete -c streamctl -n '__fish_seen_subcommand_from %s' -F\n", verb->word);
    }
}

static void print_fish_option(const struct verb_option_row *row)
{
    bool is_long = strncmp(row->word, "--", 2) == 0;
    printf("complete -c streamctl");
    if (row->verb != VERB_ANY) {
        printf(" -n '__fish_seen_subcommand_from %s'", verb_row(row->verb)->word);
    }
    printf(" %s %s -d '%s'", is_long ? "-l" : "-s", row->word + (is_long ? 2 : 1), row->summary);
    if (row->value != NULL) {
        printf("%s", names_file(row->value) ? " -r -F" : " -x");
        each_source(NULL, row->value, print_fish_source);
    }
    printf("\n");
}

static void print_fish(void)
{
    printf("# streamctl completion for fish\n"
           "function __streamctl_broker\n"
           "    set -l line (commandline -opc)\n"
           "    for i in (seq (count $line))\n"
           "        if contains -- $line[$i] --socket --graph\n"
           "            printf '%%s\\n' $line[$i] $line[(math $i + 1)]\n"
           "        end\n"
           "    end\n"
           "end\n"
           "function __streamctl_no_verb\n"
           "    set -l line (commandline -opc)\n"
           "    not contains -- $line[-1] --socket --graph; and not __fish_seen_subcommand_from");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        printf(" %s", verb_row((enum verb_id)i)->word);
    }
    printf("\nend\ncomplete -c streamctl -f\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        print_fish_verb(verb_row((enum verb_id)i));
    }
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        print_fish_option(verb_option_row((enum verb_option)i));
    }
}

int completion_print(const char *shell)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; i < ARRAY_COUNT(shells); i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print();
            return VERB_OK;
        }
    }
    fprintf(stderr, "streamctl completion: no shell '%s'; write bash, zsh or fish\n", shell);
    return VERB_USAGE;
}
