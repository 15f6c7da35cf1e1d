#!/bin/sh
# The process of the person's session: the daemon itself, or, in the second
# session, whatever a person does while the daemon runs as their service.
if [ -e /run/deskconnd-as-service ]; then
    systemctl --user start deskconnd
    exec sleep infinity
fi
# shellcheck disable=SC2086 # a list of arguments
exec /opt/deskconn/deskconnd $DESKCONND_ARGUMENTS
