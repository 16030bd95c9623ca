"""docs/reference/pipelines.md: the pipelines for a cluster with their steps and parameters, from the compiled files."""

import json
from typing import Any, NamedTuple

import yaml

from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "pipelines.md"
COMPILED = DOCS.parent / "pipelines" / "compiled"
FILES = ("cluster", "rollout", "monitoring", "lists")
LONGEST = 40
"""Characters of a default that is an object of settings; of a longer one the page has the link alone."""


class Parameter(NamedTuple):
    """One parameter."""

    name: str
    default: str
    about: str


class Pipeline(NamedTuple):
    """One pipeline."""

    file: str
    name: str
    about: str
    steps: list[str]
    parameters: list[Parameter]


def pipelines() -> list[Pipeline]:
    """In the order of FILES."""
    return [_pipeline(file) for file in FILES]


def page() -> str:
    return table("pipelines", pipelines=pipelines()) + "\n"


def _pipeline(file: str) -> Pipeline:
    spec = next(yaml.safe_load_all((COMPILED / f"{file}.yaml").read_text(encoding="utf-8")))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    return Pipeline(
        file=f"pipelines/compiled/{file}.yaml",
        name=spec["pipelineInfo"]["name"],
        about=spec["pipelineInfo"]["description"],
        steps=_steps(spec),
        parameters=[
            Parameter(name, _default(is_given["defaultValue"]), " ".join(is_given["description"].split()))
            for name, is_given in parameters.items()
        ],
    )


def _steps(spec: dict[str, Any]) -> list[str]:
    """Names in the graph, each behind those that it waits for, the one that runs however they end last."""
    graphs = {"": spec["root"]} | spec["components"]
    tasks: dict[str, Any] = {}
    group_of: dict[str, str] = {}
    for component, graph in graphs.items():
        for name, task in graph.get("dag", {}).get("tasks", {}).items():
            tasks[name], group_of[name] = task, component
    groups = {task["componentRef"]["name"]: name for name, task in tasks.items()}

    def depth(name: str) -> int:
        """How many tasks come before, on the longest way; what is in a group comes behind what the group waits for."""
        before = tasks[name].get("dependentTasks", [])
        inside = depth(groups[group_of[name]]) if group_of[name] else 0
        return max([inside, *(1 + depth(other) for other in before)])

    steps = [name for name, task in tasks.items() if "executorLabel" in graphs[task["componentRef"]["name"]]]
    order = sorted(steps, key=lambda name: ("strategy" in tasks[name].get("triggerPolicy", {}), depth(name), name))
    return [tasks[name]["taskInfo"]["name"] for name in order]


def _default(value: Any) -> str:
    if value == "":
        return "empty"
    text = value if isinstance(value, str) else json.dumps(int(value) if float(value).is_integer() else value)
    is_long = text.startswith("{") and len(text) > LONGEST
    return "the defaults of the [settings](../settings.md)" if is_long else f"`{text}`"
