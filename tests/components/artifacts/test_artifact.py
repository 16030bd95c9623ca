"""An artifact is read as it was written; a directory without one, or with half of one, is refused in one line."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from components.artifacts.evaluation import Delta, Evaluation, Slice
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.verdict import Reason, Verdict
from model.errors import InputError
from model.files import read_json
from tests.components.push.outcomes import push_outcome


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    undefined = Delta(delta_pct=float("nan"), low_pct=-1, high_pct=float("inf"))
    row = Slice(slice="shopper", value="new", trips=3, paired={"popularity": {"ndcg@10": undefined}})
    evaluation = Evaluation(candidate="aisle", stable=None, slices=(row,), trips=3)
    assert Evaluation.load(evaluation.save(tmp_path).parent) == evaluation
    assert undefined == Delta(low_pct=-1.0)
    assert read_json(tmp_path / "metrics.json")["blessed"] is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, r"push: expected outcome\.json in .*, found none; run push first"),
        ("[1]", r"outcome\.json: the file: Input should be an object; run push again"),
        ("{half", r"outcome\.json: the file: Invalid JSON.*; run push again"),
        ('{"pushed": true}', r"outcome\.json: version: Field required; run push again"),
    ],
)
def test_a_directory_without_a_sound_one_is_refused(tmp_path: Path, content: str | None, expected: str) -> None:
    if content is not None:
        (tmp_path / PushOutcome.FILE).write_text(content)
    with pytest.raises(InputError, match=expected):
        PushOutcome.load(tmp_path)
    push_outcome().save(tmp_path)
    assert PushOutcome.load(tmp_path) == push_outcome()


def test_a_field_of_another_type_counts_as_absent_in_a_file_and_is_an_error_in_the_program() -> None:
    reasons = '[{"check": "size", "passed": true, "value": "1"}]'
    text = f'{{"blessed": 1, "passed": "true", "version": 3, "reasons": {reasons}}}'
    assert Verdict.model_validate_json(text) == Verdict(reasons=(Reason(check="size", passed=True),))
    with pytest.raises(ValidationError):
        Verdict.model_validate({"blessed": 1})
    with pytest.raises(ValidationError):
        Reason.model_validate({"value": "1"})
