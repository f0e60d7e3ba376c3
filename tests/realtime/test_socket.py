"""One straight line over a real socket."""

import pytest

from realtime.testing import Refused
from tests.live import Connect

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_ticket_lets_in_once_and_the_personal_channel_comes_with_it(
    connect: Connect,
) -> None:
    client = await connect(7)
    personal = client.hello["subs"]["#7"]
    assert personal["recoverable"] and personal["positioned"]
    assert client.hello["data"]["resume"].startswith("r.")
    with pytest.raises(Refused) as refused:
        await client.rpc("no.such")
    assert refused.value.code == 104
