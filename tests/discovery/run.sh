#!/bin/bash
# The daemon's mDNS against real avahi and python-zeroconf, in network namespaces of its own: nothing leaves the machine.
#
#     tests/discovery/run.sh [DIRECTORY OF deskconnd]        (default: target/debug)
#
# Needs root and the packages below. Without them it says SKIPPED and succeeds, unless DESKCONN_REQUIRE_ALL=1.
# KEEP=1 leaves the logs and packet captures behind.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${1:-$here/../../target/debug}" && pwd) || exit 2
. "$here/lib.sh"

require_root_and_tools ip tcpdump tshark avahi-daemon avahi-browse avahi-resolve dbus-daemon setpriv nsenter python3
[ -x "$bin/deskconnd" ] || { echo "FAIL there is no $bin/deskconnd; build it with: cargo build"; exit 1; }
zeroconf_python || exit 1
build_network

# --- one desktop, seen by two libraries that are not ours -----------------------------------------------------------
ip -n "$net-a" link add docker0 type bridge
ip -n "$net-a" addr add 172.17.0.1/16 dev docker0
ip -n "$net-a" link set docker0 up
capture c eth0 wire
capture a docker0 docker
capture a lo loopback
start_avahi b phonebox
start_desk one a MyDesk 5020
id=$(desk_id one) && step "the daemon starts and keeps an identity" test "${#id}" = 16
host="deskconn-${id:0:8}.local"

keys="txtvers=1 v=1 id=$id realm=deskconn path=/ws tls=1 pair=0 uid=$id"
step "avahi finds and resolves it" avahi_sees b MyDesk "$host" 10.77.0.1 5020
for key in $keys; do step "avahi reads $key" avahi_reads b MyDesk "$key"; done
step "python-zeroconf finds it with every key" zeroconf_sees c MyDesk "$host" 10.77.0.1 5020 $keys
step "its host name resolves over IPv4" avahi_resolves b -4 "$host" 10.77.0.1
step "its host name resolves over IPv6" avahi_resolves b -6 "$host" fe80:

step "a question of a program that is no responder is answered to it alone" ask c legacy MyDesk
step "what somebody knows already is not told again" ask c known MyDesk
step "its type is in the list of all types" ask c types MyDesk

# --- what the command line finds, and what its owner switches --------------------------------------------------------
start_desk two c Other 5020 "" 5
publish b Pages _http._tcp 80 path=/
step "deskconnctl finds the desktops, with priority and weight" found_by_ctl two _deskconn._tcp \
    '"MyDesk"' '"Other"' "\"$host\"" '"10.77.0.1"' '"port":5020' '"priority":10' '"weight":60' "[\"id\",\"$id\"]"
step "one alone is the one with the lowest priority, whoever answers first" preferred two '"Other"' '"MyDesk"'
step "a desktop looks for the others on behalf of a phone" browsed_for two '"MyDesk"' "\"$host\"" '"10.77.0.1:5020"' "\"$id\""
step "and a service of another type that avahi shows" found_by_ctl two _http._tcp '"Pages"' '"port":80' '["path","/"]'
step "an open pairing window is shown" open_window one
step "with pair=1" avahi_reads b MyDesk pair=1
step "and a closed one" close_window
step "with pair=0" avahi_reads b MyDesk pair=0
step "discovery off hides the desktop" desk_ctl two discovery off
step "at once" not_seen Other
stop_desk two >/dev/null; start_desk two c Other 5020
step "and after a restart" not_seen Other
step "discovery on shows it again" desk_ctl two discovery on
step "at once, too" avahi_sees b Other "deskconn-$(desk_id two | cut -c1-8).local" 10.77.0.3 5020
stop_desk two >/dev/null

# --- more desktops --------------------------------------------------------------------------------------------------
start_desk two c Other 5020
step "two desktops on one network are both found" both_seen Other 10.77.0.3 5020 MyDesk 10.77.0.1 5020
start_desk three a Third 5021
step "two desktops on one machine are both found" both_seen Third 10.77.0.1 5021 MyDesk 10.77.0.1 5020
start_desk four c MyDesk 5022
step "a name that is taken gets a number" avahi_sees b "MyDesk (2)" "deskconn-$(desk_id four | cut -c1-8).local" 10.77.0.3 5022
step "and the first keeps its own" avahi_sees b MyDesk "$host" 10.77.0.1 5020

# --- goodbye --------------------------------------------------------------------------------------------------------
watch_avahi b Other
step "SIGTERM ends the daemon with 0 within 2 s" stop_desk two
step "avahi drops it at once" avahi_drops Other
stop_desk three >/dev/null; stop_desk four >/dev/null

