#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# test: timeout=1200
"""Checks the Promela models of the data plane with spin, and that each rule in them is needed.

usage: run_model.py [--deep] [--rule RULE] [MODEL ...]

A proof must pass exhaustively. Then every rule is taken out, one at a time, and spin must find the
error that the rule prevents: a model that cannot fail proves nothing. --deep runs the proofs with
larger bounds. Exit status: 0 all as expected, 1 not, 77 spin or a C compiler is missing.
"""
import argparse
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
MEMORY_MIB = 2000
DEPTH_MAX = 200000
SECONDS_MAX = 900

# What an error means, by what pan prints of it.
SLEEPER = "sleeper left behind"
FINDINGS = [
    (SLEEPER, r"invalid end state"),
    ("payload rewritten", r"mem\[\(?[48]\+|payload\["),
    ("no slot left", r"\(\(\(lent\[0\]==0\)\|\|"),
    ("slot not given back", r"\(\(\(lent\[0\]==0\)&&"),
    ("twice without the flag", r"again\|\||0\|\| !\(\(seen|flagged\|\|"),
    ("count wrong", r"evicted.*=="),
    ("frame lost", r"finished|made\[\(\(0\*.*!=0"),
    ("output twice", r"made\[.*\]==0"),
    ("outputs differ", r"silent"),
    ("seq wrong", r"s==\((accepted|delivered)\+1\)"),
    ("three generations", r"newest-drained"),
]


@dataclasses.dataclass
class Model:
    file: str
    proofs: list            # definitions of each proof
    deep: list              # the same, with larger bounds
    base: str               # definitions under which rules are taken out
    rules: list             # (definition, what must be found)


MODELS = {
    "evict": Model(
        "evict.pml", ["N=4"], ["N=5"], "N=4",
        [("NO_INVALIDATE", "payload rewritten"),
         ("NO_FENCE_EVICT", "payload rewritten"),
         ("NO_FENCE_TAKE", "payload rewritten"),
         ("NO_HAZARD_CHECK", "payload rewritten"),
         ("HAZARDS_BEFORE_NEXT", "payload rewritten"),
         ("HAZARD_AFTER_CHECK", "payload rewritten"),
         ("NO_REREAD", "payload rewritten"),
         ("NO_ACQUIRE_BEFORE_REREAD", "payload rewritten"),
         ("FIELDS_BEFORE_SEQ", "payload rewritten"),
         ("NO_RELEASE_PUBLISH", "payload rewritten"),
         ("CLEAR_BEFORE_LOOK", "payload rewritten"),
         ("ONLY_BELOW_NEXT N=5", "no slot left")]),
    "lossless": Model(
        "lossless.pml", ["N=3", "N=4 HOLDS=1"], ["N=4", "N=4 ASK=2", "N=5 HOLDS=1"], "N=4",
        [("NO_FENCE_SLEEPER", SLEEPER),
         ("NO_FENCE_WAKER", SLEEPER),
         ("NO_RECHECK", SLEEPER),
         ("NO_BUMP", SLEEPER),
         ("BUMP_AFTER_WAKE", SLEEPER),
         ("WORD_LOADED_LAST", SLEEPER),
         ("FLAG_INSTEAD_OF_WISH", SLEEPER),
         ("WAKE_ONLY_IF_EQUAL", SLEEPER),
         ("HOLDS=1 ASK=2", SLEEPER),
         ("NO_FREE_AT_RETIRE", "payload rewritten"),
         ("FREE_AFTER_RETIRED", "payload rewritten"),
         ("RETIRED_OUT_OF_ORDER", "payload rewritten"),
         ("RELEASED_BEFORE_LOOK", "payload rewritten")]),
    "swap_evict": Model(
        "swap_evict.pml", ["N=4 LATEST"], ["N=5 LATEST"], "N=4 LATEST",
        [("NO_PAGE_NUMBER_CHECK N=5", "payload rewritten"),
         ("LENDS_DROPPED_BEFORE_PAGE_MOVE", "payload rewritten"),
         ("NUMBER_SHOWN_BEFORE_PAGE_MOVE N=5", "payload rewritten"),
         ("NO_WAKE_AFTER_SWAP", SLEEPER),
         ("LOOK_BEFORE_NEXT", "twice without the flag"),
         ("FRESH_PAGE_WITHOUT_CLAIMS", "frame lost"),
         ("PAGE_READ_BEFORE_DEATH", None),
         ("EVICTED_IN_ONE_WORD", "count wrong"),
         ("EVICTED_AFTER_NEXT", "count wrong")]),
    "swap_lossless": Model(
        "swap_lossless.pml", ["N=3", "N=3 CLAIM_BY_NEXT"],
        ["N=4", "N=4 CLAIM_BY_NEXT", "N=4 NO_CONSUMER_WAKE_AFTER_SWAP"], "N=3",
        [("NO_WAKE_AFTER_SWAP", SLEEPER),
         ("NO_BELL_IN_WAIT", SLEEPER),
         ("LOOK_BEFORE_CLAIM", "twice without the flag"),
         ("REDELIVERED_WITHOUT_FLAG", "twice without the flag"),
         ("CLAIM_AFTER_NEXT", "frame lost"),
         ("FRESH_PAGE_WITHOUT_STATES", "frame lost"),
         ("RELEASED_IS_REDELIVERED", "payload rewritten"),
         ("FREE_BELOW_NEXT_IS_REDELIVERED", "payload rewritten"),
         ("PAGE_READ_BEFORE_DEATH", None),
         ("CLAIM_BY_NEXT CLEARED_AT_RETIRE", "payload rewritten"),
         ("CLAIM_BY_NEXT CLEARED_AFTER_NEXT N=4", "frame lost")]),
    "steps": Model(
        "steps.pml", ["N=5"], ["N=6 CRASHES=4"], "N=5",
        [("CLAIMS_BEFORE_STEP", "frame lost"),
         ("STEP_WRITTEN_AFTER_PUBLISH", "output twice"),
         ("DONE_AFTER_RELEASE", "frame lost"),
         ("NO_DONE", "frame lost"),
         ("ONE_OUTPUT_IS_ENOUGH", "outputs differ"),
         ("CELL_NOT_MARKED_INVALID", "frame lost"),
         ("NO_SUPPRESSION", "output twice"),
         ("SPLIT_REDELIVERY", "output twice"),
         ("NEW_NUMBER_FOR_REPEATED_STEP", "output twice"),
         ("STEP_FORGOTTEN_ACROSS_GENERATIONS", "output twice"),
         ("REDELIVERED_WITHOUT_FLAG", "twice without the flag")]),
    "generation": Model(
        "generation.pml", ["N=4"], ["N=5", "N=4 SWITCHES=3"], "N=5",
        [("END_FROM_TAIL", "seq wrong"),
         ("SEQ_STARTS_AGAIN", "seq wrong"),
         ("MOVED_ON_BEFORE_END", SLEEPER),
         ("NO_BELL_IN_WAIT", SLEEPER),
         ("NO_WAKE_WITH_PAGE", SLEEPER),
         ("NO_WAKE_AT_END", SLEEPER),
         ("SPACE_WITHOUT_PAGE", SLEEPER),
         ("THIRD_DOES_NOT_WAIT", "three generations"),
         ("POOL_KEPT_BY_NEXT_GENERATION", "payload rewritten")]),
}


