// SPDX-License-Identifier: Apache-2.0
// The daemon that iceoryx needs: started at the first use, ended with the program.
#pragma once

// Returns 0 when it runs and takes applications; -ENOENT when there is none to start; others.
int roudi_start(const char *folder);
void roudi_stop(void);
