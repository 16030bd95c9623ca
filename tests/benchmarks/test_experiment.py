"""The experiment benchmark on simulated shoppers."""

import dataclasses

import numpy as np
import pytest

from benchmarks.rollout.experiment import EFFECTS, WORLDS, measure
from tests.components.rollout.experiment.shop import shop


def test_coverage_and_sizes_are_told_for_every_world_and_effect() -> None:
    real = dataclasses.replace(shop(np.random.default_rng(1), 2000), treated_S=np.zeros(2000, bool))
    result = measure(real, runs=40)
    assert [world["kept"] for world in result["worlds"]] == [world["kept"] for world in WORLDS]
    # Four standard deviations of Binomial(40, 0.95) below.
    assert all(world["covered_adjusted"] >= 0.81 and world["narrower"] > 0.05 for world in result["worlds"])
    assert [size["effect"] for size in result["sizes"]] == list(EFFECTS)
    for size in result["sizes"]:
        assert size["adjusted"] == pytest.approx(size["plain"] * (1 - result["real"]["rho"] ** 2), abs=1)
