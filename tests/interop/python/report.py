"""Runs cases and says how they ended: a line `ok` or `FAIL` for each, the exit status for all."""

import asyncio
import os
import sys
import traceback

# Longer than any case needs on a busy machine; a case that hangs must not stop the others.
WITHIN = 120


class Report:
    """What was tried, and what failed."""

    def __init__(self, peer):
        self.peer = peer
        self.passed = 0
        self.failed = 0

    def ok(self, name):
        self.passed += 1
        print(f"ok   {self.peer}: {name}", flush=True)

    def fail(self, name, why):
        self.failed += 1
        print(f"FAIL {self.peer}: {name}: {why}", flush=True)

    async def check(self, name, case):
        """Awaits a case; what it raises is its failure."""
        try:
            async with asyncio.timeout(WITHIN) as limit:
                await case
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this case's failure
            if limit.expired():
                self.fail(name, f"not done after {WITHIN} s")
                return
            # A wait inside it may have ended as well: what counts is where, in what is ours.
            frames = traceback.extract_tb(error.__traceback__)
            where = ([frame for frame in frames if is_of_a_case(frame.filename)] or frames)[-1]
            place = f"{where.name} in {os.path.basename(where.filename)}, line {where.lineno}"
            self.fail(name, f"{type(error).__name__}: {error} ({place})")
        else:
            self.ok(name)

    async def check_all(self, cases, *arguments):
        for case in cases:
            await self.check(sentence(case), case(*arguments))

    def take(self, said, whose):
        """Counts the cases that another program has printed."""
        for line in said.splitlines():
            if line.startswith(("ok   ", "FAIL ")):
                print(f"{line} ({whose})", flush=True)
                self.passed += line.startswith("ok")
                self.failed += line.startswith("FAIL")

    def end(self):
        """Ends the program."""
        print(f"{self.peer}: {self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


def is_of_a_case(file):
    """Whether what failed there is a case, and neither a library nor this report."""
    file = os.path.abspath(file)
    return os.path.dirname(file) == os.path.dirname(os.path.abspath(__file__)) and file != os.path.abspath(__file__)


def sentence(case):
    """The name of a case's function as a sentence."""
    return case.__name__.replace("_", " ")


def equal(got, wanted):
    """Fails unless both are equal and of the same types, which 1 == 1.0 == True does not say."""
    if got != wanted or shape(got) != shape(wanted):
        raise AssertionError(f"{short(got)} and not {short(wanted)}")


def shape(value):
    """The types of a value and of all that is in it; a tuple counts as a list, as in WAMP."""
    if isinstance(value, (list, tuple)):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value)


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"
