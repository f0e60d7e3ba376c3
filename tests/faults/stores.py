"""Stores to break: one; one with a replica and three Sentinels; a Cluster of 3 + 3.

Children of the test's main thread (the kernel ends them when that thread ends) on free
ports of loopback, each with a folder of its own. No fault before the replicas hold what
their primaries do: one in its first sync is promoted empty.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis, RedisError
from redis.crc import key_slot

from realtime.embedded import binary, dying_with
from tests.live import free_port

READY_SECONDS = 30.0


def until(what: str, is_so: Callable[[], bool]) -> None:
    """Ask until it is; there is no event to wait for in another process."""
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            if is_so():
                return
        except (RedisError, OSError):
            pass
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


class Valkey:
    """One server on `port`; it keeps nothing on disk, so that a new life is empty."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.port = free_port()
        self.folder = folder / str(self.port)
        self.folder.mkdir(parents=True)
        self.options: dict[str, object] = {
            "bind": "127.0.0.1",
            "save": '""',
            "appendonly": "no",
            "repl-diskless-sync-delay": 0,
            "enable-debug-command": "local",
            "loglevel": "notice",
            **options,
        }
        self.admin = Redis(port=self.port, socket_timeout=30)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it answers."""
        lines = [f"{name} {value}\n" for name, value in self._lines()]
        config = self.folder / "valkey.conf"  # Sentinel insists on one
        config.write_text("".join(lines))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own arguments
                [binary(), str(config), *self._flags()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
            )
        until("a store", lambda: bool(self.admin.ping()))

    def _lines(self) -> list[tuple[str, object]]:
        return [("port", self.port), ("dir", self.folder), *self.options.items()]

    def _flags(self) -> list[str]:
        return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.admin.close()
        self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def told(self, section: str) -> dict[str, Any]:
        """INFO of a section."""
        found: dict[str, Any] = self.admin.info(section)
        return found


class Sentinel(Valkey):
    """One of three that watch a primary, called `shop`."""

    def __init__(self, folder: Path, primary: int, down_ms: int) -> None:
        self._watch = [
            f"monitor shop 127.0.0.1 {primary} 2",
            f"down-after-milliseconds shop {down_ms}",
            "failover-timeout shop 5000",
        ]
        super().__init__(folder)

    def _lines(self) -> list[tuple[str, object]]:
        own = [("port", self.port), ("dir", self.folder), ("bind", "127.0.0.1")]
        return [*own, *(("sentinel", line) for line in self._watch)]

    def _flags(self) -> list[str]:
        return ["--sentinel"]

    @property
    def knows_all(self) -> bool:
        shop: Any = self.admin.sentinel_master("shop")
        return bool(shop["num-other-sentinels"] == 2 and shop["num-slaves"] == 1)


class Watched(ExitStack):
    """A primary, its replica, three Sentinels; none stands in for another yet."""

    def __init__(self, folder: Path, down_ms: int) -> None:
        super().__init__()
        self.primary = self.enter_context(Valkey(folder))
        of = f"127.0.0.1 {self.primary.port}"
        self.replica = self.enter_context(Valkey(folder, replicaof=of))
        until("a replica in sync", lambda: in_sync(self.replica))
        self.sentinels = [
            self.enter_context(Sentinel(folder, self.primary.port, down_ms))
            for _ in range(3)
        ]
        until(
            "Sentinels that know each other",
            lambda: all(one.knows_all for one in self.sentinels),
        )

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{hosts}/shop"


class Clustered(ExitStack):
    """Three primaries and a replica of each."""

    def __init__(self, folder: Path, timeout_ms: int) -> None:
        super().__init__()
        options = {"cluster-enabled": "yes", "cluster-node-timeout": timeout_ms}
        buses = [free_port() for _ in range(6)]
        made = [
            self.enter_context(Valkey(folder, **options, **{"cluster-port": bus}))
            for bus in buses
        ]
        self.primaries, self.replicas = made[:3], made[3:]
        for number, one in enumerate(self.primaries):
            first, last = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            one.admin.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)  # type: ignore[no-untyped-call] # redis'
            one.admin.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)  # type: ignore[no-untyped-call]
        for one in made[1:]:
            port = self.primaries[0].port
            one.admin.execute_command("CLUSTER", "MEET", "127.0.0.1", port, buses[0])  # type: ignore[no-untyped-call]
        until("all nodes known", lambda: all(map(self._knows_all, made)))
        for primary, replica in zip(self.primaries, self.replicas, strict=True):
            name = primary.admin.execute_command("CLUSTER", "MYID").decode()  # type: ignore[no-untyped-call]
            replica.admin.execute_command("CLUSTER", "REPLICATE", name)  # type: ignore[no-untyped-call]
        until("replicas in sync", lambda: all(map(in_sync, self.replicas)))
        until("a cluster", lambda: all(map(self._is_whole, made)))

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.primaries)
        return f"redis+cluster://{hosts}"

    def pair(self, key: str) -> tuple[Valkey, Valkey]:
        """The primary that had this key's slot when all began, and its replica."""
        number = key_slot(key.encode()) * 3 // 16384
        return self.primaries[number], self.replicas[number]

    def hand_over(self, primary: Valkey, replica: Valkey) -> None:
        """They change places, with nothing lost and no connection ended."""
        replica.admin.execute_command("CLUSTER", "FAILOVER")  # type: ignore[no-untyped-call]
        until("a new primary", lambda: replica.told("replication")["role"] == "master")
        until("an old one", lambda: primary.told("replication")["role"] == "slave")

    def _knows_all(self, one: Valkey) -> bool:
        return int(self._told(one)["cluster_known_nodes"]) == 6

    def _is_whole(self, one: Valkey) -> bool:
        """And every replica is known as one, or nobody would vote for it."""
        told = one.admin.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
        whole = self._told(one)["cluster_state"] == "ok"
        return whole and [len(owners) for owners in told] == [4, 4, 4]

    def _told(self, one: Valkey) -> dict[str, str]:
        return dict(one.admin.cluster("INFO"))


def in_sync(one: Valkey) -> bool:
    return bool(one.told("replication").get("master_link_status") == "up")
