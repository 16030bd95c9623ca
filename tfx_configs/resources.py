"""What the steps of a pipeline ask for on a cluster, from the number of events.

A step's memory is a floor plus an amount a million events above those that the floor is for. Measured at ten times The
Complete Journey (docs/scaling.md): ingest 5.5 GB, within the memory of its engine, and examples 3.7 GiB.
Validation holds at most `validation.max_rows` rows. The others are estimates from what they hold of the examples.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from tfx_configs.frozen import Count, Settings

FLOOR_EVENTS = 2_000_000
"""Events that the floors are for."""
MILLION = 1_000_000


class ResourceSettings(Settings):
    """Sizes of a run on a cluster (docs/machines.md)."""

    events: Annotated[int | None, Field(ge=1)] = None
    """Event rows that the CPU and memory of each step follow from, as `aisle inspect` counts them; null: 2 million."""
    train_workers: Count = 1
    """Processes that train the model on a cluster; several: the step Train creates a TrainJob for them."""
    train_gpus: Annotated[int, Field(ge=0, le=16)] = 0
    """GPUs of each of these workers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """Limits of a step's pod, as Kubernetes writes them."""

    cpu: str
    memory: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Need:
    cpu: int
    floor_gb: int
    million_gb: float = 0.0
    parallel: bool = False
    """Whether more cores make it faster."""


_NEEDS = {
    "ingest": _Need(cpu=2, floor_gb=8, parallel=True),
    "validate": _Need(cpu=2, floor_gb=8),
    "examples": _Need(cpu=2, floor_gb=8, million_gb=0.2, parallel=True),
    "train": _Need(cpu=2, floor_gb=8, million_gb=0.6, parallel=True),
    "baselines": _Need(cpu=1, floor_gb=4, million_gb=0.4),
    "evaluate": _Need(cpu=2, floor_gb=8, million_gb=0.4),
    "gate": _Need(cpu=1, floor_gb=2, million_gb=0.1),
    "reference": _Need(cpu=1, floor_gb=4, million_gb=0.4),
    "monitor": _Need(cpu=2, floor_gb=4, million_gb=0.4),
}
CLUSTER_STEPS = ("ingest", "validate", "examples", "train", "baselines", "evaluate", "gate", "reference")
MONITOR_STEPS = ("ingest", "monitor")
"""Steps of the pipelines cluster and monitoring that have parameters for their sizes."""
ENGINE_GB = 2.0
"""Of ingest, beside the memory of its engine."""


def sizes(events: int | None = None, engine_gb: float = 6.0) -> dict[str, Size]:
    """{step: its size}.

    Args:
        events: event rows; None: as many as the floors are for.
        engine_gb: `data.memory_gb`.
    """
    more = max((events or 0) - FLOOR_EVENTS, 0) / MILLION
    # Twice the cores for each tenfold of events.
    factor = 2 ** math.ceil(math.log10(max((events or 0) / FLOOR_EVENTS, 1.0)))
    out = {}
    for step, need in _NEEDS.items():
        floor_gb = max(need.floor_gb, engine_gb + ENGINE_GB) if step == "ingest" else need.floor_gb
        memory_gb = math.ceil(floor_gb + need.million_gb * more)
        cpu = need.cpu * factor if need.parallel else need.cpu
        out[step] = Size(cpu=str(cpu), memory=f"{memory_gb}G")
    return out


def size_parameters(of: Mapping[str, Size], steps: Sequence[str]) -> dict[str, str]:
    """{parameter of a pipeline: its value}: NAME_cpu and NAME_memory of each of its steps."""
    return {f"{step}_{what}": value for step in steps for what, value in dataclasses.asdict(of[step]).items()}
