// SPDX-License-Identifier: Apache-2.0
// Writes the macros of man(7). What a formatter would take for one of its own is escaped.
#include "base/man_page.h"

#include <stdbool.h>

#include <streambroker/version.h>

static void put(char c, bool *is_bold, FILE *out)
{
    switch (c) {
    case '`':
        *is_bold = !*is_bold;
        fputs(*is_bold ? "\\fB" : "\\fR", out);
        return;
    case '\\':
        fputs("\\e", out);
        return;
    case '-':
        fputs("\\-", out);
        return;
    case '\'':
        fputs("\\(aq", out);
        return;
    default:
        fputc(c, out);
    }
}

// On a line of its own; a dot at its beginning would be a macro.
static void put_line(const char *text, FILE *out)
{
    bool is_bold = false;
    if (text[0] == '.') {
        fputs("\\&", out);
    }
    for (const char *c = text; *c != '\0'; c++) {
        put(*c, &is_bold, out);
    }
    fputs(is_bold ? "\\fR\n" : "\n", out);
}

void man_page_begin(const char *name, const char *summary, FILE *out)
{
    fprintf(out, ".TH ");
    for (const char *c = name; *c != '\0'; c++) {
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    }
    fprintf(out, " 1 \"\" \"streambroker %s\" \"streambroker\"\n.SH NAME\n%s \\- ",
            SB_VERSION_STRING, name);
    put_line(summary, out);
}

void man_page_section(const char *title, FILE *out)
{
    fprintf(out, ".SH %s\n", title);
}

void man_page_text(const char *text, FILE *out)
{
    fprintf(out, ".PP\n");
    put_line(text, out);
}

void man_page_item(const char *word, const char *value, const char *text, FILE *out)
{
    bool is_bold = false;
    fprintf(out, ".TP\n\\fB");
    for (const char *c = word; *c != '\0'; c++) {
        put(*c, &is_bold, out);
    }
    fputs("\\fR", out);
    if (value != NULL && value[0] != '\0') {
        fputs(" \\fI", out);
        for (const char *c = value; *c != '\0'; c++) {
            put(*c, &is_bold, out);
        }
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put_line(text, out);
}

void man_page_statuses(enum exit_status_of of, FILE *out)
{
    man_page_section("EXIT STATUS", out);
    const struct exit_status *row;
    for (size_t i = 0; (row = exit_status_row(i)) != NULL; i++) {
        if (row->of == of) {
            char number[16];
            snprintf(number, sizeof number, "%d%s", row->number, row->number == 128 ? " + n" : "");
            man_page_item(number, NULL, row->meaning, out);
        }
    }
}
