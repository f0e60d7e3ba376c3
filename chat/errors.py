"""The errors of chat, beside those all rooms share (realtime/exceptions.py)."""

from realtime import error_code

CLOSED = error_code(410, "closed")
TOO_LARGE = error_code(413, "too_large")
NOT_DELIVERED = error_code(430, "not_delivered")
"""Blocked, declined or gone: the sender is not told which."""
REQUEST_QUOTA = error_code(431, "request_quota")
