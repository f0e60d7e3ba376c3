"""What a run is to be: all of it follows from this and nothing else."""

from msgspec import Struct


class Plan(Struct, frozen=True, kw_only=True):
    """A rush of `buyers` on `units`, or, with `attempts`, a sale that goes on."""

    seed: str
    servers: int = 2
    buyers: int = 200
    units: int = 30
    seconds: float = 4.0
    """Of a rush: buyers come at a time of their own before its end. Of a sale that goes
    on: it ends then, if it has not decided as much as it should."""
    attempts: int = 0
    """Of a sale that goes on: so many keys are decided; holds are paid, cancelled or
    left to expire, and the host receives more units."""
    payers: int = 10
    """Of a sale that goes on: so many percent of the winners pay; 30 % cancel."""
    hold_s: int = 15
    """Of a sale that goes on: seconds until the clock takes a hold back."""
    faults: dict[str, int] = {}
    """How many of each verb: kill, stop (the database), flush, store (killed)."""
    failpoints: bool = False
    """Half of the servers that come back die at a fail-point."""
    control: str = ""
    """Tellers that do wrong: `careless` (no lock, and no CHECK on the row) or
    `forgetful` (answers before the commit, which now and then does not happen)."""

    @property
    def goes_on(self) -> bool:
        return self.attempts > 0
