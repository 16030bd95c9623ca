"""What is measured of one server: the highest rate it holds, and latency, CPU and memory at a given rate."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness.process import busy_s
from benchmarks.serving.grpc_load import run_grpc_load, write_requests
from benchmarks.serving.load import Load, Target, http_request, run_load
from benchmarks.serving.search import BISECTIONS, Pace, Search, quantile
from benchmarks.serving.servers import Live
from components.rollout.local.processes import READY_PATH, get
from model.data.trips import Trips
from model.serving.predictor import NAME

SEED = 7
SHOPPERS = 500
WARM_RPS = 40.0
LIMIT_MS = 25.0
LEAST_FULL = 0.99
"""Share of the answers that the whole model has to make at a rate that counts."""
WITHIN = Target(percent=99, limit_ms=LIMIT_MS, least_full=LEAST_FULL)
PEER_WITHIN = Target(percent=99, limit_ms=LIMIT_MS)
"""A peer has no rungs."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The requests of the first shoppers at the cut, over both protocols."""

    http: Sequence[bytes]
    grpc: Path
    """Of write_requests."""

    @classmethod
    def of(cls, trips: Trips, folder: Path, shape: Sequence[int] = (1,), only: Sequence[str] = ()) -> "Traffic":
        """
        Args:
            folder: takes the file of the gRPC requests.
            shape: of each input.
            only: the inputs that the server knows; none: all.
        """
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(trips.cut_s))
        users = map(str, trips.user_ids[:SHOPPERS].tolist())
        asked = [{"user_id": user, "request_time": moment} for user in users]
        asked = [{name: value for name, value in inputs.items() if not only or name in only} for inputs in asked]
        path = READY_PATH.replace("ready", "infer")
        http = [http_request(path, _body(inputs, shape)) for inputs in asked]
        folder.mkdir(parents=True, exist_ok=True)
        return cls(http=http, grpc=write_requests(folder / "requests.json", NAME, asked))


def _body(inputs: dict[str, str], shape: Sequence[int]) -> bytes:
    """One request as JSON."""
    tensors = [
        {"name": name, "shape": list(shape), "datatype": "BYTES", "data": [value]} for name, value in inputs.items()
    ]
    return json.dumps({"inputs": tensors}).encode()


class Measurement:
    """Of one running server, warmed up."""

    def __init__(self, live: Live, traffic: Traffic, pace: Pace, grpc: bool = False) -> None:
        """grpc: asks over gRPC instead of REST."""
        self._live, self._traffic, self._pace, self._grpc = live, traffic, pace, grpc
        self._seed = SEED
        self.load(WARM_RPS, pace.warm_s)
        self.warm_mb = live.rss_mb()

    def load(self, rps: float, seconds: float, target: Target | None = None) -> Load:
        """Each call draws other moments."""
        self._live.process.check_alive()
        self._seed += 1
        if self._grpc:
            return run_grpc_load(self._live.backend.grpc_port, self._traffic.grpc, rps, seconds, self._seed, target)
        return run_load(self._live.backend.http_port, self._traffic.http, rps, seconds, self._seed, target)

    def highest(self, target: Target, first: float, bisections: int = BISECTIONS) -> tuple[float, list[dict[str, Any]]]:
        """(the highest rate that holds the target, every rate tried with its rounds)"""
        search = Search(self.load, target, self._pace)
        rps = search.highest(first, bisections)
        print(
            f"{self._live.process.name}: {rps:.1f} requests/s, p{target.percent} < {target.limit_ms:g} ms", flush=True
        )
        return round(rps, 1), search.report()

    def cost(self, rps: float) -> dict[str, Any]:
        """Latency, and CPU of the server, of the client and of all others, at a rate."""
        live = self._live
        before, cpu_s, all_s, begin = _stages(live), live.cpu_s(), busy_s(), time.perf_counter()
        load = self.load(rps, self._pace.cost_s)
        seconds, own_s = time.perf_counter() - begin, live.cpu_s() - cpu_s
        others = (busy_s() - all_s - own_s - load.client_cpu_s) / seconds
        answered = max(len(load.latency_ms), 1)
        stages = {stage: round(1000 * (s - before.get(stage, 0)) / answered, 3) for stage, s in _stages(live).items()}
        return {
            "rps": round(rps, 1),
            **{f"p{percent}_ms": quantile(load, percent) for percent in (50, 90, 99)},
            "cpu_ms_per_request": round(1000 * own_s / answered, 3),
            "client_cpu_ms_per_request": round(1000 * load.client_cpu_s / answered, 3),
            "stages_ms": stages,
            "not_200": load.not_200,
            "full_share": load.full_share,
            "other_cores": round(max(others, 0.0), 2),
        }

    def whole(self, target: Target, first: float, bisections: int = BISECTIONS) -> dict[str, Any]:
        """The highest rate, what half of it costs, and memory."""
        most, rates = self.highest(target, first, bisections)
        cost = self.cost(max(most, WARM_RPS) / 2)
        return {
            "max_rps_p99_25ms": most,
            "half_rps": cost.pop("rps"),
            **cost,
            "ready_s": round(self._live.ready_s, 1),
            "rss_warm_mb": self.warm_mb,
            "rss_mb": self._live.rss_mb(),
            "rates": rates,
        }


def _stages(live: Live) -> dict[str, float]:
    """Seconds that each stage has taken so far, a batch counted once; none where the server does not report them."""
    status, page = get(live.backend.http_port, "/metrics")
    if status != 200:
        return {}
    families = text_string_to_metric_families(page.decode())
    samples = (sample for family in families if family.name == "aisle_stage_seconds" for sample in family.samples)
    return {sample.labels["stage"]: sample.value for sample in samples if sample.name.endswith("_sum")}
