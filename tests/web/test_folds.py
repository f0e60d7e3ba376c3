"""How events change what a room shows: `web/client/folds.ts`, run by Node."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ESBUILD = ROOT / "node_modules" / ".bin" / "esbuild"
Fold = Callable[..., Any]

OFFER = {"offer": 7, "prices": {"CNY": 9900}, "list": {"CNY": 9900}, "version": 3}
ITEM = {"number": 1, "offers": [OFFER]}
SHELF = {"items": [ITEM], "explaining": [1], "version": 10}
VIEW = {"state": "live", "version": 4, "started_at": 1}


@pytest.fixture(scope="module")
def fold(tmp_path_factory: pytest.TempPathFactory) -> Fold:
    """`fold("foldShelf", shelf, event)`: what the client's own function answers."""
    node = shutil.which("node")
    if node is None or not ESBUILD.exists():
        pytest.skip("needs Node and `npm ci`")
    bundle = tmp_path_factory.mktemp("client") / "folds.mjs"
    source = ROOT / "web" / "client" / "folds.ts"
    built = (str(ESBUILD), str(source), "--bundle", "--format=esm")
    subprocess.run([*built, f"--outfile={bundle}", "--log-level=warning"], check=True)

    def run(name: str, *facts: object) -> Any:
        call = f"""import * as folds from {json.dumps(bundle.as_uri())};
        console.log(JSON.stringify(folds.{name}(...{json.dumps(facts)})));"""
        asked = [node, "--input-type=module", "--eval", call]
        return json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)

    return run


def test_an_event_that_is_not_newer_changes_nothing(fold: Fold) -> None:
    removed = {"type": "item.removed", "number": 1, "version": 10}
    ended = {"type": "stream.ended", "version": 4, "at": 9, "reason": "host"}
    price = {"type": "offer.changed", "offer": 7, "prices": {"CNY": 1}, "version": 3}

    assert fold("foldShelf", SHELF, removed) == SHELF
    assert fold("foldShelf", SHELF, price) == SHELF
    assert fold("foldStream", VIEW, ended) == VIEW


def test_a_removed_item_is_explained_no_more(fold: Fold) -> None:
    shelf = fold(
        "foldShelf", SHELF, {"type": "item.removed", "number": 1, "version": 11}
    )

    assert shelf == {"items": [], "explaining": [], "version": 11}


def test_an_item_added_twice_is_there_once(fold: Fold) -> None:
    added = {"type": "item.added", "item": ITEM, "version": 11}

    shelf = fold("foldShelf", fold("foldShelf", SHELF, added), {**added, "version": 12})

    assert [item["number"] for item in shelf["items"]] == [1]


def test_a_newer_price_is_shown(fold: Fold) -> None:
    told = {
        "type": "offer.changed",
        "offer": 7,
        "prices": {"CNY": 7900},
        "list": {"CNY": 9900},
        "per_buyer": 2,
        "version": 4,
    }

    (item,) = fold("foldShelf", SHELF, told)["items"]

    assert item["offers"][0]["prices"] == {"CNY": 7900}
    assert item["offers"][0]["version"] == 4


def test_an_interrupted_show_goes_on_and_an_ended_one_is_over(fold: Fold) -> None:
    cut = {"type": "stream.interrupted", "version": 5, "at": 2, "grace_until": 60}
    back = {"type": "stream.recovered", "version": 6, "at": 3}
    over = {"type": "stream.ended", "version": 7, "at": 4, "reason": "host"}

    waiting = fold("foldStream", VIEW, cut)
    again = fold("foldStream", waiting, back)

    assert (waiting["state"], waiting["grace_until"]) == ("interrupted", 60)
    assert again["state"] == "live"
    assert fold("foldStream", again, over)["end_reason"] == "host"


def test_of_two_counts_of_a_stock_the_newer_wins(fold: Fold) -> None:
    older, newer = {"left": 3, "version": 8}, {"left": 2, "version": 9}

    assert fold("newerStock", newer, older) == newer
    assert fold("newerStock", older, newer) == newer
    assert fold("newerStock", older, {"left": 9, "version": 8}) == older


def test_a_comment_heard_twice_is_shown_once_and_old_ones_go(fold: Fold) -> None:
    had = [{"id": str(n)} for n in range(4)]

    shown = fold("addComments", had, [{"id": "3"}, {"id": "4"}, {"id": "4"}], 3)

    assert [comment["id"] for comment in shown] == ["2", "3", "4"]


def test_what_is_removed_by_id_or_by_author_goes(fold: Fold) -> None:
    said = [
        {"id": "a", "author": 1, "at": 10},
        {"id": "b", "author": 2, "at": 10},
        {"id": "c", "author": 2, "at": 30},
    ]

    assert fold("dropComments", said, {"ids": ["a"]}) == said[1:]
    assert fold("dropComments", said, {"author": 2, "before": 20}) == [said[0], said[2]]
