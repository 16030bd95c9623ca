"""The calibration benchmark on two judged trips, with hand-computed values."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.robustness.calibration import fitted, judge
from components.evaluate.predictions import Lists
from model.errors import InputError
from model.evaluation.next_basket_task import load_task
from model.files import write_json
from model.networks import weights
from tests.pencil_world import WORLD

H = 7
"""The one item of both next baskets."""


def test_the_fitted_line_is_taken_off_again(tmp_path: Path) -> None:
    """Scores 0.8 and 0.2 are log-odds of log 4 and -log 4; under slope 2 they were those of 2/3 and 1/3 before."""
    WORLD.save(tmp_path / "trips")
    listed = Lists(items_Nk=np.array([[H, 0], [0, H]]), score_Nk=np.array([[0.8, 0.2], [0.8, 0.2]]), ranked=[])
    result = judge(load_task(tmp_path), listed, {"slope": 2.0, "offset": 0.0})
    assert [(bin_["expected"], bin_["bought"]) for bin_ in result["platt"]["curve"]] == [
        (0.2, 0),
        (0.2, 1),
        (0.8, 1),
        (0.8, 0),
    ]
    assert result["platt"]["error"] == pytest.approx(0.5) and result["platt"]["ratio"] == pytest.approx(1.0)
    assert result["sampling_only"]["curve"][0]["expected"] == pytest.approx(1 / 3)
    assert 0 < result["chance_error"] < 1


def test_the_fitted_line_comes_from_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the negatives were kept, so log 0.5 was added first; then slope 2 and offset 1."""
    write_json(tmp_path / "training.json", {"settings": {"train": {"negative_percent": 50.0}}})
    stored = {"ranker-23-offset": np.float32(2 * np.log(0.5) + 1), "ranker-25-slope": np.float32(2)}
    monkeypatch.setattr(weights, "read", lambda _: stored)
    assert fitted(tmp_path) == {"slope": 2.0, "offset": pytest.approx(1.0)}


def test_a_model_without_a_ranker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "read", lambda _: {})
    with pytest.raises(InputError, match="expected a model with a ranker's line"):
        fitted(tmp_path)
