#!/usr/bin/env python3
"""Kills the store's worker at every system call, and lets every call that writes fail; then looks at what is left.

usage: inject.py WORKER kill|fail
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 60
# The calls by which the store writes. `openat` also reads; that fails as clearly.
WRITING = ["openat", "write", "fsync", "fchmod", "linkat", "renameat", "unlinkat", "flock", "mkdir"]
ERRORS = ["ENOSPC", "EIO", "EROFS"]
# After these the file is in place: what the directory's fsync says is logged and changes nothing.
FILES = {"identity.key", "noise.key", "tls.key", "tls.crt", "devices.json", "devices.json.bak", "state.json", "state.json.bak"}

worker, part = os.path.abspath(sys.argv[1]), sys.argv[2]


class Place:
    """A directory for one run."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="deskconn-state.")
        self.state = os.path.join(self.root, "state")
        self.log = os.path.join(self.root, "strace")

    def run(self, options=(), command="work"):
        """The worker's lines, whether it came to its own end, and its exit status."""
        strace = ["strace", "-f", "-o", self.log, *options] if options is not None else []
        done = subprocess.run([*strace, worker, self.state, command], capture_output=True, text=True, timeout=PATIENCE_S)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]
        return lines, done

    def show(self):
        lines, done = self.run(None, "show")
        assert done.returncode == 0, f"it does not open any more: {lines} {done.stderr}"
        return lines[-1]

    def names(self):
        return set(os.listdir(self.state))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)


def calls():
    """How often each system call is made, and how many of them before the worker begins."""
    with Place() as place:
        lines, done = place.run(["-e", "trace=all"])
        assert done.returncode == 0, done.stderr
        before, counts, begun = collections.Counter(), collections.Counter(), False
        with open(place.log) as log:
            for line in log:
                match = re.match(r"\d+ +(\w+)\(", line)
                if not match:
                    continue
                begun = begun or '{\\"begin\\":\\"open\\"}' in line
                counts[match[1]] += 1
                if not begun:
                    before[match[1]] += 1
        assert begun, "the trace does not show the beginning"
        return lines, before, counts


def states(lines):
    return [line["state"] for line in lines if "state" in line]


def killed(step):
    call, number, undisturbed = step
    with Place() as place:
        lines, done = place.run(["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"])
        if done.returncode == 0:
            return f"{call} {number}: it was not killed"
        seen, known = states(lines), states(undisturbed)
        after = place.show()
        # Whatever was said stands; what was running then may have happened.
        allowed = [seen[-1], known[len(seen)]] if seen and len(seen) < len(known) else [seen[-1]] if seen else [known[0]]
        if after["state"] not in allowed:
            return f"{call} {number}: {after['state']} is none of {allowed}"
        if after["read_only"]:
            return f"{call} {number}: {after['read_only']}"
        keys = next((line["keys"] for line in lines if "keys" in line), None)
        if keys and keys != after["keys"]:
            return f"{call} {number}: the keys have changed"
        if place.show()["keys"] != after["keys"]:
            return f"{call} {number}: the keys do not stay"
        if not place.names() <= FILES:
            return f"{call} {number}: left behind: {place.names() - FILES}"
    return None


def failed(step):
    call, number, error = step
    what = f"{call} {number} {error}"
    with Place() as place:
        lines, done = place.run(["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"])
        with open(place.log) as log:
            assert "(INJECTED)" in log.read(), f"{what}: nothing failed, so nothing is tested"
        if done.returncode < 0 or "panicked" in done.stderr:
            return f"{what}: it crashed: {done.stderr}"
        if any("failed" in line for line in lines):
            # The start itself was refused: with a sentence, and the next one works.
            place.show()
            return None if len(lines[-1]["failed"]) > 20 else f"{what}: {lines[-1]}"
        if call == "write" and len(states(lines)) < 7:
            return None  # It was a line of the worker's own that did not come out.
        after = place.show()
        last = next(line for line in reversed(lines) if "state" in line)
        read_only = last["read_only"]
        if read_only:
            # The failure was at the start; nothing is kept in that run, and the next one is whole.
            return None if not after["read_only"] and "state" in after else f"{what}: {after}"
        if after["state"] != last["state"]:
            return f"{what}: the disk has {after['state']}, the memory had {last['state']}"
        previous = None
        for line in lines:
            if "refused" in line:
                if line["state"] != previous and "192.0.2.7" not in json.dumps(line["state"]):
                    return f"{what}: refused, and yet {previous} became {line['state']}"
                if len(line["refused"]) < 20:
                    return f"{what}: {line['refused']}"
            previous = line.get("state", previous)
        if after["keys"] != last["keys"]:
            return f"{what}: the keys have changed"
        if not place.names() <= FILES:
            return f"{what}: left behind: {place.names() - FILES}"
    return None


def main():
    undisturbed, before, counts = calls()
    if part == "kill":
        # Before it begins nothing can be lost: the first of those calls stands for all.
        steps = [(call, number, undisturbed) for call in counts for number in range(before[call] + 1, counts[call] + 1)]
        judge = killed
    else:
        missing = [call for call in ("openat", "write", "fsync", "renameat") if call not in counts]
        assert not missing, f"the store makes other calls than this test knows: {sorted(counts)}"
        steps = [
            (call, number, error)
            for call in WRITING
            for number in range(before[call] + 1, counts[call] + 1)
            for error in ERRORS
        ]
        judge = failed
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        wrong = [problem for problem in pool.map(judge, steps) if problem]
    for problem in wrong:
        print(f"FAIL {problem}")
    refusals = "" if part == "kill" else f" with {len(ERRORS)} errors"
    print(f"{part}: {len(steps)} runs over {len({step[0] for step in steps})} system calls{refusals}, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


main()
