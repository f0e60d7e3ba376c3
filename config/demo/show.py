"""The demo host: furnishes a shop, goes on air, explains, restocks, answers."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from msgspec import Struct

from config.demo import desk
from config.demo.guest import Guest
from config.demo.lines import ANSWER, GOODS, HOSTS, SHIPPING, TITLE, Goods
from config.demo.people import pictures_folder
from config.demo.scene import TURN_S, command
from realtime.embedded import dying_with
from realtime.testing import Refused

FEW = 5
"""Below so many pieces the host fetches more."""
GOODBYE_S = 3
DARK_LOOKS = 8
"""Seconds without a picture after which the encoder is started anew."""
OPEN = ("draft", "preview", "live", "interrupted")


class Ware(Struct):
    number: int
    offer: int
    sku: int
    full: int


class Show(Struct):
    shop: int
    stream: int
    wares: list[Ware]


async def furnish(host: Guest) -> Show:
    """The shop, its goods and a show with a full shelf; what exists is kept.

    The keys are fixed, so a second evening finds the first one's answers.
    """
    shop = await host.do(
        "shop.create",
        key="demo-shop",
        name=HOSTS[0][2],
        country="CN",
        currencies=["CNY"],
        methods=["bank"],
    )
    await host.do(
        "shop.update", key="demo-shipping", shop=shop["shop"], shipping=SHIPPING
    )
    products = [await _product(host, shop["shop"], goods) for goods in GOODS]
    stream = await _stream(host)
    shelf = await host.ask("shelf.get", stream=stream)
    wares = []
    for product, sku, full in products:
        item = _on_shelf(shelf, product)
        if item is None:
            draft = {"sku": sku}
            added = await host.do(
                "shelf.add", stream=stream, product=product, offers=[draft]
            )
            number, offer = added["number"], added["offers"][0]
        else:
            number, offer = item["number"], item["offers"][0]["offer"]
        wares.append(Ware(number=number, offer=offer, sku=sku, full=full))
    return Show(shop=shop["shop"], stream=stream, wares=wares)


async def _product(host: Guest, shop: int, goods: Goods) -> tuple[int, int, int]:
    name = goods.picture
    made = await host.do(
        "product.save",
        key=f"demo-product-{name}",
        shop=shop,
        title=goods.title,
        text=goods.text,
        media=[f"/media/demo/{name}.webp"],
        skus=[{"code": name, "prices": goods.prices}],
    )
    product, (sku,) = made["product"], made["skus"]
    await host.do(
        "product.state", key=f"demo-list-{name}", product=product, state="listed"
    )
    await host.do(
        "stock.receive",
        key=f"demo-stock-{name}",
        sku=sku,
        qty=goods.stock,
        note="first delivery",
    )
    return product, sku, goods.stock


async def _stream(host: Guest) -> int:
    mine = await host.ask("stream.list", kind="mine")
    for stream in mine["items"]:
        if stream["state"] in OPEN:
            return int(stream["stream"])
    made = await host.do("stream.create", title=TITLE, category="home", language="en")
    return int(made["stream"])


def _on_shelf(shelf: dict[str, Any], product: int) -> dict[str, Any] | None:
    for item in shelf["items"]:
        if item["product"] == product:
            found: dict[str, Any] = item
            return found
    return None


async def broadcast(host: Guest, show: Show) -> None:
    """Publish the drawn scene through the WHIP door; ends with the encoder."""
    ticket = await host.ask("stream.ticket", stream=show.stream)
    goods = [goods.picture for goods in GOODS]
    turn = time.time() % (TURN_S * len(goods))
    encoder = await asyncio.create_subprocess_exec(
        *command(
            pictures_folder(),
            goods,
            turn,
            "-f",
            "whip",
            "-authorization",
            ticket["token"],
            urljoin(settings.SOUK_URL, ticket["whip"]),
        ),
        preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
    )
    try:
        await encoder.wait()
    finally:
        await end(encoder)


async def end(encoder: Process) -> None:
    """Let it say goodbye, but not for long."""
    if encoder.returncode is not None:
        return
    encoder.terminate()
    try:
        async with asyncio.timeout(GOODBYE_S):
            await encoder.wait()
    except TimeoutError:
        encoder.kill()
        await encoder.wait()


async def keep_on_air(host: Guest, show: Show) -> None:
    """Broadcast until the show has ended; again whenever the picture is lost.

    An encoder does not notice that its packets reach nobody any more, so the show's
    state is looked at, too.
    """
    while await state_of(host, show) != "ended":
        encoder = asyncio.create_task(broadcast(host, show))
        try:
            await lost(host, show, encoder)
        finally:
            encoder.cancel()
            await asyncio.gather(encoder, return_exceptions=True)
        await asyncio.sleep(1)


async def lost(host: Guest, show: Show, encoder: asyncio.Task[None]) -> None:
    """Returns when the encoder has ended, or its picture has been gone for a while."""
    dark = 0
    while dark < DARK_LOOKS and not encoder.done():
        await asyncio.wait({encoder}, timeout=1)
        on = await state_of(host, show) in ("preview", "live")
        dark = 0 if on else dark + 1


async def state_of(host: Guest, show: Show) -> str:
    stream = await host.ask("stream.get", stream=show.stream)
    return str(stream["state"])


async def direct(host: Guest, show: Show) -> None:
    """Go live once there is a picture; then explain in turn and keep the shelf full.

    Returns when the show has ended.
    """
    explained = None
    while (state := await state_of(host, show)) != "ended":
        if state == "preview":
            with suppress(Refused):
                await host.do("stream.go_live", stream=show.stream)
        if state == "live":
            turn = int(time.time() // TURN_S) % len(show.wares)
            if turn != explained:
                await explain(host, show, turn)
                explained = turn
        await asyncio.sleep(1 if state == "live" else 0.3)


async def explain(host: Guest, show: Show, turn: int) -> None:
    """Explain one item and no other; fetch more of what runs low."""
    shelf = await host.ask("shelf.get", stream=show.stream)
    number = show.wares[turn].number
    for other in shelf["explaining"]:
        if other != number:
            await host.do("shelf.explain", stream=show.stream, number=other, on=False)
    if number not in shelf["explaining"]:
        await host.do("shelf.explain", stream=show.stream, number=number, on=True)
    for item in shelf["items"]:
        for ware in show.wares:
            if ware.number == item["number"] and _left(item) < FEW:
                await host.do(
                    "stock.receive", sku=ware.sku, qty=ware.full, note="from the back"
                )


def _left(item: dict[str, Any]) -> int:
    left = item["offers"][0].get("left")
    return FEW if left is None else int(left)


async def answer_messages(host: Guest) -> None:
    """Answer everybody who writes, once an evening."""
    me = int(next(iter(host.live.hello["subs"])).removeprefix("#"))
    answered: set[int] = set()
    while True:
        try:
            event = await host.live.push(type="message.sent")
        except TimeoutError:
            continue
        conversation, message = event["conversation"], event["message"]
        if conversation in answered or message["sender"] == me:
            continue
        answered.add(conversation)
        await asyncio.sleep(1.5)
        await host.do(
            "message.send", conversation=conversation, kind="text", text=ANSWER
        )


async def evening() -> None:
    """One connection's worth of hosting; raises when the connection is lost."""
    async with Guest(HOSTS[0][0]) as host, asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(answer_messages(host))
        show = await furnish(host)
        serving = tasks.create_task(desk.serve(host, show.shop))
        on_air = tasks.create_task(keep_on_air(host, show))
        await direct(host, show)
        answering.cancel()
        serving.cancel()
        await on_air
