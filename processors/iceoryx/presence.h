// SPDX-License-Identifier: Apache-2.0
// Ends a program that RouDi may have taken for dead, or that RouDi would keep from ending.
#ifndef PROCESSORS_ICEORYX_PRESENCE_H
#define PROCESSORS_ICEORYX_PRESENCE_H

// Begins to watch the program, once; after the runtime of iceoryx. Returns 0 or a negative errno.
int presence_begin(void);

// Ends the program with SB_EXIT_RESTART when it stood still for so long that RouDi may have taken
// its ports away: then nothing comes any more, and nothing that is sent arrives. Call it before
// anything is sent, and before nothing is believed to be there. Any thread.
void presence_check(void);

// From now on an exit is over after a second, with its own status: RouDi may not answer the
// goodbye. After the runtime of iceoryx. Returns 0 or a negative errno.
int presence_bound_exit(void);

#endif
