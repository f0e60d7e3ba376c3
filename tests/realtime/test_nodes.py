"""Where the store is, by its address."""

import pytest

from realtime.nodes import Cluster, Single, nodes


@pytest.mark.parametrize(
    ("url", "sharded"),
    [
        ("redis://127.0.0.1:6379/0", False),
        ("unix:///run/store.sock", False),
        ("redis+sentinel://a,b:26380/shop", False),
        ("rediss+sentinel://me:secret@a/shop/1", False),
        ("redis+cluster://a:7000,b", True),
    ],
)
async def test_each_kind_of_address_has_its_nodes(url: str, sharded: bool) -> None:
    made = nodes(url)
    assert isinstance(made, Cluster if sharded else Single)
    assert made.sharded is sharded
    assert (made.of("key") is None) is sharded  # nobody has been asked yet
    await made.close()


@pytest.mark.parametrize("url", ["redis+sentinel://a", "redis+ring://a/x", "http://a"])
def test_what_is_no_address_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="."):
        nodes(url)
