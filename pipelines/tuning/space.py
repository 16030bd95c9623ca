"""What a study tries: settings of training and candidates that leave the examples as they are."""

import json
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, TPESampler

from tfx_configs.overrides import assigned, layered
from tfx_configs.settings import RunSettings

Choice = bool | int | float | str | None
Values = Mapping[str, Choice]
"""{section.field: value}"""
CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "train.query": ("auto", "taste", "sequence"),
    "train.dimension": (16, 32, 64),
    "train.uniform_negatives": (256, 1024, 4096),
    "train.retrieval_epochs": (None, 5, 10, 20),
    "train.retrieval_batch": (None, 64, 128, 256),
    "train.ranking_days": (70, 140, 280),
    "train.ranking_epochs": (None, 2, 4, 8),
    "train.ranking_batch": (None, 16, 32, 64),
    "train.negative_percent": (30.0, 60.0, 100.0),
    "train.new_only_percent": (0.0, 25.0, 50.0),
    "candidates.together": (30, 60, 120),
    "candidates.limit": (150, 200, 300),
}
RANGES: Mapping[str, tuple[float, float]] = {"train.temperature": (0.04, 0.4)}
"""Searched on a logarithmic scale."""
NAMES = (*CHOICES, *RANGES)


def values_of(run: RunSettings) -> dict[str, Choice]:
    """What the settings are now."""
    tree = run.model_dump()
    return {name: tree[section][field] for name in NAMES for section, field in [name.split(".")]}


def space_around(base: Values) -> dict[str, BaseDistribution]:
    """The space, widened where it leaves out what the settings are now."""
    space: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(choices if base[name] in choices else (*choices, base[name]))
        for name, choices in CHOICES.items()
    }
    for name, (low, high) in RANGES.items():
        now = float(base[name] or low)
        space[name] = FloatDistribution(min(low, now), max(high, now), log=True)
    return space


def with_values(run: RunSettings, values: Values) -> RunSettings:
    """The settings with these values. Raises SettingsError where they do not go together."""
    return RunSettings.from_dict(layered(run.model_dump(), assigned(assignments(values))))


def assignments(values: Mapping[str, Any]) -> list[str]:
    """As --set takes them."""
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]


def changed(values: Values, base: Values) -> dict[str, Choice]:
    """Those that differ from the base."""
    return {name: value for name, value in values.items() if value != base[name]}


def sampler(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimators: they learn which values go together; the first ten trials are random."""
    return TPESampler(seed=seed, multivariate=True)


def as_tree(run: RunSettings) -> dict[str, Any]:
    """What differs from the defaults, without where the data is: a file for --config."""
    tree, defaults = run.model_dump(mode="json"), RunSettings().model_dump(mode="json")
    for name in ("path", "source", "cut_date"):
        tree["data"][name] = defaults["data"][name]
    return _difference(tree, defaults)


def flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """{section.field: value} of a tree of settings."""
    sections = ((name, value if isinstance(value, Mapping) else {"": value}) for name, value in tree.items())
    return {f"{name}.{field}".rstrip("."): value for name, fields in sections for field, value in fields.items()}


def _difference(tree: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    differing = {}
    for name, value in tree.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), Mapping):
            value = _difference(value, base[name])
            if not value:
                continue
        elif name in base and value == base[name]:
            continue
        differing[name] = value
    return differing
