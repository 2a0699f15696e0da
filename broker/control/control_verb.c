// SPDX-License-Identifier: Apache-2.0
// Finds verbs in control.def and checks the fields of requests against it.
#include "broker/control/control_verb.h"

#include <string.h>

#include "base/check.h"
#include "base/nearest.h"
#include "broker/broker.h"

static const struct control_verb verbs[] = {
#define VERB(verb_word, handler, verb_fields, verb_needs, answer, verb_text)                       \
    {.word = (verb_word),                                                                          \
     .handle = (handler),                                                                          \
     .fields = (verb_fields),                                                                      \
     .needs = CONTROL_##verb_needs,                                                                \
     .answers = CONTROL_##answer,                                                                  \
     .text = (verb_text)},
#include "broker/control/control.def"
#undef VERB
};

const struct control_verb *control_verb_find(const char *word)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].word, word) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

const struct control_verb *control_verb_at(size_t index)
{
    return index < ARRAY_COUNT(verbs) ? &verbs[index] : NULL;
}

// One name of the list of fields.
struct field_rule {
    const char *name;
    size_t length;
    const char *marks;  // "", "?", "*" or "=?", then a blank or the end
};

static bool next_rule(const char **at, struct field_rule *out_rule)
{
    const char *start = *at + strspn(*at, " ");
    if (*start == '\0') {
        return false;
    }
    size_t length = strcspn(start, " ?*=");
    *out_rule = (struct field_rule){.name = start, .length = length, .marks = start + length};
    *at = start + strcspn(start, " ");
    return true;
}

static bool is_rule_of(const struct field_rule *rule, const char *name)
{
    return strlen(name) == rule->length && strncmp(rule->name, name, rule->length) == 0;
}

static size_t count_of(const struct control_call *call, const struct field_rule *rule)
{
    size_t count = 0;
    for (size_t i = 0; i < call->field_count; i++) {
        count += is_rule_of(rule, call->fields[i].name);
    }
    return count;
}

static int check_known(struct control_call *call, const struct control_verb *verb)
{
    for (size_t i = 0; i < call->field_count; i++) {
        const char *at = verb->fields;
        struct field_rule rule;
        bool is_known = false;
        while (!is_known && next_rule(&at, &rule)) {
            is_known = is_rule_of(&rule, call->fields[i].name);
        }
        if (!is_known) {
            return control_call_refuse(call, CONTROL_CODE_USAGE, "%s has no field '%s'; it has: %s",
                                       verb->word, call->fields[i].name,
                                       verb->fields[0] != '\0' ? verb->fields : "none");
        }
    }
    return 0;
}

static int check_fields(struct control_call *call, const struct control_verb *verb)
{
    int code = check_known(call, verb);
    const char *at = verb->fields;
    struct field_rule rule;
    while (code == 0 && next_rule(&at, &rule)) {
        size_t count = count_of(call, &rule);
        char name[SB_NAME_BYTES_MAX] = "";
        memcpy(name, rule.name, rule.length < sizeof name ? rule.length : sizeof name - 1);
        if (rule.marks[0] == '*') {
            continue;
        }
        bool is_switch = rule.marks[0] == '=';
        if (count == 0 && rule.marks[0] != '?' && !is_switch) {
            return control_call_refuse(call, CONTROL_CODE_USAGE, "%s needs the field '%s'",
                                       verb->word, name);
        }
        if (count > 1) {
            return control_call_refuse(call, CONTROL_CODE_USAGE, "the field '%s' comes twice",
                                       name);
        }
        if (is_switch && count == 1 && strcmp(control_call_field(call, name), "true") != 0) {
            return control_call_refuse(call, CONTROL_CODE_USAGE,
                                       "the field '%s' is 'true' or left out", name);
        }
    }
    return code;
}

static int refuse_unknown(struct control_call *call, const char *word)
{
    struct nearest nearest = nearest_to(word);
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        nearest_offer(&nearest, verbs[i].word);
    }
    if (nearest.best[0] != '\0') {
        return control_call_refuse(call, CONTROL_CODE_USAGE,
                                   "this broker has no verb '%s'; did you mean '%s'?", word,
                                   nearest.best);
    }
    return control_call_refuse(call, CONTROL_CODE_USAGE, "this broker has no verb '%s'", word);
}

int control_verb_run(struct control_call *call, const char *word)
{
    const struct control_verb *verb = control_verb_find(word);
    if (verb == NULL) {
        return refuse_unknown(call, word);
    }
    int code = check_fields(call, verb);
    if (code != 0) {
        return code;
    }
    enum broker_phase phase = call->broker->phase;
    if (verb->needs == CONTROL_STARTED && (phase == BROKER_IDLE || phase == BROKER_ENDED)) {
        return control_call_refuse(call, CONTROL_CODE_NOT_RUNNING, "the graph is not running");
    }
    return verb->handle(call);
}
