"""The page on settings names what runs again after a change, as the stages declare it."""

import re
from pathlib import Path

from tfx_configs.frozen import Settings
from tfx_configs.settings import RunSettings
from tfx_configs.stages import STAGES

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
AFTER = {
    "ingest": {"validate", "examples", "train", "baselines", "evaluate"},
    "validate": set(),
    "examples": {"train", "baselines", "evaluate"},
    "train": {"evaluate"},
    "baselines": {"evaluate"},
    "evaluate": set(),
}
"""{stage: those that read what it wrote}"""
WORDS = {
    "every stage": set(STAGES),
    "no stage of training": set(),
    "from *Examples* on": {"examples", *AFTER["examples"]},
}


def fields(settings: type[Settings], prefix: str = "") -> set[str]:
    """Paths of all settings, such as train.seed."""
    paths: set[str] = set()
    for name, field in settings.model_fields.items():
        part = field.annotation
        is_section = isinstance(part, type) and issubclass(part, Settings)
        paths |= fields(part, f"{prefix}{name}.") if is_section else {prefix + name}
    return paths


def test_what_runs_again_after_each_setting_is_in_the_table() -> None:
    """A row about a section is about those of its settings that no other row names."""
    section = PAGE.read_text(encoding="utf-8").partition("## What runs again\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    promised = {name: stages for names, stages in rows for name in re.findall(r"`(.+?)`", names)}
    for path in fields(RunSettings):
        readers = {name for name, stage in STAGES.items() if path in fields(stage)}
        again = readers.union(*(AFTER[name] for name in readers))
        stages = promised.get(path) or promised[path.partition(".")[0]]
        assert WORDS.get(stages, set(re.findall(r"\*(\w+)\*", stages.lower()))) == again, path
