"""`aisle rollout shadow`: replayed trips, each answered by stable, copies of them by the shadow; then the comparison.

Nothing of it touches the rollout's state or the registry. It has a store of its own, with every event before the cut,
so that the same trips may be replayed again for the next candidate.
"""

import time
from collections.abc import Callable
from pathlib import Path

from components.rollout.local.envoy_config import CANARY
from components.rollout.local.envoy_process import Proxy, two_versions
from components.rollout.local.processes import REQUESTS, SERVER_MODULE, STORE
from components.rollout.local.trip_traffic import Replay, check_trips, seed_store
from components.rollout.local.v2_client import Reply
from components.rollout.shadow_comparison import COLUMNS, Comparison, compare
from model.errors import InputError
from model.files import remove_unused
from model.registry.model_registry import Registry
from model.request_log import reader as request_log
from pipelines.local.rollout_operator import candidate_of, finished_run
from pipelines.local.run_directory import Paths, alone

DRAIN_S = 10.0
"""How long copies may still be on their way at the end; longer than the proxy waits for one."""


def shadow(
    run: Path,
    version: str | None,
    requests: int,
    percent: int,
    server_module: str = SERVER_MODULE,
    on_load: Callable[[], None] = lambda: None,
) -> Comparison:
    """Replays the run's first `requests` test trips with `version` as shadow; saves the comparison in {run}/shadow.

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
    stable = registry.state().stable
    if stable is None:
        raise InputError(f"{run}: expected a run with a stable model, got none; run `aisle train` or `aisle demo`")
    candidate = candidate_of(registry, version, run)
    with alone(paths.out):
        settings, trips = finished_run(paths)
        check_trips(trips)
        on_load()
        remove_unused(paths.shadow)
        seed_store(trips, paths.shadow / STORE, settings.features.max_history)
        replies: list[Reply] = []
        with two_versions(
            stable_dir=registry.path(stable),
            canary_dir=registry.path(candidate),
            workdir=paths.shadow,
            max_history=settings.features.max_history,
            server_module=server_module,
        ) as versions:
            before = _copies(versions.proxy)
            versions.proxy.set_percent(0, shadow_percent=percent)
            Replay(trips, versions.client, replies.append).play(requests)
            _drain(versions.proxy)
            copies = _copies(versions.proxy) - before
        comparison = compared(paths.shadow / REQUESTS, copies).model_copy(
            update={
                "percent": percent,
                "failed_requests": sum(reply.status != 200 for reply in replies),
                "answered_by_shadow": sum(reply.version == CANARY for reply in replies),
            }
        )
        comparison.save(paths.shadow)
        return comparison


def compared(log: Path | str, copies: int | None = None) -> Comparison:
    """The comparison of what is in a request log. Raises InputError when there is no log, or no copy's answer in it."""
    rows = request_log.read(log, columns=COLUMNS, also=("shadow",)).to_pandas()
    if copies is None and not (rows["route"] == "shadow").any():
        raise InputError(f"{log}: expected answers to mirrored copies, got none; mirror requests to a shadow first")
    return compare(rows, copies)


def _copies(proxy: Proxy) -> int:
    """Requests that went to the canary's server so far; only the mirror sends any."""
    return proxy.stat(f"cluster.{CANARY}.upstream_rq_total")


def _drain(proxy: Proxy) -> None:
    """Returns when no copy is on its way any more, or after DRAIN_S."""
    deadline = time.monotonic() + DRAIN_S
    while proxy.stat(f"cluster.{CANARY}.upstream_rq_active") and time.monotonic() < deadline:
        time.sleep(0.05)
