// SPDX-License-Identifier: Apache-2.0
// Regular expressions of the C library, on copies of what is searched.
#include "processors/common/expression.h"

#include <errno.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 10

struct text {
    char *bytes;
    size_t count;
    size_t capacity;
};

struct expression {
    regex_t regex;
    struct text in;
    struct text out;
};

int expression_create(const char *pattern, bool ignores_case, struct expression **out_expression,
                      char out_text[EXPRESSION_TEXT_BYTES])
{
    struct expression *expression = calloc(1, sizeof *expression);
    if (expression == NULL) {
        return -ENOMEM;
    }
    int error = regcomp(&expression->regex, pattern, REG_EXTENDED | (ignores_case ? REG_ICASE : 0));
    if (error != 0) {
        regerror(error, &expression->regex, out_text, EXPRESSION_TEXT_BYTES);
        free(expression);
        return -EINVAL;
    }
    *out_expression = expression;
    return 0;
}

void expression_destroy(struct expression *expression)
{
    if (expression != NULL) {
        regfree(&expression->regex);
        free(expression->in.bytes);
        free(expression->out.bytes);
        free(expression);
    }
}

static int append(struct text *text, const char *bytes, size_t count)
{
    if (text->count + count + 1 > text->capacity) {
        size_t capacity = 2 * (text->count + count + 1);
        char *grown = realloc(text->bytes, capacity);
        if (grown == NULL) {
            return -ENOMEM;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
    text->bytes[text->count] = '\0';
    return 0;
}

static int copy_in(struct expression *expression, const void *bytes, size_t size_bytes)
{
    expression->in.count = 0;
    return append(&expression->in, bytes == NULL ? "" : bytes, size_bytes);
}

int expression_matches(struct expression *expression, const void *bytes, size_t size_bytes)
{
    int result = copy_in(expression, bytes, size_bytes);
    if (result < 0) {
        return result;
    }
    regmatch_t all = {.rm_so = 0, .rm_eo = (regoff_t)size_bytes};
    return regexec(&expression->regex, expression->in.bytes, 1, &all, REG_STARTEND) == 0;
}

// Appends what the letter after a backslash stands for.
static int append_escape(struct expression *expression, char letter, const regmatch_t *parts)
{
    if (letter >= '0' && letter <= '9') {
        size_t part = (size_t)(letter - '0');
        if (part > expression->regex.re_nsub) {
            return -EINVAL;
        }
        if (parts[part].rm_so < 0) {
            return 0;
        }
        return append(&expression->out, expression->in.bytes + parts[part].rm_so,
                      (size_t)(parts[part].rm_eo - parts[part].rm_so));
    }
    char plain = letter;
    if (letter == 'n' || letter == 't') {
        plain = letter == 'n' ? '\n' : '\t';
    }
    return append(&expression->out, &plain, 1);
}

static int append_replacement(struct expression *expression, const char *with,
                              const regmatch_t *parts)
{
    int result = 0;
    for (const char *at = with; *at != '\0' && result == 0; at++) {
        if (at[0] == '\\' && at[1] != '\0') {
            at++;
            result = append_escape(expression, *at, parts);
        } else {
            result = append(&expression->out, at, 1);
        }
    }
    return result;
}

// One match at or after `at`, and everything before it. Returns where to go on, or -ENOENT.
static int replace_next(struct expression *expression, const char *with, size_t at)
{
    const char *bytes = expression->in.bytes;
    regmatch_t parts[PARTS] = {{.rm_so = (regoff_t)at, .rm_eo = (regoff_t)expression->in.count}};
    int flags = REG_STARTEND | (at > 0 ? REG_NOTBOL : 0);
    if (regexec(&expression->regex, bytes, PARTS, parts, flags) != 0) {
        return -ENOENT;
    }
    size_t start = (size_t)parts[0].rm_so;
    size_t end = (size_t)parts[0].rm_eo;
    int result = append(&expression->out, bytes + at, start - at);
    if (result == 0) {
        result = append_replacement(expression, with, parts);
    }
    if (result == 0 && end == start && end < expression->in.count) {
        // An empty match: the next one is looked for behind the byte that follows.
        result = append(&expression->out, bytes + end, 1);
        end++;
    } else if (end == start) {
        end++;
    }
    return result < 0 ? result : (int)end;
}

int expression_replace(struct expression *expression, const void *bytes, size_t size_bytes,
                       const char *with, bool is_for_all, const char **out_bytes,
                       size_t *out_size_bytes)
{
    if (size_bytes > INT32_MAX - 1) {
        return -EMSGSIZE;
    }
    int result = copy_in(expression, bytes, size_bytes);
    expression->out.count = 0;
    size_t at = 0;
    int matches = 0;
    while (result == 0 && at <= size_bytes && (is_for_all || matches == 0)) {
        int next = replace_next(expression, with, at);
        if (next == -ENOENT) {
            break;
        }
        if (next < 0) {
            return next;
        }
        at = (size_t)next;
        matches++;
    }
    if (result == 0 && at <= size_bytes) {
        result = append(&expression->out, expression->in.bytes + at, size_bytes - at);
    }
    if (result < 0) {
        return result;
    }
    *out_bytes = expression->out.count == 0 ? "" : expression->out.bytes;
    *out_size_bytes = expression->out.count;
    return matches;
}
