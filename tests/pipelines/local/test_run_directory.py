"""What a pipeline left in a run: relative to the run, and named when it is not there."""

from pathlib import Path

import pytest

from model.errors import InputError
from model.files import read_json
from pipelines.local.run_directory import Paths, RunOutputs


def test_paths_below_the_run_are_stored_relative_to_it_and_others_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "run" / "tables").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    paths = Paths(out=tmp_path / "run")
    outside = str(tmp_path / "shared")
    outputs = RunOutputs.of(paths.out, {"tables": str(paths.out / "tables"), "model": outside})
    outputs.save(paths.result)
    assert read_json(paths.result) == {"tables": "tables", "model": outside}
    read = RunOutputs.load(paths.out, paths.outputs, paths.result)
    assert (read["tables"], read["model"]) == (paths.out / "tables", tmp_path / "shared")


def test_results_of_a_run_inside_another_become_those_of_the_outer_one(tmp_path: Path) -> None:
    inner = RunOutputs.of(
        tmp_path / "retraining",
        {"model": str(tmp_path / "retraining" / "pipeline" / "model"), "tables": str(tmp_path / "pipeline" / "tables")},
    )
    assert inner.below(tmp_path).stored == {"model": "retraining/pipeline/model", "tables": "pipeline/tables"}


def test_what_a_run_lacks_is_named(tmp_path: Path) -> None:
    outputs = RunOutputs(run=tmp_path, stored={"tables": "pipeline/tables"})
    with pytest.raises(InputError, match=r"expected its output tables at .*/pipeline/tables, found none"):
        outputs["tables"]
    with pytest.raises(InputError, match="expected the output model of a finished run"):
        outputs["model"]


@pytest.mark.parametrize("name", ["result.json", "outputs.json"])
def test_where_no_run_has_finished_the_refusal_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "result.json").write_text("{half")
    with pytest.raises(InputError, match="expected a finished run, found none; run `aisle train`"):
        RunOutputs.load(tmp_path, tmp_path / name)
