// SPDX-License-Identifier: Apache-2.0
// Mappings that frames lie in, and who hears before one of them goes.
#pragma once

#include "worker/runtime.h"

// Unmaps a pool, after whoever asked for it was told. A mapping of nothing is left alone.
void region_unmap(struct sb_node *node, struct mapping *mapping);
