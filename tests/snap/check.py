"""Holds snapcraft.yaml and an unpacked snap against the rules of snapcraft and snapd.

usage: check.py ROOT UNPACKED LISTING SNAP_FILE ARCHITECTURE [SCHEMA]
  LISTING   what `unsquashfs -lln` prints of the snap
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import yaml

root, unpacked, listing, snap_file, architecture, *schema = sys.argv[1:]
root, unpacked = pathlib.Path(root), pathlib.Path(unpacked)
project = yaml.safe_load((root / "snap/snapcraft.yaml").read_text())
meta = yaml.safe_load((unpacked / "meta/snap.yaml").read_text())

# A person on a slow line waits two minutes for 16 MiB at 1 Mbit/s; it has 12 MiB.
MAX_SIZE = 16 << 20
# Plugs without attributes that snapd grants on a classic system without asking (its base declaration).
AUTOMATIC = {"network", "network-bind", "upower-observe", "desktop", "audio-playback"}
# What the base core24 has of shared libraries, as far as we use it, and its version of the C library.
LIBRARIES = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld-linux-armhf.so.3"}
GLIBC = (2, 39)

failures = []


def expect(condition, sentence):
    if not condition:
        failures.append(sentence)


def against_the_schema(path):
    """snapcraft's own schema of the last release on PyPI, which knows no `platforms` yet."""
    import jsonschema

    known = {key: value for key, value in project.items() if key != "platforms"}
    validator = jsonschema.Draft4Validator(json.loads(pathlib.Path(path).read_text()))
    for error in validator.iter_errors(known):
        failures.append(f"snapcraft.yaml, {'.'.join(map(str, error.path))}: {error.message}")
    # It has to be able to refuse, or its consent means nothing.
    expect(not validator.is_valid({**known, "confinement": "lax"}), "the schema takes anything")


