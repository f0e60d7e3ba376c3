"""Buyers who are not content: asked, decided, sent back, received, made good.

Each change is one conditional update under the order's lock, told to the buyer and to
the shop's staff. Neighbours: makinggood.py (money, units and another piece),
refunds.py.
"""

from typing import Any

from django.db import transaction

from commerce.actions.catalog import STAFF, must_serve
from commerce.actions.makinggood import (
    give_back_money,
    paid_back_by_hand,
    replace,
    take_in,
    was_paid_back,
    worth,
)
from commerce.actions.orders import locked, seen
from commerce.actions.shipping import units_sent
from commerce.actions.shops import staff_channels
from commerce.clock import DAY_MS, DatabaseNow, now_ms
from commerce.commands.shipping import (
    AfterSaleState,
    CameBack,
    DecideAfterSale,
    OpenAfterSale,
    SentBack,
    WithdrawAfterSale,
)
from commerce.errors import REFUND_EXCEEDS, WRONG_STATE
from commerce.events import AfterSaleChanged
from commerce.models import AfterSale, Order
from commerce.states import AFTER_SALES, AFTER_SALES_OPEN, SENT, SOLD
from realtime import publish_on_commit
from realtime.exceptions import BAD_REQUEST, CONFLICT, NOT_FOUND, CommandError

DECIDE_MS = 3 * DAY_MS
"""A shop that says nothing for so long has accepted."""
SEND_MS = 10 * DAY_MS
"""A buyer who sends nothing for so long has thought better of it."""
RECEIVE_MS = 10 * DAY_MS
"""A parcel that was sent back so long ago has arrived."""
ASK_MS = 30 * DAY_MS
"""So long after an order is done its buyer may still ask for something."""
Kind = AfterSale.Kind


def _read(pk: int) -> AfterSale:
    """An after-sale under its order's lock."""
    found = AfterSale.objects.filter(id=pk).first()
    if found is None:
        raise NOT_FOUND()
    order = locked(found.order_id)
    found.refresh_from_db()
    found.order = order
    return found


def _of_buyer(user: int, pk: int) -> AfterSale:
    if not AfterSale.objects.filter(id=pk, order__buyer_id=user).exists():
        raise NOT_FOUND()
    return _read(pk)


def _of_shop(user: int, pk: int) -> AfterSale:
    """Raises `PERMISSION_DENIED` for its buyer, `NOT_FOUND` for strangers."""
    found = AfterSale.objects.filter(id=pk).first()
    if found is None:
        raise NOT_FOUND()
    must_serve(seen(user, str(found.order_id)).shop_id, user, STAFF)
    return _read(pk)


def _move(
    wish: AfterSale, state: str, *, due_at: int | None = None, **fields: Any
) -> None:
    """Move along a line of the table, or raise `WRONG_STATE`."""
    if state not in AFTER_SALES[wish.state]:
        raise WRONG_STATE(state=wish.state)
    claimed = AfterSale.objects.filter(id=wish.pk, state=wish.state)
    changed = {"state": state, "version": wish.version + 1, "due_at": due_at, **fields}
    if claimed.filter(version=wish.version).update(**changed) != 1:
        raise RuntimeError(f"after-sale {wish.pk} was changed without its lock")
    for name, value in changed.items():
        setattr(wish, name, value)
    _tell(wish)


def _tell(wish: AfterSale) -> None:
    order = wish.order
    channels = {f"#{order.buyer_id}", *staff_channels(order.shop_id)}
    publish_on_commit(
        sorted(channels),
        AfterSaleChanged(
            order=str(order.pk),
            aftersale=wish.pk,
            state=wish.state,
            version=wish.version,
        ),
    )


def _reply(wish: AfterSale) -> AfterSaleState:
    refund = str(wish.refund_id) if wish.refund_id else None
    return AfterSaleState(aftersale=wish.pk, state=wish.state, refund=refund)


def open_one(user: int, command: OpenAfterSale) -> AfterSaleState:
    """Ask for money, a return or another piece; one at a time for an order.

    Raises `WRONG_STATE` (what was not sent cannot come back, what was done long ago is
    over), `CONFLICT` {aftersale} for an open one, `REFUND_EXCEEDS` when nothing was
    paid for these.
    """
    order = Order.objects.filter(id=command.order, buyer_id=user).first()
    if order is None:
        raise NOT_FOUND()
    order = locked(order.pk)
    if order.state not in (SOLD if command.kind == "refund" else SENT):
        raise WRONG_STATE(state=order.state)
    now = now_ms()
    long_ago = order.changes.filter(state="done", at__lt=now - ASK_MS)
    if long_ago.exists():
        raise WRONG_STATE(state=order.state)
    other = order.aftersales.filter(state__in=AFTER_SALES_OPEN).first()
    if other is not None:
        raise CONFLICT(aftersale=other.pk, version=other.version)
    _check_parts(order, command)
    wish = AfterSale(
        order=order,
        kind=command.kind,
        lines=[{"line": part.line, "qty": part.qty} for part in command.lines],
        reason=command.reason.strip(),
        media=command.media,
        due_at=now + DECIDE_MS,
        at=now,
    )
    if wish.kind != Kind.EXCHANGE and not worth(wish):
        raise REFUND_EXCEEDS(left=0)
    wish.save()
    _tell(wish)
    return _reply(wish)


