"""An authorizer made with autobahn-python, which decides what wampy's session may do.

usage: authorizer.py DIRECTORY OF guarded_wampy.mjs
"""

import asyncio
import sys

import address
import peer
from report import WITHIN, Report, equal
from stage import GUARDED

AUTHORIZE = "com.example.authorize"
START = "com.example.guarded."


class Authorizer:
    """Decides by the last word of a URI, and remembers what it was asked."""

    answers = {
        "yes": True,
        "no": False,
        "kept": {"allow": True, "cache": True},
        "known": {"allow": True, "disclose": True},
        "unclear": "perhaps",
    }

    def __init__(self):
        self.asked = []

    def decide(self, session, uri, action, options):
        self.asked.append((session, uri, action, options))
        return self.answers[uri.rsplit(".", 1)[1]]

    def times(self, word):
        return len([uri for _, uri, _, _ in self.asked if uri.endswith(f".{word}")])


async def wampy_is_allowed_what_the_authorizer_says(report, router, ours, theirs):
    owner = await peer.join(router, GUARDED, serializer=ours, key=peer.new_key(router.seed))
    authorizer = Authorizer()
    try:
        await owner.register(authorizer.decide, AUTHORIZE)
        for word in ("yes", "no", "kept", "unclear"):
            await owner.register(lambda: "served", START + word)
        await owner.register(lambda details: details.caller, START + "known", peer.DETAILS)
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec("node", f"{sys.argv[1]}/guarded_wampy.mjs", theirs, stdout=pipe)
        said, _ = await asyncio.wait_for(program.communicate(), WITHIN)
    finally:
        await owner.goodbye()
    report.take(said.decode(), f"autobahn-python {ours}")
    equal(program.returncode, 0)
    session, uri, action, options = authorizer.asked[0]
    equal((session["authrole"], session["authmethod"], session["realm"]), ("anonymous", "anonymous", GUARDED))
    equal((uri, action, options), (START + "yes", "call", {"match": "exact"}))
    # A decision that is to be kept is asked for once, any other each time.
    equal((authorizer.times("kept"), authorizer.times("no")), (1, 2))


async def main():
    report = Report("authorizer")
    router = address.router()
    for ours, theirs in (("json", "cbor"), ("msgpack", "json"), ("cbor", "msgpack")):
        report.peer = f"autobahn-python {ours} and wampy {theirs}"
        case = wampy_is_allowed_what_the_authorizer_says
        await report.check(case.__name__.replace("_", " "), case(report, router, ours, theirs))
    report.peer = "authorizer"
    report.end()


asyncio.run(main())
