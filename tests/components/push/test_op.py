"""The KFP step of push: whatever the verdict, every artifact is a file, and the card is on KFP's page."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.push.op import push
from model.files import read_json
from model.registry.model_registry import Registry
from tests.components.push.test_run import Place
from tfx_configs.settings import RunSettings


def _step(place: Place, content: str, **verdict: Any) -> tuple[Path, Path]:
    place.push(content, **verdict)
    root = place.root
    at = {"candidate": root / content, "baselines": root / "baselines"}
    inputs: dict[str, Any] = {name: dsl.Model(uri=str(path)) for name, path in at.items()}
    others = {"verdict": "verdict.json", "anomalies": "anomalies", "evaluation": "evaluation"}
    inputs |= {name: dsl.Artifact(uri=str(root / path)) for name, path in others.items()}
    outcome, card = root / "outcome.json", root / "card.md"
    push.python_func(
        **inputs,
        settings=RunSettings().to_json(),
        data_version="data-1",
        reference_dir="",
        registry=str(place.registry.root),
        run_name="monday",
        namespace="",
        outcome=dsl.Artifact(uri=str(outcome)),
        card=dsl.Markdown(uri=str(card)),
    )
    return outcome, card


@pytest.mark.parametrize("blessed", [True, False])
def test_outcome_and_card_are_files(tmp_path: Path, blessed: bool) -> None:
    outcome, card = _step(Place(tmp_path), "one", blessed=blessed)
    done = read_json(outcome)
    assert done["pushed"] is done["blessed"] is blessed
    assert read_json(Registry(tmp_path / "registry").outcome("monday")) == done
    text = card.read_text()
    assert text.startswith(f"# Push\n\n| | |\n|---|---|\n| pushed | {blessed} |\n| version | {done['version']} |")
    assert ("## Made with" in text) is blessed
