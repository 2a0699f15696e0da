# SPDX-License-Identifier: Apache-2.0
"""A test case with a graph in a folder of its own."""
import unittest

from graphs import Graph


class GraphCase(unittest.TestCase):
    def setUp(self):
        self.graph = Graph()
        self.addCleanup(self.graph.close)

    def start(self, *options):
        """The graph that was written, in the background until the end of the case."""
        running = self.graph.start(*options)
        self.addCleanup(running.close)
        return running

    def run_graph(self, nodes, links, status=0):
        """What the broker says of a graph that ends by itself."""
        self.graph.write(nodes, links)
        done = self.graph.run("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr
