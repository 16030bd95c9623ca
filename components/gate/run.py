"""Gate: reads the evaluation, decides, and leaves a verdict and a table. A no is an answer, not an error."""

from datetime import UTC, datetime
from pathlib import Path

from components.artifacts.evaluation import Evaluation
from components.artifacts.verdict import Override
from components.gate.checks import Expected
from components.gate.decide import as_markdown, decide, refusal
from components.kfp_support.progress import progress
from model.errors import InputError
from model.evaluation.next_basket_task import load_task
from model.files import write_text
from tfx_configs.settings import GateSettings


def judge_candidate(
    *,
    settings: GateSettings,
    examples: Path,
    evaluation: Path,
    verdict_file: Path,
    table_file: Path,
    override_reason: str = "",
    override_by: str = "",
    code_version: str = "",
) -> bool:
    """Decides whether the candidate is blessed.

    Args:
        examples: this run's examples, the data that the evaluation must be about.
        evaluation: directory that evaluate wrote; without a readable evaluation the answer is no.
        verdict_file, table_file: files that are written, JSON and Markdown.
        override_reason, override_by: why the gate is to be overruled, and who decides; both empty: it is not. An
            override without a name or a sufficient reason is refused, and changes nothing.
    """
    task = load_task(examples)
    try:
        measured = Evaluation.load(evaluation)
    except InputError as error:
        progress(f"no evaluation: {error}")
        measured = Evaluation()
    refused = refusal(override_reason, override_by) if override_reason or override_by else ""
    if refused:
        progress(f"OVERRIDE REFUSED: {refused}")
    moment = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    reason, by = override_reason.strip(), override_by.strip()
    override = Override(by=by, at=moment, reason=reason) if reason and not refused else None
    verdict = decide(
        measured,
        settings,
        Expected(digest=task.digest, trips=len(task.trip_N)),
        override,
    ).model_copy(update={"override_refused": refused, "code_version": code_version})
    verdict.write(verdict_file)
    write_text(table_file, as_markdown(verdict))
    progress(verdict.headline, blessed=verdict.blessed, overridden=verdict.overridden)
    return verdict.blessed
