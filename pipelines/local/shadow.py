"""`aisle rollout shadow`: replayed trips, each answered by stable, copies of them by the shadow; then the comparison.

Nothing of it touches the rollout's state or the registry. It has a store of its own, with every event before the cut,
so that the same trips may be replayed again for the next candidate.
"""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from components.rollout.local.envoy_config import CANARY
from components.rollout.local.envoy_process import Front, front
from components.rollout.local.processes import REQUESTS, SERVER_MODULE, model_server, wait_ready
from components.rollout.local.trip_traffic import Replay
from components.rollout.local.v2_client import Client, Reply
from components.rollout.shadow_comparison import COLUMNS, compare
from model.errors import InputError
from model.files import write_json
from model.registry.model_registry import Registry
from model.request_log import reader as request_log
from pipelines.local.local_rollout import STORE, check_trips, seed_store
from pipelines.local.rollout_operator import finished_run, in_registry
from pipelines.local.run_directory import Paths, alone

FILE = "shadow.json"
DRAIN_S = 10.0
"""How long copies may still be on their way at the end; longer than the proxy waits for one."""


def shadow(
    run: Path,
    version: str | None,
    requests: int,
    percent: int,
    server_module: str = SERVER_MODULE,
    on_load: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Replays the run's first `requests` test trips with `version` as shadow; returns {run}/shadow/shadow.json.

    Args:
        version: in the run's registry; None: what push declared as canary.
        percent: share of the requests that it gets a copy of, 1 to 100.
        on_load: called when everything is there and the models are about to be loaded.

    Raises:
        InputError: there is no such version, nothing to replay, or the arguments are off.
    """
    if requests < 1 or not 1 <= percent <= 100:
        raise InputError(f"expected --requests of 1 or more and --percent of 1 to 100, got {requests} and {percent}")
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)
    state, wanted = registry.state(), version or registry.state().canary
    if state.stable is None:
        raise InputError(f"{run}: expected a run with a stable model, found none; run `aisle train` or `aisle demo`")
    if wanted is None:
        raise InputError(f"{run}: expected a canary in the registry, got none; `aisle train` pushes one, or --version")
    in_registry(registry, wanted)
    with alone(paths.out):
        settings, trips = finished_run(paths)
        check_trips(trips)
        on_load()
        shutil.rmtree(paths.shadow, ignore_errors=True)
        history = settings.features.max_history
        store = seed_store(trips, paths.shadow / STORE, history)
        replies: list[Reply] = []
        with ExitStack() as stack:
            servers = [
                stack.enter_context(model_server(name, registry.path(one), store, paths.shadow, history, server_module))
                for name, one in (("stable", state.stable), ("canary", wanted))
            ]
            for process, backend in servers:
                wait_ready(process, backend)
            door = stack.enter_context(front(servers[0][1], servers[1][1], paths.shadow))
            client = stack.enter_context(Client(door.port))
            before = _copies(door)
            door.set_percent(0, shadow_percent=percent)
            Replay(trips, client, replies.append).play(requests)
            _drain(door)
            copies = _copies(door) - before
        found = compared(paths.shadow / REQUESTS, copies) | {
            "percent": percent,
            "failed_requests": sum(reply.status != 200 for reply in replies),
            "answered_by_shadow": sum(reply.version == CANARY for reply in replies),
        }
        write_json(paths.shadow / FILE, found)
        return found


def compared(log: Path | str, copies: int | None = None) -> dict[str, Any]:
    """The comparison of what is in a request log. Raises InputError when there is no log, or no copy's answer in it."""
    rows = request_log.read(log, columns=COLUMNS, shadows=True).to_pandas()
    if copies is None and not (rows["route"] == "shadow").any():
        raise InputError(f"{log}: expected answers to mirrored copies, found none; mirror requests to a shadow first")
    found = compare(rows, copies)
    return dataclasses.asdict(found) | {"unanswered": found.unanswered}


def shadow_lines(found: dict[str, Any]) -> Iterator[str]:
    """What the terminal shows of a comparison."""
    versions = {side: ", ".join(names) or "nobody" for side, names in found["versions"].items()}
    yield f"stable {versions['stable']}  shadow {versions['shadow']}"
    yield (
        f"{found['answered']:,} requests answered, {found['copies']:,} copied, {found['compared']:,} compared, "
        f"{found['unanswered']:,} left unanswered by the shadow"
    )
    if "failed_requests" in found:
        yield f"{found['failed_requests']} failed requests, {found['answered_by_shadow']} answered by the shadow"
    if not found["compared"]:
        return
    overlap, drift, rank = found["overlap"], found["score_drift"], found["rank_correlation"]
    yield (
        f"lists: {100 * overlap['mean']:.1f} % of the items are stable's too "
        f"(95 % interval {100 * overlap['low']:.1f} to {100 * overlap['high']:.1f}), "
        f"{100 * found['same_list']:.1f} % of the lists the same"
    )
    if drift is not None:
        told = f"rank correlation {rank:.2f}; " if rank is not None else ""
        yield f"items of both: {told}score {drift['mean']:+.4f} ({drift['p5']:+.4f} to {drift['p95']:+.4f}, 90 %)"
    for side in ("stable", "shadow"):
        latency = found["latency_ms"][side]
        alike = 100 * found["list_overlap"][side]
        yield f"{side}: p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms; shoppers' lists share {alike:.1f} %"
    yield "rungs: " + ", ".join(f"{way} {count:,}" for way, count in found["rungs"].items())
    yield f"least alike: {', '.join(found['least_alike'])}"


def _copies(door: Front) -> int:
    """Requests that went to the canary's server so far; nobody but the mirror sends any."""
    name = f"cluster.{CANARY}.upstream_rq_total"
    return door.stats(f"^{name}").get(name, 0)


def _drain(door: Front) -> None:
    """Returns when no copy is on its way any more, or after DRAIN_S."""
    name = f"cluster.{CANARY}.upstream_rq_active"
    deadline = time.monotonic() + DRAIN_S
    while door.stats(f"^{name}").get(name, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
