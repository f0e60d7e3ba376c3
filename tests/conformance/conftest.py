"""The square and its visitors, for clients that are not ours."""

from tests.realtime.conftest import spawn_square, square, visit

__all__ = ["spawn_square", "square", "visit"]
