# What tests/snap/vm.sh does in the guest: each command with what it says.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
cd /opt/snaps
try() { echo "\$ $*"; timeout 150 "$@" 2>&1; echo "= $?"; }
try cat /sys/module/apparmor/parameters/enabled
try systemctl start snapd.socket snapd.apparmor.service
try snap version
# Without a base.
try snap install --dangerous ./deskconn.snap
# With bases from elsewhere than the store.
try snap install --dangerous ./snapd.snap
try snap install --dangerous ./core24.snap
try snap install --dangerous ./deskconn.snap
try snap list
try snap services
try snap connections deskconn
try deskconn.deskconnctl status
try deskconn.deskconnctl doctor
try snap set deskconn port=0
try snap set deskconn 'name=Joe "attic"' port=8080
try snap get deskconn
try cat /var/snap/deskconn/common/deskconn/config.toml
for plug in login-session-observe uinput shutdown; do try snap connect "deskconn:$plug"; done
try snap restart deskconn
try deskconn.deskconnctl doctor
try snap logs deskconn -n 30
try snap remove --purge deskconn
try ls /var/snap
try snap changes
journalctl -b --no-pager -k | grep -i -E 'apparmor.*DENIED' | head -20
