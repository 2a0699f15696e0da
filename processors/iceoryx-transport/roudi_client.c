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
    // The end of the process takes leave. iox_runtime_shutdown() beside it can wait for ever for an
    // answer from a RouDi that has let us go already.
    iox_runtime_init(name);
    return 0;
}
