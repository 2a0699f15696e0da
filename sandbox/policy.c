// SPDX-License-Identifier: Apache-2.0
// Reads system call policies: one call per line, with its reason.
#include "sandbox/policy.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/check.h"
#include "sandbox/policy_texts.h"
#include "sandbox/shim_wire.h"

enum { LINE_BYTES_MAX = 256, INCLUDES_MAX = 4, LOW_BITS = 32 };

static const struct {
    const char *name;
    uint64_t value;
} constants[] = {
#define CONSTANT(name, value) {#name, (uint64_t)(value)},
#include "sandbox/policy_constants.def"
#undef CONSTANT
};

static const struct {
    const char *name;
    int error;
} errors[] = {
    {"EPERM", EPERM}, {"EACCES", EACCES}, {"ENOSYS", ENOSYS}, {"EAFNOSUPPORT", EAFNOSUPPORT}};

struct reading {
    const char *name;
    unsigned line;
    unsigned depth;
    policy_rule_fn on_rule;
    void *context;
    struct diag *out_why;
};

static int read_named(const char *name, const struct reading *from);

static int wrong(const struct reading *reading, const char *what, const char *word)
{
    diag_set(reading->out_why, "%s.seccomp:%u: %s '%s'", reading->name, reading->line, what,
             word != NULL ? word : "");
    return -EINVAL;
}

static bool take_value(const char *word, uint64_t *out_value)
{
    if (word == NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(constants); i++) {
        if (strcmp(word, constants[i].name) == 0) {
            *out_value = constants[i].value;
            return true;
        }
    }
    char *end = NULL;
    *out_value = strtoull(word, &end, 0);
    return end != word && *end == '\0';
}

// `argN [& MASK] ==|==64|!= VALUE`, the first word of which was taken already.
static int take_condition(const struct reading *reading, const char *word, char **rest,
                          struct policy_condition *out)
{
    if (word == NULL || strncmp(word, "arg", 3) != 0 || word[3] < '0' || word[3] > '5' ||
        word[4] != '\0') {
        return wrong(reading, "a condition begins with arg0 to arg5, not", word);
    }
    *out = (struct policy_condition){.argument = (unsigned)(word[3] - '0'), .mask = UINT64_MAX};
    word = strtok_r(NULL, " ", rest);
    bool is_masked = word != NULL && strcmp(word, "&") == 0;
    if (is_masked) {
        word = strtok_r(NULL, " ", rest);
        if (!take_value(word, &out->mask)) {
            return wrong(reading, "no such number", word);
        }
        word = strtok_r(NULL, " ", rest);
    }
    if (word != NULL && strcmp(word, "==") == 0) {
        out->compare = POLICY_EQUAL;
        out->mask &= UINT64_MAX >> LOW_BITS;
    } else if (word != NULL && strcmp(word, "==64") == 0) {
        out->compare = POLICY_EQUAL_64;
    } else if (word != NULL && strcmp(word, "!=") == 0 && !is_masked) {
        out->compare = POLICY_UNEQUAL;
    } else {
        return wrong(reading, "a condition compares with ==, ==64 or !=, not", word);
    }
    word = strtok_r(NULL, " ", rest);
    return take_value(word, &out->value) ? 0 : wrong(reading, "no such number", word);
}

static int take_conditions(const struct reading *reading, char **rest, struct policy_rule *rule)
{
    const char *word = strtok_r(NULL, " ", rest);
    while (word != NULL) {
        if (rule->condition_count == POLICY_CONDITIONS_MAX) {
            return wrong(reading, "too many conditions for", rule->call);
        }
        int result = take_condition(reading, word, rest, &rule->conditions[rule->condition_count]);
        if (result != 0) {
            return result;
        }
        rule->condition_count++;
        word = strtok_r(NULL, " ", rest);
        if (word != NULL && strcmp(word, "and") != 0) {
            return wrong(reading, "conditions are joined by 'and', not", word);
        }
        if (word != NULL) {
            word = strtok_r(NULL, " ", rest);
            if (word == NULL) {
                return wrong(reading, "a condition is missing behind", "and");
            }
        }
    }
    return 0;
}

// `[ERRNO] CALL`: a name in capitals is an error.
static int take_call(const struct reading *reading, char **rest, struct policy_rule *rule)
{
    const char *word = strtok_r(NULL, " ", rest);
    for (size_t i = 0; word != NULL && rule->error != 0 && i < ARRAY_COUNT(errors); i++) {
        if (strcmp(word, errors[i].name) == 0) {
            rule->error = errors[i].error;
            word = strtok_r(NULL, " ", rest);
            break;
        }
    }
    if (word == NULL || strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(word) ||
        strlen(word) >= sizeof rule->call) {
        return wrong(reading, "this is no system call:", word);
    }
    memcpy(rule->call, word, strlen(word) + 1);
    return 0;
}

static int take_line(struct reading *reading, char *line)
{
    if (line[0] == '#' || line[strspn(line, " ")] == '\0') {
        return 0;
    }
    char *reason = strchr(line, ':');
    if (reason != NULL) {
        *reason++ = '\0';
    }
    char *rest = NULL;
    const char *verb = strtok_r(line, " ", &rest);
    if (verb != NULL && strcmp(verb, "include") == 0) {
        const char *name = strtok_r(NULL, " ", &rest);
        return name != NULL ? read_named(name, reading) : wrong(reading, "include what?", "");
    }
    bool is_allow = verb != NULL && strcmp(verb, "allow") == 0;
    if (!is_allow && (verb == NULL || strcmp(verb, "deny") != 0)) {
        return wrong(reading, "a line begins with allow, deny or include, not", verb);
    }
    if (reason == NULL || reason[strspn(reason, " ")] == '\0') {
        return wrong(reading, "a reason is missing:", verb);
    }
    struct policy_rule rule = {.error = is_allow ? 0 : EPERM};
    int result = take_call(reading, &rest, &rule);
    if (result == 0) {
        result = take_conditions(reading, &rest, &rule);
    }
    return result != 0 ? result : reading->on_rule(reading->context, &rule, reading->out_why);
}

static int read_lines(struct reading *reading, const char *text)
{
    while (*text != '\0') {
        char line[LINE_BYTES_MAX];
        size_t length = strcspn(text, "\n");
        reading->line++;
        if (length >= sizeof line) {
            return wrong(reading, "this line is too long", "");
        }
        memcpy(line, text, length);
        line[length] = '\0';
        int result = take_line(reading, line);
        if (result != 0) {
            return result;
        }
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    return 0;
}

static int read_named(const char *name, const struct reading *from)
{
    if (from->depth == INCLUDES_MAX) {
        return wrong(from, "too many files include each other at", name);
    }
    for (const struct policy_text *text = policy_texts; text->name != NULL; text++) {
        if (strcmp(text->name, name) == 0) {
            struct reading reading = *from;
            reading.name = name;
            reading.line = 0;
            reading.depth++;
            return read_lines(&reading, text->text);
        }
    }
    diag_set(from->out_why, "there is no system call policy '%s'", name);
    return -ENOENT;
}

int policy_read(const char *name, policy_rule_fn on_rule, void *context, struct diag *out_why)
{
    const struct reading reading = {
        .name = name, .on_rule = on_rule, .context = context, .out_why = out_why};
    return read_named(name, &reading);
}

int policy_read_text(const char *name, const char *text, policy_rule_fn on_rule, void *context,
                     struct diag *out_why)
{
    struct reading reading = {
        .name = name, .on_rule = on_rule, .context = context, .out_why = out_why};
    return read_lines(&reading, text);
}
