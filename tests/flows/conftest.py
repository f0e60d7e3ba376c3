"""The books balance after a sale here, too."""

from tests.commerce.conftest import audited, bank_allowed

__all__ = ["audited", "bank_allowed"]
