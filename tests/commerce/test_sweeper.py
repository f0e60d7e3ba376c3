"""The rounds of the sweeper: what is due is done, whatever is wrong with another."""

import uuid

import pytest

from commerce import sweeper
from commerce.models import Order, Tally
from realtime import db
from tests.commerce.conftest import open_show
from tests.commerce.money_at_hand import hold

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.usefixtures("alone"),
]


async def test_a_hold_that_cannot_be_taken_back_keeps_no_other_from_it() -> None:
    show = await db(open_show, per_buyer=1)
    first, second = [await db(hold, show) for _ in range(2)]
    await db(Order.objects.filter(id=first.pk).update, expires_at=1)
    await db(Order.objects.filter(id=second.pk).update, expires_at=2)
    # What no command can do: the books do not add up, and the database says so.
    tally = Tally.objects.filter(buyer_id=first.buyer_id)
    await db(tally.update, qty=0)
    await sweeper.expire()
    await db(second.refresh_from_db)
    assert second.state == "expired"
    await db(tally.update, qty=1)
    await sweeper.expire()
    await db(first.refresh_from_db)
    assert (first.state, await db(lambda: show.left)) == ("expired", 10)


async def test_what_fails_beside_it_loses_nothing_that_was_done() -> None:
    async def work(row: uuid.UUID) -> uuid.UUID:
        if row == rows[1]:
            raise ValueError("broken")
        return row

    rows = [uuid.uuid4() for _ in range(3)]
    assert await sweeper._alongside(work, rows) == [rows[0], rows[2]]
