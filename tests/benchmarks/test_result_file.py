import re
from pathlib import Path

import pytest

from benchmarks.harness.result_file import write_result
from model.files import read_json


def test_a_result_names_machine_libraries_commit_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = read_json(write_result("made_up", {"figure": 1.5}, seed=7))
    assert (result["figure"], result["seed"]) == (1.5, 7)
    assert {"hardware", "versions", "measured"} <= set(result)
    assert re.fullmatch(r"([0-9a-f]{7,40}(-dirty)?)?", result["commit"])
