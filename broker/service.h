// SPDX-License-Identifier: Apache-2.0
// What a service manager is told: that the graph runs, that it ends, and that the loop is alive.
// Without one ($NOTIFY_SOCKET) nothing is done.
#pragma once

#include <systemd/sd-event.h>

// From now on the loop says that it turns, as often as $WATCHDOG_USEC wants it. Returns 0 or a
// negative errno.
int service_watch(sd_event *event);

// The graph runs, or is loaded and waits for its start; text is what `systemctl status` shows.
void service_ready(const char *text);

void service_stopping(const char *text);
