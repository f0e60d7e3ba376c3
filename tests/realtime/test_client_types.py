"""web/client/wire.ts says what the registry says, and the page's own types fit it."""

import os
import subprocess
from pathlib import Path

import pytest

from realtime.channels import root_router
from realtime.client_types import Book, written
from tests.realtime.square import Echo, Price, Told

ROOT = Path(__file__).parents[2]


def test_it_is_what_the_command_prints() -> None:
    stands = (ROOT / "web" / "client" / "wire.ts").read_text()
    assert stands == written(root_router()), "make written"


def test_what_a_client_may_leave_out_is_optional_and_an_event_has_its_type() -> None:
    book = Book()
    names = [book.of(type_) for type_ in (Echo, Told, Price)]
    assert names == ["Echo", "Told", "Price"]
    assert (
        "  text: string;\n  number?: number;\n  key: string;\n"
        in book.interfaces["Echo"]
    )
    assert '  type: "told";\n  n: number;\n' in book.interfaces["Told"]


def test_the_compiler_finds_nothing_wrong() -> None:
    compiler = ROOT / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        pytest.fail("npm ci") if os.environ.get("CI") else pytest.skip("npm ci")
    done = subprocess.run(
        [compiler, "--noEmit"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
