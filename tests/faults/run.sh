#!/usr/bin/env bash
# Makes faults of the machine for a daemon that is used; see README.md. As root.
#
# usage: run.sh BINDIR       BINDIR holds deskconnd and deskconnctl; DESKCONN_EXAMPLES is where the program `faults` is
# exit: 0 proven, 1 not proven
set -euo pipefail
bindir=$(cd "${1:?usage: run.sh BINDIR}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
driver=$(cd "${DESKCONN_EXAMPLES:-$here/../../target/debug/examples}" && pwd)/faults
for tool in ip ss setpriv prlimit dbus-daemon; do
  PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo "FAIL $tool is not installed"; exit 1; }
done
/usr/bin/python3 -c 'import dbusmock' || { echo "FAIL python3-dbusmock is not installed"; exit 1; }
if [ "${2:-}" != inside ]; then exec unshare --net --mount --propagation private bash "$here/run.sh" "$bindir" inside; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/deskconn-faults.XXXXXX")
end() {
  kill "${pid:-}" 2>/dev/null || :
  umount -l "$work/desk/data/deskconn" 2>/dev/null || :
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
ip link set lo up
chmod 711 "$work"
mkdir "$work/bin" "$work/buses"
cp "$bindir/deskconnd" "$bindir/deskconnctl" "$work/bin/"
for home in desk other; do
  mkdir -p "$work/$home/run" "$work/$home/data/deskconn" "$work/$home/elsewhere"
  chmod 700 "$work/$home/run" "$work/$home/data/deskconn" "$work/$home/elsewhere"
  chown -R nobody "$work/$home/run" "$work/$home/data"
done
chown nobody "$work/buses"
# Where libfaketime leaves what it shares.
mount -t tmpfs none /dev/shm
# A disk that can be full: ten times what is kept on it.
mount -t tmpfs -o size=16m,mode=700,uid="$(id -u nobody)" none "$work/desk/data/deskconn"

status=0
"$driver" "$work" &
pid=$!
wait "$pid" || status=$?
case $status in
  0) ;;
  77) [ "${DESKCONN_REQUIRE_ALL:-}" != 1 ] || exit 1 ;;
  *)
    tail -n 20 "$work"/*/log | cut -c1-240
    echo "faults: FAILED"
    exit 1
    ;;
esac
echo "faults: all proven"
