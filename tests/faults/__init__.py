"""What Souk must survive: `pytest -m fault -k NAME [--seed N] [--full]`."""

ROOMS = {"SOUK_ROUTER": "tests.faults.rooms.router", "SOUK_SIGN_OUTS": ""}
"""The environment of a server whose rooms are rooms.py, its people mere numbers."""
