// SPDX-License-Identifier: Apache-2.0
// The descriptor of a processor as JSON, for --describe.
#pragma once

#include <stddef.h>

#include <streambroker/processor.h>

// Returns 0 and a terminated text that the caller frees, or -ENOMEM, or -E2BIG above 256 KiB.
int describe_json(const struct sb_processor *processor, char **out_json, size_t *out_count);
