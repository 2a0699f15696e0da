// SPDX-License-Identifier: Apache-2.0
// Attacks on memory that another worker writes and this one may only read.
#pragma once

// Tries to write, change, seal and lock it, one line each.
void evil_memory_attack(int fd);
