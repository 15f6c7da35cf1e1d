"""From what `cargo metadata` prints to the notices that packages carry; see notices.sh."""
import json
import pathlib
import re
import sys

PROGRAMS = {"deskconnd", "deskconnctl"}
LICENCE = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense|patents)([-_.].*)?$")
RULE = "=" * 80


def linked(metadata):
    """The packages that the programs are linked with, without those that only tests or build scripts use."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    waiting = [id for id in nodes if packages[id]["name"] in PROGRAMS]
    seen = set()
    while waiting:
        id = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        for dependency in nodes[id]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    others = (packages[id] for id in seen if packages[id]["source"])
    return sorted(others, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The files of a package that tell its licence."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and LICENCE.match(path.name)]
    if package["license_file"]:
        files.append(folder / package["license_file"])
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in dict.fromkeys(files)]


def main():
    bundled = pathlib.Path(sys.argv[1])
    packages = linked(json.load(sys.stdin))
    nameless = [package["name"] for package in packages if not package["license"] and not package["license_file"]]
    if not packages or nameless:
        sys.exit(f"notices: these packages do not say what their licence is: {nameless or 'there are none'}")
    print("deskconn is MIT OR Apache-2.0. Its programs have the following in them, each under its own licence.")
    print("\nThe standard library of Rust: MIT OR Apache-2.0, https://github.com/rust-lang/rust")
    by_text = {}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or 'see its text'}, {package['repository'] or 'crates.io'}")
        found = texts(package)
        if not found:
            authors = ", ".join(package["authors"]) or "the authors of " + package["name"]
            found = [f"Copyright (c) {authors}\n\n(The package has no text of its licence, which is {package['license']}.)"]
        for text in found:
            # Texts that differ in their line breaks only are the same.
            by_text.setdefault(" ".join(text.split()), (text, []))[1].append(name)
    for text, names in by_text.values():
        print(f"\n{RULE}\n{', '.join(dict.fromkeys(names))}\n{RULE}\n\n{text}")
    if bundled.exists():
        print(f"\n{RULE}\nThe phone app, which deskconnd serves\n{RULE}\n\n{bundled.read_text(encoding='utf-8').strip()}")


main()
