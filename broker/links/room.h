// SPDX-License-Identifier: Apache-2.0
// Whether an output may have one more generation.
//
// A generation is dropped when every reader has moved on from it and holds no frame of it. Readers
// may hold frames of as many generations as they like: there are never more of those than frames
// that they hold. Generations that a reader has not come to the end of are few, because nothing but
// memory is won by more of them: it reads at its own pace. Who waits for that gets the memory when
// it has read on; where it never will, because it waits for the one that waits for memory, that is
// a circle like any other (supervision/deadlock.h), and the memory is given.
#pragma once

#include "broker/actual.h"

// Generations that one reader may have before it, the one that it reads included.
#define ROOM_UNREAD_MAX 8

enum room {
    ROOM_FREE,
    ROOM_BUSY,    // the newest is on its way to both ends
    ROOM_UNREAD,  // a reader is too far behind
};

enum room room_look(const struct actual_output *output);

// Generations of a link that its reader has not read to their end: the first with frames that it
// has not taken, and all behind that.
uint32_t room_unread(const struct actual_link *link);

// True when its reader has too many of them.
bool room_is_far_behind(const struct actual_link *link);

// True when older generations of the output will be dropped once their readers are done with them.
bool room_will_come(const struct actual_output *output);

// True when the producer of a link waits for a generation because of the reader of this one.
bool room_is_withheld(const struct actual_link *link);
