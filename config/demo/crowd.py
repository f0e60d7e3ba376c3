"""The demo's viewers: they watch, comment, like, and now and then buy, and unpack."""

import asyncio
import random
from typing import Any

from config.demo.guest import Guest
from config.demo.lines import COMMENTS, HOME
from realtime.testing import Refused

PAUSE_S = (4.0, 16.0)
"""Between two acts of one viewer."""
BUYS = 0.1
"""The part of the acts that are purchases."""
UNPACKS = 0.05
"""The part that is finding a parcel at the door."""


async def visit(username: str) -> None:
    """One connection's worth of watching; raises when the connection is lost."""
    chance = random.Random()  # noqa: S311 (whims, not secrets)
    async with Guest(username) as guest:
        taps = 0
        while True:
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            live = (await guest.ask("stream.list", kind="live"))["items"]
            if not live:
                continue
            stream = live[0]["stream"]
            await guest.attend(f"deals:{stream}")  # to be counted
            try:
                whim = chance.random()
                if whim < BUYS:
                    await buy(guest, stream)
                elif whim < BUYS + UNPACKS:
                    await unpack(guest)
                elif whim < 0.5:
                    text = chance.choice(COMMENTS)
                    await guest.do("comment.send", stream=stream, text=text)
                else:
                    taps += chance.randint(1, 6)
                    await guest.ask("like.send", stream=stream, total=taps)
            except Refused:
                continue  # sold out, too fast, just ended: another whim comes


async def buy(guest: Guest, stream: int) -> None:
    shelf = await guest.ask("shelf.get", stream=stream)
    wanted = [item for item in shelf["items"] if item["number"] in shelf["explaining"]]
    if not wanted:
        return
    offer: dict[str, Any] = wanted[0]["offers"][0]
    currency, price = next(iter(offer["prices"].items()))
    order = await guest.do(
        "order.place",
        offer=offer["offer"],
        qty=1,
        via={"kind": "stream", "id": stream},
        expect={"amount": price, "currency": currency},
    )
    quote = await guest.do(
        "order.quote", order=order["order"], address=await _home(guest)
    )
    paying = await guest.do(
        "order.pay", order=order["order"], version=quote["version"], method="bank"
    )
    await guest.pay(paying["redirect"])


async def _home(guest: Guest) -> int:
    """The viewer's address; kept at the first purchase."""
    kept = (await guest.ask("address.list"))["items"]
    if not kept:
        kept = [await guest.do("address.save", name=guest.username, **HOME)]
    return int(kept[0]["address"])


async def unpack(guest: Guest) -> None:
    """Say that what was sent first has arrived."""
    sent = (await guest.ask("order.mine", state="shipped"))["items"]
    if sent:
        await guest.do("order.receive", order=sent[-1]["order"])
