"""One hot row: decided buys a second, beside one transaction a buyer.

    python -m bench.teller [--buys 6000] [--databases sqlite postgresql]

Everybody wants the same SKU and there is enough of it, so each buy writes an order, a
line, a movement, and lowers one row; fsync is on. *Teller* is `Tellers.submit` with 16,
256 and 10,000 buyers waiting, pushes to the buyers' other screens included. *One each*
is what one writes first: a conditional UPDATE and the same three rows in a transaction
of its own, 16 threads at once. Both in one process, on the same database, in the same
run, by turns; the best of the rounds counts. The last line is JSON.
"""

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.postgres import cluster

CLOSED, CROWD, EVERYBODY = 16, 256, 10_000
PER_BUYER = 4
"""Orders of one buyer; five live holds are the limit."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--buys", type=int, default=6000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inside:
        print(json.dumps(measure(given.buys, given.rounds)))
        return
    found = {name: outside(name, given) for name in given.databases}
    for name, figures in found.items():
        print(f"{name:11}", *(f"{key} {value}" for key, value in figures.items()))
    print(json.dumps({"bench": "teller", "cores": os.cpu_count(), **found}))


def outside(database: str, given: argparse.Namespace) -> dict[str, float]:
    """Run the measuring in a process of its own, on a new database."""
    command = [sys.executable, "-m", "bench.teller", "--inside"]
    command += ["--buys", str(given.buys), "--rounds", str(given.rounds)]
    with tempfile.TemporaryDirectory(prefix="souk-bench-", dir="/var/tmp") as folder:  # noqa: S108 - a disk, where /tmp may be memory
        env = {**os.environ, "SOUK_DATA": folder, "SOUK_DEBUG": "1"}
        env["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        if database == "sqlite":
            env.pop("DATABASE_URL", None)
            done = subprocess.check_output(command, env=env)
        else:
            with cluster() as running:
                env["DATABASE_URL"] = running.url
                done = subprocess.check_output(command, env=env)
    figures: dict[str, float] = json.loads(done.splitlines()[-1])
    return figures


def measure(buys: int, rounds: int) -> dict[str, float]:
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # else Django keeps every statement
    pool = settings.DATABASES["default"]["OPTIONS"].get("pool")
    if pool:
        pool["max_size"] = CLOSED + 4
    from django.core.management import call_command

    from realtime.embedded import Embedded

    call_command("migrate", verbosity=0)
    with Embedded(Path(settings.SOUK_DATA)) as store:
        settings.REDIS_URL = store.url
        return compared(buys, rounds)


def compared(buys: int, rounds: int) -> dict[str, float]:
    from commerce.audit import findings
    from tests.commerce.conftest import Show, open_show

    show = open_show(left=1_000_000)
    runs = 4 * rounds * buys
    people = itertools.cycle(show.buyers(runs // PER_BUYER + 1))

    def batch() -> list[Any]:
        return [next(people).pk for _ in range(buys)]

    ways: dict[str, Any] = {
        "one_each_16": lambda who: one_each(show, who),
        "teller_16": lambda who: asyncio.run(tellers(show, who, CLOSED)),
        "teller_256": lambda who: asyncio.run(tellers(show, who, CROWD)),
        "teller_10000": lambda who: asyncio.run(tellers(show, who, EVERYBODY)),
    }
    best = dict.fromkeys(ways, 0.0)
    warm = Show(**vars(show))
    asyncio.run(tellers(warm, batch()[:200], CLOSED))
    for _ in range(rounds):
        for name, way in ways.items():
            # The slow way gets as many seconds with fewer buyers.
            who = batch()[: buys // 6 if name == "one_each_16" else buys]
            best[name] = max(best[name], len(who) / way(who))
    broken = [str(finding) for finding in findings()]
    if broken:
        sys.exit(f"the books do not balance: {broken[:3]}")
    figures = {name: round(rate) for name, rate in best.items()}
    ratio = best["teller_16"] / best["one_each_16"]
    return {
        **figures,
        "ratio_16": round(ratio, 1),
        "crowd_keeps": round(best["teller_10000"] / best["teller_16"], 2),
    }


async def tellers(show: Any, buyers: list[int], waiting: int) -> float:
    """`waiting` buyers at a time, each followed by the next when answered; seconds."""
    from commerce.actions.deciding import Wish
    from commerce.teller import Tellers
    from commerce.ticks import ticker
    from realtime.answered import digest_of
    from realtime.db import threads
    from realtime.store import store

    office = Tellers()
    left: Iterator[int] = iter(buyers)

    async def one() -> None:
        for buyer in left:
            command = show.order()
            await office.submit(Wish(buyer, digest_of(command), command))

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(min(waiting, len(buyers)))))
    took = time.perf_counter() - began
    await asyncio.gather(*office._tasks)
    await asyncio.wait({ticker()._task or asyncio.ensure_future(asyncio.sleep(0))})
    threads().close()
    if (link := store.drop()) is not None:
        await link.close()
    return took


def one_each(show: Any, buyers: list[int]) -> float:
    """A transaction a buyer: what the teller saves; seconds."""
    from django.db import OperationalError, connection

    def worker(mine: list[int]) -> None:
        try:
            for buyer in mine:
                while True:
                    try:
                        buy_alone(show, buyer)
                    except OperationalError:  # SQLite: locked for more than 5 s
                        continue
                    break
        finally:
            connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(CLOSED) as threads:
        list(threads.map(worker, [buyers[n::CLOSED] for n in range(CLOSED)]))
    return time.perf_counter() - began


def buy_alone(show: Any, buyer: int) -> None:
    from django.db import transaction
    from django.db.models import F

    from commerce.models import Move, Order, OrderLine, Stock

    now = time.time_ns() // 1_000_000
    with transaction.atomic():
        stock = Stock.objects.filter(id=show.stock, available__gte=1)
        if not stock.update(
            available=F("available") - 1, version=F("version") + 1, changed_at=now
        ):
            return
        order = Order.objects.create(
            shop_id=show.shop,
            buyer_id=buyer,
            key=uuid.uuid4().hex,
            digest=b"0" * 16,
            currency="CNY",
            goods=9900,
            placed_at=now,
            hold_until=now + 300_000,
            expires_at=now + 300_000,
            via_kind="stream",
            via_id=show.stream.pk,
            stream=show.stream,
        )
        line = OrderLine.objects.create(
            order=order,
            offer_id=show.offer,
            sku_id=show.sku,
            stock_id=show.stock,
            qty=1,
            title="Cup",
            price=9900,
        )
        Move.objects.create(
            stock_id=show.stock,
            kind="hold",
            delta=-1,
            ref=str(line.pk),
            line=line,
            at=now,
        )


if __name__ == "__main__":
    main()
