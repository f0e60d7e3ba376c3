"""The demo shop's desk: what is paid is packed, and what is packed is sent."""

import asyncio
import uuid
from contextlib import suppress
from typing import Any

from config.demo.guest import Guest
from realtime.testing import Refused

PATIENCE_MS = 60_000
"""So long an order stays as it is: time enough for a visitor to be quicker."""
PAUSE_S = 5.0
CARRIER = "山花快递 Wildflower Express"


async def serve(host: Guest, shop: int) -> None:
    """Pack and send, oldest first, for as long as the evening lasts."""
    while True:
        await asyncio.sleep(PAUSE_S)
        with suppress(Refused):  # the show goes on; the next look finds it again
            await pass_on(host, shop)


async def pass_on(host: Guest, shop: int) -> None:
    """One look at the desk: each order that waited moves on by one step."""
    for order in await _waiting(host, shop, "packed"):
        number = f"WE{uuid.uuid4().int % 10**10:010d}"
        await _try(host, "order.ship", order, carrier=CARRIER, number=number)
    for order in await _waiting(host, shop, "paid"):
        await _try(host, "order.pack", order)


async def _waiting(host: Guest, shop: int, state: str) -> list[str]:
    """Orders that have been in this state for a while."""
    found = await host.ask("order.shop", shop=shop, state=state, limit=20)
    return [
        order["order"]
        for order in reversed(found["items"])
        if order["now"] - order["changes"][-1]["at"] > PATIENCE_MS
    ]


async def _try(host: Guest, method: str, order: str, **fields: Any) -> None:
    with suppress(Refused):  # somebody was quicker
        await host.do(method, order=order, **fields)