def _check_parts(order: Order, command: OpenAfterSale) -> None:
    """Raises `BAD_REQUEST` for units that were not bought, or were made good before,
    and for pieces that were never sent.
    """
    by_hand, away = paid_back_by_hand(order), units_sent(order)
    left = {
        line.pk: line.qty - by_hand[line.pk] for line in order.lines.filter(parent=None)
    }
    done_before = order.aftersales.filter(state=AfterSale.State.DONE)
    # Another piece that was called off was never sent: this one is owed again.
    for done in done_before.exclude(replacement__state=Order.State.CLOSED):
        for part in done.lines:
            left[part["line"]] -= part["qty"]
            away[part["line"]] -= part["qty"] if done.kind != Kind.REFUND else 0
    for index, part in enumerate(command.lines):
        yours = left.get(part.line, 0)
        if command.kind != "refund":
            yours = min(yours, away[part.line])
        if part.qty > yours:
            why = f"{max(0, yours)} of this line are yours"
            raise BAD_REQUEST(path=f"$.lines[{index}]", why=why)
        left[part.line] -= part.qty
        away[part.line] -= part.qty


def sent(user: int, command: SentBack) -> AfterSaleState:
    """The buyer's parcel is on its way back. Raises `WRONG_STATE` unless accepted."""
    wish = _of_buyer(user, command.aftersale)
    carrier, number = command.carrier.strip(), command.number.strip()
    due = now_ms() + RECEIVE_MS
    _move(wish, "sent", due_at=due, carrier=carrier, number=number)
    return _reply(wish)


def withdraw(user: int, command: WithdrawAfterSale) -> AfterSaleState:
    """The buyer thinks better of it. Raises `WRONG_STATE` once a parcel is sent."""
    wish = _of_buyer(user, command.aftersale)
    _move(wish, "withdrawn")
    return _reply(wish)


def decide(user: int, command: DecideAfterSale) -> tuple[AfterSaleState, list[int]]:
    """The shop's word; the stock rows that got units. The second word is too late.

    Raises `WRONG_STATE`.
    """
    wish = _of_shop(user, command.aftersale)
    note = command.note.strip()
    if command.accept:
        touched = _accept(wish, by=user, note=note)
    else:
        _move(wish, "refused", decided_by_id=user, note=note)
        touched = []
    return _reply(wish), touched


def _accept(wish: AfterSale, *, by: int | None, note: str = "") -> list[int]:
    """Money goes back at once; pieces are waited for."""
    due = None if wish.kind == Kind.REFUND else now_ms() + SEND_MS
    _move(wish, "accepted", due_at=due, decided_by_id=by, note=note)
    if wish.kind != Kind.REFUND:
        return []
    touched, refund = give_back_money(wish, by=by)
    _move(wish, "done", refund=refund)
    return touched


def came_back(user: int, command: CameBack) -> tuple[AfterSaleState, list[int]]:
    """The pieces are here; the stock rows that changed.

    The money goes back, or another piece is held for the buyer: then raises
    `STOCK_SHORT` while there is none, and nothing has happened. Raises `WRONG_STATE`.
    """
    wish = _of_shop(user, command.aftersale)
    return _arrive(wish, restock=command.restock, by=user), _touched(wish)


def _touched(wish: AfterSale) -> list[int]:
    lines = wish.order.lines.exclude(stock=None)
    return sorted(
        {stock for stock in lines.values_list("stock_id", flat=True) if stock}
    )


def _arrive(wish: AfterSale, *, restock: bool, by: int | None) -> AfterSaleState:
    _move(wish, "received")
    if restock:
        take_in(wish)
    if wish.kind == Kind.EXCHANGE and not was_paid_back(wish):
        try:
            _move(wish, "done", replacement=replace(wish, by=by))
            return _reply(wish)
        except CommandError:
            # The shop may find another piece; the clock gives the money, if any was.
            if by is not None or not worth(wish):
                raise
    _, refund = give_back_money(wish, by=by)
    _move(wish, "done", refund=refund)
    return _reply(wish)


def due(limit: int = 200) -> list[int]:
    """After-sales whose next step somebody let pass, the longest due first."""
    found = AfterSale.objects.filter(
        state__in=AFTER_SALES_OPEN, due_at__lte=DatabaseNow()
    )
    return list(found.order_by("due_at").values_list("id", flat=True)[:limit])


def move_on(pk: int) -> list[int]:
    """Take the step that time takes; the stock rows that got units."""
    with transaction.atomic(durable=True):
        wish = _read(pk)
        if wish.due_at is None or wish.due_at > now_ms():
            return []
        if wish.state == AfterSale.State.ASKED:
            return _accept(wish, by=None)
        if wish.state == AfterSale.State.ACCEPTED:
            _move(wish, "withdrawn")
        elif wish.state == AfterSale.State.SENT:
            _arrive_in_time(wish)
        return []


def _arrive_in_time(wish: AfterSale) -> None:
    """Nobody said that the parcel came. A piece that cost nothing is all there is to
    give for one that cost nothing: it is looked for again the next day.
    """
    try:
        with transaction.atomic():
            _arrive(wish, restock=False, by=None)
    except CommandError:
        AfterSale.objects.filter(id=wish.pk).update(due_at=now_ms() + DAY_MS)
