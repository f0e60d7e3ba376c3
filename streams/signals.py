"""What the room tells those above it, after the commit.

Sent at least once and in order within a stream, so receivers must be idempotent; from
a database thread, outside any transaction. A receiver that raises is called again.
"""

from django.dispatch import Signal

stream_started = Signal()
"""`sender=Stream, stream: Stream`: the show has begun."""
stream_ended = Signal()
"""`sender=Stream, stream: Stream, reason: str`: it is over for good."""
