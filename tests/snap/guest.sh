#!/bin/bash
# What tests/snap/vm.sh does in the guest, as root: installs the snap with Debian's snapd, and looks at what runs.
# Says `ok:` for each thing that is proven, and ends with a line that vm.sh looks for.
set -uo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
cd /opt/snaps || exit 1
snap_directory=/var/snap/deskconn/common
started=$SECONDS
say() { echo "ok: $* ($((SECONDS - started)) s)"; }
fail() {
  echo "FAIL $*"
  journalctl -b --no-pager -u snap.deskconn.daemon -n 15
  journalctl -b --no-pager -k | grep 'apparmor="DENIED"' | tail -n 15
  echo "snap: NOT proven"
  exit 1
}
until_true() { # WHAT COMMAND... an emulated machine on a busy one is slow
  local what=$1 end=$((SECONDS + 180))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "$what"
    sleep 0.3
  done
}
must() { "$@" >/tmp/said 2>&1 || { cat /tmp/said; fail "$*"; }; }
desktop() { deskconn.deskconnctl "$@"; }
says() { # TEXT COMMAND...
  local text=$1
  shift
  "$@" >/tmp/said 2>&1
  grep -qF -- "$text" /tmp/said
}
as() { # USER COMMAND... as a terminal in the session of that user runs it
  local user=$1 uid
  shift
  uid=$(id -u "$user")
  setpriv --reuid "$user" --regid "$user" --init-groups --reset-env env PATH="$PATH" HOME="/home/$user" \
    XDG_RUNTIME_DIR="/run/user/$uid" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" "$@"
}
pid_of() { systemctl show -p MainPID --value "$1"; }
confined() { # PID LABEL
  [ "$(cat "/proc/$1/attr/current")" = "$2 (enforce)" ] && grep -q '^Seccomp:.*2$' "/proc/$1/status"
}

interface=$(ls -I lo /sys/class/net | head -n 1)
must ip link set "$interface" up
must ip address add 10.0.2.15/24 dev "$interface"
must systemctl start snapd.socket snapd.apparmor.service
echo "snapd: confinement is $(snap debug confinement)"
for file in snapd core24 deskconn; do must snap install --dangerous "./$file.snap"; done
until_true "the service is active" says active snap services deskconn
until_true "the daemon answers" desktop status
confined "$(pid_of snap.deskconn.daemon)" snap.deskconn.daemon || fail "the daemon is not confined"
[ "$(stat -c %a "$snap_directory/run" "$snap_directory/deskconn" | tr '\n' ' ')" = "755 700 " ] || fail "the hook install did not run"
say "the snap installs, its hooks run with the real snapctl, and the daemon runs confined"

snap connections deskconn | awk 'NR > 1 && $1 != "content" && $3 != "-" {print $1}' | sort | tr '\n' ' ' >/tmp/connected
[ "$(cat /tmp/connected)" = "audio-playback desktop network network-bind upower-observe " ] || fail "by themselves connect: $(cat /tmp/connected)"
desktop doctor >/tmp/doctor 2>&1
for plug in uinput display-control hardware-observe; do
  grep -qF "sudo snap connect deskconn:$plug" /tmp/doctor || { cat /tmp/doctor; fail "doctor does not name $plug"; }
done
! grep -q 'listens on no port\|has no network interface' /tmp/doctor || { cat /tmp/doctor; fail "doctor takes what it may not see for what is not there"; }
grep -qF "sudo snap connect deskconn:network-observe" /tmp/doctor || { cat /tmp/doctor; fail "doctor does not say how it is let see"; }
! grep -q '70-deskconn.rules' /tmp/doctor || { cat /tmp/doctor; fail "doctor names rules, which a snap does not go by"; }
! desktop call org.deskconn.slides.next >/tmp/said 2>&1 || fail "keys are typed without the plug"
grep -qF 'sudo snap connect deskconn:uinput' /tmp/said || { cat /tmp/said; fail "the refusal says something else"; }
say "without its plugs the daemon is kept from the devices, and doctor names the commands"

for plug in uinput display-control hardware-observe mount-observe network-observe gpio-control login-session-observe \
  login-session-control shutdown; do
  must snap connect "deskconn:$plug"
done
until_true "the brightness is served" says 100 desktop call org.deskconn.brightness.get
must desktop call org.deskconn.brightness.set 40
[ "$(cat /sys/class/backlight/acpi_video0/brightness)" = 4 ] || fail "the backlight is not what was set"
must desktop call org.deskconn.slides.next
keys() { grep -lx 'deskconn slides' /sys/class/input/event*/device/name; }
until_true "the keyboard of slides is there" keys
device=$(keys | head -n 1 | grep -o 'event[0-9]*')
evtest "/dev/input/$device" >/tmp/keys 2>&1 &
watcher=$!
until_true "evtest listens" grep -q 'Testing' /tmp/keys
must desktop call org.deskconn.slides.next
until_true "the key arrives" grep -q 'KEY_PAGEDOWN), value 0' /tmp/keys
kill "$watcher"
must desktop call org.deskconn.host.get --json
size=$(df --block-size=1 --output=size / | tail -n 1 | tr -d ' ')
grep -qF '"mount":"/"' /tmp/said && grep -qF "$size" /tmp/said && ! grep -q hostfs /tmp/said || { cat /tmp/said; fail "the disks are not the machine's"; }
desktop doctor >/tmp/doctor 2>&1
for line in 'no function lacks a plug' 'listens on 0.0.0.0:5020' "$interface (10.0.2.15" 'answers at 10.0.2.15:5020' '/dev/uinput, by the plug'; do
  grep -qF "$line" /tmp/doctor || { cat /tmp/doctor; fail "doctor after connecting does not say: $line"; }
