"""The square and its visitors, for clients that are not ours."""

from tests.realtime.conftest import square, square_admin_port, visit

__all__ = ["square", "square_admin_port", "visit"]
