# SPDX-License-Identifier: Apache-2.0
"""Waiting for what is expected, instead of sleeping and hoping. Tests import it by name."""
import time

POLL_S = 0.005


def wait_until(condition, what, limit_s=20):
    """Returns the first true value of condition(), or fails after limit_s saying what did not happen."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"after {limit_s} s: {what}")
        time.sleep(POLL_S)


def let_pass(seconds):
    """A span of time that is itself part of a test: a random moment, or how long somebody is stopped."""
    time.sleep(seconds)
