"""Pairing that does not succeed: wrong, spent and late codes, keys that are none, an owner who says no."""

import asyncio

import peer
from desk import refused
from report import equal

PAIR = "org.deskconn.pairing.pair"
REQUIRED = "wamp.error.authentication_required"
DENIED = "wamp.error.authentication_denied"


async def pair(desk, *arguments):
    """What the procedure answers to a stranger: true or false and never an error."""
    session = await desk.join()
    try:
        return await session.call(PAIR, *arguments)
    finally:
        if session.is_attached():
            await session.goodbye()


async def devices(desk):
    return len(await desk.ctl("devices"))


async def three_wrong_codes_burn_the_window(desk):
    before = await devices(desk)
    async with desk.pairing("--yes") as window:
        late = await desk.join()
        for _ in range(3):
            equal(await pair(desk, window.wrong_code(), peer.new_key().public_key()), False)
        await window.event("closed")
        assert "wrong codes" in await window.ended(1)
        # The right code comes too late, also over a session that was there before.
        equal(await late.call(PAIR, window.code, peer.new_key().public_key()), False)
        await refused(desk.join(), REQUIRED)
    equal(await devices(desk), before)


async def two_wrong_codes_leave_room_for_the_right_one(desk):
    before = await devices(desk)
    async with desk.pairing("--yes") as window:
        for _ in range(2):
            equal(await pair(desk, window.wrong_code(), peer.new_key().public_key()), False)
        equal(await pair(desk, window.code, peer.new_key().public_key()), True)
        await window.event("asked")
        await window.event("paired")
        await window.ended(0)
    equal(await devices(desk), before + 1)


async def a_code_serves_once(desk):
    async with desk.pairing("--yes") as window:
        late = await desk.join()
        equal(await pair(desk, window.code, peer.new_key().public_key()), True)
        await window.event("asked")
        await window.event("paired")
        await window.ended(0)
        before = await devices(desk)
        equal(await late.call(PAIR, window.code, peer.new_key().public_key()), False)
        await refused(desk.join(), REQUIRED)
        extra = {"otp": window.code}
        await refused(desk.join(key=peer.new_key(), authextra=extra), DENIED, "code")
    equal(await devices(desk), before)


async def a_code_serves_no_longer_than_its_time(desk):
    async with desk.pairing("--yes", "--ttl", "1") as window:
        late = await desk.join()
        await window.event("closed")
        assert "in time" in await window.ended(1)
        equal(await late.call(PAIR, window.code, peer.new_key().public_key()), False)
        await refused(desk.join(), REQUIRED)


async def arguments_that_are_none_get_false_and_not_an_error(desk):
    key = peer.new_key().public_key()
    for arguments in ([], [12345678], ["no code", key], [None, None], [[], {}], [-1, key], [2**63, key]):
        async with desk.pairing("--yes"):
            equal(await pair(desk, *arguments), False)


async def keys_that_are_none_get_false(desk):
    before = await devices(desk)
    # Of small order, all zeros, too short, not hexadecimal.
    for key in ("01" + "00" * 31, "00" * 32, "ab" * 31, "zz" * 32, ""):
        async with desk.pairing("--yes") as window:
            equal(await pair(desk, window.code, key), False)
    equal(await devices(desk), before)


async def a_wrong_code_in_the_login_is_refused(desk):
    async with desk.pairing("--yes") as window:
        for otp in (window.wrong_code(), "nonsense", None):
            await refused(desk.join(key=peer.new_key(), authextra={"otp": otp}), DENIED, "code")
        await window.event("closed")
        await window.ended(1)


async def a_key_that_is_not_proved_is_not_paired(desk):
    before = await devices(desk)
    async with desk.pairing("--yes") as window:
        shown, extra = peer.new_key(), {"otp": window.code}
        join = desk.join(key=shown, signer=peer.new_key(), authextra=extra)
        await refused(join, "wamp.error.authentication_failed")
        # The code is spent all the same.
        await refused(desk.join(key=shown, authextra=extra), DENIED)
    equal(await devices(desk), before)


async def a_session_pairs_no_other_key_than_its_own(desk):
    before = await devices(desk)
    async with desk.pairing("--yes") as window:
        session = await desk.join(key=peer.new_key())
        equal(session.joined.result().authrole, "pairing")
        equal(await session.call(PAIR, window.code, peer.new_key().public_key()), False)
        await session.goodbye()
    equal(await devices(desk), before)


async def an_owner_who_says_no_is_obeyed(desk):
    before = await devices(desk)
    async with desk.pairing() as window:
        answer = asyncio.ensure_future(pair(desk, window.code, peer.new_key().public_key()))
        await window.event("asked")
        window.type("n\n")
        equal(await answer, False)
        await window.event("closed")
        await window.ended(1)
    equal(await devices(desk), before)


async def an_owner_who_says_yes_sees_the_fingerprint_first(desk):
    before = await devices(desk)
    async with desk.pairing("--role", "slides") as window:
        key = peer.new_key()
        login = asyncio.ensure_future(desk.join(key=key, authextra={"otp": window.code}))
        asked = await window.event("asked")
        assert len(asked["fingerprint"].replace(" ", "").replace("-", "")) >= 16, asked
        assert not login.done()
        window.type("y\n")
        session = await login
        equal(session.joined.result().authrole, "slides")
        await window.event("paired")
        await session.goodbye()
    equal(await devices(desk), before + 1)


async def over_a_network_the_code_is_not_taken_unless_the_owner_says_so(desk, address):
    async with desk.pairing("--yes") as window:
        await refused(desk.join(address), REQUIRED)
        join = desk.join(address, key=peer.new_key(), authextra={"otp": window.code})
        await refused(join, DENIED, "--insecure-network")


async def over_a_network_a_paired_key_is_not_taken_unless_the_owner_says_so(desk, address):
    key = peer.new_key()
    async with desk.pairing("--yes") as window:
        session = await desk.join(key=key, authextra={"otp": window.code})
        await session.goodbye()
    await refused(desk.join(address, key=key), DENIED, "plain_devices")
    session = await desk.join(key=key)
    equal(session.joined.result().authrole, "remote")
    await session.goodbye()


CASES = [
    three_wrong_codes_burn_the_window,
    two_wrong_codes_leave_room_for_the_right_one,
    a_code_serves_once,
    a_code_serves_no_longer_than_its_time,
    arguments_that_are_none_get_false_and_not_an_error,
    keys_that_are_none_get_false,
    a_wrong_code_in_the_login_is_refused,
    a_key_that_is_not_proved_is_not_paired,
    a_session_pairs_no_other_key_than_its_own,
    an_owner_who_says_no_is_obeyed,
    an_owner_who_says_yes_sees_the_fingerprint_first,
]
NETWORK_CASES = [
    over_a_network_the_code_is_not_taken_unless_the_owner_says_so,
    over_a_network_a_paired_key_is_not_taken_unless_the_owner_says_so,
]
