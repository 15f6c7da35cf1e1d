"""Finds a desktop with python-zeroconf: NAME HOST ADDRESS PORT KEY=VALUE... Fails with what it saw instead."""

import sys
import time

from zeroconf import ServiceBrowser, ServiceListener, Zeroconf

TYPE = "_deskconn._tcp.local."
name, host, address, port, *txt = sys.argv[1:]
expected = dict(item.split("=", 1) for item in txt)


class Listener(ServiceListener):
    def add_service(self, zc, type_, found):
        seen.add(found)

    def update_service(self, zc, type_, found):
        seen.add(found)

    def remove_service(self, zc, type_, found):
        seen.discard(found)


def differences():
    """What is not as expected; empty when everything is."""
    full = f"{name}.{TYPE}"
    if full not in seen:
        return [f"saw {sorted(seen)}"]
    info = zeroconf.get_service_info(TYPE, full, timeout=2000)
    if info is None:
        return [f"{full} does not resolve"]
    got = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
    wrong = [f"TXT {got} and not {expected}"] if got != expected else []
    if info.server != host + ".":
        wrong.append(f"host {info.server}")
    if address not in info.parsed_addresses():
        wrong.append(f"addresses {info.parsed_addresses()}")
    if (info.port, info.priority, info.weight) != (int(port), 10, 60):
        wrong.append(f"port {info.port}, priority {info.priority}, weight {info.weight}")
    return wrong


seen = set()
zeroconf = Zeroconf()
browser = ServiceBrowser(zeroconf, TYPE, Listener())
end = time.monotonic() + 15
wrong = differences()
while wrong and time.monotonic() < end:
    time.sleep(0.2)
    wrong = differences()
zeroconf.close()
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
