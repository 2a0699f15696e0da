// SPDX-License-Identifier: Apache-2.0
// Joins RouDi and leaves it again: one that hangs lets nobody join. Who runs this sets the limit.
#include <stdio.h>
#include <unistd.h>

#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/runtime.h>

int main(void)
{
    char name[64];
    snprintf(name, sizeof name, "streambroker-probe-%d", (int)getpid());
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(name);
    iox_runtime_shutdown();
    return 0;
}
