/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Everything that a processor needs, in one header.
 *
 * The tour: processor.h says what a processor is and does, frame.h what goes through it, format.h
 * what the bytes mean, memory.h where they lie, error.h what calls return.
 */
#ifndef STREAMBROKER_STREAMBROKER_H
#define STREAMBROKER_STREAMBROKER_H

#include <streambroker/error.h>
#include <streambroker/format.h>
#include <streambroker/frame.h>
#include <streambroker/memory.h>
#include <streambroker/processor.h>
#include <streambroker/version.h>

#endif
