"""Offers as Chromium, ffmpeg and aiortc sent them, kept as files."""

from pathlib import Path

NAMES = (
    "aiortc_publisher",
    "aiortc_viewer",
    "chromium_publisher",
    "chromium_viewer",
    "ffmpeg",
)
PUBLISH, PLAY = ("sendonly", "sendrecv"), ("recvonly", "sendrecv")


def load(name: str) -> str:
    """The text of an offer, line ends as they came."""
    return (Path(__file__).parent / f"{name}.sdp").read_bytes().decode()


def directions(name: str) -> tuple[str, str]:
    """What is accepted of whom sent it."""
    return PLAY if name.endswith("viewer") else PUBLISH
