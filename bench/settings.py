"""The house's settings with one open room, for the benches."""

from config.settings import *  # noqa: F403

SOUK_ROUTER = "bench.rooms.router"
