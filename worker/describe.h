// SPDX-License-Identifier: Apache-2.0
// The descriptor of a processor as JSON, for --describe.
#pragma once

#include <stddef.h>

#include <streambroker/processor.h>

// Returns 0 and a terminated text that the caller frees, or -ENOMEM, or -E2BIG above 256 KiB.
int describe_json(const struct sb_processor *processor, char **out_json, size_t *out_count);

// Finds what is wrong with a descriptor before anything runs. Returns 0, or -EINVAL and a sentence.
int describe_check(const struct sb_processor *processor, char *reason, size_t reason_bytes);

// Why a processor cannot run in a mode ("has no on_tick"), NULL when it can.
const char *describe_mode_problem(const struct sb_processor *processor, enum sb_mode mode);
