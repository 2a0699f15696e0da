// SPDX-License-Identifier: Apache-2.0
// A page is drawn into the terminal that there is, and keys and signals are news.
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tools/screen.h"

// stdin and stdout are a terminal of that size while a case runs.
struct terminal {
    int master;
    int in;
    int out;
};

static struct terminal terminal_begin(unsigned short rows, unsigned short columns)
{
    struct terminal terminal = {.in = dup(STDIN_FILENO), .out = dup(STDOUT_FILENO)};
    int slave;
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    fflush(stdout);
    assert_int_equal(openpty(&terminal.master, &slave, NULL, NULL, &size), 0);
    assert_int_equal(fcntl(terminal.master, F_SETFL, O_NONBLOCK), 0);
    dup2(slave, STDIN_FILENO);
    dup2(slave, STDOUT_FILENO);
    close(slave);
    return terminal;
}

static void terminal_end(struct terminal *terminal)
{
    fflush(stdout);
    dup2(terminal->in, STDIN_FILENO);
    dup2(terminal->out, STDOUT_FILENO);
    close(terminal->in);
    close(terminal->out);
    close(terminal->master);
}

static const char *shown(const struct terminal *terminal)
{
    static char bytes[8192];
    ssize_t count = read(terminal->master, bytes, sizeof bytes - 1);
    bytes[count > 0 ? count : 0] = '\0';
    return bytes;
}

static void a_page_is_cut_to_the_terminal(void **state)
{
    (void)state;
    struct terminal terminal = terminal_begin(4, 8);
    struct screen screen;
    assert_int_equal(screen_begin(&screen), 0);
    shown(&terminal);
    screen_draw(&screen, "short\nwide and wider\n");
    const char *text = shown(&terminal);
    char copy[8192];
    snprintf(copy, sizeof copy, "%s", text);
    screen_draw(&screen, "1\n2\n3\n4\n5\n");
    char more[8192];
    snprintf(more, sizeof more, "%s", shown(&terminal));
    screen_end(&screen);
    char end[8192];
    snprintf(end, sizeof end, "%s", shown(&terminal));
    terminal_end(&terminal);
    assert_string_equal(copy, "\033[Hshort\033[K\r\nwide and\033[K\r\n\033[J");
    assert_string_equal(more, "\033[H1\033[K\r\n2\033[K\r\n(3 more \033[K\r\n\033[J");
    // The cursor and the page of before are back.
    assert_non_null(strstr(end, "\033[?25h"));
    assert_non_null(strstr(end, "\033[?1049l"));
}

static void keys_signals_and_time_are_news(void **state)
{
    (void)state;
    struct terminal terminal = terminal_begin(24, 80);
    struct screen screen;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(screen_begin(&screen), 0);
    int64_t now_ns = clock_now_ns();
    enum screen_news time = screen_wait(&screen, ends[0], now_ns);
    struct winsize size = {.ws_row = 10, .ws_col = 20};
    ioctl(terminal.master, TIOCSWINSZ, &size);
    raise(SIGWINCH);
    enum screen_news resized = screen_wait(&screen, ends[0], now_ns + 60 * CLOCK_NS_PER_S);
    size_t rows = screen.rows;
    size_t columns = screen.columns;
    // A key that means nothing is passed over.
    bool is_typed = write(terminal.master, "xq", 2) == 2;
    enum screen_news quit = screen_wait(&screen, ends[0], now_ns + 60 * CLOCK_NS_PER_S);
    raise(SIGTERM);
    enum screen_news ended = screen_wait(&screen, ends[0], now_ns + 60 * CLOCK_NS_PER_S);
    bool is_written = write(ends[1], "x", 1) == 1;
    enum screen_news ready = screen_wait(&screen, ends[0], now_ns + 60 * CLOCK_NS_PER_S);
    screen_end(&screen);
    terminal_end(&terminal);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(time, SCREEN_TIME);
    assert_int_equal(resized, SCREEN_RESIZED);
    assert_int_equal(rows, 10);
    assert_int_equal(columns, 20);
    assert_true(is_typed && is_written);
    assert_int_equal(quit, SCREEN_QUIT);
    assert_int_equal(ended, SCREEN_QUIT);
    assert_int_equal(ready, SCREEN_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_cut_to_the_terminal),
        cmocka_unit_test(keys_signals_and_time_are_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
