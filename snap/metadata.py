"""Writes meta/ of the snap from snapcraft.yaml, as `snap pack` wants it: for where snapcraft itself cannot run.

usage: metadata.py SNAPCRAFT_YAML DIRECTORY VERSION ARCHITECTURE
"""

import pathlib
import shutil
import sys

import yaml

# What tells snapcraft how to build; the rest goes into the snap as it stands.
FOR_SNAPCRAFT = {"adopt-info", "compression", "parts", "platforms"}
# snapcraft gives aliases to the store; snapd asks the store for them.
FOR_THE_STORE = {"aliases"}


def metadata(project, version, architecture):
    """The content of meta/snap.yaml for one architecture."""
    if architecture not in project["platforms"]:
        sys.exit(f"metadata.py: snapcraft.yaml has no platform {architecture}; it has {', '.join(project['platforms'])}")
    meta = {key: value for key, value in project.items() if key not in FOR_SNAPCRAFT}
    apps = {
        name: {key: value for key, value in app.items() if key not in FOR_THE_STORE}
        for name, app in project["apps"].items()
    }
    return {**meta, "apps": apps, "version": version, "architectures": [architecture]}


def main():
    source, directory, version, architecture = sys.argv[1:]
    source, meta = pathlib.Path(source), pathlib.Path(directory) / "meta"
    project = yaml.safe_load(source.read_text())
    meta.mkdir(mode=0o755, exist_ok=True)
    text = yaml.safe_dump(metadata(project, version, architecture), sort_keys=False)
    (meta / "snap.yaml").write_text(text)
    (meta / "hooks").mkdir(mode=0o755)
    for hook in sorted((source.parent / "hooks").iterdir()):
        place = meta / "hooks" / hook.name
        shutil.copyfile(hook, place)
        place.chmod(0o755)


main()
