// SPDX-License-Identifier: Apache-2.0
// The life of a bridge inside iceoryx, which aborts or blocks a program where others return errors.
//
// A program can join iceoryx once. So a bridge waits outside until RouDi is there, joins, and when
// it lost RouDi ends with SB_EXIT_RESTART: the broker starts it afresh, at no cost to its budget.
// What iceoryx aborts ends that way too, and so does a call that takes longer than its guard.
// One per process: signals have no other context.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/streambroker.h>

#include "processors/iceoryx/roudi_probe.h"

#define IOX_NAME_BYTES_MAX 100  // of service, instance and event; iceoryx cuts longer ones silently
#define IOX_CALL_NS 2000000000  // what RouDi may take to answer

struct iox_session {
    struct sb_node *node;
    int pidfd;  // of RouDi, -1 = not joined
    enum roudi_state told;
    bool has_told;
    int64_t wait_ns;  // until the next look at RouDi
    int64_t next_ns;
    int64_t looked_ns;
};

// Checks the parameters service, instance and event, and takes over the signals. Returns 0 or an
// error of the node.
int iox_session_open(struct iox_session *session, struct sb_node *node);

// Looks for RouDi when it is time to, and joins it. True when this program takes part in iceoryx:
// the caller makes its port next, inside of iox_session_guard().
bool iox_session_join(struct iox_session *session);

// True when RouDi has ended or wants this program to end. Cheap: really looks 100 times a second.
bool iox_session_is_lost(struct iox_session *session);

// From here to iox_session_unguard() the program ends with this status when limit_ns have passed.
void iox_session_guard(int64_t limit_ns, int status);
void iox_session_unguard(void);

// Between these two an error of iceoryx is one of the call: true when there was one.
void iox_session_expect_error(void);
bool iox_session_had_error(void);

// Ends the program for a fresh start. take_down gives the port back when RouDi is there for it.
_Noreturn void iox_session_leave(struct iox_session *session, void (*take_down)(void *context),
                                 void *context);

// The normal end: as above, and the program goes on to its own end.
void iox_session_close(struct iox_session *session, void (*take_down)(void *context),
                       void *context);
