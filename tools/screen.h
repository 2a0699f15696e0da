// SPDX-License-Identifier: Apache-2.0
// A terminal on which one page is drawn again and again: no scrolling, keys at once, and everything
// as it was before when it ends.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct screen {
    bool has_keys;         // stdin is a terminal too
    struct termios saved;  // of stdin
    int signals;           // owned: SIGWINCH and those that end us
    size_t rows;
    size_t columns;
};

enum screen_news {
    SCREEN_TIME,     // the deadline has passed
    SCREEN_RESIZED,  // draw again
    SCREEN_QUIT,     // q, or a signal
    SCREEN_READY,    // the descriptor can be read
};

// stdout must be a terminal. Returns 0 or a negative errno; then nothing has changed.
int screen_begin(struct screen *screen);
void screen_end(struct screen *screen);

// Draws a page over the one before: lines are cut at the right, and what is too much below is
// counted in the last line.
void screen_draw(struct screen *screen, const char *page);

// Until there are news, or deadline_ns of the monotonic clock.
enum screen_news screen_wait(struct screen *screen, int fd, int64_t deadline_ns);
