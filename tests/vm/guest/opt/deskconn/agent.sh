#!/bin/bash
# The host's hands and eyes in the guest. Reads one command a line from a virtio
# port and writes one observation a line to it. It never judges: every
# assertion stands in drive.py on the host.
#
# Commands
#   session            session <id> <type> <class> <seat> <active> <user>, once it is active
#   watch <name>       reads the daemon's input device of that name (slides, pointer, keyboard) with
#                      evtest, once it is there: <name>-offers <key or axis>, then <name>-ready, then
#                      <name> <key or axis> <1 pressed, 0 released, or by how much> as they come
#   signals            signals ready, then signal <Lock|Unlock> as they come
#   locker on|off      on: answers Lock as a screen locker does, by SetLockedHint true
#   hint true|false    SetLockedHint on the session, as its user
#   brightness         brightness <value in sysfs>
#   sysfs <value>      writes the brightness as root, behind everybody's back
#   write              write refused|allowed: may the user write the brightness directly
#   daemon             daemon up, once its socket is there
#   hide, show         takes /dev/uinput away and gives it back
#   again <kind>       ends the session and opens a new one of that kind (session.sh): again done
#   run <command>      runs it as the user: run <line of output>, then run-exit <status>
#   other <command>    the same as the other user
#   root <command>     the same as root
#   exit <status>      ends the machine with that status (isa-debug-exit)
# Unasked: log <line of the daemon's log>
set -u
exec 3<>"$1"
user=presenter
other=visitor
light=/sys/class/backlight/acpi_video0
locker=/run/agent-locker

say() { printf '%s\n' "$*" >&3; }
as() {
    local name=$1
    shift
    setpriv --reuid "$name" --regid "$name" --init-groups --reset-env \
        env XDG_RUNTIME_DIR="/run/user/$(id -u "$name")" "$@"
}
as_user() { as "$user" "$@"; }
reported() {
    local heading=$1
    shift
    "$@" 2>&1 </dev/null | sed -u "s/^/$heading /" >&3
    say "$heading-exit ${PIPESTATUS[0]}"
}
session_id() { loginctl list-sessions --no-legend | awk -v u="$user" '$3 == u && $4 == "seat0" {print $1; exit}'; }
session_path() {
    busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
        GetSession s "$(session_id)" | cut -d'"' -f2
}
hint() {
    as_user busctl call org.freedesktop.login1 "$(cat /run/agent-session)" org.freedesktop.login1.Session \
        SetLockedHint b "$1" 2>&1 || say "failed SetLockedHint $1"
}

watch_session() {
    until [ "$(loginctl show-session "$(session_id)" -p Active --value 2>/dev/null)" = yes ]; do sleep 0.2; done
    # A locker does not look for its session first: screen.lock waits only so long.
    session_path >/run/agent-session
    say "session $(loginctl show-session "$(session_id)" -p Id -p Type -p Class -p Seat -p Active -p Name |
        awk -F= '{v[$1] = $2} END {print v["Id"], v["Type"], v["Class"], v["Seat"], v["Active"], v["Name"]}')"
}
watch_input() {
    local event=
    until event=$(awk -v name="deskconn $1" '$0 == "N: Name=\"" name "\"" {f = 1}
        f && /^H:/ {match($0, /event[0-9]+/); print substr($0, RSTART, RLENGTH); exit}' \
        /proc/bus/input/devices) && [ -n "$event" ]; do sleep 0.1; done
    stdbuf -oL evtest "/dev/input/$event" 2>&1 | sed -un \
        -e "s/^ *Event code [0-9]* (\(\(KEY\|BTN\|REL\)_[A-Z0-9_]*\)).*/$1-offers \1/p" \
        -e "s/^Testing .*/$1-ready/p" \
        -e "s/^Event:.*(\(\(KEY\|BTN\|REL\)_[A-Z0-9_]*\)), value \(-\?[0-9]*\)\$/$1 \1 \3/p" >&3
    say "$1-gone"
}
watch_signals() {
    dbus-monitor --system "type='signal',interface='org.freedesktop.login1.Session'" 2>&1 |
        sed -un -e '/NameAcquired/ s/.*/signals ready/p' -e '/NameLost/ s/.*/signals ready/p' \
            -e 's/.*interface=org.freedesktop.login1.Session; member=\(Lock\|Unlock\)$/signal \1/p' |
        while read -r line; do
            say "$line"
            [ "$line" = "signal Lock" ] && [ -e "$locker" ] && hint true
        done
}

wait_for_daemon() {
    until [ -S "/run/user/$(id -u "$user")/deskconn/deskconn.sock" ]; do sleep 0.1; done
    say "daemon up"
}
log_in_again() {
    echo "$1" >/run/session-kind
    # What a display manager would tell PAM.
    case $1 in desktop) echo XDG_SESSION_TYPE=x11 ;; *) echo XDG_SESSION_TYPE=tty ;; esac >/run/session.env
    systemctl restart presenter
    say "again done"
}

touch /run/deskconnd.log
chmod 666 /run/deskconnd.log
tail -n +1 -F /run/deskconnd.log 2>/dev/null | sed -u 's/^/log /' >&3 &
say "agent up after $(cut -d' ' -f1 /proc/uptime) s"

while read -r command rest <&3; do
    case $command in
        session) watch_session & ;;
        watch) watch_input "$rest" & ;;
        signals) watch_signals & ;;
        locker) if [ "$rest" = on ]; then touch "$locker"; else rm -f "$locker"; fi; say "locker $rest" ;;
        hint) hint "$rest"; say "hint $rest" ;;
        brightness) say "brightness $(cat "$light/brightness")" ;;
        sysfs) echo "$rest" >"$light/brightness"; say "brightness $(cat "$light/brightness")" ;;
        write) if as_user sh -c "echo 5 >$light/brightness" 2>/dev/null; then say "write allowed"; else say "write refused"; fi ;;
        daemon) wait_for_daemon & ;;
        hide) mv /dev/uinput /dev/uinput.hidden; say "hide done" ;;
        show) mv /dev/uinput.hidden /dev/uinput; udevadm trigger --settle /dev/uinput; say "show done" ;;
        again) log_in_again "$rest" & ;;
        run) reported run as "$user" sh -c "$rest" & ;;
        other) reported other as "$other" sh -c "$rest" & ;;
        root) reported root sh -c "$rest" & ;;
        exit) sync; printf "\\x$(printf %02x "$rest")" | dd of=/dev/port bs=1 seek=$((0x501)) conv=notrunc 2>/dev/null ;;
        *) say "unknown command $command" ;;
    esac
done
