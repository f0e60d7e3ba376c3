"""`souk audit_streams`: the invariants N1–N4 of the room."""

from realtime.audit import AuditCommand
from streams.audit import findings


class Command(AuditCommand):
    help = "Check what SQL shows of streams (N1–N4). Exit 0 clean, 1 found, 2 unknown."
    audits = (findings,)