def merge(base, more):
    """The later definition of a name wins."""
    names = {}
    for word in (base + " " + more).split():
        names[word.partition("=")[0]] = word
    return list(names.values())


def command(words, folder):
    return subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=SECONDS_MAX, check=False)


def check(model, definitions, is_proof):
    """(finding or None, states, complaint or None) of one run of spin."""
    with tempfile.TemporaryDirectory(prefix="model-") as name:
        folder = pathlib.Path(name)
        for source in [FOLDER / model.file, FOLDER / "memory.inc"]:
            shutil.copy(source, folder)
        made = command(["spin", "-a", *["-D" + word for word in definitions], model.file], folder)
        if made.returncode != 0 or "Error" in made.stdout:
            return None, 0, "spin: " + made.stdout.strip()
        built = command(["cc", "-w", "-O2" if is_proof else "-O0", "-DSAFETY", "-DCOLLAPSE",
                         f"-DMEMLIM={MEMORY_MIB}", "-o", "pan", "pan.c"], folder)
        if built.returncode != 0:
            return None, 0, "cc: " + built.stdout.strip()
        try:
            output = command(["./pan", "-n", f"-m{DEPTH_MAX}"], folder).stdout
        except subprocess.TimeoutExpired:
            return None, 0, f"took more than {SECONDS_MAX} s"
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if errors is None or states is None:
        return None, 0, "pan printed no result: " + output[-400:]
    line = re.search(r"^pan:1: (.*)$", output, re.M)
    if errors.group(1) != "0":
        text = line.group(1) if line else "an error without a name"
        for finding, pattern in FINDINGS:
            if re.search(pattern, text):
                return finding, int(states.group(1)), None
        return text, int(states.group(1)), None
    if re.search(r"max search depth too small|not completed|out of memory", output):
        return None, int(states.group(1)), "the search was not exhaustive"
    return None, int(states.group(1)), None


def run(title, model, rule, definitions, expected, is_proof):
    began = time.monotonic()
    finding, states, complaint = check(model, definitions, is_proof)
    seconds = time.monotonic() - began
    if is_proof:
        is_good = finding is None and complaint is None
    else:
        is_good = complaint is None and finding is not None and expected in (None, finding)
    wanted = "no error" if is_proof else expected or "any error"
    found = complaint or finding or "no error"
    print(f"{'ok ' if is_good else 'BAD'} {title:14} {rule:36} {wanted:23} {found:23} "
          f"{states:>9} {seconds:6.1f}", flush=True)
    return is_good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deep", action="store_true", help="the proofs only, with larger bounds")
    parser.add_argument("--rule", help="take out this rule only")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    options = parser.parse_args()
    for name in options.models:
        if name not in MODELS:
            parser.error(f"no model {name}; there are {', '.join(MODELS)}")
    for tool, package in [("spin", "spin"), ("cc", "gcc")]:
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is missing (Debian package {package})")
            return 77
    print(f"    {'model':14} {'rule taken out':36} {'expected':23} {'found':23} "
          f"{'states':>9} {'s':>6}")
    bad = 0
    for name in options.models or MODELS:
        model = MODELS[name]
        if options.rule is None:
            for proof in model.deep if options.deep else model.proofs:
                bad += not run(name, model, f"none ({proof})", proof.split(), None, True)
        if not options.deep:
            for rule, expected in model.rules:
                if options.rule in (None, rule.split()[0]):
                    words = merge(model.base, rule)
                    bad += not run(name, model, rule, words, expected, False)
    print(f"{bad} not as expected" if bad else "all as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
