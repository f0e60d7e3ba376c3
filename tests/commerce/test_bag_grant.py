"""Bags decided without a database: properties that hold for any queue of them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.bag_grant import grant_bags
from commerce.grant import MAX_HOLDS, Ask, Terms, Won
from realtime.exceptions import CommandError

PRICE = 100
NEEDS = {1: {10: 1}, 2: {20: 1}, 3: {30: 1}, 4: {10: 2, 20: 1}}
"""Offer 4 is a bundle that shares rows with offers 1 and 2."""
TERMS = {n: Terms(open=True, prices={"CNY": PRICE}, per_buyer=None) for n in NEEDS}


def bag(lines: dict[int, int], buyer: int = 1, order: str = "o") -> list[Ask]:
    return [
        Ask(order, buyer, offer, qty, PRICE * qty, "CNY")
        for offer, qty in lines.items()
    ]


def demand(asks: list[Ask]) -> Counter[int]:
    units: Counter[int] = Counter()
    for ask in asks:
        for row, qty in NEEDS.get(ask.offer, {}).items():
            units[row] += qty * ask.qty
    return units


bags = st.lists(
    st.builds(
        bag,
        st.dictionaries(st.integers(1, 5), st.integers(1, 4), min_size=1, max_size=4),
        st.integers(1, 5),
        st.uuids().map(str),
    ),
    max_size=30,
)
rows = st.fixed_dictionaries({row: st.integers(0, 15) for row in (10, 20, 30)})
limits = st.dictionaries(st.integers(1, 4), st.integers(1, 5))


@given(rows, bags)
def test_what_is_taken_is_what_was_won_and_never_more_than_there_is(
    available: dict[int, int], queue: list[list[Ask]]
) -> None:
    verdicts, taken = grant_bags(0, available, NEEDS, TERMS, {}, {}, queue)
    won = [a for a, v in zip(queue, verdicts, strict=True) if isinstance(v, list)]
    assert taken == sum((demand(asks) for asks in won), Counter())
    assert all(taken[row] <= units for row, units in available.items())


@given(rows, bags, limits)
def test_limits_hold_for_any_queue_of_bags(
    available: dict[int, int], queue: list[list[Ask]], caps: dict[int, int]
) -> None:
    terms = {
        n: Terms(open=True, prices={"CNY": PRICE}, per_buyer=caps.get(n)) for n in NEEDS
    }
    verdicts, _ = grant_bags(0, available, NEEDS, terms, {}, {}, queue)
    bought: Counter[tuple[int, int]] = Counter()
    holds: Counter[int] = Counter()
    for asks, verdict in zip(queue, verdicts, strict=True):
        if isinstance(verdict, list):
            assert verdict == [Won(PRICE)] * len(asks)
            holds[asks[0].buyer] += 1
            for ask in asks:
                bought[ask.offer, ask.buyer] += ask.qty
    assert all(qty <= caps.get(offer, qty) for (offer, _), qty in bought.items())
    assert all(count <= MAX_HOLDS for count in holds.values())


@given(rows, bags)
def test_who_is_told_sold_out_would_not_fit_beside_who_won_before(
    available: dict[int, int], queue: list[list[Ask]]
) -> None:
    verdicts, _ = grant_bags(0, available, NEEDS, TERMS, {}, {}, queue)
    taken: Counter[int] = Counter()
    for asks, verdict in zip(queue, verdicts, strict=True):
        if isinstance(verdict, list):
            taken += demand(asks)
        elif verdict.name == "sold_out":
            both = taken + demand(asks)
            assert any(both[row] > units for row, units in available.items())


def refusal(
    lines: dict[int, int],
    left: dict[int, int],
    terms: dict[int, Terms] | None = None,
    held: tuple[str, ...] = (),
) -> CommandError:
    asks = bag(lines)
    verdicts, taken = grant_bags(7, left, NEEDS, terms or TERMS, {}, {1: held}, [asks])
    assert isinstance(verdicts[0], CommandError) and not taken
    return verdicts[0]


def test_a_refusal_names_every_line_that_was_refused_so() -> None:
    error = refusal({1: 2, 2: 1, 3: 9}, {10: 1, 20: 5, 30: 0})
    assert (error.name, error.data) == (
        "sold_out",
        {
            "available": 1,
            "wait": True,
            "lines": [
                {"offer": 1, "available": 1, "wait": True},
                {"offer": 3, "available": 0, "wait": True},
            ],
        },
    )


def test_a_bundle_beside_its_part_wants_both() -> None:
    assert refusal({1: 3, 4: 1}, {10: 4, 20: 9}).data["lines"] == [
        {"offer": 4, "available": 0, "wait": True}
    ]
    verdicts, taken = grant_bags(
        0, {10: 5, 20: 1}, NEEDS, TERMS, {}, {}, [bag({1: 3, 4: 1})]
    )
    assert (verdicts, taken) == ([[Won(PRICE)] * 2], {10: 5, 20: 1})


def test_too_many_holds_is_said_of_the_buyer_not_of_lines() -> None:
    error = refusal({1: 1, 2: 1}, {10: 9, 20: 9}, held=tuple("abcde"))
    assert error.data == {"max": MAX_HOLDS, "orders": list("abcde")}


def test_a_closed_line_keeps_the_others_from_being_bought() -> None:
    terms = {**TERMS, 2: Terms(open=False, prices={"CNY": PRICE}, per_buyer=None)}
    error = refusal({1: 1, 2: 1}, {10: 9, 20: 9}, terms)
    assert error.name == "offer_closed"
    assert [line["offer"] for line in error.data["lines"]] == [2]
