"""Gate: reads the evaluation, decides, and leaves verdict.json and a table. A no is an answer, not an error."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.gate.criteria import Expected
from components.gate.override import Override, refusal
from components.gate.verdict import as_markdown, decide, headline
from components.kfp_support.progress import progress
from model.evaluation.next_basket_task import load_task
from model.files import read_json, write_json, write_text
from tfx_configs.settings import RunSettings


def judge_candidate(
    settings: str,
    examples_dir: str,
    evaluation_dir: str,
    verdict_path: str,
    table_path: str,
    override_reason: str,
    override_by: str,
    code_version: str,
) -> bool:
    """Decides whether the candidate is blessed.

    Args:
        settings: RunSettings as JSON.
        examples_dir: this run's examples, the data that the evaluation must be about.
        evaluation_dir: what evaluate wrote; without a readable metrics.json the answer is no.
        verdict_path, table_path: files that are written, JSON and Markdown.
        override_reason, override_by: why the gate is to be overruled, and who decides; both empty: it is not. An
            override without a name or a reason worth the word is refused, and changes nothing.
    """
    task = load_task(Path(examples_dir))
    expected = Expected(digest=task.digest, trips=len(task.trip_N))
    metrics = _metrics(Path(evaluation_dir) / "metrics.json")
    refused = refusal(override_reason, override_by) if override_reason or override_by else ""
    verdict = decide(
        metrics,
        RunSettings.from_json(settings).gate,
        expected,
        None if refused else _override(override_reason.strip(), override_by.strip()),
    )
    if refused:
        progress(f"OVERRIDE REFUSED: {refused}")
    about = {
        "override_refused": refused,
        "version": _candidate_version(metrics),
        "code_version": code_version,
        "digest": task.digest,
    }
    write_json(Path(verdict_path), {**verdict.to_dict(), **about})
    write_text(Path(table_path), as_markdown(verdict))
    progress(headline(verdict), blessed=verdict.blessed, overridden=verdict.overridden)
    return verdict.blessed


def _override(reason: str, by: str) -> Override | None:
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Override(by=by, at=moment, reason=reason) if reason else None


def _candidate_version(metrics: dict[str, Any]) -> str | None:
    """The version that was evaluated: push looks whether it is the one that it is given."""
    versions, candidate = metrics.get("versions"), metrics.get("candidate")
    return versions.get(candidate) if isinstance(versions, dict) and isinstance(candidate, str) else None


def _metrics(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
