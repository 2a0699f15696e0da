// SPDX-License-Identifier: Apache-2.0
// One printer per shell over the same tables.
#include "tools/completion.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "tools/verb.h"

static void print_verbs(const char *separator)
{
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        printf("%s%s", i > 0 ? separator : "", verb_row((enum verb_id)i)->word);
    }
}

// The options of a verb as words, "" when it has none.
static void print_options(enum verb_id verb)
{
    const char *space = "";
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        if (row->verb == verb || row->verb == VERB_ANY) {
            printf("%s%s", space, row->word);
            space = " ";
        }
    }
}

// What else can follow a verb: words, or a command in the shell that prints them.
static const char *more_words(const struct verb_row *verb)
{
    if (verb->id == VERB_COMPLETION) {
        return "bash zsh fish";
    }
    return strstr(verb->arguments, "NODE") != NULL ? "$(streamctl nodes -q 2>/dev/null)" : "";
}

static void print_bash(void)
{
    printf("# streamctl completion for bash\n"
           "_streamctl() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words= no_files=\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        words='");
    print_verbs(" ");
    printf("'\n    else\n        case $verb in\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("            %s) words=\"", verb->word);
        print_options(verb->id);
        const char *more = more_words(verb);
        printf(" %s\"%s ;;\n", more, more[0] != '\0' ? " no_files=1" : "");
    }
    printf("        esac\n    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "    if [ \"$COMP_CWORD\" -gt 1 ] && [ \"${word#-}\" = \"$word\" ] &&\n"
           "        [ -z \"$no_files\" ]; then\n"
           "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$word\")\n"
           "    fi\n"
           "}\n"
           "complete -F _streamctl streamctl\n");
}

static void print_zsh(void)
{
    printf("#compdef streamctl\n"
           "_streamctl() {\n"
           "    local -a verbs\n"
           "    verbs=(\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("        '%s:%s'\n", verb->word, verb->summary);
    }
    printf("    )\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe verb verbs\n"
           "        return\n"
           "    fi\n"
           "    case ${words[2]} in\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("        %s) compadd -- ", verb->word);
        print_options(verb->id);
        printf(" %s ;;\n", more_words(verb));
    }
    printf("    esac\n"
           "    _files\n"
           "}\n"
           "compdef _streamctl streamctl\n");
}

static void print_fish(void)
{
    printf("# streamctl completion for fish\n");
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        printf("complete -c streamctl -n __fish_use_subcommand -a %s -d '%s'\n", verb->word,
               verb->summary);
    }
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *row = verb_option_row((enum verb_option)i);
        bool is_long = strncmp(row->word, "--", 2) == 0;
        printf("complete -c streamctl");
        if (row->verb != VERB_ANY) {
            printf(" -n '__fish_seen_subcommand_from %s'", verb_row(row->verb)->word);
        }
        printf(" %s %s%s -d '%s'\n", is_long ? "-l" : "-s", row->word + (is_long ? 2 : 1),
               row->value != NULL ? " -r" : "", row->summary);
    }
    for (size_t i = 0; i < VERBS_COUNT; i++) {
        const struct verb_row *verb = verb_row((enum verb_id)i);
        if (more_words(verb)[0] != '\0') {
            printf("complete -c streamctl -n '__fish_seen_subcommand_from %s' -f -a '%s'\n",
                   verb->word, more_words(verb));
        }
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
