"""The keys of intents: `web/client/keys.ts`, run by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ESBUILD = ROOT / "node_modules" / ".bin" / "esbuild"
STORY = """
const kept = new Map();
globalThis.sessionStorage = {
  getItem: (at) => kept.get(at) ?? null,
  setItem: (at, value) => kept.set(at, value),
  removeItem: (at) => kept.delete(at),
};
const one = {offer: 7, qty: 1}, two = {offer: 7, qty: 2};
const first = keys.keptKey("order.place", one);
const again = keys.keptKey("order.place", {...one});
const more = keys.keptKey("order.place", two);
keys.answered("order.place", one);
const next = keys.keptKey("order.place", one);
console.log(JSON.stringify({first, again, more, next, left: String(kept.size)}));
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    node = shutil.which("node")
    if node is None or not ESBUILD.exists():
        pytest.skip("needs Node and `npm ci`")
    bundle = tmp_path_factory.mktemp("client") / "keys.mjs"
    source = ROOT / "web" / "client" / "keys.ts"
    built = (str(ESBUILD), str(source), "--bundle", "--format=esm")
    subprocess.run([*built, f"--outfile={bundle}", "--log-level=warning"], check=True)
    story = f"import * as keys from {json.dumps(bundle.as_uri())};{STORY}"
    asked = [node, "--input-type=module", "--eval", story]
    answer = subprocess.run(asked, check=True, capture_output=True).stdout
    found: dict[str, str] = json.loads(answer)
    return found


def test_a_second_click_and_one_after_a_reload_send_the_same_key(
    told: dict[str, str],
) -> None:
    assert told["again"] == told["first"]


def test_another_quantity_is_another_intent(told: dict[str, str]) -> None:
    assert told["more"] != told["first"]


def test_an_answered_intent_leaves_no_key_behind(told: dict[str, str]) -> None:
    assert told["next"] != told["first"]
    assert told["left"] == "2"
