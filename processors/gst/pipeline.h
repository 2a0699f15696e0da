// SPDX-License-Identifier: Apache-2.0
// A GStreamer pipeline made of a launch fragment, whose named elements are ends of ports.
//
// The element of the fragment that is called like a port is that port's end. An appsink or appsrc
// of that name is used itself; any other element gets one linked to its free pad, with a converter
// between them for raw video and audio.
//
// Threads: GStreamer's threads only count events here and wake the processor's thread.
#pragma once

#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

#include <streambroker/format.h>

#define PIPELINE_TEXT_BYTES 480

struct pipeline {
    GstElement *top;  // the whole, owned
    GstBin *bin;      // the fragment, owned by top
    GMutex lock;      // protects what follows
    GCond wake;
    uint64_t events;  // grows with each thing that may be worth a look
    bool is_prerolled;
    bool is_eos;
    bool has_failed;
    char text[PIPELINE_TEXT_BYTES];  // why
};

// Starts GStreamer, and makes the pipeline. {path} in the fragment becomes the path, escaped.
// Returns 0; -EIO or -EINVAL with GStreamer's reason in out_text; -ENOMEM.
int pipeline_create(const char *fragment, const char *path, struct pipeline **out_pipeline,
                    char out_text[PIPELINE_TEXT_BYTES]);

// Stops everything and frees; NULL is fine.
void pipeline_destroy(struct pipeline *pipeline);

// True when the fragment has an element of this name.
bool pipeline_has(const struct pipeline *pipeline, const char *name);

// The appsink at the end of a port (is_output) or the appsrc before it, owned by the pipeline.
// NULL, and the reason in pipeline->text, when the element of that name cannot be linked.
GstElement *pipeline_end_of(struct pipeline *pipeline, const char *name, enum sb_port_type type,
                            bool is_output);

// Drops what comes out of an element that no port needs. Returns 0; -EINVAL as above.
int pipeline_plug_output(struct pipeline *pipeline, const char *name);

// Changes the state. Returns 1 when it is reached, 0 when it comes later (or never, for the preroll
// of a live source), -EIO with the reason in pipeline->text.
int pipeline_set_state(struct pipeline *pipeline, GstState state, bool *out_is_live);

// What has happened so far, to be given to pipeline_wait().
uint64_t pipeline_events(struct pipeline *pipeline);

// Waits until something happens after `seen`, at most for the time.
void pipeline_wait(struct pipeline *pipeline, uint64_t seen, int64_t time_ns);

// Something happened; may be called by any thread.
void pipeline_notify(struct pipeline *pipeline);

// The flags of above, read under the lock.
bool pipeline_is_eos(struct pipeline *pipeline);
bool pipeline_has_failed(struct pipeline *pipeline);
bool pipeline_is_prerolled(struct pipeline *pipeline);
