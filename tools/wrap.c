// SPDX-License-Identifier: Apache-2.0
// Divides lines at spaces. Columns are counted in characters.
#include "tools/wrap.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

#define ROOM_LEAST 20

size_t wrap_width(FILE *out)
{
    struct winsize window = {.ws_col = 0};
    int fd = fileno(out);
    return fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

// How many bytes of text fit into room characters, up to a space or the end.
static size_t fitting(const char *text, size_t room)
{
    size_t length = strlen(text);
    size_t best = 0;
    size_t columns = 0;
    for (size_t at = 0; at < length;) {
        size_t step = text_utf8_length(text + at, length - at);
        at += step > 0 ? step : 1;
        columns++;
        if (columns > room && best > 0) {
            return best;
        }
        best = text[at] == ' ' || at == length ? at : best;
    }
    return best;
}

void wrap_print(const char *head, const char *text, size_t indent, size_t width, FILE *out)
{
    size_t room = width > indent + ROOM_LEAST ? width - indent : 0;
    fprintf(out, "%-*s", (int)indent, head);
    while (room > 0 && text[0] != '\0') {
        size_t count = fitting(text, room);
        fprintf(out, "%.*s\n", (int)count, text);
        text += count;
        text += text[0] == ' ' ? 1 : 0;
        if (text[0] != '\0') {
            fprintf(out, "%*s", (int)indent, "");
        }
    }
    if (room == 0) {
        fprintf(out, "%s\n", text);
    }
}
