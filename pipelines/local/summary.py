"""summary.json: what a run saw, measured and decided. Its keys are an interface that others read."""

from pathlib import Path
from typing import Any

from components.artifacts.examples import Examples
from components.artifacts.tables import Tables
from components.artifacts.training import TrainingRecord
from components.rollout.rollout_record import RolloutResult
from model.files import read_json

QUALITY = (
    "recall@10",
    "ndcg@10",
    "phr@10",
    "recall@20",
    "ndcg@20",
    "explore_recall@10",
    "repeat_recall@10",
    "coverage@10",
    "novelty@10",
    "calibration_error@10",
    "calibration_ratio@10",
)


def summarise(outputs: dict[str, str], rollout: RolloutResult | None, seconds: dict[str, float]) -> dict[str, Any]:
    """Gathers the stages' results.

    Args:
        outputs: {output name: path} of the pipeline.
        rollout: None when nothing was pushed.
        seconds: {stage: seconds}.
    """
    ingest = Tables(Path(outputs["tables"])).report
    examples = Examples(Path(outputs["examples"])).report
    metrics = read_json(Path(outputs["evaluation"]) / "metrics.json")
    verdict = read_json(Path(outputs["verdict"]))
    pushed = read_json(Path(outputs["outcome"]))
    return {
        "data": {
            "rows": ingest.events,
            "rows_in": ingest.rows_in,
            "dropped": ingest.dropped,
            "users": ingest.users_seen,
            "items": ingest.items_seen,
            "catalog_items": examples.items,
            "trips": examples.trips,
            "test_trips": examples.test_trips,
            "cut": ingest.cut,
        },
        "quality": {model: {name: values[name] for name in QUALITY} for model, values in metrics["models"].items()},
        "judged_trips": metrics["trips"],
        "gate": {
            "blessed": verdict["blessed"],
            "overridden": verdict["overridden"],
            "override": verdict["override"],
            "reasons": [_reason(reason) for reason in verdict["reasons"] if not reason["passed"]]
            or [f"all {len(verdict['reasons'])} checks passed"],
        },
        "training": TrainingRecord.load(Path(outputs["model"])).as_json(),
        "model": pushed["version"],
        "stable_before": pushed["stable"],
        "rollout": _rollout(rollout, pushed),
        "serving": rollout.serving.model_dump() if rollout and rollout.serving else None,
        "seconds": seconds,
    }


def _reason(reason: dict[str, Any]) -> str:
    return f"{reason['check']}: {reason['message']}"


def _rollout(rollout: RolloutResult | None, pushed: dict[str, Any]) -> dict[str, Any]:
    if rollout is None:
        return {"steps": [], "final_state": "not_started", "why": pushed["reason"], "failed_requests": 0}
    return rollout.model_dump(mode="json", exclude={"serving"})
