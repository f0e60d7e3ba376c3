"""One hot row: decided buys a second, beside one transaction a buyer.

    python -m bench.teller [--buys 6000] [--rounds 2] [--databases sqlite postgresql]

Everybody wants the same SKU and there is enough of it, so each buy writes an order, a
line, a movement, and lowers one row; fsync is on. *Teller* is `Tellers.submit` with 16,
256 and 10,000 buyers waiting, pushes to the buyers' other screens included. *One each*
is what one writes first: a conditional UPDATE and the same three rows in a transaction
of its own, 16 threads at once; *plain* is the same without the ORM. All in one process,
on the same database, in the same run, by turns; the best of the rounds counts. Then, on
an empty row, how many are refused; and, over sockets (teller_sockets.py), how long a
click waits for its verdict. The last line is JSON; what is not measured is null.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.teller_peers import buy_alone, buy_alone_in_sql, one_each
from tests.postgres import cluster

CLOSED, CROWD, EVERYBODY = 16, 256, 10_000
PER_BUYER = 4
"""Orders of one buyer; five live holds are the limit."""
ALONE = 12_000
"""Buyers there are for the plain ways, in a round."""
REFUSED = 30_000
UNITS = 100


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--buys", type=int, default=6000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options.add_argument("--no-sockets", action="store_true")
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inside:
        print(json.dumps(measure(given)))
        return
    found = {name: outside(name, given) for name in given.databases}
    for name, figures in found.items():
        print(name, *(f"  {key} {value}" for key, value in figures.items()), sep="\n")
    lite, pg = found.get("sqlite", {}), found.get("postgresql", {})
    either = pg or lite
    told = {
        "pg_per_s": pg.get("teller_256"),
        "sqlite_per_s": lite.get("teller_256"),
        "pg_over_update": pg.get("over_update"),
        "waiting_ratio": either.get("waiting_ratio"),
        "sold_out_per_s": either.get("sold_out_per_s"),
        "statements_per_batch": either.get("statements_per_batch"),
        "verdict_p99_ms": either.get("verdict_p99_ms"),
        "burst_answered_s": either.get("burst_answered_s"),
    }
    print(json.dumps({"bench": "teller", **told, "cores": os.cpu_count(), **found}))


def outside(database: str, given: argparse.Namespace) -> dict[str, float | None]:
    """Run the measuring in a process of its own, on a new database."""
    command = [sys.executable, "-m", "bench.teller", "--inside"]
    command += ["--buys", str(given.buys), "--rounds", str(given.rounds)]
    command += ["--no-sockets"] * given.no_sockets
    with tempfile.TemporaryDirectory(prefix="souk-bench-", dir="/var/tmp") as folder:  # noqa: S108 - a disk, where /tmp may be memory
        env = {**os.environ, "SOUK_DATA": folder, "SOUK_DEBUG": "1"}
        env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        if database == "sqlite":
            env.pop("DATABASE_URL", None)
            done = subprocess.check_output(command, env=env)
        else:
            with cluster() as running:
                env["DATABASE_URL"] = running.url
                done = subprocess.check_output(command, env=env)
    figures: dict[str, float | None] = json.loads(done.splitlines()[-1])
    return figures


def measure(given: argparse.Namespace) -> dict[str, float | None]:
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # else Django keeps every statement
    pool = settings.DATABASES["default"]["OPTIONS"].get("pool")
    if pool:
        pool["max_size"] = CLOSED + 4
    from django.core.management import call_command

    from bench.teller_sockets import measured
    from realtime.embedded import Embedded

    call_command("migrate", verbosity=0)
    # As the edge of `souk web` does.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    folder = Path(settings.SOUK_DATA)
    with Embedded(folder) as store:
        settings.REDIS_URL = store.url
        figures: dict[str, float | None] = {**compared(given.buys, given.rounds)}
        figures["statements_per_batch"] = statements()
        figures["sold_out_per_s"] = asyncio.run(sold_out())
        figures["burst_in_process_s"] = asyncio.run(burst())
        if not given.no_sockets:
            figures |= measured(folder, store.url)
        balanced()
        return figures


def balanced() -> None:
    from commerce.audit import findings

    if broken := [str(finding) for finding in findings()]:
        sys.exit(f"the books do not balance: {broken[:3]}")


def compared(buys: int, rounds: int) -> dict[str, float]:
    from tests.commerce.conftest import open_show

    show = open_show(left=1_000_000)
    people = [
        buyer.pk for buyer in show.buyers(rounds * (3 * buys // PER_BUYER + ALONE))
    ]
    crowd = itertools.cycle(people[rounds * ALONE :])
    alone = iter(people)

    def plainly(buy: Callable[[Any, int], None]) -> float:
        return one_each(buy, show, list(itertools.islice(alone, ALONE // 2)))

    def teller(waiting: int) -> float:
        who = [next(crowd) for _ in range(buys)]
        return buys / asyncio.run(tellers(show, who, waiting))

    ways: dict[str, Callable[[], float]] = {
        "update_16": lambda: plainly(buy_alone),
        "plain_update_16": lambda: plainly(buy_alone_in_sql),
        "teller_16": lambda: teller(CLOSED),
        "teller_256": lambda: teller(CROWD),
        "teller_10000": lambda: teller(EVERYBODY),
    }
    best = dict.fromkeys(ways, 0.0)
    cpu = {name: float("inf") for name in ways if name.startswith("teller")}
    asyncio.run(tellers(show, [next(crowd) for _ in range(200)], CLOSED))
    for _ in range(rounds):
        for name, way in ways.items():
            before = time.process_time()
            best[name] = max(best[name], rate := way())
            used = time.process_time() - before
            print(f"{name:16} {rate:7.0f} a second", file=sys.stderr)
            if name in cpu:
                cpu[name] = min(cpu[name], used / buys * 1000)
    return {
        **{name: round(rate) for name, rate in best.items()},
        **{f"cpu_s_1000_{name}": round(used, 3) for name, used in cpu.items()},
        "over_update": round(best["teller_256"] / best["update_16"], 1),
        "over_update_at_16": round(best["teller_16"] / best["update_16"], 1),
        "over_plain_update": round(best["teller_256"] / best["plain_update_16"], 1),
        "waiting_ratio": round(best["teller_10000"] / best["teller_16"], 2),
    }


def statements() -> int:
    """Of a full batch that all win, of an offer with a limit."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from commerce.actions.deciding import decide
    from tests.commerce.conftest import open_show

    show = open_show(left=1000, per_buyer=3)
    wishes = [show.wish(buyer) for buyer in show.buyers(CROWD)]
    with CaptureQueriesContext(connection) as queries:
        decide(show.stock, wishes, {})
    told = [query["sql"] for query in queries]
    return sum(not sql.startswith(("BEGIN", "COMMIT")) for sql in told)


