"""The decision without a database: properties that hold for any queue."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.grant import MAX_HOLDS, Ask, Terms, Won, grant, shown
from realtime.exceptions import CommandError

PRICE = 100
asks = st.lists(
    st.builds(
        Ask,
        order=st.uuids().map(str),
        buyer=st.integers(1, 6),
        offer=st.integers(1, 3),
        qty=st.integers(1, 4),
        amount=st.integers(1, 4).map(lambda n: n * PRICE),
        currency=st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
    ),
    max_size=60,
)
offers = st.fixed_dictionaries(
    {
        n: st.builds(
            Terms,
            open=st.sampled_from([True, True, True, False]),
            prices=st.just({"CNY": PRICE}),
            per_buyer=st.none() | st.integers(1, 5),
            starts_at=st.sampled_from([None, None, -1, 0, 1]),
            ends_at=st.sampled_from([None, None, 0, 1]),
        )
        for n in (1, 2)
    }
)


def ask(buyer: int = 1, offer: int = 1, qty: int = 1, order: str = "o") -> Ask:
    return Ask(order, buyer, offer, qty, PRICE * qty, "CNY")


def refusal(verdict: object) -> CommandError:
    assert isinstance(verdict, CommandError)
    return verdict


@given(st.integers(0, 30), offers, asks)
def test_never_more_than_there_is(
    available: int, terms: dict[int, Terms], queue: list[Ask]
) -> None:
    verdicts, taken = grant(0, available, terms, {}, {}, queue)
    won = [a for a, v in zip(queue, verdicts, strict=True) if isinstance(v, Won)]
    assert taken == sum(a.qty for a in won)
    assert 0 <= taken <= available


@given(st.integers(0, 30), offers, asks)
def test_limits_hold_for_any_queue(
    available: int, terms: dict[int, Terms], queue: list[Ask]
) -> None:
    verdicts, _ = grant(0, available, terms, {}, {}, queue)
    units: Counter[tuple[int, int]] = Counter()
    holds: Counter[int] = Counter()
    for a, verdict in zip(queue, verdicts, strict=True):
        if isinstance(verdict, Won):
            units[a.offer, a.buyer] += a.qty
            holds[a.buyer] += 1
    for (offer, _buyer), qty in units.items():
        limit = terms[offer].per_buyer
        assert limit is None or qty <= limit
    assert all(n <= MAX_HOLDS for n in holds.values())


@given(st.integers(0, 30), offers, asks, st.data())
def test_a_queue_cut_in_two_is_decided_alike(
    available: int, terms: dict[int, Terms], queue: list[Ask], data: st.DataObject
) -> None:
    whole, taken = grant(0, available, terms, {}, {}, queue)
    cut = data.draw(st.integers(0, len(queue)))
    first, taken_first = grant(0, available, terms, {}, {}, queue[:cut])
    tallies: Counter[tuple[int, int]] = Counter()
    holds: dict[int, list[str]] = {}
    for a, verdict in zip(queue[:cut], first, strict=True):
        if isinstance(verdict, Won):
            tallies[a.offer, a.buyer] += a.qty
            holds.setdefault(a.buyer, []).append(a.order)
    rest, taken_rest = grant(
        0, available - taken_first, terms, tallies, holds, queue[cut:]
    )
    assert [str(v) for v in whole] == [str(v) for v in first + rest]
    assert taken == taken_first + taken_rest


def one_by_one(
    available: int, terms: dict[int, Terms], queue: list[Ask]
) -> list[str | int]:
    """The same in the plainest way: each wish looks at everything that was sold before.

    A price for who wins, the name of the refusal for who does not; at the time 0.
    """
    sold: list[Ask] = []
    verdicts: list[str | int] = []
    for wish in queue:
        offer = terms.get(wish.offer)
        mine = [ask for ask in sold if ask.buyer == wish.buyer]
        have = sum(ask.qty for ask in mine if ask.offer == wish.offer)
        left = available - sum(ask.qty for ask in sold)
        if offer is None:
            verdicts.append("not_found")
        elif (
            not offer.open
            or (offer.starts_at is not None and offer.starts_at > 0)
            or (offer.ends_at is not None and offer.ends_at <= 0)
        ):
            verdicts.append("offer_closed")
        elif wish.currency != "CNY":
            verdicts.append("currency_missing")
        elif wish.amount != PRICE * wish.qty:
            verdicts.append("price_changed")
        elif offer.per_buyer is not None and have + wish.qty > offer.per_buyer:
            verdicts.append("limit_reached")
        elif len(mine) >= 5:
            verdicts.append("too_many_holds")
        elif wish.qty > left:
            verdicts.append("sold_out")
        else:
            verdicts.append(PRICE)
            sold.append(wish)
    return verdicts


@given(st.integers(0, 30), offers, asks)
def test_a_queue_is_decided_as_if_one_by_one(
    available: int, terms: dict[int, Terms], queue: list[Ask]
) -> None:
    verdicts, _ = grant(0, available, terms, {}, {}, queue)
    assert one_by_one(available, terms, queue) == [
        verdict.price if isinstance(verdict, Won) else verdict.name
        for verdict in verdicts
    ]


def test_an_offer_sells_from_its_start_until_before_its_end() -> None:
    """At 100 the price is seen, at 200 it is over: whoever comes at 200 is late."""
    terms = {1: Terms(True, {"CNY": PRICE}, None, starts_at=100, ends_at=200)}
    told = {now: grant(now, 1, terms, {}, {}, [ask()])[0][0] for now in (99, 100, 199)}
    assert refusal(told[99]).data == {"starts_at": 100, "ends_at": 200, "now": 99}
    assert isinstance(told[100], Won) and isinstance(told[199], Won)
    late = refusal(grant(200, 1, terms, {}, {}, [ask()])[0][0])
    assert (late.name, late.data["now"]) == ("offer_closed", 200)


def test_first_come_first_served() -> None:
    queue = [ask(buyer) for buyer in (3, 1, 2)]
    verdicts, _ = grant(0, 2, {1: Terms(True, {"CNY": PRICE}, None)}, {}, {}, queue)
    assert [isinstance(v, Won) for v in verdicts] == [True, True, False]
    assert refusal(verdicts[2]).name == "sold_out"


def test_one_too_big_does_not_keep_the_next_from_winning() -> None:
    queue = [ask(1, qty=3), ask(2)]
    verdicts, taken = grant(0, 2, {1: Terms(True, {"CNY": PRICE}, None)}, {}, {}, queue)
    assert refusal(verdicts[0]).data == {"available": 2, "wait": True}
    assert isinstance(verdicts[1], Won)
    assert taken == 1


def test_each_refusal_carries_its_facts() -> None:
    terms = {
        1: Terms(True, {"CNY": PRICE}, 2),
        2: Terms(False, {"CNY": PRICE}, None),
    }
    held = {7: ["a", "b", "c", "d", "e"]}
    queue = [
        ask(1, offer=9),
        ask(1, offer=2),
        Ask("o", 1, 1, 1, 1, "USD"),
        Ask("o", 1, 1, 2, 150, "CNY"),
        ask(5),
        ask(7),
    ]
    verdicts, taken = grant(77, 9, terms, {(1, 5): 2}, held, queue)
    assert taken == 0
    assert [(refusal(v).name, refusal(v).data) for v in verdicts] == [
        ("not_found", {}),
        ("offer_closed", {"starts_at": None, "ends_at": None, "now": 77}),
        ("currency_missing", {"currency": "USD"}),
        ("price_changed", {"amount": 200, "currency": "CNY"}),
        ("limit_reached", {"limit": 2, "have": 2}),
        ("too_many_holds", {"max": 5, "orders": ["a", "b", "c", "d", "e"]}),
    ]


def test_a_shop_tells_as_much_of_its_stock_as_it_wants() -> None:
    assert [shown(n, "exact") for n in (0, 10, 11)] == [0, 10, 11]
    assert [shown(n, "low") for n in (0, 10, 11)] == [0, 10, None]
    assert [shown(n, "hidden") for n in (0, 10, 11)] == [None, None, None]
