// SPDX-License-Identifier: Apache-2.0
// What is wrong with a descriptor, found before anything runs.
#pragma once

#include <stddef.h>

#include <streambroker/processor.h>

// Returns 0, or -EINVAL and a sentence that names the processor and what is wrong with it.
int describe_check(const struct sb_processor *processor, char *reason, size_t reason_bytes);

// Why a processor cannot run in a mode ("has no on_tick"), NULL when it can.
const char *describe_check_mode(const struct sb_processor *processor, enum sb_mode mode);
