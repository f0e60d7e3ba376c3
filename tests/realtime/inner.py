"""The admin port of a server, as Prometheus and a load balancer see it."""

import asyncio

import httpx
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 20.0
"""Seconds; nothing takes that long but on a machine ten times overloaded."""


class Inner:
    def __init__(self, port: int) -> None:
        self.port = port
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False
        )

    async def get(self, path: str) -> tuple[int, str]:
        answer = await self._client.get(path)
        return answer.status_code, answer.text.strip()

    async def until_ok(self, path: str = "/readyz") -> None:
        async with asyncio.timeout(PATIENCE):
            while await self._asked(path) != (200, "ok"):
                await asyncio.sleep(0.05)  # there is no event to wait for

    async def until_trouble(self, why: str) -> None:
        """Not ready, for this reason; a busy machine may have others besides."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status, said = await self._asked("/readyz")
                if status == 503 and why in said.split():
                    return
                await asyncio.sleep(0.05)

    async def until_equal(self, expected: dict[str, float]) -> None:
        """Gauges that are read within a second, or are as if it were away."""
        async with asyncio.timeout(PATIENCE):
            while expected.items() - (await self.metrics()).items():
                await asyncio.sleep(0.05)

    async def _asked(self, path: str) -> tuple[int, str]:
        try:
            return await self.get(path)
        except httpx.ConnectError:
            return 0, ""

    async def metrics(self) -> dict[str, float]:
        """`souk_deliveries_total{lane="reliable"}` → value, of all samples."""
        _, text = await self.get("/metrics")
        return {
            f"{sample.name}{labels(sample.labels)}": sample.value
            for family in text_string_to_metric_families(text + "\n")
            for sample in family.samples
        }


def labels(given: dict[str, str]) -> str:
    inside = ",".join(f'{name}="{given[name]}"' for name in sorted(given))
    return f"{{{inside}}}" if inside else ""
