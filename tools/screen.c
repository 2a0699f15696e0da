// SPDX-License-Identifier: Apache-2.0
// Draws pages with the few control sequences that every terminal knows.
#include "tools/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

// The other page of the terminal, without a cursor; and back.
#define OTHER_PAGE "\033[?1049h\033[?25l"
#define OWN_PAGE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define REST_OF_LINE "\033[K"
#define REST_OF_PAGE "\033[J"

#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

static void measure(struct screen *screen)
{
    struct winsize window = {.ws_row = 0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
    screen->rows = window.ws_row > 0 ? window.ws_row : ROWS_DEFAULT;
    screen->columns = window.ws_col > 0 ? window.ws_col : COLUMNS_DEFAULT;
}

static sigset_t signals_of(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

int screen_begin(struct screen *screen)
{
    sigset_t set = signals_of();
    *screen = (struct screen){.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (screen->signals < 0) {
        return -errno;
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    screen->has_keys = tcgetattr(STDIN_FILENO, &screen->saved) == 0;
    if (screen->has_keys) {
        struct termios keys = screen->saved;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    measure(screen);
    fputs(OTHER_PAGE, stdout);
    return fflush(stdout) == 0 ? 0 : -errno;
}

void screen_end(struct screen *screen)
{
    fputs(OWN_PAGE, stdout);
    fflush(stdout);
    if (screen->has_keys) {
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->saved);
    }
    cleanup_fd(&screen->signals);
    sigset_t set = signals_of();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

// Bytes of the first columns characters of a line.
static size_t cut(const char *line, size_t length, size_t columns)
{
    size_t end = 0;
    for (size_t shown = 0; end < length && shown < columns; shown++) {
        size_t step = text_utf8_length(line + end, length - end);
        end += step > 0 ? step : 1;
    }
    return end;
}

static size_t count_lines(const char *page)
{
    size_t count = 0;
    for (; *page != '\0'; page++) {
        count += *page == '\n';
    }
    return count;
}

void screen_draw(struct screen *screen, const char *page)
{
    size_t lines = count_lines(page);
    // The cursor stands below the last line, which must not scroll the page away.
    size_t room = screen->rows - 1;
    size_t shown = lines <= room ? lines : room > 0 ? room - 1 : 0;
    fputs(HOME, stdout);
    for (size_t i = 0; i < shown; i++) {
        size_t length = strcspn(page, "\n");
        printf("%.*s" REST_OF_LINE "\n", (int)cut(page, length, screen->columns), page);
        page += length + 1;
    }
    if (shown < lines && room > 0) {
        char more[64];
        struct text text = TEXT_OVER(more);
        text_add_format(&text, "(%zu more lines)", lines - shown);
        printf("%.*s" REST_OF_LINE "\n", (int)cut(more, text.length, screen->columns), more);
    }
    fputs(REST_OF_PAGE, stdout);
    fflush(stdout);
}

static enum screen_news take_signal(struct screen *screen)
{
    struct signalfd_siginfo signal;
    bool is_resized = true;
    while (read(screen->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
        is_resized = is_resized && signal.ssi_signo == SIGWINCH;
    }
    measure(screen);
    return is_resized ? SCREEN_RESIZED : SCREEN_QUIT;
}

// True for q, and at the end of the keys.
static bool is_quit_typed(void)
{
    char key;
    ssize_t got = read(STDIN_FILENO, &key, 1);
    return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN) ||
           (got == 1 && (key == 'q' || key == 'Q'));
}

enum screen_news screen_wait(struct screen *screen, int fd, int64_t deadline_ns)
{
    for (;;) {
        int64_t left_ns = deadline_ns - clock_now_ns();
        if (left_ns <= 0) {
            return SCREEN_TIME;
        }
        struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                                 {.fd = screen->signals, .events = POLLIN},
                                 {.fd = screen->has_keys ? STDIN_FILENO : -1, .events = POLLIN}};
        int ready = poll(waits, ARRAY_COUNT(waits), (int)(left_ns / CLOCK_NS_PER_MS) + 1);
        if (ready <= 0) {
            continue;
        }
        if (waits[1].revents != 0) {
            return take_signal(screen);
        }
        if (waits[2].revents != 0 && is_quit_typed()) {
            return SCREEN_QUIT;
        }
        if (waits[0].revents != 0) {
            return SCREEN_READY;
        }
    }
}
