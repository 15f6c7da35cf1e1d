"""Announces so many desktops by mDNS, again and again, and asks for them: desktops.py NUMBER"""

import itertools
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
# Announcements in a second.
RATE = 500
PTR, TXT, SRV, A = 12, 16, 33, 1
SHARED, UNIQUE = 1, 0x8001


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in (it.encode() for it in labels)) + b"\0"


def record(owner, kind, cls, ttl, data):
    return owner + struct.pack(">HHIH", kind, cls, ttl, len(data)) + data


def announcement(number):
    service = name("_deskconn", "_tcp", "local")
    instance = name(f"desk {number}", "_deskconn", "_tcp", "local")
    host = name(f"deskconn-{number:08x}", "local")
    text = b"".join(bytes([len(it)]) + it for it in (b"txtvers=1", b"id=%016x" % number, b"realm=deskconn", b"path=/ws"))
    answers = [
        record(service, PTR, SHARED, 4500, instance),
        record(instance, SRV, UNIQUE, 120, struct.pack(">HHH", 0, 0, 5020) + host),
        record(instance, TXT, UNIQUE, 4500, text),
        record(host, A, UNIQUE, 120, bytes([10, 77, 1 + number // 250, 1 + number % 250])),
    ]
    return struct.pack(">6H", 0, 0x8400, 0, len(answers), 0, 0) + b"".join(answers)


question = struct.pack(">6H", 0, 0, 1, 0, 0, 0) + name("_deskconn", "_tcp", "local") + struct.pack(">HH", PTR, 1)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
sender.bind(("", 5353))
packets = [announcement(number) for number in range(int(sys.argv[1]))]
for packet in itertools.cycle(packets + [question]):
    sender.sendto(packet, GROUP)
    time.sleep(1 / RATE)
