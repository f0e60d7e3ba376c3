"""The tables of states say what the shop may rely on."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from commerce import states
from commerce.states import OrderState, PaymentState

ORDERS = list(get_args(OrderState))
PAYMENTS = list(get_args(PaymentState))


def test_every_state_has_its_code_changes_and_moves() -> None:
    assert set(states.CODES) == set(states.CHANGES) == set(states.MOVES) == set(ORDERS)


def test_a_closed_order_stays_closed() -> None:
    assert not any(states.may_change("closed", state) for state in ORDERS)


def test_units_that_went_back_return_only_by_being_paid() -> None:
    for state in states.LEFT:
        assert states.CHANGES[state] == {"paid"}


@given(st.sampled_from(ORDERS), st.sampled_from(ORDERS))
def test_what_comes_before_agrees_with_the_table(
    was: OrderState, state: OrderState
) -> None:
    assert (was in states.before(state)) == states.may_change(was, state)


@given(st.permutations(PAYMENTS))
def test_news_in_any_order_ends_the_same(news: list[PaymentState]) -> None:
    payment: PaymentState = "created"
    for state in news:
        if states.raises(payment, state):
            payment = state
    assert payment == "settled"


@given(st.sampled_from(PAYMENTS))
def test_nothing_moves_settled_money(news: PaymentState) -> None:
    assert not states.raises("settled", news)


def moved_by(was: OrderState, state: OrderState) -> list[str]:
    """The movements each unit makes when an order changes so."""
    if state in states.LEFT:
        return ["release"]
    if state == "paid":
        return ["rehold", "sell"] if was in states.LEFT else ["sell"]
    return []


@given(st.data())
def test_any_walk_along_the_table_keeps_the_audit_s_rules(data: st.DataObject) -> None:
    """I3, I2 and I7 of one unit: its movements are those its state allows, each once;
    it is out as long as somebody holds or has it; money is there as long as it is sold.
    """
    state: OrderState = "held"
    moves, out, paid = ["hold"], 1, 0
    for _ in range(20):
        if not (ways := sorted(states.CHANGES[state])):
            break
        was, state = state, data.draw(st.sampled_from(ways))
        moves += (made := moved_by(was, state))
        out += made.count("rehold") - made.count("release")
        paid += state == "paid"
        kept = state in states.SOLD or state == "closed"
        assert sorted(set(moves)) == sorted(moves)
        assert frozenset(moves) in states.MOVES[state]
        assert out == (kept or state in states.LIVE)
        assert paid == kept


PAGE = Path(settings.BASE) / "docs/topics/orders.md"
LIVES: dict[str, tuple[int, Mapping[str, frozenset[str]]]] = {
    "order": (0, {was: frozenset(to) for was, to in states.CHANGES.items()}),
    "after-sale": (1, states.AFTER_SALES),
}


@pytest.mark.parametrize("life", LIVES)
def test_the_picture_in_the_docs_is_the_table(life: str) -> None:
    index, table = LIVES[life]
    pictures = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text(), re.DOTALL)
    drawn = re.findall(r"^ *(\w+) --> (\w+)", pictures[index], re.MULTILINE)
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(was, to) for was, after in table.items() for to in after}
    ends = set(re.findall(r"^ *(\w+) --> \[\*\]", pictures[index], re.MULTILINE))
    assert ends == {state for state, after in table.items() if not after}