done
say "with its plugs connected it types, sets the backlight and knows the disks, without a restart"

must systemctl start presenter visitor
seat() { loginctl list-sessions --no-legend | grep -q 'presenter seat0'; }
until_true "presenter sits at the machine" seat
until_true "who sits at the machine owns the desktop" says owner as presenter deskconn.deskconnctl status
[ -f /home/presenter/snap/deskconn/current/.config/autostart/deskconn-agent.desktop ] || fail "a first command does not arrange for the agent"
! as visitor deskconn.deskconnctl status >/tmp/said 2>&1 || { cat /tmp/said; fail "somebody else is let in"; }
busctl monitor org.freedesktop.login1 >/tmp/signals 2>&1 &
watcher=$!
until_true "busctl listens" grep -q Monitoring /tmp/signals
as presenter deskconn.deskconnctl call org.deskconn.screen.lock >/dev/null 2>&1
until_true "logind tells the session to lock" grep -q 'Member=Lock$' /tmp/signals
kill "$watcher"
say "whoever sits at the machine owns the desktop, nobody else does, and logind locks"

# What a desktop does at login.
as presenter snap userd --autostart >/tmp/agent 2>&1 &
agent() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$(cat "$process/comm" 2>/dev/null)" = deskconnctl ] && confined "${process#/proc/}" snap.deskconn.agent; then return 0; fi
  done
  return 1
}
until_true "snapd starts the agent, confined" agent
served() { # Doctor fails for other reasons here too.
  as presenter deskconn.deskconnctl doctor >/tmp/said 2>&1
  grep -q 'ok       functions' /tmp/said && ! grep -q 'nobody in the desktop session serves' /tmp/said
}
until_true "the agent serves" served
as presenter pulseaudio -n --daemonize=no --use-pid-file=no --exit-idle-time=-1 --log-target=stderr \
  -L 'module-null-sink sink_name=nobody' -L module-native-protocol-unix >/tmp/pulse 2>&1 &
until_true "the sound server's socket is reached" says 'ok       sound' as presenter deskconn.deskconnctl doctor
grep -q 'ok       session bus' /tmp/said || { cat /tmp/said; fail "the session bus is not reached"; }
until_true "the agent sets the volume" says 37 as presenter deskconn.deskconnctl call org.deskconn.volume.set 37
until_true "the sound server has the volume that was set" says '37%' as presenter pactl get-sink-volume nobody
say "snapd starts the agent at login, confined, and it serves; it reaches the session's bus and sets its volume"

! snap set deskconn port=0 >/tmp/said 2>&1 || fail "port=0 is taken"
grep -q 'port=0 is no port' /tmp/said || { cat /tmp/said; fail "the refusal of port=0"; }
[ -z "$(snap get deskconn port 2>/dev/null)" ] || fail "snapd keeps what was refused"
must snap set deskconn 'name=The "attic"' port=8080
grep -qF 'name = "The \"attic\""' "$snap_directory/deskconn/config.toml" || fail "the name is not written"
until_true "it listens on the port that was set" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080'
until_true "it has the name that was set" says 'The "attic"' desktop status
must snap unset deskconn name port
[ ! -e "$snap_directory/deskconn/config.toml" ] || fail "the defaults do not come back"
until_true "it listens on the usual port" bash -c 'exec 3<>/dev/tcp/127.0.0.1/5020'
say "snap set refuses what is wrong, changes the running daemon, and unset brings the defaults back"

must snap install --dangerous ./lamp.snap
must snap connect lamp:deskconn deskconn:socket
must snap restart lamp
until_true "the other snap registers a procedure" says lit desktop call com.example.lamp
confined "$(pid_of snap.lamp.lamp)" snap.lamp.lamp || fail "the other snap is not confined"
say "another snap registers a procedure over the slot"

must snap restart deskconn
until_true "the other snap is there again after a restart" says lit desktop call com.example.lamp
must snap remove --purge lamp
must snap remove --purge deskconn
[ ! -e /var/snap/deskconn ] && [ ! -e /snap/deskconn ] || fail "something is left behind"
[ -z "$(systemctl list-units --all --no-legend 'snap.deskconn.*' | grep running)" ] || fail "a service is left behind"
say "it is removed without a trace"
echo "snap: all proven"
