"""A PostgreSQL of our own for tests: made, started and thrown away here.

`python -m tests.postgres COMMAND…` runs the command with DATABASE_URL pointing at it.
fsync stays on: what the tests promise about durability must be true of it.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path:
    """The newest folder with `initdb`; raises FileNotFoundError."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise FileNotFoundError("PostgreSQL's initdb (Debian: apt install postgresql)")
    return Path(found).parent


class Cluster:
    """One PostgreSQL server on a unix socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.bin = binaries()
        # The server refuses root; a machine with its packages has the account.
        self.account = "postgres" if os.geteuid() == 0 else None
        self.user = self.account or pwd.getpwuid(os.geteuid()).pw_name

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}@/souk?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.bin / program), *arguments],
            check=True,
            user=self.account,
            group=self.account,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )

    def create(self) -> None:
        self.folder.chmod(0o755)
        if self.account:
            shutil.chown(self.folder, self.account)
        self.run("initdb", "-D", str(self.data), "-A", "trust", "-E", "UTF8")

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.folder} -c max_connections=100"
        log = str(self.folder / "log")
        self.run(
            "pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: no checkpoint, connections cut."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A started cluster with an empty database `souk`."""
    with tempfile.TemporaryDirectory(prefix="souk-pg-") as folder:
        made = Cluster(Path(folder))
        made.create()
        made.start()
        try:
            made.run("createdb", "-h", str(made.folder), "souk")
            yield made
        finally:
            made.stop("immediate")


if __name__ == "__main__":
    with cluster() as running:
        environment = {**os.environ, "DATABASE_URL": running.url}
        sys.exit(subprocess.call(sys.argv[1:], env=environment))
