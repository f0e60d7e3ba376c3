"""`souk audit_commerce`: the invariants of this room; exit 0, 1 or 2."""

from typing import Any, ClassVar

from commerce.audit import checked, quarantined
from realtime.audit import AuditCommand


class Command(AuditCommand):
    help = "Check stock, orders and money against each other. Repairs nothing."
    audits: ClassVar = [checked]

    def handle(self, *args: Any, **options: Any) -> None:
        for waiting in quarantined():
            self.stderr.write(str(waiting))
        super().handle(*args, **options)
