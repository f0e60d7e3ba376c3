"""What the audits of the rooms have in common: findings, and how a command tells them.

A room has `<room>/audit.py` and a management command `audit_<room>`; `souk audit` runs
them all. Exit: 0 nothing found, 1 something found, 2 it could not be checked.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from django.core.management.base import BaseCommand, CommandParser

SHOWN = 20
"""So many offenders of a rule are named."""


class Finding(msgspec.Struct, frozen=True):
    """An invariant does not hold: its number on the page, of what, and how."""

    rule: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}: {self.what}"


class Checked(msgspec.Struct, frozen=True, omit_defaults=True):
    """One invariant, looked into: green without findings. `read`: rows, if counted."""

    rule: str
    found: list[Finding] = []
    read: int | None = None

    def __str__(self) -> str:
        colour = "red" if self.found else "green"
        rows = "" if self.read is None else f", {self.read} rows"
        return "\n  ".join([f"{self.rule} {colour}{rows}", *map(str, self.found)])


Audit = Callable[[], Iterable[Finding | Checked]]


def by_rule(audit: Callable[[], Iterable[Finding]], *rules: str) -> Audit:
    """An audit that tells only what is wrong, as one that also says what holds."""

    def checked() -> Iterator[Checked]:
        found = list(audit())
        for rule in dict.fromkeys([*rules, *(finding.rule for finding in found)]):
            mine = [finding for finding in found if finding.rule == rule]
            yield Checked(rule, mine[:SHOWN])

    return checked


class AuditCommand(BaseCommand):
    """A command that runs `audits` and exits by what they found."""

    audits: ClassVar[Sequence[Audit]] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object a line")
        parser.add_argument("--only", default="", help="rules, as I2,C1,N4")

    def handle(self, *args: Any, **options: Any) -> None:
        only = set(filter(None, options["only"].split(",")))
        found = False
        try:
            for audit in self.audits:
                for one in audit():
                    if not only or one.rule in only:
                        found = found or isinstance(one, Finding) or bool(one.found)
                        self._tell(one, options["json"])
        except Exception as error:
            self.stderr.write(f"not checked: {error!r}")
            sys.exit(2)
        if found:
            sys.exit(1)

    def _tell(self, one: Finding | Checked, as_json: bool) -> None:
        line = msgspec.json.encode(one).decode() if as_json else str(one)
        self.stdout.write(line)
