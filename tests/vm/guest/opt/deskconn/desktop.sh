#!/bin/sh
# A small desktop: what locks the screen when logind asks, and somebody's
# presentation, whose window lies under the pointer and so gets the keys.
xss-lock -- i3lock --nofork --color=003366 --no-unlock-indicator &
exec mupdf -r 72 /opt/deskconn/pages.pdf
