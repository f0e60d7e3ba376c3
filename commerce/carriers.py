"""News of parcels: `POST /webhooks/ship/<carrier>`, signed with that carrier's secret.

The header `Souk-Signature` is `t=…,v1=…` over the raw bytes (providers/signing.py). A
gateway to a carrier's own API is a few lines of somebody else's; labels are not made
here.
"""

import time
from collections.abc import Mapping
from typing import Annotated

import msgspec
from django.conf import settings
from msgspec import Meta, Struct

from commerce.commands.ids import SAYS
from commerce.providers.protocol import Forged
from commerce.providers.signing import verified

HEADER = "Souk-Signature"


class News(Struct, frozen=True, kw_only=True):
    """What a carrier tells of a parcel. `id` is the same when told again."""

    id: Annotated[str, Meta(max_length=100, pattern=SAYS)]
    number: Annotated[str, Meta(max_length=60, pattern=SAYS)]
    text: Annotated[str, Meta(max_length=200, pattern=SAYS)]
    at: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    """When it happened, epoch ms by the carrier's clock."""
    delivered: bool = False


def known(carrier: str) -> bool:
    return carrier in settings.SOUK_CARRIERS


def news(carrier: str, headers: Mapping[str, str], body: bytes) -> News:
    """Verify and read. Raises `Forged`, `msgspec.MsgspecError`."""
    secret = settings.SOUK_CARRIERS[carrier]
    if not verified([secret], headers.get(HEADER, ""), body, time.time()):
        raise Forged
    return msgspec.json.decode(body, type=News)