# --- a command line on another machine that stays --------------------------------------------------------------------
start_desk mover a Mover 5030
step "a command line on another machine is paired" joins mover c 10.77.0.1:5030
step "it subscribes" subscribes c Mover org.deskconn.app.news
step "and hears what is published" hears mover org.deskconn.app.news before
# Before it has told its name it has not asked for it three times either.
step "it is seen by others meanwhile" avahi_sees b Mover "deskconn-$(desk_id mover | cut -c1-8).local" 10.77.0.1 5030
stop_desk mover >/dev/null; start_desk mover a Mover 5031
step "it finds the desktop by its id when the port has changed, and hears again" hears mover org.deskconn.app.news after
stop_desk mover >/dev/null

# --- what was on the wire until here --------------------------------------------------------------------------------
stop_capture wire; stop_capture docker; stop_capture loopback
packets() { python3 "$here/packets.py" "$tmp/wire.pcap" "$@"; }
step "three probes of each desktop, a quarter of a second apart" packets probes MyDesk 10.77.0.1 Other 10.77.0.3 Third 10.77.0.1 Mover 10.77.0.1
step "two announcements at least a second apart, for a name with capitals" packets announcements "MyDesk" 10.77.0.1
step "every packet has a TTL or hop limit of 255 and comes from port 5353" packets ttl 10.77.0.1
step "records live 4500 s and 120 s, unique ones flush caches, shared ones do not" packets records "MyDesk" 10.77.0.1
step "the TXT record is in its order" packets txt "MyDesk" 10.77.0.1 $keys
step "the goodbye takes back every record" packets goodbye "Other" 10.77.0.3
step "no address of loopback or the container bridge is told" packets private 10.77.0.1
step "nothing is sent on the container bridge" python3 "$here/packets.py" "$tmp/docker.pcap" silence 172.17.0.1
step "nothing is sent on loopback" python3 "$here/packets.py" "$tmp/loopback.pcap" silence 127.0.0.1

# --- the machine's own avahi ----------------------------------------------------------------------------------------
start_avahi a deskbox
step "beside avahi on the same machine it is found from elsewhere" avahi_sees b MyDesk "$host" 10.77.0.1 5020
step "and by that avahi itself" avahi_sees a MyDesk "$host" 10.77.0.1 5020
step "avahi keeps its own host name" avahi_resolves b -4 deskbox.local 10.77.0.1
step "avahi complains of no conflict" no_conflict a
stop_desk one >/dev/null
step "the goodbye of the daemon leaves avahi's host name alone" avahi_resolves b -4 deskbox.local 10.77.0.1
start_desk one a MyDesk 5020
step "started after avahi it is found as well" avahi_sees b MyDesk "$host" 10.77.0.1 5020
stop_avahi a

# --- a network that changes, and one that is hostile ----------------------------------------------------------------
ip -n "$net-a" link set eth0 down
ip -n "$net-a" addr flush dev eth0
ip -n "$net-a" addr add 10.77.0.99/24 dev eth0
ip -n "$net-a" link set eth0 up
step "after a new address it is found at the new address" avahi_sees b MyDesk "$host" 10.77.0.99 5020
ip -n "$net-a" addr del 10.77.0.99/24 dev eth0
step "with IPv6 alone it is found" sees_over_ipv6 b MyDesk "$host"
ip -n "$net-a" addr add 10.77.0.99/24 dev eth0
ip -n "$net-a" route replace default dev eth0
step "and with IPv4 again" avahi_sees b MyDesk "$host" 10.77.0.99 5020
plug_in_again a eth1 10.77.0.98
step "with two cards in one network it is found at both addresses" two_addresses b MyDesk 10.77.0.99 10.77.0.98
step "and is not mistaken for another desktop" keeps_its_name one
ip -n "$net-a" link del eth1
step "malformed packets are sent" ip netns exec "$net-c" python3 "$here/hostile.py"
step "malformed packets do not stop it" desk_runs one
step "and it still answers" zeroconf_sees c MyDesk "$host" 10.77.0.99 5020 $keys
stop_desk one >/dev/null

# --- discovery off --------------------------------------------------------------------------------------------------
capture c eth0 silent
start_desk one a MyDesk 5020 'enabled = false'
step "with discovery off in the configuration it runs" desk_runs one
listen_for 4
stop_desk one >/dev/null
echo '{"discovery":false}' >"$tmp/one/data/deskconn/state.json"
chmod 600 "$tmp/one/data/deskconn/state.json"; chown nobody "$tmp/one/data/deskconn/state.json"
start_desk one a MyDesk 5020
step "with discovery switched off by a command it runs" desk_runs one
listen_for 4
stop_desk one >/dev/null
stop_capture silent
step "and both times nothing is on the wire" python3 "$here/packets.py" "$tmp/silent.pcap" silence 10.77.0.99

finish
