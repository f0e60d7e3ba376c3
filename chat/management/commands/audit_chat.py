"""`audit_chat`: exit 0 all holds, 1 something does not, 2 it could not be checked."""

from collections.abc import Sequence
from typing import ClassVar

from chat.audit import findings
from realtime.audit import Audit, AuditCommand


class Command(AuditCommand):
    help = "Check the invariants of conversations and comments (docs/invariants.md)."
    audits: ClassVar[Sequence[Audit]] = (findings,)
