"""Runs and schedules of the compiled pipelines on a KFP server: started, followed to their end, kept up to date."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.kfp_support.server_client import MADE_BY, KfpServer, Run, Schedule
from model.errors import AisleError, CheckFailed, InputError, StageFailed
from tfx_configs.overrides import json_or_text

FOLLOWED = ("cluster", "rollout", "monitoring", "lists")
"""Pipelines that run on a cluster, as in pipelines/compiled."""
SILENCE_S = 120.0
"""A server that does not answer for this long ends the wait; the run goes on."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A compiled pipeline. `titles`: {name of a task: what the page calls it}; `inputs`: KFP's input definitions."""

    path: Path
    name: str
    text: str
    inputs: Mapping[str, Mapping[str, Any]]
    titles: Mapping[str, str]


def compiled(pipeline: str, scratch: Path) -> Package:
    """Compiles the pipeline into `scratch`. Raises InputError on a name that is none of FOLLOWED."""
    from kfp.compiler import Compiler

    from pipelines.definitions.compile import PIPELINES

    if pipeline not in FOLLOWED:
        raise InputError(f"expected --pipeline {', '.join(FOLLOWED)}, got {pipeline!r}")
    path = scratch / f"{pipeline}.yaml"
    Compiler().compile(PIPELINES[path.name], str(path))
    text = path.read_text(encoding="utf-8")
    spec = next(yaml.safe_load_all(text))
    return Package(
        path=path,
        name=spec["pipelineInfo"]["name"],
        text=text,
        inputs=spec["root"].get("inputDefinitions", {}).get("parameters", {}),
        titles=dict(_titles(spec)),
    )


def parameters(package: Package, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the pipeline's parameters, from their texts on the command line.

    Raises InputError on an unknown name, a value of the wrong type, or one that is missing and has no default.
    """
    unknown = sorted(set(texts) - set(package.inputs))
    if unknown:
        raise InputError(f"parameter {unknown[0]}: unknown to {package.name}; it has {', '.join(package.inputs)}")
    missing = [
        name for name, definition in package.inputs.items() if not definition.get("isOptional") and name not in texts
    ]
    if missing:
        raise InputError(f"parameter {missing[0]}: {package.name} has no default for it; give --param {missing[0]}=...")
    return {name: _typed(name, text, package.inputs[name]["parameterType"]) for name, text in texts.items()}


def follow(
    server: KfpServer,
    run: str,
    titles: Mapping[str, str],
    report: Callable[[str], None],
    *,
    limit_s: float,
    every_s: float = 5.0,
) -> None:
    """Waits for the run's end; reports each change of a task's state.

    Raises:
        CheckFailed: it did not succeed; names the failed tasks and their messages.
        StageFailed: `limit_s` is over, or the server is silent; the run goes on.
    """
    began = answered = time.monotonic()
    reported: dict[str, str] = {}
    while True:
        try:
            status = server.run(run)
            answered = time.monotonic()
        except AisleError as error:
            if time.monotonic() - answered > SILENCE_S:
                raise StageFailed(f"lost sight of the run, which goes on ({error}); {server.link(run)}") from None
        else:
            for name, state in status.tasks.items():
                if name in titles and reported.get(name) != state:
                    report(f"{time.monotonic() - began:7.0f} s  {titles[name]:20} {state.lower()}")
                    reported[name] = state
            if status.ended:
                _raise_unless_succeeded(status, titles, server.link(run))
                return
        if time.monotonic() - began > limit_s:
            raise StageFailed(f"waited {limit_s:.0f} s for the run, which goes on; {server.link(run)}")
        time.sleep(every_s)


def keep_schedule(
    server: KfpServer, experiment: str, name: str, package: Package, values: Mapping[str, Any], cron: str
) -> str:
    """One enabled schedule of that name, with this pipeline, these parameters and this cron; reports what was done.

    KFP cannot change a recurring run. A differing one is replaced: the new one is made first, so that a failure leaves
    two, of which the next call removes one, and never none. Those of other makers are left alone: InputError.
    """
    content = json.dumps([package.text, dict(values), cron], sort_keys=True)
    about = f"{MADE_BY}: {package.name}, {hashlib.sha256(content.encode()).hexdigest()[:16]}"
    schedules = server.schedules(name)
    foreign = [schedule for schedule in schedules if not schedule.about.startswith(MADE_BY)]
    if foreign:
        raise InputError(f"schedule {name}: there is one that `aisle submit` did not make; remove it, or give --name")
    same = [schedule for schedule in schedules if schedule.about == about]
    if same:
        schedule_id, done = same[0].id, "unchanged"
        if not same[0].enabled:
            server.enable(schedule_id, True)
            done = "enabled again"
    else:
        schedule_id = server.schedule(experiment, name, package.path, values, cron, about)
        done = "replaced" if schedules else "made"
    for schedule in schedules:
        if schedule.id != schedule_id:
            server.remove(schedule.id)
    return f"schedule {name}: {done}, {cron!r}, {schedule_id}"


def disable(server: KfpServer, name: str) -> list[Schedule]:
    """Turns off every schedule of that name. Raises InputError when there is none."""
    schedules = server.schedules(name)
    if not schedules:
        raise InputError(f"schedule {name}: there is none; `aisle submit --list` has their names")
    for schedule in schedules:
        server.enable(schedule.id, False)
    return schedules


def cron_of(text: str) -> str:
    """KFP's cron has six fields, seconds first; of the usual five the seconds are 0. Raises InputError on others."""
    fields = text.split()
    if text.startswith("@") and len(fields) == 1:
        return text
    if len(fields) not in (5, 6) or not all(re.fullmatch(r"[\dA-Za-z*/,?-]+", field) for field in fields):
        raise InputError(f"expected --recurring with 5 or 6 fields of cron, like '0 2 * * 1', got {text!r}")
    return " ".join(["0", *fields] if len(fields) == 5 else fields)


def _raise_unless_succeeded(run: Run, titles: Mapping[str, str], link: str) -> None:
    if run.state == "SUCCEEDED":
        return
    failed = [titles[name] for name, state in run.tasks.items() if state == "FAILED" and name in titles]
    messages = [text for name, text in run.errors.items() if name in titles or not name]
    at = f" at {', '.join(failed)}" if failed else ""
    reason = f" ({' '.join(messages[0].split())[:200]})" if messages else ""
    raise CheckFailed(f"the run {run.state.lower()}{at}{reason}; its log: {link}")


def _titles(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Steps only: a group of steps (exit handler, pipeline in a pipeline) has no state to report."""
    dags = [spec["root"], *spec.get("components", {}).values()]
    for dag in dags:
        for name, task in dag.get("dag", {}).get("tasks", {}).items():
            if "dag" not in spec["components"][task["componentRef"]["name"]]:
                title = task["taskInfo"]["name"]
                yield name, title
                yield title, title


def _typed(name: str, text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    types: dict[str, tuple[type, ...]] = {"NUMBER_INTEGER": (int,), "NUMBER_DOUBLE": (int, float), "BOOLEAN": (bool,)}
    wanted, value = types.get(kind, (object,)), json_or_text(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind.startswith("NUMBER")):
        raise InputError(f"parameter {name}: expected {kind.lower().replace('number_', '')}, got {text!r}")
    return value
