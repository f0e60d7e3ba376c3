"""The life of a Stream: (state, event) → (state, effects). Pure.

`actions/lifecycle.py` reads a row, asks here, and carries out what comes back in one
transaction. An ingest has a generation; of several the highest that showed a picture
has the stream, and late news of a lower one changes nothing.
"""

from typing import Literal

from msgspec import Struct, convert

State = Literal["draft", "preview", "live", "interrupted", "ended"]
EndReason = Literal["host", "lost", "too_long", "stopped"]
TimerKind = Literal["grace", "max_length"]
Kind = Literal[
    "previewed", "withdrawn", "started", "interrupted", "recovered", "replaced", "ended"
]
"""What a StreamEvent says; each but `replaced` leads to one state."""

LEADS_TO: dict[str, State] = {
    "previewed": "preview",
    "withdrawn": "draft",
    "started": "live",
    "interrupted": "interrupted",
    "recovered": "live",
    "ended": "ended",
}
MAX_TAKEOVERS_A_MINUTE = 6


class Show(Struct, frozen=True):
    """A stream as it stands: `generation` is that of the ingest shown last.

    `media` is the state of that ingest: nobody's, flowing, or silent.
    """

    state: State
    generation: int = 0
    media: Literal["none", "active", "silent"] = "none"

    @classmethod
    def of(cls, state: str, generation: int, media: str) -> "Show":
        """From a row's text. Raises ValidationError for words that are not ours."""
        fields = {"state": state, "generation": generation, "media": media}
        return convert(fields, cls)


class Shown(Struct, frozen=True):
    """An ingest shows its first picture."""

    generation: int


class Returned(Struct, frozen=True):
    """An ingest that was silent shows a picture again."""

    generation: int


class Lost(Struct, frozen=True):
    """An ingest fell silent, or (`closed`) is over."""

    generation: int
    closed: bool


class GoLive(Struct, frozen=True):
    """The host, or an assistant, begins the show."""


class End(Struct, frozen=True):
    """The show is to be over."""

    reason: EndReason


Event = Shown | Returned | Lost | GoLive | End


class Step(Struct, frozen=True):
    """What happens. `timers` are set, `stops` deleted; all in one transaction."""

    to: State
    kind: Kind
    generation: int
    timers: tuple[TimerKind, ...] = ()
    stops: tuple[TimerKind, ...] = ()
    reason: EndReason | None = None


class Refusal(Struct, frozen=True):
    """Nothing happens: the event is late, or does not fit the state, or no picture."""

    why: Literal["late", "state", "no_media"]


def next_step(show: Show, event: Event) -> Step | Refusal:
    """What `event` does to `show`."""
    match event:
        case Shown(generation):
            return _shown(show, generation)
        case Returned(generation):
            return _returned(show, generation)
        case Lost(generation, closed):
            return _lost(show, generation, closed)
        case GoLive():
            return _go_live(show)
        case End(reason):
            return _end(show, reason)


def _shown(show: Show, generation: int) -> Step | Refusal:
    if show.state == "ended" or generation <= show.generation:
        return Refusal("late")
    if show.state == "draft":
        return Step("preview", "previewed", generation)
    if show.state == "interrupted":
        return Step("live", "recovered", generation, stops=("grace",))
    return Step(show.state, "replaced", generation)


def _returned(show: Show, generation: int) -> Step | Refusal:
    if show.state == "ended" or generation != show.generation:
        return Refusal("late")
    if show.state == "interrupted":
        return Step("live", "recovered", generation, stops=("grace",))
    return Refusal("state")


def _lost(show: Show, generation: int, closed: bool) -> Step | Refusal:
    if show.state == "ended" or generation != show.generation:
        return Refusal("late")
    if show.state == "live":
        return Step("interrupted", "interrupted", generation, timers=("grace",))
    if show.state == "preview" and closed:
        return Step("draft", "withdrawn", generation)
    return Refusal("state")


def _go_live(show: Show) -> Step | Refusal:
    if show.state not in ("draft", "preview"):
        return Refusal("state")
    if show.state == "draft" or show.media != "active":
        return Refusal("no_media")
    return Step("live", "started", show.generation, timers=("max_length",))


def _end(show: Show, reason: EndReason) -> Step | Refusal:
    if show.state not in ("live", "interrupted"):
        return Refusal("state")
    if reason == "lost" and show.state == "live":
        return Refusal("late")  # the host came back as the grace ran out
    return Step(
        "ended", "ended", show.generation, stops=("grace", "max_length"), reason=reason
    )
