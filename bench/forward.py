"""CPU of forwarding a live stream, per viewer: `python -m bench.forward`.

A feed of 720p30 H264 and Opus (about 1.1 Mbit/s, encoded before) is published by
ffmpeg over WHIP to a server process; viewers with real ICE and DTLS are in a process of
their own (`bench/forward_load.py`). Measured is the server process's CPU by /proc, its
receiving included. The same is done for the naive way, aiortc's `RTCPeerConnection` and
`MediaRelay`, at a few viewers. Runs in a network namespace; the last line is JSON.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

FEED = (
    "-nostdin -loglevel error -y -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi"
    " -i sine=frequency=440:sample_rate=48000 -t 10 -c:v libx264 -profile:v baseline"
    " -preset veryfast -tune zerolatency -pix_fmt yuv420p -b:v 1050k -maxrate 1050k"
    " -bufsize 1050k -g 60 -c:a libopus -b:a 64k -ac 2"
)
PUBLISH = (
    "-nostdin -loglevel error -re -stream_loop -1 -i {feed} -c copy"
    " -whip_flags dtls_active -f whip {url}"
)
WARM_S = 3.0


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--viewers", type=int, default=50)
    options.add_argument("--naive-viewers", type=int, default=2)
    options.add_argument("--seconds", type=float, default=10)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder) / "feed.mkv"
        await (await run(imageio_ffmpeg.get_ffmpeg_exe(), *FEED.split(), feed)).wait()
        ours = await measure("souk", chosen.viewers, chosen.seconds, feed)
        naive = await measure("naive", chosen.naive_viewers, chosen.seconds, feed)
    figures = {
        "cpu_ms_per_viewer_s": round(ours["cpu_ms"], 3),
        "naive_cpu_ms_per_viewer_s": round(naive["cpu_ms"], 1),
        "naive_over_ours": round(naive["cpu_ms"] / ours["cpu_ms"]),
        "viewers": chosen.viewers,
        "naive_viewers": chosen.naive_viewers,
        "packets_per_viewer_s": round(ours["packets"], 1),
        "us_per_packet": round(ours["cpu_ms"] * 1000 / ours["packets"], 2),
        "kernel_share": round(ours["kernel"], 2),
        "lost": ours["lost"],
        "kb_per_viewer": round(ours["kb"]),
        "seconds": chosen.seconds,
    }
    print(json.dumps(figures))


async def run(*command: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *map(str, command), stdin=asyncio.subprocess.DEVNULL
    )


async def talk(*command: object) -> asyncio.subprocess.Process:
    """A child that tells by lines of JSON."""
    return await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def line(process: asyncio.subprocess.Process) -> dict[str, float]:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        told = await process.stdout.readline()
    if not told:
        raise SystemExit("a child of the bench ended early")
    return dict(json.loads(told))


async def ask(process: asyncio.subprocess.Process) -> dict[str, float]:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    return await line(process)


async def measure(
    server: str, viewers: int, seconds: float, feed: Path
) -> dict[str, float]:
    """CPU ms and packets per viewer-second of one server, and its kB a viewer."""
    python = (sys.executable, "-m")
    serving = await talk(*python, "bench.forward_servers", server)
    port = int((await line(serving))["port"])
    url = f"http://127.0.0.1:{port}"
    command = PUBLISH.format(feed=feed, url=f"{url}/whip/1").split()
    publishing = await run(imageio_ffmpeg.get_ffmpeg_exe(), *command)
    loading = None
    try:
        await line(serving)  # the picture is there
        memory = resident_kb(serving.pid)
        loading = await talk(*python, "bench.forward_load", f"{url}/whep/1", viewers)
        print(f"{server}: {await line(loading)}", file=sys.stderr)
        await asyncio.sleep(WARM_S)
        before, cpu = await ask(loading), cpu_seconds(serving.pid)
        await asyncio.sleep(seconds)
        user, kernel = (
            b - a for a, b in zip(cpu, cpu_seconds(serving.pid), strict=True)
        )
        after = await ask(loading)
        memory = resident_kb(serving.pid) - memory
    finally:
        for process in (publishing, loading, serving):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
    elapsed = after["at"] - before["at"]
    figures = {
        "cpu_ms": (user + kernel) * 1000 / seconds / viewers,
        "kernel": kernel / (user + kernel),
        "packets": (after["packets"] - before["packets"]) / elapsed / viewers,
        "lost": after["lost"] - before["lost"],
        "kb": memory / viewers,
    }
    print(f"{server}: {figures}", file=sys.stderr)
    return figures


def cpu_seconds(pid: int) -> tuple[float, float]:
    """User and kernel time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def resident_kb(pid: int) -> int:
    """Memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    if os.environ.get("SOUK_NAMESPACE") is None:
        again = [sys.executable, "-m", "bench.forward", *sys.argv[1:]]
        os.execv("/bin/bash", ["bash", "tests/namespace.sh", *again])  # noqa: S606  itself
    if os.environ["SOUK_NAMESPACE"] != "1":
        raise SystemExit("this bench needs a network namespace")
    asyncio.run(main())
