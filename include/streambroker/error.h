/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Errors: what a call returns when it did not do what it says.
 *
 * Every call returns 0 or a positive number when it succeeded and a negative errno when it did not.
 * A call that failed changed nothing, unless its description says otherwise.
 */
#ifndef STREAMBROKER_ERROR_H
#define STREAMBROKER_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what the library shows to programs; everything else is hidden. */
#define SB_API __attribute__((visibility("default")))

/**
 * How a processor ends: the broker's answer depends on it.
 *
 * Source:  restart rules of docs/graph.md, key restart.
 */
enum sb_exit {
    SB_EXIT_FINISHED = 0,    /**< did all its work: finished */
    SB_EXIT_FAILED = 1,      /**< failed: restarted within the budget */
    SB_EXIT_RESTART = 75,    /**< wants a fresh start: restarted, not counted */
    SB_EXIT_BAD_CONFIG = 78, /**< cannot work with this config: never restarted */
    SB_EXIT_BAD_DATA = 125   /**< found its data wrong: never restarted, the graph ends with 1 */
};

/**
 * One word for an error code.
 *
 * Owner:   static text, never freed.
 * Thread:  any.
 * Returns: for example "EPIPE"; "0" for success; "?" for a code that no call returns.
 */
SB_API const char *sb_error_name(int code);

/**
 * One sentence part for an error code, for example "the port has ended".
 *
 * Owner:   static text, never freed.
 * Thread:  any.
 */
SB_API const char *sb_error_text(int code);

#ifdef __cplusplus
}
#endif

#endif
