"""The KFP steps as KFP calls them: what they are given, what they leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from kfp import dsl

from components.monitor.op import reference, retrain
from model.files import read_json
from pipelines.manifests.render import ROOT
from tests.components.monitor.reports import report
from tests.components.monitor.retraining.test_kfp_trainer import PACKAGE, TRAINING
from tests.components.monitor.world import World
from tests.components.push.outcomes import push_outcome
from tests.pipelines.kfp_api import fake_kfp
from tfx_configs.settings import RunSettings


def test_retrain_starts_the_run_and_shows_it_on_kfps_page(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    report().save(tmp_path)
    with fake_kfp() as kfp:
        started = retrain.python_func(
            report=dsl.Artifact(uri=str(tmp_path)),
            registry=str(tmp_path / "registry"),
            out=str(tmp_path / "monitoring"),
            settings="",
            training=TRAINING.to_json(),
            namespace="aisle",
            canary_percent=5,
            canary_runtime="aisle-b",
            host=kfp.host,
            token_file="",
            experiment="aisle",
            package=str(PACKAGE),
            table=dsl.Markdown(uri=str(table)),
        )
        assert [run["display_name"] for run in kfp.runs.values()] == [started] == ["aisle-scratch-20200511T030000Z"]
        (run,) = kfp.runs.values()
        assert run["runtime_config"]["parameters"]["canary_runtime"] == "aisle-b"
    page = table.read_text()
    assert f"| run | {started} |" in page and "| reasons | weekly: due since 1.0 h, nightly: due since 1.0 h |" in page


def test_retrain_starts_the_run_from_within_kfps_executor(tmp_path: Path) -> None:
    """KFP's executor loads less of KFP than a test does: the compiled step, as its container runs it."""
    table, done = tmp_path / "table.md", tmp_path / "executor_output.json"
    report().save(tmp_path)
    compiled = next(yaml.safe_load_all((ROOT.parent / "pipelines" / "compiled" / "monitoring.yaml").read_text()))
    container = compiled["deploymentSpec"]["executors"]["exec-retrain"]["container"]
    with fake_kfp() as kfp:
        words = {"registry": str(tmp_path / "registry"), "out": str(tmp_path / "monitoring"), "settings": ""}
        words |= {"training": TRAINING.to_json(), "namespace": "aisle", "canary_percent": 5}
        words |= {
            "canary_runtime": "aisle-b",
            "host": kfp.host,
            "token_file": "",
            "experiment": "aisle",
            "package": str(PACKAGE),
        }
        request = {
            "inputs": {
                "parameterValues": words,
                "artifacts": {"report": _artifact("report", "system.Artifact", tmp_path)},
            },
            "outputs": {
                "artifacts": {"table": _artifact("table", "system.Markdown", table)},
                "parameters": {"Output": {"outputFile": str(tmp_path / "Output")}},
                "outputFile": str(done),
            },
        }
        command = [*container["command"], *container["args"]]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(
            [word.replace("{{$}}", json.dumps(request)) for word in command],
            env=os.environ | {"PATH": path},
            check=True,
        )
        assert [run["display_name"] for run in kfp.runs.values()] == ["aisle-scratch-20200511T030000Z"]
    assert read_json(done)["parameterValues"] == {"Output": "aisle-scratch-20200511T030000Z"}


def _artifact(name: str, kind: str, path: Path) -> dict[str, object]:
    return {"artifacts": [{"name": name, "type": {"schemaTitle": kind}, "uri": str(path), "metadata": {}}]}


def test_the_baseline_of_the_pushed_model_is_stored_and_its_place_reported(
    shop: World, shop_dir: Path, tmp_path: Path
) -> None:
    outcome, table = tmp_path / "outcome.json", tmp_path / "table.md"
    push_outcome().write(outcome)
    reference.python_func(
        tables=dsl.Dataset(uri=str(shop_dir / "tables")),
        examples=dsl.Dataset(uri=str(shop_dir / "examples")),
        evaluation=dsl.Artifact(uri=str(shop_dir / "none")),
        anomalies=dsl.Artifact(uri=str(shop_dir / "none")),
        outcome=dsl.Artifact(uri=str(outcome)),
        settings=RunSettings().to_json(),
        registry=str(tmp_path / "registry"),
        table=dsl.Markdown(uri=str(table)),
    )
    stored = tmp_path / "registry" / "monitoring" / "references" / "one"
    assert (stored / "reference.json").is_file() and f"| kept | {stored} |" in table.read_text()
