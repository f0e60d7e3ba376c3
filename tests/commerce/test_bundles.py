"""Bundles: written by their shop, counted by their parts, told of like anything."""

import msgspec
import pytest

from commerce.actions import catalog, counting, standing, stock
from commerce.commands.catalog import PartDraft, SaveProduct, SkuDraft
from commerce.commands.stock import ReceiveStock
from commerce.models import BundlePart, Stock
from tests.commerce.conftest import Show, key, open_show
from tests.commerce.goods_at_hand import count, put_out
from tests.commerce.test_shelf import act, refused, told

pytestmark = pytest.mark.django_db(transaction=True)


def left_on_shelf(show: Show, offer: int) -> tuple[int | None, bool, int]:
    items = standing.Standing(show.stream.pk, None).items
    views = {view.offer: view for item in items for view in item.offers}
    return views[offer].left, views[offer].in_stock, views[offer].stock_version


@pytest.mark.both_databases
def test_there_are_as_many_bundles_as_the_scarcest_part_allows(show: Show) -> None:
    bowl = put_out(show, left=7)
    tea_set = put_out(show, parts={show.sku: 4, bowl.sku: 1})
    assert left_on_shelf(show, tea_set.offer)[:2] == (2, True)
    count(show, bowl.sku, -6)
    assert left_on_shelf(show, tea_set.offer)[:2] == (1, True)
    count(show, bowl.sku, -1)
    left, there, version = left_on_shelf(show, tea_set.offer)
    assert (left, there) == (0, False)
    count(show, bowl.sku, 5)
    assert left_on_shelf(show, tea_set.offer) == (2, True, version + 1)
    page = catalog.product_page(tea_set.product, None)
    assert page.skus[0].left == 2
    assert [(part.sku, part.qty) for part in page.skus[0].parts] == [
        (show.sku, 4),
        (bowl.sku, 1),
    ]
    assert catalog.product_page(bowl.product, None).skus[0].parts == []
    assert Stock.objects.get(id=tea_set.stock).available == 0


@pytest.mark.both_databases
def test_a_tick_of_a_part_is_one_of_its_bundles_too(show: Show) -> None:
    pair = put_out(show, parts={show.sku: 2})
    said = stock.ticks([show.stock])
    assert {tick.offer: tick.left for _, tick in said} == {
        show.offer: 10,
        pair.offer: 5,
    }
    assert show.stock in stock.changed_lately()
    plain = put_out(show)
    assert [tick.offer for _, tick in stock.ticks([plain.stock])] == [plain.offer]


@pytest.mark.both_databases
def test_the_room_hears_when_a_part_runs_out_for_its_bundle(show: Show) -> None:
    bowl = put_out(show, left=1)
    three = put_out(show, parts={show.sku: 3, bowl.sku: 1})

    def edges() -> list[tuple[str, int]]:
        said = [event for event in told(show) if event["type"].startswith("stock.")]
        versions = [event["version"] for event in said if event["offer"] == three.offer]
        assert versions == sorted(set(versions))
        return [(e["type"], e["number"]) for e in said if e["offer"] != bowl.offer]

    count(show, show.sku, -7)
    assert edges() == []
    count(show, show.sku, -1)
    assert edges() == [("stock.out", three.number)]
    count(show, bowl.sku, -1)
    count(show, bowl.sku, 1)
    assert len(edges()) == 1
    count(show, show.sku, 1)
    assert edges()[1:] == [("stock.back", three.number)]
    count(show, show.sku, -3)
    assert sorted(edges()[2:]) == [
        ("stock.out", show.number),
        ("stock.out", three.number),
    ]


def test_nobody_counts_a_bundle_by_hand(show: Show) -> None:
    pair = put_out(show, parts={show.sku: 2})
    more = ReceiveStock(key=key(), sku=pair.sku, qty=1)
    assert refused(counting.receive_stock, show.host, more) == (
        "bad_request",
        {"path": "$.sku", "why": "a bundle is counted by its parts"},
    )


def test_a_bundle_is_of_plain_variants_of_its_shop_and_stays_so(show: Show) -> None:
    foreign = open_show().sku
    pair = put_out(show, parts={show.sku: 2})

    def why(*parts: tuple[int, int], sku: int | None = None) -> str:
        draft = SkuDraft(
            sku=sku,
            code="set",
            prices={"CNY": 1},
            parts=[PartDraft(sku=part, qty=qty) for part, qty in parts],
        )
        command = SaveProduct(
            key=key(),
            shop=show.shop,
            product=pair.product if sku else None,
            version=1 if sku else None,
            title="Set",
            skus=[draft],
        )
        name, facts = refused(catalog.save_product, show.host, command)
        assert (name, facts["path"]) == ("bad_request", "$.skus[0].parts")
        return str(facts["why"])

    assert why((foreign, 1)) == "not of this shop"
    assert why((10**9, 1)) == "not of this shop"
    assert why((pair.sku, 1)) == "a bundle in a bundle"
    assert why((show.sku, 1), (show.sku, 2)) == "a variant twice"
    assert "never change" in why((show.sku, 3), sku=pair.sku)
    assert BundlePart.objects.get().qty == 2


def test_a_bundle_is_saved_again_with_its_parts_or_without_a_word_of_them(
    show: Show,
) -> None:
    pair = put_out(show, parts={show.sku: 2})
    for version, parts in enumerate(([PartDraft(sku=show.sku, qty=2)], None), start=1):
        draft = SkuDraft(sku=pair.sku, code="set", prices={"CNY": 9}, parts=parts)
        command = SaveProduct(
            key=key(),
            shop=show.shop,
            product=pair.product,
            version=version,
            title="Set",
            skus=[draft],
        )
        act(catalog.save_product, show.host, command)
    assert BundlePart.objects.get().qty == 2


def test_a_part_has_from_1_to_99_units() -> None:
    for qty in (0, 100):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"sku": 1, "qty": qty}, PartDraft)
