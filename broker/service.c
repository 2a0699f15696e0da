// SPDX-License-Identifier: Apache-2.0
// Tells systemd, through libsystemd, which is linked for the loop anyway.
#include "broker/service.h"

#include <systemd/sd-daemon.h>

// That nobody listens is no failure, and neither is that it cannot be told.
static void tell(const char *state, const char *text)
{
    (void)sd_notifyf(0, "%s=1\nSTATUS=%s", state, text);
}

int service_watch(sd_event *event)
{
    int result = sd_event_set_watchdog(event, 1);
    return result < 0 ? result : 0;
}

void service_ready(const char *text)
{
    tell("READY", text);
}

void service_stopping(const char *text)
{
    tell("STOPPING", text);
}
