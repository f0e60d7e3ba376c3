"""Sends what transactions decided: at once after the commit, else by a sweep.

Only processes that run an outbox (web, media) send; any other just leaves its rows in
the table, where a sweep finds them.
"""


def committed(row: int) -> None:
    """A row is in the table for good; any thread."""
