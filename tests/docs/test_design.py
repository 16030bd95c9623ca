"""docs/design.md has every threshold of the gate and of a rollout as the settings have it."""

import re
from pathlib import Path

from tfx_configs.rollout import RolloutSettings
from tfx_configs.settings import GateSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Guardrails and their thresholds\n")[2].partition("\n`tests/docs")[0]
NO_THRESHOLD = {"baselines", "percents", "pauses", "metrics", "min_hours", "min_agreement"}
"""What is no limit, or off by default."""


def test_every_threshold_is_on_the_page_as_it_is() -> None:
    settings = GateSettings().model_dump() | RolloutSettings().model_dump()
    limits = {name: value for name, value in settings.items() if name not in NO_THRESHOLD}
    documented = {name: float(value) for name, value in re.findall(r"`(\w+)` (\d+(?:\.\d+)?)", SECTION)}
    assert documented == limits
