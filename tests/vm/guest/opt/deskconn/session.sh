#!/bin/sh
# The process of the person's session. Of which kind it is stands in a file:
#   (no file)  the daemon itself
#   service    whatever a person does while the daemon runs as their service
#   desktop    the same, with a display server
mkdir -p ~/.config/deskconn
cp /etc/deskconn/config.toml ~/.config/deskconn/
case $(cat /run/session-kind 2>/dev/null) in
    service)
        systemctl --user start deskconnd
        exec sleep infinity
        ;;
    desktop)
        systemctl --user start deskconnd
        exec xinit /bin/sh /opt/deskconn/desktop.sh -- /usr/bin/Xorg :0 vt1 -keeptty -nolisten tcp -nocursor -quiet -verbose 0
        ;;
    *)
        exec deskconnd
        ;;
esac
