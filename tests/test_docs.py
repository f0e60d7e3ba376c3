"""The pages name everything the code has: commands, events, errors, settings, links."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from prometheus_client import REGISTRY

from realtime import CommandRouter, Event

ROOT = Path(settings.BASE)
ROOMS = ("config", "realtime", "accounts", "streams", "chat", "commerce", "web")
PAGES = "\n".join(page.read_text() for page in sorted(ROOT.glob("docs/**/*.md")))


def sources() -> Iterator[str]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.read_text()


def events(of: type[Event] = Event) -> Iterator[str]:
    for event in of.__subclasses__():
        yield from events(event)
        tag = event.__struct_config__.tag
        if isinstance(tag, str) and not event.__module__.startswith("tests"):
            yield tag


def missing(names: list[str]) -> list[str]:
    assert names
    return [name for name in names if f"`{name}`" not in PAGES]


def test_every_command_of_the_socket_has_its_line() -> None:
    router: CommandRouter = import_string(settings.SOUK_ROUTER)
    assert missing([handler.method for handler in router.methods()]) == []


def test_every_event_has_its_line() -> None:
    import_string(settings.SOUK_ROUTER)
    assert missing(sorted(events())) == []


def test_every_error_code_has_its_line() -> None:
    codes = {
        (int(code), name)
        for source in sources()
        for code, name in re.findall(r"error_code\((\d+), \"(\w+)\"", source)
    }
    told = {
        (int(code), name)
        for code, name in re.findall(r"\b(\d{3})\b[ |`*]+([a-z_]+)", PAGES)
    }
    assert codes
    assert codes - told == set()


def test_every_setting_has_its_line() -> None:
    found = set()
    for source in sources():
        found |= set(
            re.findall(r"environ[^\n]{0,12}[\"'](SOUK_[A-Z_]+|[A-Z]+_URL)", source)
        )
        found |= set(re.findall(r"\bflag\(\"(SOUK_[A-Z_]+)\"", source))
    text = (ROOT / "docs/settings.md").read_text()
    assert [name for name in sorted(found) if f"`{name}`" not in text] == []


def test_every_start_up_check_has_its_line() -> None:
    ids = {
        i for source in sources() for i in re.findall(r"id=\"(\w+\.[EW]\d+)\"", source)
    }
    assert [i for i in sorted(ids) if i not in PAGES] == []


def test_every_metric_has_its_line_and_every_line_its_metric() -> None:
    ours = {m.name for m in REGISTRY.collect() if m.name.startswith("souk_")}
    page = (ROOT / "docs/topics/observing.md").read_text()
    assert set(re.findall(r"^\| `(souk_\w+)`", page, re.M)) == ours


def test_every_library_has_its_line() -> None:
    decision = (ROOT / "docs/decisions/0001-libraries.md").read_text().lower()
    for file in ("requirements.in", "requirements-dev.in"):
        for line in (ROOT / file).read_text().splitlines():
            name = re.match(r"[A-Za-z][A-Za-z0-9_-]*", line)
            if name:
                short = name[0].lower().removeprefix("pytest-").removeprefix("types-")
                assert short in decision, f"{name[0]} is not in 0001-libraries.md"


@pytest.mark.parametrize(
    "page", sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("**/*.md")
                   if not {".venv", "node_modules", "var"} & set(p.parts))
)  # fmt: skip
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / link).exists(), f"{page} points at {link}"


def test_the_repository_names_no_registry_and_no_path_of_a_machine() -> None:
    hosts = ("pythonhosted." + "org", "registry.npmjs." + "org")
    for file in (
        "requirements.lock",
        "requirements-dev.lock",
        "package-lock.json",
        "tests/asyncapi/package-lock.json",
    ):
        text = (ROOT / file).read_text()
        assert not [host for host in hosts if host in text]
