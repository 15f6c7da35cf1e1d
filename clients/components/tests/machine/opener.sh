#!/bin/sh
# Stands for a program that opens pages, and for a browser: writes its arguments into the file $TOLD, a line each, and
# goes on as the command $THEN. A file of the tree, because one that a test has just written may be "busy" when it is run.
set -eu
printf '%s\n' "$@" >"$TOLD.partial"
mv "$TOLD.partial" "$TOLD"
exec ${THEN:-true}
