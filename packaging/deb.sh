#!/usr/bin/env bash
# Makes the Debian package of programs that are built: target/debian/deskconn_*.deb, whose path is printed last.
#
# usage: deb.sh [ARGUMENT OF cargo deb...]     as --deb-version=0.0.9-1
#   BIN=DIR   where the programs are; target/release without it
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:$(packaging/tool.sh cargo-deb)

# Where [package.metadata.deb] of Cargo.toml looks.
root=target/package/root
rm -rf "$root"
packaging/stage.sh "$root" /usr
"${STRIP:-strip}" --strip-unneeded "$root"/usr/bin/*
# zsh of Debian looks into its own directory alone.
rm -r "$root/usr/share/zsh/site-functions"
# Licences are the business of the file `copyright` (Debian policy 12.5).
rm "$root"/usr/share/doc/deskconn/LICENSE-*
exec cargo deb --no-build --locked --quiet "$@"
