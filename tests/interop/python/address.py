"""Where the router is, from the environment: the stage's run.sh sets it."""

import os
from types import SimpleNamespace


def router():
    """The open router, with the seed of the one key that its realm2 knows."""
    return SimpleNamespace(
        host="127.0.0.1",
        port=int(os.environ["ROUTER_PORT"]),
        unix=os.environ["ROUTER_UNIX"],
        seed=bytes.fromhex(os.environ["ROUTER_KEY_SEED"]),
        tls=os.environ["ROUTER_TLS"],
    )
