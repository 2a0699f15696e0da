// SPDX-License-Identifier: Apache-2.0
// Bounds that both ends of every boundary check. One place, so that no two of them differ.
#pragma once

#include <stdint.h>

#define LIMIT_MESSAGE_BYTES_MAX 65536  // one control message
#define LIMIT_MESSAGE_FDS_MAX 2
#define LIMIT_LINKS_PER_SIDE_MAX 120  // links into a node, and out: futex_waitv takes 128 words
#define LIMIT_LINKS_MAX 32768         // links of a graph: all that 256 nodes can have, and more
#define LIMIT_DEPTH_MAX 65536         // cells of a link
#define LIMIT_CLAIMS_MAX 1024         // frames that a reader may have taken and not released
#define LIMIT_GENERATIONS_MAX 1024    // of an output: a reader may hold a frame of each
#define LIMIT_SLOTS_MAX 131072        // slots of a pool
#define LIMIT_SEQ_MAX (1ULL << 62)    // frames of a link: what is above is a lie
#define LIMIT_PAYLOAD_BYTES_MAX (1ULL << 32)
#define LIMIT_SEGMENT_BYTES_MAX (1ULL << 40)
#define LIMIT_STEP_CLAIMS_MAX 4096   // claims that one step may have in all
#define LIMIT_FORMATS_MAX 16         // formats that an output may offer
#define LIMIT_NODE_ID_BYTES_MAX 64   // terminator included
#define LIMIT_ADDRESS_BYTES_MAX 160  // node.port, terminator included
#define LIMIT_ERROR_TEXT_BYTES_MAX 1024
#define LIMIT_DURATION_NS_MAX (INT64_C(1) << 60)  // 36 years: added to any clock it fits int64_t
