// SPDX-License-Identifier: Apache-2.0
// The launcher itself: the only process that forks, executes and reaps.
#pragma once

// Serves requests on this socket until the other end is gone; then kills everything that it
// started, unlinks the control socket, and exits.
_Noreturn void launcher_process_run(int socket);
