"""`souk audit`: the invariants of every room, each green or red."""

from typing import ClassVar

import chat.audit
import commerce.audit
import streams.audit
from realtime.audit import AuditCommand, by_rule


class Command(AuditCommand):
    help = "Check the invariants of all rooms. Exit 0 clean, 1 found, 2 unknown."
    audits: ClassVar = [
        by_rule(streams.audit.findings, "N1", "N2", "N3", "N4"),
        by_rule(chat.audit.findings, "C1", "C2", "C4", "C9"),
        commerce.audit.checked,
    ]
