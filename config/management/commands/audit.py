"""`souk audit`: the invariants of every room."""

from importlib import import_module

from realtime.audit import AuditCommand

ROOMS = ("streams", "chat", "commerce")


class Command(AuditCommand):
    help = "Check the invariants of all rooms. Exit 0 clean, 1 found, 2 unknown."
    audits = [import_module(f"{room}.audit").findings for room in ROOMS]
