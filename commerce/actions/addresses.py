"""Where a buyer has things sent: kept, changed, dropped, listed."""

from django.db.models import QuerySet

from accounts.models import User
from commerce.commands.ids import Empty
from commerce.commands.quotes import (
    AddressList,
    AddressSaved,
    AddressView,
    DropAddress,
    SaveAddress,
)
from commerce.models import Address
from realtime.exceptions import BAD_REQUEST, NOT_FOUND

MOST = 20


def _book(user: int) -> QuerySet[Address]:
    """A person's addresses; their own row is locked, so one change at a time."""
    User.objects.select_for_update(no_key=True).get(id=user)
    return Address.objects.filter(user_id=user)


def save_address(user: int, command: SaveAddress) -> AddressSaved:
    """Keep an address or change it. One is always the default: at first the first."""
    book = _book(user)
    if command.address is None:
        if book.count() >= MOST:
            raise BAD_REQUEST(path="$.address", why=f"{MOST} addresses at most")
        kept = Address(user_id=user, is_default=not book.exists())
    else:
        found = book.filter(id=command.address).first()
        if found is None:
            raise NOT_FOUND()
        kept = found
    if command.is_default and not kept.is_default:
        book.update(is_default=False)
        kept.is_default = True
    kept.name, kept.phone = command.name.strip(), command.phone.strip()
    kept.country, kept.region = command.country, command.region.strip()
    kept.line = command.line.strip()
    kept.save()
    return AddressSaved(address=kept.pk)


def drop_address(user: int, command: DropAddress) -> Empty:
    """Forget an address; orders keep their copies. The oldest left is the default."""
    book = _book(user)
    gone = book.filter(id=command.address).first()
    if gone is None:
        raise NOT_FOUND()
    gone.delete()
    oldest = book.order_by("id").first()
    if gone.is_default and oldest is not None:
        Address.objects.filter(id=oldest.pk).update(is_default=True)
    return Empty()


def addresses(user: int) -> AddressList:
    book = Address.objects.filter(user_id=user).order_by("-is_default", "id")
    return AddressList(items=[address_view(address) for address in book])


def address_view(address: Address) -> AddressView:
    return AddressView(
        address=address.pk,
        name=address.name,
        phone=address.phone,
        country=address.country,
        region=address.region,
        line=address.line,
        is_default=address.is_default,
    )
