"""A media process tells how it is, as a web process does."""

import pytest

from tests.realtime.inner import Inner
from tests.streams.live import MediaProcess

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_media_process_is_ready_and_counts(media: MediaProcess) -> None:
    inner = Inner(media.admin_port)
    await inner.until_ok()
    await inner.until_equal({"souk_store_up": 1})
    told = await inner.metrics()
    assert told["souk_db_seconds_count"] > 0
    assert "souk_loop_lag_seconds" in told
