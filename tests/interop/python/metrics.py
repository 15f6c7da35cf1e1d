"""The figures of a router, read by the Python client of Prometheus in both forms of its text, over the Unix socket."""

import asyncio
import http.client
import os
import socket

import address
import peer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as older
from report import Report, equal


class OverUnix(http.client.HTTPConnection):
    """HTTP to a Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(os.environ["ROUTER_UNIX"])


def fetch(accept):
    connection = OverUnix("localhost")
    connection.request("GET", "/metrics", headers={"Accept": accept})
    response = connection.getresponse()
    equal(response.status, 200)
    return response.getheader("Content-Type"), response.read().decode()


def value(families, name, **labels):
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def openmetrics_is_parsed_and_counts(router, link):
    kind, text = fetch("application/openmetrics-text; version=1.0.0")
    equal(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    before = list(openmetrics(text))
    session = await peer.join(router, "realm1", **link)
    await session.register(lambda: "hello", "com.example.metrics")
    for _ in range(5):
        equal(await session.call("com.example.metrics"), "hello")
    after = list(openmetrics(fetch("application/openmetrics-text")[1]))

    def more(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    equal(more("deskconn_calls_total", realm="realm1"), 5)
    equal(more("deskconn_calls_ended_total", realm="realm1", outcome="result"), 5)
    equal(more("deskconn_invocation_duration_seconds_count", realm="realm1"), 5)
    kinds = {family.name: (family.type, family.unit) for family in after}
    equal(kinds["deskconn_invocation_duration_seconds"], ("histogram", "seconds"))
    equal(kinds["deskconn_queue_bytes"], ("gauge", "bytes"))
    equal(kinds["deskconn_build"], ("info", ""))
    await session.goodbye()


async def the_older_text_is_parsed_and_says_the_same(router, link):
    kind, text = fetch("text/plain")
    equal(kind, "text/plain; version=0.0.4; charset=utf-8")
    new = list(openmetrics(fetch("application/openmetrics-text")[1]))
    old = list(older(text))
    equal(len(old), len(new))
    equal(value(old, "deskconn_registrations", realm="realm1"), value(new, "deskconn_registrations", realm="realm1"))


CASES = [openmetrics_is_parsed_and_counts, the_older_text_is_parsed_and_says_the_same]


async def main():
    report = Report("metrics")
    await report.check_all(CASES, address.router(), {"link": "unix", "serializer": "json"})
    report.end()


asyncio.run(main())
