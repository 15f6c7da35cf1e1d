#!/usr/bin/env python3
"""Runs what the documents tell their readers to type: each block for a shell, in the order of its document.

usage: documents.py BINDIR EXAMPLES [DOCUMENT...]     BINDIR holds deskconnd and deskconnctl, EXAMPLES the program `stage`; as root

Each document gets a daemon of its own on a machine of fakes (tests/browser/stage.rs), in a network where nothing but loopback
is, as an ordinary user, with a device PHONE that is paired and a desktop that is called NAME. `deskconnctl` goes through a script that
is the person: types codes, and ends what would go on for ever. A block with a word of the table in docs/CONTRIBUTING.md is left
out, and so is one that is a whole script; tests/it/blocks.rs parses all of them. What a block in `console` shows behind its commands is
compared with what they say; `…` there stands for anything.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Folders that are made, or whose documents are of other programs.
MADE = {"target", "node_modules", "dist", "vectors", "corpus", ".git"}
# Who types.
USER, GROUP = "nobody", "nogroup"
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups"]
# Longest that one block may take.
BLOCK_TIME_S = 30


def blocks(text):
    """The language, line and text of each block."""
    language, start, lines = None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, start, lines = line[3:], number, []
        else:
            yield language, start, "\n".join(lines) + "\n"
            language = None


def not_run():
    """The words of a block that is only parsed."""
    text = (ROOT / "docs/CONTRIBUTING.md").read_text()
    table = text.split("## Commands that no test runs")[1].split("\n## ")[0]
    words = [re.findall("`([^`]+)`", row.split(" | ")[0]) for row in table.splitlines() if row.startswith("| `")]
    return {word for row in words for word in row}


def is_left_out(text, words):
    commands = re.sub(r"(^|\s)#.*", "", text)
    said = re.split(r"[\s;&|()'\"]+", commands)
    is_meant = lambda one, word: one == word or (re.search("[.:]", word) and word in one)
    return text.startswith("#!") or any(is_meant(one, word) for one in said for word in words)


def commands_with_output(text):
    """Of a block in console: each command with what is shown behind it."""
    shown = []
    for line in text.splitlines():
        if line.startswith("$ "):
            shown.append((line[2:], []))
        else:
            shown[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in shown]


def matches(shown, said):
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in said.strip().splitlines()), re.DOTALL) is not None


class Machine:
    """A daemon, and the folder in which its reader types."""

    def __init__(self, bindir, examples, work):
        # Copies: the folder of the sources may be closed to the user that types.
        self.place = work / "place"
        shutil.copytree(ROOT / "examples", self.place / "examples")
        home, run, tools, programs = work / "home", work / "run", work / "bin", work / "programs"
        for folder in (run, tools, programs, home / ".config/deskconn", self.place / "target/release"):
            folder.mkdir(parents=True, mode=0o700)
        shutil.copy(HERE / "documents.toml", home / ".config/deskconn/config.toml")
        shutil.copy(HERE / "person.sh", tools / "deskconnctl")
        for place in (tools, self.place / "target/release"):
            shutil.copy(HERE / "until_ready.sh", place / "deskconnd")
        for program in (bindir / "deskconnd", bindir / "deskconnctl", examples / "stage"):
            shutil.copy(program, programs)
        subprocess.run(["chown", "-R", f"{USER}:{GROUP}", work], check=True)
        self.environment = {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(run),
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "DESKCONN_BIN": str(programs),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "TERM": "xterm",
        }
        self.log = open(work / "log", "w+")
        self.daemon = subprocess.Popen(
            [*AS_USER, programs / "stage"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        for what in ("player film playing Metropolis", "volume 40", "battery 57 discharging"):
            self.happens(what)
        self.must("deskconnctl pair --name PHONE")

    def happens(self, what):
        """Something happens at the machine; the first answer comes when the daemon is ready."""
        self.daemon.stdin.write(what + "\n")
        self.daemon.stdin.flush()
        if not self.daemon.stdout.readline():
            self.log.seek(0)
            sys.exit(f"FAIL the daemon does not start: {self.log.read()}")

    def type(self, text):
        """What a shell says to this, and its exit status."""
        try:
            done = subprocess.run(
                [*AS_USER, "bash", "-euo", "pipefail", "-c", text + "\nfor job in $(jobs -p); do kill $job 2>/dev/null || :; done; wait"],
                cwd=self.place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BLOCK_TIME_S,
            )
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode()
        return done.returncode, done.stdout

    def must(self, text):
        status, said = self.type(text)
        if status != 0:
            sys.exit(f"FAIL {text}: exit status {status}\n{said}")

    def end(self):
        self.daemon.stdin.close()
        self.daemon.wait()


def run_document(document, bindir, examples, words):
    """How many blocks were run, how many left out, and what failed."""
    name = document.relative_to(ROOT)
    shown = [block for block in blocks(document.read_text()) if block[0] in ("sh", "console")]
    wanted = [block for block in shown if not is_left_out(block[2].replace("\n$ ", "\n"), words)]
    failed = []
    if not wanted:
        return 0, len(shown), failed
    with tempfile.TemporaryDirectory(prefix="deskconn-documents.") as work:
        machine = Machine(bindir, examples, Path(work))
        for language, line, text in wanted:
            pairs = commands_with_output(text) if language == "console" else [(text, None)]
            # The block before may have locked it.
            machine.happens("lock false")
            for command, output in pairs:
                status, said = machine.type(command if output is None else f"script -qec {shlex.quote(command)} /dev/null")
                if status != 0:
                    failed.append(f"{name}:{line}: exit status {status}\n{command}\n{said}")
                elif output is not None and not matches(output, said):
                    failed.append(f"{name}:{line}: {command}\nshown:\n{output}\nsaid:\n{said}")
        machine.end()
    return len(wanted), len(shown) - len(wanted), failed


def main():
    bindir, examples = (Path(argument).resolve() for argument in sys.argv[1:3])
    if os.environ.get("DOCUMENTS_NAMESPACE") != "1":
        os.environ["DOCUMENTS_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    words, run, left_out, failed = not_run(), 0, 0, []
    only = set(sys.argv[3:])
    for document in sorted(ROOT.rglob("*.md")):
        if MADE & set(document.relative_to(ROOT).parts) or (only and document.name not in only):
            continue
        counts = run_document(document, bindir, examples, words)
        run, left_out, failed = run + counts[0], left_out + counts[1], failed + counts[2]
        if counts[0]:
            print("FAIL" if counts[2] else "ok:", f"{document.relative_to(ROOT)}: {counts[0]} blocks run", flush=True)
    print(*failed, sep="\n")
    print(f"{run} blocks were run, {left_out} only parsed, {len(failed)} failed")
    sys.exit(1 if failed or run == 0 else 0)


main()
