"""A sale from the click to the refund: the bank, a carrier, real sockets."""

import time
from typing import Any

import httpx
import msgspec
import pytest

from commerce.carriers import HEADER
from commerce.models import Shop
from commerce.providers.signing import sign
from realtime import db
from realtime.testing import LiveClient
from tests.commerce.conftest import PRICE, key, open_show
from tests.commerce.fulfilling import FEES
from tests.commerce.test_buying import at_the_bank, state
from tests.commerce.test_race import body
from tests.live import Connect, Server, Spawn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

SECRET = "a carrier's secret"
ADDRESS = {"name": "安 Ann", "phone": "+86 138 0000", "country": "CN", "line": "1 Road"}


async def do(client: LiveClient, method: str, /, **fields: Any) -> dict[str, Any]:
    return await client.rpc(method, {"key": key(), **fields})


async def news(server: Server, number: str, text: str, *, delivered: bool) -> None:
    """What the carrier's gateway posts."""
    told = {"id": key(), "number": number, "text": text, "at": 1}
    raw = msgspec.json.encode({**told, "delivered": delivered})
    headers = {HEADER: sign(SECRET, int(time.time()), raw)}
    async with httpx.AsyncClient(base_url=server.url) as gateway:
        answer = await gateway.post("/webhooks/ship/sf", content=raw, headers=headers)
    assert answer.status_code == 200


async def test_a_sale_from_the_click_to_the_refund(
    spawn_server: Spawn, connect: Connect, alone: None
) -> None:
    show = await db(open_show)
    await db(Shop.objects.filter(id=show.shop).update, shipping=FEES)
    server = spawn_server(SOUK_CARRIERS=f"sf={SECRET}")
    buyer = await connect((await db(show.buyer)).pk, to=server)
    shop = await connect(show.host.pk, to=server)

    # Held, quoted, paid.
    held = await buyer.rpc("order.place", body(show.order(3)))
    order = held["order"]
    home = await do(buyer, "address.save", **ADDRESS)
    quote = await do(buyer, "order.quote", order=order, address=home["address"])
    assert (quote["shipping"], quote["amount"]) == (0, 3 * PRICE)
    started = await do(
        buyer, "order.pay", order=order, version=quote["version"], method="bank"
    )
    await at_the_bank(server, started["redirect"])
    assert (await state(buyer, "paid"))["amount"] == 3 * PRICE

    # Packed, and sent in two parcels.
    line = held["lines"][0]["line"]
    assert await do(shop, "order.pack", order=order) == {"state": "packed"}
    first = await do(
        shop,
        "order.ship",
        order=order,
        carrier="sf",
        number="SF1",
        lines=[{"line": line, "qty": 2}],
    )
    await state(buyer, "part_shipped")
    await do(shop, "order.ship", order=order, carrier="sf", number="SF2")
    await state(buyer, "shipped")
    await do(shop, "shipment.fix", shipment=first["shipment"], carrier="sf", number="1")
    await news(server, "1", "handed over", delivered=True)
    while (told := await buyer.push(type="shipment.changed"))["last"] != "handed over":
        assert told["order"] == order
    assert await do(buyer, "order.receive", order=order) == {"state": "received"}

    # One is cracked: back it goes, and its money with it.
    wish = await do(
        buyer,
        "aftersale.open",
        order=order,
        kind="return",
        lines=[{"line": line, "qty": 1}],
        reason="cracked",
    )
    heard = await shop.push(type="aftersale.changed")
    assert (heard["aftersale"], heard["state"]) == (wish["aftersale"], "asked")
    this = {"aftersale": wish["aftersale"]}
    await do(shop, "aftersale.decide", **this, accept=True)
    await do(buyer, "aftersale.sent", **this, carrier="sf", number="R1")
    done = await do(shop, "aftersale.received", **this, restock=True)
    assert done["state"] == "done"
    while (back := await buyer.push(type="refund.changed"))["state"] != "done":
        assert (back["refund"], back["amount"]) == (done["refund"], PRICE)

    view = await buyer.rpc("order.get", {"order": order})
    assert [change["state"] for change in view["changes"]] == [
        "held",
        "paying",
        "paid",
        "packed",
        "part_shipped",
        "shipped",
        "received",
    ]
    assert [parcel["state"] for parcel in view["shipments"]] == ["delivered", "sent"]
    assert (view["address"]["name"], view["address"]["address"]) == ("安 Ann", 0)
    assert view["refunds"][0]["state"] == "done"
    assert view["aftersales"][0]["refund"] == done["refund"]
    assert view["lines"][0]["refunded"] == PRICE
    shelf = await buyer.rpc("shelf.get", {"stream": show.stream.pk})
    assert shelf["items"][0]["offers"][0]["left"] == 8
