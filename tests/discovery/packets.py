"""Checks a packet capture of mDNS, as tshark reads it: CAPTURE CHECK [ARGUMENTS]. Fails with what is wrong."""

import json
import statistics
import subprocess
import sys

capture, check, *arguments = sys.argv[1:]
PTR, TXT, SRV, A, AAAA = "12", "16", "33", "1", "28"


def records(section):
    """The records of a section, as dictionaries of tshark's fields."""
    for record in section.values() if isinstance(section, dict) else []:
        if isinstance(record, dict):
            yield record


class Packet:
    def __init__(self, layers):
        dns, ip, ipv6 = layers["mdns"], layers.get("ip"), layers.get("ipv6")
        self.time = float(layers["frame"]["frame.time_relative"])
        self.source = ip["ip.src"] if ip else ipv6["ipv6.src"]
        self.ttl = int(ip["ip.ttl"] if ip else ipv6["ipv6.hlim"])
        self.mac = layers.get("eth", {}).get("eth.src")
        self.port = layers["udp"]["udp.srcport"]
        self.target = layers["udp"]["udp.dstport"]
        self.is_response = dns["dns.flags_tree"]["dns.flags.response"] in ("1", "True")
        self.questions = [record["dns.qry.name"] for record in records(dns.get("Queries"))]
        self.answers = list(records(dns.get("Answers")))
        self.other = [record for name in ("Authoritative nameservers", "Additional records") for record in records(dns.get(name))]

    def of(self, kind):
        return [record for record in self.answers if record["dns.resp.type"] == kind]

    def ttls(self):
        return {int(record["dns.resp.ttl"]) for record in self.answers}


def read():
    """Every packet of the capture. With several strings in a TXT record tshark repeats keys, which are joined."""
    run = subprocess.run(
        ["tshark", "-r", capture, "-Y", "mdns", "-T", "json", "--no-duplicate-keys"], capture_output=True, check=True
    )
    return [Packet(packet["_source"]["layers"]) for packet in json.loads(run.stdout or "[]")]


packets = read()
address = arguments[-1] if check in ("ttl", "private", "silence") else (arguments + ["", ""])[1]
sent = [packet for packet in packets if packet.source == address]
mac = sent[0].mac if sent else None
# Over IPv6 the same machine has another address: what tells them apart is the card.
everything = [packet for packet in packets if mac and packet.mac == mac]


def fail(text):
    sys.exit(text)


def full(name):
    return f"{name}._deskconn._tcp.local"


def announcements(name, source=address):
    """Unasked responses with the PTR and the SRV of the name, alive."""
    found = []
    for packet in packets:
        if packet.source != source:
            continue
        points = any(record.get("dns.ptr.domain_name") == full(name) for record in packet.of(PTR))
        if packet.is_response and not packet.questions and points and packet.of(SRV) and packet.ttls() != {0}:
            found.append(packet)
    return found


if check == "probes":
    all_gaps = []
    for name, source in zip(arguments[::2], arguments[1::2]):
        first = announcements(name, source)[0].time
        ours = [p for p in packets if p.source == source and not p.is_response and p.time < first]
        probes = [p.time for p in ours if full(name) in p.questions and p.other]
        gaps = [round(b - a, 3) for a, b in zip(probes, probes[1:])]
        if len(probes) != 3 or min(gaps) < 0.22:
            fail(f"{name}: {len(probes)} probes with gaps {gaps}")
        all_gaps += gaps
    # A machine that does much else is late now and then, and never early.
    if statistics.median(all_gaps) > 0.30:
        fail(f"gaps {all_gaps}")
elif check == "announcements":
    times = [round(packet.time, 3) for packet in announcements(arguments[0])]
    if len(times) < 2 or not 1.0 <= times[1] - times[0] <= 2.5:
        fail(f"announced at {times}")
elif check == "ttl":
    own = [packet for packet in everything if packet.port == "5353"]
    wrong = [(p.time, p.source, p.ttl, p.port) for p in everything if p.ttl != 255 or (p.target == "5353" and p.port != "5353")]
    if wrong or not own:
        fail(f"{len(own)} packets, wrong: {wrong[:5]}")
elif check == "records":
    lives = {PTR: 4500, TXT: 4500, SRV: 120, A: 120, AAAA: 120}
    for packet in announcements(arguments[0]):
        for record in packet.answers:
            kind, life = record["dns.resp.type"], int(record["dns.resp.ttl"])
            flushes = record["dns.resp.cache_flush"] in ("1", "True")
            if lives.get(kind) != life or flushes != (kind != PTR):
                fail(f"type {kind}: TTL {life}, cache flush {flushes}")
elif check == "txt":
    strings = [packet.of(TXT)[0]["dns.txt"] for packet in announcements(arguments[0])[:2]]
    strings = [string if isinstance(string, list) else [string] for string in strings]
    if not strings or any(string != arguments[2:] for string in strings):
        fail(f"{strings[:1]}")
elif check == "goodbye":
    name = arguments[0]
    # tshark splits the name of an SRV record; the TXT record has the same one.
    byes = [p for p in sent if p.is_response and p.ttls() == {0} and any(r["dns.resp.name"] == full(name) for r in p.of(TXT))]
    kinds = sorted({record["dns.resp.type"] for packet in byes for record in packet.answers})
    if not byes or not {PTR, SRV, TXT, A} <= set(kinds):
        fail(f"{len(byes)} goodbyes with types {kinds}")
elif check == "private":
    told = {record.get("dns.a") or record.get("dns.aaaa") for p in everything for record in p.answers + p.other} - {None}
    wrong = [a for a in told if a.startswith(("127.", "172.17.")) or a == "::1"]
    link_local = {a for a in told if a.startswith("fe80:")}
    if wrong or len(link_local) > 1 or address not in told:
        fail(f"told {sorted(told)}")
elif check == "silence":
    loud = [(round(packet.time, 2), packet.source, packet.questions) for packet in packets if packet.source == address or address == "any"]
    if loud:
        fail(f"{len(loud)} packets: {loud[:5]}")
else:
    fail(f"unknown check {check}")
