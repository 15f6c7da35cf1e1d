# What tests/doctor/run.sh is written in.
#
# It is a user's machine: the daemon and doctor run as `nobody`, and doctor by sudo where it says by_root.
failures=0
daemon=

section() { echo "--- $*"; }

surroundings=(env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin:/usr/sbin:/sbin" XDG_RUNTIME_DIR="$home/run" XDG_DATA_HOME="$home/data")
# Words, so that a program in the background is the child itself.
user=("${surroundings[@]}" setpriv --reuid=nobody --regid=nogroup --clear-groups)
as() { "${surroundings[@]}" setpriv --reuid="$1" --regid=nogroup --clear-groups "${@:2}"; }
as_user() { "${user[@]}" "$@"; }

until_true() {
  local what=$1
  shift
  for _ in $(seq 400); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.05
  done
  tail -n 15 "$home/log" 2>/dev/null || :
  cat "$home/status" 2>/dev/null || :
  echo "FAIL $what"
  exit 1
}

start_daemon() {
  "${user[@]}" deskconnd "$@" >"$home/log" 2>&1 &
  daemon=$!
  until_true "the daemon is ready" grep -q ' ready ' "$home/log"
}
stop_daemon() {
  kill "-$1" "$daemon"
  wait "$daemon" 2>/dev/null || :
}
announced() { as_user deskconnctl discovery status --json >"$home/status" && grep -q '"announced":true' "$home/status"; }

# One field of a check. What the exit status says is the same for all, and tested elsewhere.
field() {
  local check=$1 name=$2 by=$3 rows
  case $by in
    by_root)
      rows=$(env -i HOME=/root PATH=/usr/bin:/bin SUDO_UID="$(id -u nobody)" "$home/bin/deskconnctl" doctor --json --no-discovery \
        --at "unix:$home/run/deskconn/deskconn.sock" 2>/dev/null) || :
      ;;
    *)
      local -a quick=(--no-discovery)
      [ "$check" != discovery ] || quick=()
      rows=$(as "$by" deskconnctl doctor --json "${quick[@]}" 2>/dev/null) || :
      ;;
  esac
  CHECK=$check FIELD=$name python3 -c '
import json, os, sys
rows = [json.loads(line) for line in sys.stdin]
row = next((row for row in rows if row["check"] == os.environ["CHECK"]), {"state": "absent", "found": "", "mend": ""})
print("\t".join(str(row[name] or "") for name in os.environ["FIELD"].split(",")))' <<<"$rows"
}

# expect CHECK STATE [WORDS FOUND] [WORDS OF THE MEND] [by_root]
expect() { expect_by "${5:-nobody}" "${@:1:4}"; }
expect_as() { expect_by "$1" "${@:2}"; }
expect_by() {
  local by=$1 check=$2 state=$3 found=${4:-} mends=${5:-} row is until=$((SECONDS + 5))
  # The daemon looks again at a device that it misses at most once a second, and a machine may be busy.
  while :; do
    row=$(field "$check" state,found,mend "$by")
    IFS=$'\t' read -r is _ <<<"$row"
    if [ "$is" = "$state" ] && [[ $row == *"$found"* ]] && [[ $row == *"$mends"* ]]; then
      echo "ok      $check: $row"
      return
    fi
    [ "$SECONDS" -lt "$until" ] || break
    sleep 0.2
  done
  echo "FAILED  $check: expected $state, \"$found\", \"$mends\"; it says: $row"
  failures=$((failures + 1))
}

mend_of() { field "$1" mend "${2:-nobody}"; }
# Runs what was advised, without the advice for after the next start.
mend() {
  local command=${1%%, *}
  echo "        → $command"
  case $command in
    *deskconnctl*) as_user bash -c "${command#sudo }" >/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin bash -c "${command//sudo /}" ;;
  esac
}
