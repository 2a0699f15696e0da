// SPDX-License-Identifier: Apache-2.0
// Looks whether iceoryx's daemon RouDi can be joined, without talking to it: who registers with one
// that is not there waits for a minute and is aborted.
#pragma once

// State, what is said about it.
#define ROUDI_STATES(X)                                                                            \
    X(ABSENT, "no RouDi is running")                                                               \
    X(DENIED, "RouDi is running and this user may not talk to it (is it in RouDi's group?)")       \
    X(ELSEWHERE,                                                                                   \
      "RouDi runs in another pid namespace: it would signal the wrong processes, so it is not "    \
      "joined")                                                                                    \
    X(THERE, "RouDi is running")

enum roudi_state {
#define X(name, text) ROUDI_##name,
    ROUDI_STATES(X)
#undef X
};

// Where iceoryx keeps its sockets and locks; the place is compiled into it.
#define ROUDI_FOLDER "/tmp"

// When it is THERE, *out_pidfd becomes readable at its end; the caller closes it.
enum roudi_state roudi_probe_look(const char *folder, int *out_pidfd);

const char *roudi_probe_text(enum roudi_state state);
