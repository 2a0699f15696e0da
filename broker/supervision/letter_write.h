// SPDX-License-Identifier: Apache-2.0
// The helper that writes one dead letter: this program again, started by the launcher, in a process
// of its own, because the broker itself reads no frame.
//
// Descriptor 3 is the pool or the publish page, read-only. The frame stays lent for as
// long as the node that died is not started again, and that waits for this process.
#pragma once

#include <stdbool.h>

// First argument of the helper. The others: where the frame lies, folder, most bytes of all letters
// in it, offset of the slot or cell, bytes of its payload, name of the file, head of the file.
#define LETTER_WRITE_OPTION "--write-letter"
#define LETTER_WRITE_SLOT "slot"
#define LETTER_WRITE_CELL "cell"
#define LETTER_WRITE_ARGUMENTS 9  // with the program's name and the option

// What it prints when it is done: how many older letters had to go.
#define LETTER_WRITE_DONE "written dropped=%u"

bool letter_write_is_meant(int argc, char *const *argv);

// Writes the letter. Returns the exit status; says on stderr what went wrong.
int letter_write_main(int argc, char *const *argv);
