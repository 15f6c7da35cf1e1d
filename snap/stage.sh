#!/usr/bin/env bash
# Lays what is in the snap into a directory: what packaging/stage.sh lays out, without what belongs to the system outside.
#
# usage: snap/stage.sh DIRECTORY
#   BIN=DIR   where deskconnd and deskconnctl are; target/release without it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=${1:?usage: snap/stage.sh DIRECTORY}
bash "$here/../packaging/stage.sh" "$directory" /
agent=$directory/etc/xdg/autostart/deskconn-agent.desktop
mkdir -p "$directory/share/deskconn"
# snapd starts the app that names this file, and takes arguments from it alone.
sed 's/^Exec=.*/Exec=deskconn.agent/; /^TryExec=/d' "$agent" >"$directory/share/deskconn/deskconn-agent.desktop"
chmod 644 "$directory/share/deskconn/deskconn-agent.desktop"
# A snap has no units, rules or profiles of its own: snapd makes them. It completes in bash alone, and shows no pages.
rm -rf "${directory:?}/etc" "${directory:?}/lib" "$directory/share/man" "$directory/share/fish" "$directory/share/zsh"
install -m 755 "$here/local/autostart-agent" "$directory/bin/autostart-agent"
