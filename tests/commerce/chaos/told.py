"""What buyers were told: for each key the answer, and that it never changed."""

from collections import Counter
from dataclasses import dataclass, field

Name = tuple[int, str]
"""Buyer and key."""


@dataclass
class Told:
    """The log of all buyers of a run: held is for good, a refusal only for now."""

    held: dict[Name, bytes] = field(default_factory=dict)
    """The reply's bytes, by who was told that units are theirs."""
    unsure: set[Name] = field(default_factory=set)
    """Refused at last, but sent more than once: an earlier sending may have won."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Keys by their first verdict that lasts: `held`, or the refusal's name."""
    put_off: Counter[str] = field(default_factory=Counter)
    """Temporary refusals and cuts: what made somebody send again."""
    changed: list[str] = field(default_factory=list)
    """Answers that were another one before: there must be none."""
    received: int = 0
    """Units the host was told came in."""
    seconds: list[float] = field(default_factory=list)
    """From each click to its verdict, cuts and all."""

    @property
    def attempts(self) -> int:
        return self.verdicts.total()

    def won(self, name: Name, reply: bytes) -> None:
        before = self.held.setdefault(name, reply)
        self.unsure.discard(name)
        if before != reply:
            self.changed.append(f"{name}: {before!r} became {reply!r}")

    def refused(self, name: Name, code: str, *, again: bool) -> None:
        if name in self.held:
            self.changed.append(f"{name}: {self.held[name]!r} became {code}")
        elif again:
            self.unsure.add(name)
