// SPDX-License-Identifier: Apache-2.0
// --selftest: the processor on generated frames, through the same rings, without a broker.
#pragma once

#include <streambroker/processor.h>

// Returns the exit status: 0 when every step succeeded, 1 when one failed, 77 with a reason when
// the processor cannot run without what only a graph can give it.
int selftest_run(const struct sb_processor *processor);
