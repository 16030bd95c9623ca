"""Sizes of the steps on a cluster, with hand-computed values."""

import pytest

from tfx_configs.resources import CLUSTER_STEPS, FLOOR_EVENTS, Size, size_parameters, sizes
from tfx_configs.settings import RunSettings


def test_up_to_two_million_events_the_sizes_are_the_pipelines_defaults() -> None:
    assert sizes() == sizes(1) == sizes(FLOOR_EVENTS) == RunSettings().sizes
    assert sizes()["train"] == Size(cpu="2", memory="8G") and sizes()["gate"] == Size(cpu="1", memory="2G")


@pytest.mark.parametrize(
    ("step", "size"),
    [
        ("ingest", Size(cpu="4", memory="8G")),  # within the memory of its engine
        ("validate", Size(cpu="2", memory="8G")),  # holds a bounded number of rows
        ("examples", Size(cpu="4", memory="11G")),  # 8 + 0.2 * 12.7 = 10.54
        ("baselines", Size(cpu="1", memory="10G")),  # 4 + 0.4 * 12.7 = 9.08
        ("gate", Size(cpu="1", memory="4G")),  # 2 + 0.1 * 12.7 = 3.27
    ],
)
def test_memory_grows_with_the_events_and_cores_double_with_each_tenfold(step: str, size: Size) -> None:
    assert sizes(14_700_000)[step] == size


def test_cores_of_a_hundred_million_events() -> None:
    """Fifty times the floor: the second tenfold has begun."""
    assert [sizes(100_000_000)[step].cpu for step in ("ingest", "train", "validate")] == ["8", "8", "2"]


def test_ingest_has_the_memory_of_its_engine_and_two_more() -> None:
    run = RunSettings.from_dict({"data": {"memory_gb": 20.5}, "resources": {"events": 5}})
    assert run.sizes["ingest"].memory == "23G"


def test_each_step_has_two_parameters() -> None:
    parameters = size_parameters(sizes(), CLUSTER_STEPS)
    assert parameters["evaluate_memory"] == "8G" and parameters["reference_cpu"] == "1"
    assert len(parameters) == 2 * len(CLUSTER_STEPS)
