// SPDX-License-Identifier: Apache-2.0
// `streambroker --describe PROGRAM...`: what programs say about themselves, for tools that know no
// graph.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct launcher;

// Runs each program with --describe: one that is vouched for (its signature by a key of
// /etc/streambroker/keys, or by the install) as it is, every other one in the sandbox of an
// untrusted node without grants; is_trusted: all of them as they are. Prints a JSON list of {path,
// description} or {path, error}. Returns the exit status: 0; 1 when one did not describe itself; 77
// when the sandbox of one cannot be made here; 70.
int describe_command(struct launcher *launcher, const char *const *programs, size_t count,
                     bool is_trusted);
