"""What the wire's fields may be: identifiers, amounts, price maps."""

from typing import Annotated

from msgspec import Meta, Struct

from commerce.money import LARGEST
from realtime import Ref

Whole = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""As far as JavaScript counts exactly."""
StreamId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("stream", public=True)]
ShopId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("shop", public=True)]
ProductId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("product", public=True)]
SkuId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("sku")]
OfferId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("offer", public=True)]
OrderId = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?![\s\S])"),
    Ref("order"),
]
RefundId = Annotated[
    str,
    Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?![\s\S])"),
    Ref("refund"),
]
LineId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("line")]
AddressId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("address")]
WaitId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("wait")]
ShipmentId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("shipment")]
AfterSaleId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("aftersale")]
ClaimId = Annotated[int, Meta(ge=1, le=2**53 - 1), Ref("claim")]
Qty = Annotated[int, Meta(ge=1, le=999)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?![\s\S])")]
Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]
SAYS = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$(?![\s\S])"
"""One line of text, and something in it."""
Line = Annotated[str, Meta(max_length=200, pattern=SAYS)]
NO_NUL = r"^[^\x00]*$"
"""Text of any lines. PostgreSQL keeps no NUL in text, nor in JSON."""
Text = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Number = Annotated[int, Meta(ge=1, le=100_000)]
"""An item's number on its shelf."""

Amount = Annotated[int, Meta(ge=0, le=LARGEST)]
"""Minor units."""
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?![\s\S])")]
Prices = Annotated[dict[Currency, Amount], Meta(min_length=1, max_length=20)]
Limit = Annotated[int, Meta(ge=1, le=100)]
Cursor = Annotated[str, Meta(max_length=100)]


class Empty(Struct, frozen=True):
    """Nothing to tell."""
