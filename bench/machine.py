"""What every bench needs: pinned processes, their CPU time, our C programs built."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
SERVER_CORE, OTHER_CORE = 0, 1


def prepare() -> None:
    """This process, and what it starts, on the other core; many descriptors."""
    os.sched_setaffinity(0, {OTHER_CORE})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < 6000:
        sys.exit(f"5,000 viewers need more than {most} descriptors (ulimit -n)")


def on_server_core() -> Callable[[], None]:
    """For `Popen(preexec_fn=…)`."""
    return lambda: os.sched_setaffinity(0, {SERVER_CORE})


def compiled(source: str, into: Path) -> Path:
    """A C program of this folder, built."""
    compiler = shutil.which("cc")
    if compiler is None:
        sys.exit("the benches need a C compiler (cc)")
    program = into / Path(source).stem
    subprocess.run([compiler, "-O2", "-o", program, HERE / source], check=True)
    return program


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, by the scheduler's own clock."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue  # a thread that has just ended
    return total / 1e9


def version(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]
