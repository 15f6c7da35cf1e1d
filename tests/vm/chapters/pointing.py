"""The pointer and the keyboard, as the kernel sees them."""

import asyncio

from guest import PATIENCE
from judging import P, check, error_of

# As many characters as keyboard.type takes.
LONGEST = 1000


async def seen(guest, device, call, expected):
    """What the kernel saw of a call, which has to be this."""
    mark = guest.mark()
    await call
    found = await guest.until(mark, device, enough=lambda found: len(found) >= len(expected))
    check(found == expected, f"the kernel saw {found}")


async def the_pointer_moves_clicks_and_scrolls(guest, session):
    await session.call(f"{P}pointer.move", 1, 1)
    mark = await guest.watch("pointer")
    offered = guest.since(mark, "pointer-offers")
    check(not any(name.startswith("KEY_") for name in offered), f"a mouse without a key: {offered}")
    move, click, scroll = (f"{P}pointer.{name}" for name in ("move", "click", "scroll"))
    await seen(guest, "pointer", session.call(move, 30, -7), ["REL_X 30", "REL_Y -7"])
    mark = guest.mark()
    for _ in range(4):
        await session.call(move, 0.25, 0)
    found = await guest.until(mark, "pointer")
    check(found == ["REL_X 1"], f"fractions add up: {found}")
    await seen(guest, "pointer", session.call(click), ["BTN_LEFT 1", "BTN_LEFT 0"])
    await seen(guest, "pointer", session.call(click, "right"), ["BTN_RIGHT 1", "BTN_RIGHT 0"])
    await seen(guest, "pointer", session.call(scroll, 0, 2), ["REL_WHEEL_HI_RES -240", "REL_WHEEL -2"])
    for call in (session.call(move, 1e9, 0), session.call(click, "fourth"), session.call(scroll, "down", 0)):
        error = await error_of(call)
        check(error == f"{P}error.bad_argument", f"what is no motion is refused: {error}")


async def keys_are_pressed_and_text_is_typed(guest, session):
    press, type_ = f"{P}keyboard.press", f"{P}keyboard.type"
    await session.call(press, "escape")
    await guest.watch("keyboard")
    await seen(guest, "keyboard", session.call(press, "enter"), ["KEY_ENTER 1", "KEY_ENTER 0"])
    chord = ["KEY_LEFTCTRL 1", "KEY_LEFTSHIFT 1", "KEY_T 1", "KEY_T 0", "KEY_LEFTSHIFT 0", "KEY_LEFTCTRL 0"]
    await seen(guest, "keyboard", session.call(press, "ctrl+shift+t"), chord)
    text = ["KEY_LEFTSHIFT 1", "KEY_H 1", "KEY_H 0", "KEY_LEFTSHIFT 0", "KEY_I 1", "KEY_I 0", "KEY_SPACE 1", "KEY_SPACE 0"]
    await seen(guest, "keyboard", session.call(type_, "Hi "), text)
    mark = guest.mark()
    error = await error_of(session.call(type_, "good 電話"))
    check(error == f"{P}error.bad_argument", f"a text with characters of another layout is refused: {error}")
    await session.call(press, "f1")
    found = await guest.until(mark, "keyboard", enough=lambda found: len(found) >= 2)
    check(found == ["KEY_F1 1", "KEY_F1 0"], f"and nothing of it was typed: {found}")


async def typing_stops_when_the_call_is_cancelled(guest, session):
    mark = guest.mark()
    typing = session.call(f"{P}keyboard.type", "x" * LONGEST)
    await guest.until(mark, "keyboard", enough=lambda found: len(found) >= 20)
    typing.cancel()
    await asyncio.gather(typing, return_exceptions=True)
    # Until the news of it has come, the keyboard is busy.
    async with asyncio.timeout(PATIENCE):
        while await error_of(session.call(f"{P}keyboard.press", "f1")) == f"{P}error.busy":
            await asyncio.sleep(0.1)
    found = await guest.until(mark, "keyboard", enough=lambda found: "KEY_F1 0" in found)
    check(found[-2:] == ["KEY_F1 1", "KEY_F1 0"], "after a cancelled text no key of it comes behind")
    check(len(found) < LONGEST, f"and most of it was not typed: {len(found) // 2 - 1} of {LONGEST}")


async def chapter(guest, session):
    await the_pointer_moves_clicks_and_scrolls(guest, session)
    await keys_are_pressed_and_text_is_typed(guest, session)
    await typing_stops_when_the_call_is_cancelled(guest, session)
