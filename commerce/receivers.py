"""What the room does when a show is over. Idempotent: signals may come twice."""

from typing import Any

from django.dispatch import receiver

from commerce.actions.shelf import end_explaining
from streams.models import Stream
from streams.signals import stream_ended


@receiver(stream_ended, dispatch_uid="commerce.end_explaining")
def stop_explaining(sender: object, stream: Stream, **_: Any) -> None:
    """Nothing is explained any more; offers sell on from the replay."""
    end_explaining(stream)
