# Functions of run.sh: the network, the daemons, avahi, and how a step is counted. Sourced, not run.

net="dkc$$"                     # every namespace begins with it
tmp=$(mktemp -d /tmp/deskconn-discovery.XXXXXX)
deadline=15                     # seconds that anything may take to be seen
steps=0 failed=0
declare -A daemon_pid machine_of avahi_pid capture_pid
other_pids=

clean_up() {
    local pid
    [ "$BASHPID" = "$$" ] || return     # a subshell that ends is not the end
    for pid in "${daemon_pid[@]}" "${avahi_pid[@]}" "${capture_pid[@]}" $other_pids; do
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    for name in a b c bridge; do
        for pid in $(ip netns pids "$net-$name" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
        ip netns del "$net-$name" 2>/dev/null
    done
    if [ -n "${KEEP:-}" ]; then echo "logs and captures: $tmp"; else rm -rf "$tmp"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

step() {
    local name=$1 start=$SECONDS; shift
    steps=$((steps + 1))
    if "$@" >"$tmp/step" 2>&1; then
        echo "ok   $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        sed 's/^/     | /' "$tmp/step" | tail -20
    fi
}

finish() {
    echo "$((steps - failed)) of $steps steps ok"
    if [ "$failed" -gt 0 ]; then
        for log in "$tmp"/*/log; do echo "--- $log"; tail -15 "$log"; done
        exit 1
    fi
    exit 0
}

skip() {
    echo "SKIPPED tests/discovery: $1"
    [ "${DESKCONN_REQUIRE_ALL:-}" = 1 ] && exit 1
    exit 0
}

require_root_and_tools() {
    local tool missing=
    [ "$(id -u)" = 0 ] || skip "it builds network namespaces, which needs root"
    for tool in "$@"; do command -v "$tool" >/dev/null || missing="$missing $tool"; done
    [ -z "$missing" ] || skip "missing:$missing; sudo apt-get install iproute2 tcpdump tshark avahi-daemon avahi-utils dbus python3-venv"
    ip netns add "$net-a" 2>/dev/null && ip netns del "$net-a" || skip "network namespaces are not permitted here"
}

# python-zeroconf in an environment of its own, kept for the next run.
zeroconf_python() {
    local cache=${DESKCONN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deskconn}/zeroconf
    zeroconf="$cache/bin/python"
    "$zeroconf" -c 'import zeroconf' 2>/dev/null && return
    if ! { python3 -m venv "$cache" && "$cache/bin/pip" install --quiet 'zeroconf==0.154.0'; } >"$tmp/pip" 2>&1; then
        tail -3 "$tmp/pip"
        skip "python-zeroconf cannot be installed"
    fi
}

# Three machines on one switch. The switch has a namespace of its own, so that this machine's network is not touched.
build_network() {
    local name number=0
    ip netns add "$net-bridge"
    ip -n "$net-bridge" link add br0 type bridge mcast_snooping 0
    ip -n "$net-bridge" link set br0 up
    for name in a b c; do
        number=$((number + 1))
        ip netns add "$net-$name"
        ip -n "$net-bridge" link add "port-$name" type veth peer name eth0 netns "$net-$name"
        ip -n "$net-bridge" link set "port-$name" master br0 up
        ip -n "$net-$name" link set lo up
        ip -n "$net-$name" link set eth0 up
        ip -n "$net-$name" addr add "10.77.0.$number/24" dev eth0
        ip -n "$net-$name" route add default dev eth0
    done
    # Until duplicate address detection ends, nothing can be sent from the link-local addresses.
    for name in a b c; do
        until_true has_link_local "$name"
    done
}

has_link_local() {
    ip -n "$net-$1" -6 addr show dev eth0 scope link | grep fe80 | grep -qv tentative
}

# Tries again until it works or the deadline passes.
until_true() {
    local end=$((SECONDS + deadline))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

# The only wait that is not for something to happen: it is for nothing to happen.
listen_for() { sleep "$1"; }

# capture MACHINE INTERFACE NAME
capture() {
    ip netns exec "$net-$1" tcpdump -i "$2" -U --immediate-mode -w "$tmp/$3.pcap" udp port 5353 2>"$tmp/$3.tcpdump" &
    capture_pid[$3]=$!
    until_true grep -qs listening "$tmp/$3.tcpdump"
}

stop_capture() {
    kill "${capture_pid[$1]}" 2>/dev/null
    wait "${capture_pid[$1]}" 2>/dev/null
    unset "capture_pid[$1]"
}

# start_desk KEY MACHINE NAME PORT [LINE BELOW discovery] [PRIORITY]: a daemon as an ordinary user, with a home of its own.
start_desk() {
    local key=$1 machine=$2 name=$3 port=$4 more=${5:-} home="$tmp/$1" owner
    mkdir -p "$home/run" "$home/data"
    printf '[listen]\ntcp = ["0.0.0.0:%s", "[::]:%s"]\n[discovery]\nname = "%s"\npriority = %s\nweight = 60\n%s\n' "$port" "$port" "$name" "${6:-10}" "$more" >"$home/config.toml"
    chmod 755 "$tmp" "$home"; chmod 700 "$home/run"
    chown nobody "$home/run" "$home/data"
    machine_of[$key]=$machine
    of_owner "$key"
    "${owner[@]}" "$bin/deskconnd" --config "$home/config.toml" >>"$home/log" 2>&1 &
    daemon_pid[$key]=$!
    until_true listens_or_ended "$machine" "$port" "${daemon_pid[$key]}"
}

listens_or_ended() {
    ip netns exec "$net-$1" ss -Hltn "sport = :$2" | grep -q . || ! kill -0 "$3" 2>/dev/null
}

# stop_desk KEY: true if it ends with 0 within two seconds.
stop_desk() {
    local pid=${daemon_pid[$1]} start status
    start=$(date +%s%N)
    kill -TERM "$pid"
    wait "$pid"; status=$?
    local took=$((($(date +%s%N) - start) / 1000000))
    unset "daemon_pid[$1]"
    echo "exit status $status after $took ms"
    [ "$status" = 0 ] && [ "$took" -lt 2000 ]
}

# of_owner KEY: sets the words before a command that run it as the ordinary user a daemon belongs to, with a home of
# its own, on the daemon's machine. They replace themselves by the command, so that its number is the job's.
of_owner() {
    local home="$tmp/$1"
    owner=(ip netns exec "$net-${machine_of[$1]}" setpriv --reuid nobody --regid nogroup --clear-groups
        env -i PATH="$PATH" HOME="$home/data" XDG_RUNTIME_DIR="$home/run" XDG_DATA_HOME="$home/data")
}

# desk_ctl KEY ARGUMENTS: the command line of that user, on the machine of the daemon.
desk_ctl() {
    local owner; of_owner "$1"; shift
    "${owner[@]}" "$bin/deskconnctl" "$@"
}

desk_runs() { kill -0 "${daemon_pid[$1]}"; }

# The id follows from the key in the state directory: the first 16 digits of SHA-256("deskconn-did/1" and the public key).
desk_id() {
    "$zeroconf" "$here/desk_id.py" "$tmp/$1/data/deskconn/identity.key"
}

# An avahi with a bus, a /run and a host name of its own.
start_avahi() {
    local machine=$1 name=$2
    ip netns exec "$net-$machine" unshare --mount --uts bash -c '
        mount --make-rprivate /
        mount -t tmpfs none /run
        mkdir -p /run/dbus /run/avahi-daemon
        chown avahi:avahi /run/avahi-daemon
        hostname "$0"
        dbus-daemon --system --fork
        exec avahi-daemon --no-rlimits --no-chroot --no-drop-root' "$name" >"$tmp/avahi-$machine" 2>&1 &
    avahi_pid[$machine]=$!
    until_true grep -qs 'Server startup complete' "$tmp/avahi-$machine"
}

stop_avahi() {
    kill "${avahi_pid[$1]}" 2>/dev/null
    wait "${avahi_pid[$1]}" 2>/dev/null
    unset "avahi_pid[$1]"
}

# Runs a program beside the avahi of a machine.
at_avahi() {
    local machine=$1; shift
    nsenter -t "${avahi_pid[$machine]}" -m -n -u "$@"
}

browse_avahi() { at_avahi "$1" timeout 5 avahi-browse --resolve --parsable --terminate _deskconn._tcp 2>/dev/null; }

# The name as avahi-browse writes it: other characters than letters and digits as \ and three decimal digits.
escaped() { printf '%s' "$1" | sed -e 's/ /\\032/g' -e 's/(/\\040/g' -e 's/)/\\041/g'; }

# The lines that avahi resolved for a name over IPv4.
resolved() { browse_avahi "$1" | grep -F "=;eth0;IPv4;$(escaped "$2");_deskconn._tcp;local;"; }

# resolves_to MACHINE NAME TEXT: avahi resolves the name, and says the text of it.
resolves_to() { resolved "$1" "$2" | grep -qF "$3"; }

# avahi_sees MACHINE NAME HOST ADDRESS PORT
avahi_sees() {
    until_true resolves_to "$1" "$2" ";local;$3;$4;$5;" || { browse_avahi "$1"; return 1; }
}

avahi_reads() { until_true resolves_to "$1" "$2" "\"$3\"" || { resolved "$1" "$2"; return 1; }; }

resolves_over_ipv6() { browse_avahi "$1" | grep -qF "=;eth0;IPv6;$(escaped "$2");_deskconn._tcp;local;$3;fe80:"; }

sees_over_ipv6() { until_true resolves_over_ipv6 "$@" || { browse_avahi "$1"; return 1; }; }

# A second cable from a machine to the switch.
plug_in_again() {
    ip -n "$net-bridge" link add "port-$1-2" type veth peer name "$2" netns "$net-$1"
    ip -n "$net-bridge" link set "port-$1-2" master br0 up
    ip -n "$net-$1" link set "$2" up
    ip -n "$net-$1" addr add "$3/24" dev "$2"
}

# two_addresses MACHINE NAME ADDRESS ADDRESS: python-zeroconf lists both, avahi shows one of them.
two_addresses() {
    local id; id=$(desk_id one)
    local keys="txtvers=1 v=1 id=$id realm=deskconn path=/ws tls=1 pair=0 uid=$id"
    ip netns exec "$net-$1" timeout 20 "$zeroconf" "$here/zeroconf_find.py" "$2" "deskconn-${id:0:8}.local" "$3" 5020 $keys &&
        ip netns exec "$net-$1" timeout 20 "$zeroconf" "$here/zeroconf_find.py" "$2" "deskconn-${id:0:8}.local" "$4" 5020 $keys
}

keeps_its_name() { ! grep 'another device has this name' "$tmp/$1/log"; }

# avahi_resolves MACHINE -4|-6 HOST BEGINNING OF THE ADDRESS
avahi_resolves() { until_true resolves_host "$@"; }

resolves_host() { at_avahi "$1" timeout 6 avahi-resolve "$2" --name "$3" 2>&1 | tee /dev/stderr | grep -qF "	$4"; }

# both_seen NAME ADDRESS PORT NAME ADDRESS PORT
both_seen() {
    until_true resolves_to b "$1" ";$2;$3;" && until_true resolves_to b "$4" ";$5;$6;" || { browse_avahi b; return 1; }
}

# watch_avahi MACHINE NAME: goodbyes are seen by a browser that is already there and knows the name.
watch_avahi() {
    at_avahi "$1" avahi-browse --parsable _deskconn._tcp >"$tmp/watched" 2>/dev/null &
    other_pids="$other_pids $!"
    until_true grep -qs "^+;eth0;IPv4;$2;" "$tmp/watched"
}

not_seen() { deadline=4 until_true is_not_listed "$1" || { browse_avahi b; return 1; }; }

is_not_listed() { ! browse_avahi b | grep -qF ";$1;"; }

avahi_drops() {
    deadline=4 until_true grep -q "^-;eth0;IPv4;$1;" "$tmp/watched" || { cat "$tmp/watched"; return 1; }
}

# found_by_ctl KEY TYPE TEXT...: the command line finds something of the type and says each text of it.
found_by_ctl() {
    local key=$1 type=$2 text found; shift 2
    found=$(desk_ctl "$key" discover --type "$type" --json) || return 1
    echo "$found"
    for text in "$@"; do grep -qF "$text" <<<"$found" || { echo "missing: $text"; return 1; }; done
}

# preferred KEY TEXT ABSENT: of all desktops the command line finds the one that should be tried first, and no other.
preferred() {
    local found
    found=$(desk_ctl "$1" discover --max 1 --json) || return 1
    echo "$found"
    [ "$(wc -l <<<"$found")" = 1 ] && grep -qF "$2" <<<"$found" && ! grep -qF "$3" <<<"$found"
}

# browsed_for KEY TEXT...: the desktop looks for others on behalf of a caller, and says each text, and not itself.
browsed_for() {
    local key=$1 text found; shift
    found=$(desk_ctl "$key" --json call org.deskconn.discovery.browse 2) || return 1
    echo "$found"
    for text in "$@"; do grep -qF "$text" <<<"$found" || { echo "missing: $text"; return 1; }; done
    ! grep -qF "$(desk_id "$key")" <<<"$found"
}

# A service of avahi's own, by a name and type: publish MACHINE NAME TYPE PORT TXT
publish() {
    at_avahi "$1" avahi-publish --service "$2" "$3" "$4" "$5" >"$tmp/published" 2>&1 &
    other_pids="$other_pids $!"
    until_true grep -qs Established "$tmp/published"
}

# Opens a pairing window, as a person would who then goes away: the command is ended by Ctrl-C.
open_window() {
    local owner; of_owner "$1"
    "${owner[@]}" "$bin/deskconnctl" pair --legacy >"$tmp/pair" 2>&1 &
    window_pid=$!
    other_pids="$other_pids $window_pid"
    until_true grep -qsE 'Code: *[0-9]{4}-?[0-9]{4}' "$tmp/pair" || { cat "$tmp/pair"; return 1; }
}

close_window() {
    kill -INT "$window_pid" && wait "$window_pid"
    desk_runs one
}

# elsewhere MACHINE COMMAND…: as a user of another machine who has a home of their own.
elsewhere() {
    local machine=$1 home="$tmp/elsewhere"; shift
    mkdir -p "$home"
    ip netns exec "$net-$machine" env -i PATH="$PATH" HOME="$home" XDG_DATA_HOME="$home" "$@"
}

# joins KEY MACHINE HOST: the command line of that machine is paired with the daemon, by a code that nobody types.
joins() {
    desk_ctl "$1" --json pair --role bus --yes --no-qr <&- >"$tmp/window" 2>&1 &
    other_pids="$other_pids $!"
    until_true grep -qs '"code"' "$tmp/window" || { cat "$tmp/window"; return 1; }
    sed -n 's/.*"code": *"\([^"]*\)".*/\1/p' "$tmp/window" | head -1 |
        elsewhere "$2" timeout 30 "$bin/deskconnctl" join "$3" --name Elsewhere
}

# subscribes MACHINE DESKTOP TOPIC: a command that stays.
subscribes() {
    elsewhere "$1" "$bin/deskconnctl" --desktop "$2" subscribe "$3" >"$tmp/heard" 2>"$tmp/remarks" &
    other_pids="$other_pids $!"
    until_true grep -qs 'subscribed to' "$tmp/remarks" || { cat "$tmp/remarks"; return 1; }
}

# hears KEY TOPIC WORD: what the daemon's owner publishes reaches it.
hears() {
    until_true is_heard "$@" || { cat "$tmp/heard" "$tmp/remarks"; return 1; }
}

is_heard() { desk_ctl "$1" publish "$2" "\"$3\"" && grep -qs "$3" "$tmp/heard"; }

# avahi started second warns that it is not alone, and goes on; a conflict would make it change its name.
no_conflict() { ! grep -iE 'conflict|withdraw|retrying' "$tmp/avahi-$1"; }

# ask MACHINE WHAT NAME
ask() { ip netns exec "$net-$1" python3 "$here/ask.py" "$2" "$3"; }

# zeroconf_sees MACHINE NAME HOST ADDRESS PORT KEY=VALUE...
zeroconf_sees() {
    local machine=$1; shift
    ip netns exec "$net-$machine" timeout 20 "$zeroconf" "$here/zeroconf_find.py" "$@"
}
