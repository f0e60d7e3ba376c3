"""The books balance after a sale here, too."""

from tests.commerce.conftest import audited

__all__ = ["audited"]
