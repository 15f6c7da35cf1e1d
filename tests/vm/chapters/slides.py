"""The slide keys, as the kernel sees them."""

import asyncio

from judging import P, check, error_of

KEYS = {"next": "PAGEDOWN", "previous": "PAGEUP", "start": "F5", "end": "ESC", "blank": "B"}


async def slides_press_the_keys(guest, session):
    mark = await guest.watch("slides")
    offered = {name.removeprefix("KEY_") for name in guest.since(mark, "slides-offers")}
    check(offered == set(KEYS.values()), f"the keyboard has the slide keys and no other: {sorted(offered)}")
    for name, key in KEYS.items():
        mark = guest.mark()
        check(await session.call(f"{P}slides.{name}") is None, f"slides.{name} answers null")
        seen = await guest.until(mark, "slides", enough=lambda seen: len(seen) >= 2)
        check(seen == [f"KEY_{key} 1", f"KEY_{key} 0"], f"the kernel saw {seen}")
    mark = guest.mark()
    await asyncio.gather(*[session.call(f"{P}slides.next") for _ in range(20)])
    seen = await guest.until(mark, "slides", enough=lambda seen: len(seen) >= 40)
    check(seen == ["KEY_PAGEDOWN 1", "KEY_PAGEDOWN 0"] * 20, "twenty calls at once are twenty whole key strokes")
    check(
        await error_of(session.call(f"{P}slides.next", 1)) == f"{P}error.bad_argument",
        "an argument too many is refused",
    )
