"""What servers hold on one core and on two, and what a request costs them; whole servers with larger catalogs.

`python -m benchmarks serving`, after `make bench-quality`, whose last model is served; or with --model and --examples
of any other run. Open-loop traffic over loopback with every shopper's real history; the deadline of production and a
request log. The first run also makes what later ones reuse: the peers' environments and models, the larger catalogs.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.harness import process as child
from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS
from benchmarks.serving import before, catalog, peers
from benchmarks.serving.cores import loop_gain
from benchmarks.serving.load import Target
from benchmarks.serving.measure import LEAST_FULL, LIMIT_MS, PEER_WITHIN, SHOPPERS, WITHIN, Measurement, Traffic
from benchmarks.serving.measure import SEED as SEED  # `python -m benchmarks` notes it in the result
from benchmarks.serving.search import AGREE, QUICK, Pace
from benchmarks.serving.servers import Command, aisle, client_core, pinned
from components.kfp_support.progress import progress
from components.rollout.local.trip_traffic import seed_store
from model.data.trips import Trips
from model.errors import InputError
from model.files import write_json
from model.package.manifest import Manifest, verify

SCRATCH, BEFORE, CATALOGS = RESULTS / "serving", RESULTS / "before", RESULTS / "catalogs"
FIRST_RPS, FIRST_PEER_RPS, FIRST_OLD_RPS = 60.0, 40.0, 30.0
"""Where the climbs begin."""
COARSELY = 1
"""Bisections where a rate is only compared with others, to save time."""
WITHIN_7 = Target(percent=90, limit_ms=7.0, least_full=LEAST_FULL)
MAX_HISTORY = 2048
NOT_RUN = {"TensorFlow Serving": "no server in PyPI, Debian, npm or Go's proxy: only its client API"}
"""Peers that are missing, and why."""


def main(
    model: Annotated[Path | None, typer.Option(help="model directory; default: the quality benchmark's")] = None,
    examples: Annotated[Path | None, typer.Option(help="examples that it was trained on")] = None,
    quick: Annotated[bool, typer.Option(help="rounds of a second or two, to try it; no result is written")] = False,
) -> dict[str, Any] | None:
    """Makes what is missing, then measures one thing after the other."""
    bench = Bench(model or shop.model(), examples or shop.examples(), QUICK if quick else Pace())
    result = bench.run()
    if quick:
        write_json(SCRATCH / "quick.json", result)
        progress(f"tried only: {SCRATCH / 'quick.json'}")
        return None
    return result


class Bench:
    """One run on two cores of this machine."""

    def __init__(self, model: Path, examples: Path, pace: Pace) -> None:
        shutil.rmtree(SCRATCH, ignore_errors=True)
        self.model, self.examples, self.pace = model, examples, pace
        self.sizes = catalog.SIZES if pace != QUICK else catalog.SIZES[:1]
        self.manifest: Manifest = verify(model)
        self.trips, self.store = histories(examples, SCRATCH)
        self.core, self.other = server_cores()
        self.traffic = Traffic.of(self.trips, SCRATCH)

    def run(self) -> dict[str, Any]:
        """The result, without hardware and versions."""
        began = time.perf_counter()
        catalogs = catalog.prepared(self.model, self.examples, self.sizes, CATALOGS)
        servers, not_run = self._peers()
        old = self._old_command()
        prepared_s = time.perf_counter() - began
        old_figures, at_rps = self._before(old)
        aisle_figures, at_half = self._aisle(at_rps)
        return {
            "limit_ms": LIMIT_MS,
            "least_full": LEAST_FULL,
            "rounds_s": {"climb": self.pace.short_s, "deciding": self.pace.long_s, "of_a_decision": AGREE},
            "catalog_items": self.manifest.items,
            "candidates": self.manifest.ranked,
            "shoppers": SHOPPERS,
            "mean_history": round(float(self.trips.kept_events(self.trips.cut_s).sum() / len(self.trips.user_ids)), 1),
            "client_core": client_core([self.core]),
            "aisle": aisle_figures,
            "before": old_figures,
            "ratios": ratios(aisle_figures, at_half, old_figures),
            "two_cores": self._two_cores(aisle_figures["max_rps_p99_25ms"]),
            "peers": {name: self._peer(name, *server) for name, server in servers.items()},
            "not_run": not_run,
            "catalog": [self._catalog(directory, about) for directory, about in catalogs],
            "networks": self._printed("benchmarks.serving.runtime:main", str(self.model), str(self.examples)),
            "prepared_s": round(prepared_s),
            "measured_s": round(time.perf_counter() - began - prepared_s),
        }

    def _aisle(self, at_rps: float | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """(figures on one core, what half of the old server's rate costs)"""
        with pinned("aisle", self._server(), [self.core], SCRATCH) as live:
            rest = Measurement(live, self.traffic, self.pace)
            figures = rest.whole(WITHIN, FIRST_RPS)
            at_half = rest.cost(at_rps) if at_rps else None
            grpc = Measurement(live, self.traffic, self.pace, grpc=True)
            figures["grpc"] = _over_grpc(grpc, max(figures["half_rps"], FIRST_RPS))
            return figures, at_half

    def _two_cores(self, one_core_rps: float) -> dict[str, Any]:
        """The same server on two cores, and what a second core is worth at most."""
        cores = [self.core, self.other]
        with pinned("aisle-2", self._server(), cores, SCRATCH) as live:
            rest = Measurement(live, self.traffic, self.pace)
            first = max(0.7 * one_core_rps, FIRST_RPS)
            most, rates = rest.highest(WITHIN, first)
            within_7, rates_7 = rest.highest(WITHIN_7, first / 2, COARSELY)
            cost = rest.cost(max(most, FIRST_RPS) / 2)
            grpc = _over_grpc(Measurement(live, self.traffic, self.pace, grpc=True), first)
            return {
                "max_rps_p90_7ms": within_7,
                "max_rps_p99_25ms": most,
                "half_rps": cost["rps"],
                **{name: cost[name] for name in ("cpu_ms_per_request", "client_cpu_ms_per_request")},
                "gain": round(most / one_core_rps, 3) if one_core_rps else None,
                "loop_gain": loop_gain(cores),
                "client_core": client_core(cores),
                "ready_s": round(live.ready_s, 1),
                "rss_mb": live.rss_mb(),
                "grpc": grpc,
                "rates": rates,
                "rates_p90_7ms": rates_7,
            }

    def _before(self, command: Command | str) -> tuple[dict[str, Any], float | None]:
        """(figures of the old server, half of its highest rate); without it why, and None."""
        if isinstance(command, str):
            return {"not_run": command}, None
        with pinned("before", command, [self.core], SCRATCH) as live:
            figures = Measurement(live, self.traffic, self.pace).whole(WITHIN, FIRST_OLD_RPS)
            return {"commit": before.COMMIT[:7], **figures}, figures["half_rps"]

    def _old_command(self) -> Command | str:
        """What starts the old server, or why it cannot be."""
        try:
            tree = before.sources(BEFORE)
            model = before.trained(tree, self.examples)
        except (InputError, subprocess.CalledProcessError) as error:
            progress(str(error))
            return str(error)
        log = str((SCRATCH / "log-before").absolute())
        return aisle(model, self.store, "--request-log", log, tree=tree)

    def _peer(self, name: str, command: Command, traffic: Traffic) -> dict[str, Any]:
        with pinned(name, command, [self.core], SCRATCH) as live:
            return Measurement(live, traffic, self.pace).whole(PEER_WITHIN, FIRST_PEER_RPS, COARSELY)

    def _peers(self) -> tuple[dict[str, tuple[Command, Traffic]], dict[str, str]]:
        """({name: what starts it, its requests}, {name: why it is missing}), all with as many candidates as Aisle."""
        tutorial = SCRATCH / "tutorial"
        sizes = map(str, (self.manifest.items, len(self.trips.user_ids), self.manifest.ranked))
        subprocess.run(child.python("benchmarks.serving.tutorial:build", tutorial, *sizes), check=True)
        servers = {"plain KServe predictor": (peers.kserve_command(tutorial), self.traffic)}
        not_run = dict(NOT_RUN)
        batched = Traffic.of(self.trips, SCRATCH / "triton-requests", shape=(1, 1), only=("user_id",))
        others = {
            "the same in MLServer": (peers.MLSERVER, "mlserver", peers.mlserver_command, self.traffic),
            "the same in Triton": (peers.TRITON, "triton", peers.triton_command, batched),
        }
        for name, (packages, folder, command, traffic) in others.items():
            try:
                python = peers.environment(RESULTS / folder, *packages)
            except subprocess.CalledProcessError as error:
                not_run[name] = f"its packages cannot be installed ({error})"
            else:
                servers[name] = (command(python, (SCRATCH / folder).absolute(), tutorial), traffic)
        return servers, not_run

    def _catalog(self, directory: Path, about: dict[str, Any]) -> dict[str, Any]:
        items = verify(directory).items
        figures = catalog.served(directory, items, self.core, self.store, self.traffic, self.pace, SCRATCH)
        return {**about, **figures}

    def _server(self) -> Command:
        return aisle(self.model, self.store, "--request-log", str((SCRATCH / "log").absolute()))

    def _printed(self, function: str, *arguments: str) -> dict[str, Any]:
        """What a function returns, called on one core."""
        command = ["taskset", "-c", str(self.core), *child.python(function, *arguments)]
        line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        return dict(json.loads(line))


def _over_grpc(grpc: Measurement, first: float) -> dict[str, Any]:
    """The highest rate over gRPC, and the CPU of half of it."""
    most, rates = grpc.highest(WITHIN, first, COARSELY)
    cost = grpc.cost(max(most, first) / 2)
    names = ("p50_ms", "p90_ms", "p99_ms", "cpu_ms_per_request", "client_cpu_ms_per_request")
    return {"max_rps_p99_25ms": most, "half_rps": cost["rps"], **{name: cost[name] for name in names}, "rates": rates}


def ratios(aisle: dict[str, Any], at_half: dict[str, Any] | None, old: dict[str, Any]) -> dict[str, Any]:
    """{cpu, rps: how many times less and more than before; at_rps}; empty without the old server.

    Args:
        at_half: cost of Aisle at half of the old server's highest rate, which is what `old` has its own cost at.
    """
    if at_half is None:
        return {}
    most = old["max_rps_p99_25ms"]
    return {
        "at_rps": old["half_rps"],
        "cpu_ms_per_request": at_half["cpu_ms_per_request"],
        "cpu": round(old["cpu_ms_per_request"] / at_half["cpu_ms_per_request"], 2),
        "rps": round(aisle["max_rps_p99_25ms"] / most, 2) if most else None,
    }


def histories(examples: Path, folder: Path) -> tuple[Trips, Path]:
    """(trips, a fresh store in `folder` of every shopper's events before the cut)"""
    trips = Trips.load(examples / Trips.DIRECTORY)
    return trips, seed_store(trips, folder / "store", MAX_HISTORY)


def server_cores() -> tuple[int, int]:
    """(the core of servers, the core that they get as second). Raises InputError where this process has only one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise InputError("serving: expected two cores, one of them for the client, got one")
    return cores[-1], cores[-2]
