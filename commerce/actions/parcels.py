"""What carriers tell of parcels: kept once, and written on the parcels it is of."""

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Substr

from commerce.actions.orders import locked
from commerce.carriers import News
from commerce.clock import DAY_MS, now_ms
from commerce.events import ShipmentChanged
from commerce.models import Inbox, Shipment
from realtime import publish_on_commit

MOST_EVENTS = 100
"""So much news of one parcel is shown; the first is dropped for the last."""
LATELY_MS = 600_000
OF_IT_MS = 30 * DAY_MS


def received(carrier: str, news: News, raw: bytes) -> None:
    """Verified news: kept once, applied in the same transaction to what has its number.

    News of a number nobody wrote down yet waits in the Inbox.
    """
    with transaction.atomic(durable=True):
        _, fresh = Inbox.objects.get_or_create(
            provider=_name(carrier),
            event_id=news.id,
            defaults={
                "kind": "delivered" if news.delivered else "moving",
                "ref": news.number,
                "raw": raw,
                "received_at": now_ms(),
            },
        )
        if fresh:
            _deliver(carrier, news.number)


def _name(carrier: str) -> str:
    return f"ship:{carrier}"


def _news(carrier: str, number: str) -> QuerySet[Inbox]:
    return Inbox.objects.filter(provider=_name(carrier), ref=number)


def _waiting(carrier: str, number: str) -> QuerySet[Inbox]:
    return _news(carrier, number).filter(handled_at=None)


def _deliver(carrier: str, number: str) -> None:
    """Write what waits on every parcel of that number: orders may share one."""
    parcels = Shipment.objects.filter(carrier=carrier, number=number)
    for parcel in parcels.order_by("order_id", "id")[:50]:
        parcel.order = locked(parcel.order_id)
        parcel.refresh_from_db(fields=["carrier", "number", "events", "state"])
        if (parcel.carrier, parcel.number) == (carrier, number):
            _write(parcel, _waiting(carrier, number))
    if parcels.exists():
        _waiting(carrier, number).update(handled_at=now_ms())


def _write(parcel: Shipment, rows: QuerySet[Inbox]) -> None:
    """Write news on a parcel: the last of it, each piece once."""
    last = reversed(rows.order_by("-id")[:MOST_EVENTS])
    told = [msgspec.json.decode(bytes(row.raw), type=News) for row in last]
    if not told:
        return
    events = list(parcel.events)
    for news in told:
        event = {"at": news.at, "text": news.text}
        if event not in events:
            events.append(event)
    parcel.events = sorted(events, key=lambda event: int(event["at"]))[-MOST_EVENTS:]
    if any(news.delivered for news in told):
        parcel.state = Shipment.State.DELIVERED
    parcel.save(update_fields=["events", "state"])
    tell(parcel)


def tell(parcel: Shipment) -> None:
    last = parcel.events[-1]["text"] if parcel.events else parcel.state
    publish_on_commit(
        f"#{parcel.order.buyer_id}",
        ShipmentChanged(
            order=str(parcel.order_id),
            shipment=parcel.pk,
            carrier=parcel.carrier,
            number=parcel.number,
            last=str(last),
        ),
    )


def catch_up(parcel: Shipment) -> None:
    """A parcel has a number now: read what came before. Its order is locked.

    All of it, though another parcel had the number first: a shop that writes down what
    is not its own takes nothing from whose it is. Older news is of another parcel, for
    carriers give numbers again.
    """
    news = _news(parcel.carrier, parcel.number)
    _write(parcel, news.filter(received_at__gte=now_ms() - OF_IT_MS))
    _waiting(parcel.carrier, parcel.number).update(handled_at=now_ms())


def forgotten() -> list[tuple[str, str]]:
    """News that came while its parcel was being written down, by another process."""
    parcel = Shipment.objects.filter(
        carrier=Substr(OuterRef("provider"), len(_name("")) + 1), number=OuterRef("ref")
    )
    lately = Inbox.objects.filter(
        Exists(parcel),
        provider__startswith=_name(""),
        handled_at=None,
        received_at__gte=now_ms() - LATELY_MS,
    )
    found = lately.values_list("provider", "ref").distinct()[:200]
    return [(provider.removeprefix(_name("")), ref) for provider, ref in found]


def remember(carrier: str, number: str) -> None:
    with transaction.atomic(durable=True):
        _deliver(carrier, number)