def project_rules():
    """What snapcraft's documentation says of core24 beyond that schema."""
    expect(project["base"] == "core24", "the base is core24")
    expect("architectures" not in project, "core24 has platforms and no architectures")
    expect(set(project["platforms"]) == {"amd64", "arm64", "armhf"}, "the platforms are amd64, arm64 and armhf")
    for name, platform in project["platforms"].items():
        if platform is not None:
            expect(set(platform) <= {"build-on", "build-for"}, f"platform {name} has unknown keys")
            expect(platform.get("build-for") == [name], f"platform {name} is built for itself alone")
    expect(project["confinement"] == "strict", "it is strict")
    expect(re.fullmatch(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*", project["name"]), "the name is one of snapd")
    expect(len(project["summary"]) <= 78, "the summary has at most 78 characters")
    expect(len(project["title"]) <= 40, "the title has at most 40 characters")


def plugs():
    """Each is declared or grants itself, is used, has its reason, and doctor names only those that exist."""
    used = {plug for app in project["apps"].values() for plug in app.get("plugs", [])}
    declared = set(project["plugs"])
    expect(declared <= used, f"no app uses {declared - used}")
    expect(used - declared <= {"network", "network-bind"}, f"nothing says what {used - declared} are for")
    rows = {}
    for line in (root / "snap/README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            rows.update({plug: cells for plug in re.findall(r"`([a-z-]+)`", cells[0])})
    for plug in used:
        expect(plug in rows, f"snap/README.md does not say what {plug} is for")
        if plug in rows:
            says = rows[plug][2].startswith("yes")
            expect(says == (plug in AUTOMATIC), f"snap/README.md is wrong about whether {plug} connects by itself")
    doctor = (root / "clients/ctl/src/commands/doctor/snap.rs").read_text()
    named = set(re.findall(r'plug: "([a-z-]+)"', doctor))
    expect(named, "doctor names no plug")
    expect(named <= used, f"doctor names plugs that are not there: {named - used}")


def metadata():
    programs = {app["command"].split()[0] for app in meta["apps"].values()}
    programs |= {link for app in meta["apps"].values() for link in app.get("command-chain", [])}
    for program in programs:
        expect(os.access(unpacked / program, os.X_OK), f"{program} is not there or no program")
    for name, app in meta["apps"].items():
        if "completer" in app:
            expect((unpacked / app["completer"]).is_file(), f"the completer of {name} is not there")
        for slot in app.get("slots", []):
            expect(slot in meta["slots"], f"{name} has a slot that is not declared")
    expect(meta["architectures"] == [architecture], "the architecture is that of the programs")
    said = subprocess.run([unpacked / "bin/deskconnd", "--version"], capture_output=True, text=True, check=True)
    expect(said.stdout.split()[-1] == meta["version"], f"the snap is {meta['version']}, its daemon {said.stdout}")
    left = {"parts", "platforms", "adopt-info"} & set(meta)
    expect(not left, f"meta/snap.yaml has {left}, which are for snapcraft")
    expect(meta["slots"]["socket"]["source"]["write"] == ["$SNAP_COMMON/run"], "the slot shares the socket's directory")
    # Below the target it has the name of the directory that is shared, as the slot has a `source`.
    readme = (root / "snap/README.md").read_text()
    expect("$SNAP_DATA/deskconn/run/deskconn.sock" in readme, "README.md tells other snaps where the socket is")
    lacking = set(meta["apps"]["agent"]["plugs"]) - set(meta["apps"]["deskconnctl"]["plugs"])
    expect(not lacking, f"`deskconnctl agent` by hand lacks {lacking}, which the app agent has")
    service = [name for name, app in meta["apps"].items() if "daemon" in app]
    expect(service == ["daemon"], f"the services are {service}")
    notify = meta["apps"]["daemon"]["daemon"] == "notify"
    expect(not notify or "daemon-notify" in AUTOMATIC, "a service that cannot notify systemd is ended by it")
    agent = (unpacked / "share/deskconn/deskconn-agent.desktop").read_text()
    expect(re.search(r"^Exec=deskconn\.agent$", agent, re.M), "the autostart entry starts the app")
    hooks = sorted(hook.name for hook in (unpacked / "meta/hooks").iterdir())
    expect(hooks == ["configure", "install"], f"the hooks are {hooks}")


def modes():
    """As snapd's review wants them: root's, closed to writers, open to readers."""
    count = 0
    for line in pathlib.Path(listing).read_text().splitlines():
        match = re.match(r"(\S{10}) (\S+)\s.* squashfs-root/?(.*)$", line)
        if not match:
            continue
        count += 1
        mode, owner, path = match.groups()
        wanted = "drwxr-xr-x" if mode[0] == "d" else "-rw-r--r--"
        if path.startswith(("bin/", "meta/hooks/")):
            wanted = "-rwxr-xr-x"
        expect(mode == wanted, f"/{path} is {mode} and not {wanted}")
        expect(owner == "0/0", f"/{path} belongs to {owner}")
    expect(count > 10, f"the listing has {count} files")
    for outside in ["etc", "lib", "usr"]:
        expect(not (unpacked / outside).exists(), f"/{outside} is of no use in a snap")
    for document in ["LICENSE-MIT", "LICENSE-APACHE"]:
        expect((unpacked / "share/doc/deskconn" / document).is_file(), f"{document} is missing")


def libraries():
    for program in ["deskconnd", "deskconnctl"]:
        said = subprocess.run(["objdump", "-p", unpacked / "bin" / program], capture_output=True, text=True, check=True)
        needed = set(re.findall(r"NEEDED\s+(\S+)", said.stdout))
        expect("libc.so.6" in needed and needed <= LIBRARIES, f"{program} needs {needed - LIBRARIES}, not in the base")
        newest = max(tuple(map(int, it)) for it in re.findall(r"GLIBC_(\d+)\.(\d+)", said.stdout))
        expect(newest <= GLIBC, f"{program} needs the C library {newest}, and the base has {GLIBC}")


if schema and pathlib.Path(schema[0]).exists():
    against_the_schema(schema[0])
    print("ok: snapcraft.yaml is valid by snapcraft's schema")
project_rules()
plugs()
metadata()
modes()
libraries()
size = os.path.getsize(snap_file)
expect(size <= MAX_SIZE, f"the snap has {size} bytes, more than {MAX_SIZE}")
for failure in failures:
    print(f"FAIL {failure}")
if failures:
    sys.exit(1)
print("ok: platforms, plugs with reasons, metadata, modes, owners and libraries")
print(f"ok: the snap has {size / (1 << 20):.1f} MiB, at most {MAX_SIZE >> 20}")
