"""What buying and selling may be refused for: codes of the wire. Pure.

The facts each carries are in docs/rooms/commerce.md.
"""

from realtime.exceptions import error_code

SOLD_OUT = error_code(460, "sold_out")
HOLD_EXPIRED = error_code(461, "hold_expired")
OFFER_CLOSED = error_code(462, "offer_closed")
LIMIT_REACHED = error_code(463, "limit_reached")
TOO_MANY_HOLDS = error_code(464, "too_many_holds")
PRICE_CHANGED = error_code(465, "price_changed")
NOT_SHIPPABLE = error_code(466, "not_shippable")
ADDRESS_REQUIRED = error_code(467, "address_required")
COUPON_REFUSED = error_code(468, "coupon_refused")
WRONG_STATE = error_code(469, "wrong_state")
PAYMENT_UNAVAILABLE = error_code(471, "payment_unavailable", temporary=True)
REFUND_EXCEEDS = error_code(472, "refund_exceeds")
NOT_PICKED = error_code(474, "not_picked")
SHELF_FULL = error_code(475, "shelf_full")
PAYMENT_DECLINED = error_code(484, "payment_declined")
STOCK_SHORT = error_code(477, "stock_short")
CURRENCY_MISSING = error_code(481, "currency_missing")
QUOTE_FAILED = error_code(482, "quote_failed", temporary=True)
