#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A processor in Python, for python.yaml: docs/python.md says how it works."""
import sys

import streambroker as sb


class Words(sb.Processor):
    """Puts the number of its words in front of each line."""

    version = "1.0.0"
    inputs = [sb.Input("text", "text", help="lines")]
    outputs = [sb.Output("text", "text", help="the same with a number in front", one_per_step=True)]
    params = [sb.Param("least", "int", default=1, minimum=0, maximum=1000, help="Words of a line that is kept.")]

    def open(self):
        self.total = 0

    def process(self, frame):
        count = len(frame.text.split())
        self.total += count
        if count >= self.param("least"):
            self.output("text").write(f"{count:3} {frame.text}")

    def close(self):
        self.log(f"{self.total} words, counted by Python {sys.version.split()[0]}")


if __name__ == "__main__":
    sb.main(Words)
