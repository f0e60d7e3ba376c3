"""What the audits of the rooms have in common: findings, and how a command tells them.

A room has `<room>/audit.py` with `def findings() -> Iterator[Finding]` and a management
command `audit_<room>`; `souk audit` runs them all. Exit: 0 nothing found, 1 something
found, 2 it could not be checked.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import msgspec
from django.core.management.base import BaseCommand, CommandParser


class Finding(msgspec.Struct, frozen=True):
    """An invariant does not hold: its number on the page, of what, and how."""

    rule: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}: {self.what}"


Audit = Callable[[], Iterable[Finding]]


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
                for finding in audit():
                    if not only or finding.rule in only:
                        found = True
                        self._tell(finding, options["json"])
        except Exception as error:
            self.stderr.write(f"not checked: {error!r}")
            sys.exit(2)
        if found:
            sys.exit(1)

    def _tell(self, finding: Finding, as_json: bool) -> None:
        line = msgspec.json.encode(finding).decode() if as_json else str(finding)
        self.stdout.write(line)