async def sold_out() -> int:
    """Refusals a second of one process, its row empty, buyers' keys all new."""
    from commerce.actions.deciding import Wish
    from commerce.teller import Tellers
    from realtime import db
    from realtime.answered import digest_of
    from realtime.exceptions import CommandError
    from tests.commerce.conftest import open_show

    show = await db(open_show, left=1)
    buyers = await db(show.buyers, 1001)
    office = Tellers()
    orders = [show.order() for _ in range(REFUSED + 1)]
    wishes = [
        Wish(buyer.pk, digest_of(order), order)
        for buyer, order in zip(itertools.cycle(buyers[1:]), orders, strict=False)
    ]
    await office.submit(show.wish(buyers[0]))

    async def ask(wish: Wish) -> None:
        try:
            await office.submit(wish)
        except CommandError as error:
            assert error.name == "sold_out"

    began = time.perf_counter()
    for first in range(0, REFUSED, CROWD):
        await asyncio.gather(*map(ask, wishes[first : first + CROWD]))
    rate = REFUSED / (time.perf_counter() - began)
    await leave(office)
    return round(rate)


async def burst() -> float:
    """10,000 clicks spread over a second on 100 units, without the sockets: how long
    the one who waited longest has waited.
    """
    from commerce.teller import Tellers
    from realtime import db
    from realtime.exceptions import CommandError
    from tests.commerce.conftest import open_show

    show = await db(open_show, left=UNITS)
    buyers = await db(show.buyers, EVERYBODY)
    wishes = [show.wish(buyer) for buyer in buyers]
    office = Tellers()
    held, longest = 0, 0.0

    async def click(wish: Any, at: float) -> None:
        nonlocal held, longest
        await asyncio.sleep(at)
        began = time.perf_counter()
        with suppress(CommandError):
            await office.submit(wish)
            held += 1
        longest = max(longest, time.perf_counter() - began)

    spread = enumerate(wishes)
    await asyncio.gather(*(click(wish, n / EVERYBODY) for n, wish in spread))
    assert held == UNITS
    await leave(office)
    return round(longest, 3)


async def leave(office: Any) -> None:
    """Let what runs beside end, and close what this loop has open."""
    from commerce.ticks import ticker
    from realtime.db import threads
    from realtime.store import store

    while office._tasks:
        await asyncio.gather(*office._tasks)
    await asyncio.wait({ticker()._task or asyncio.ensure_future(asyncio.sleep(0))})
    threads().close()
    if (link := store.drop()) is not None:
        await link.close()


async def tellers(show: Any, buyers: list[int], waiting: int) -> float:
    """`waiting` buyers at a time, each followed by the next when answered; seconds."""
    from commerce.actions.deciding import Wish
    from commerce.teller import Tellers
    from realtime.answered import digest_of

    office = Tellers()
    left: Iterator[int] = iter(buyers)

    async def one() -> None:
        for buyer in left:
            command = show.order()
            await office.submit(Wish(buyer, digest_of(command), command))

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(min(waiting, len(buyers)))))
    took = time.perf_counter() - began
    await leave(office)
    return took


if __name__ == "__main__":
    main()
