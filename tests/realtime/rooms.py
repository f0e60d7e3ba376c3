"""A router of our own for tests below the rooms, and events to send."""

from realtime import CommandRouter, Event, Keep, Lane, Latest, Namespace

router = CommandRouter()
router.namespace(Namespace("deals", lane=Lane.RELIABLE, keep=Keep(500, seconds=3600)))
router.namespace(Namespace("staff", lane=Lane.RELIABLE, keep=Keep(3, seconds=900)))
router.namespace(Namespace("state", lane=Lane.LATEST, keep=Keep(0, seconds=0)))
router.namespace(Namespace("comments", lane=Lane.SAMPLED, keep=Keep(50, seconds=3600)))


class Rang(Event, frozen=True, tag="bell.rang"):
    times: int


class Left(Latest, frozen=True):
    offer: int
    left: int
    version: int | None = None

    @property
    def key(self) -> str:
        return f"stock:{self.offer}"
