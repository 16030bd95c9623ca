"""From what benchmarks/shops/work.py left to build/bench/shops.json. Shape legend: N trips of all cuts, U shoppers."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.study import delta
from benchmarks.shops.shop import ENOUGH, MEASURED, STOPPED, Shop, about
from model.files import read_json
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS, REGRESSION_METRIC

SEED = 7
COVERAGE = "coverage@10"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pooled:
    """The trips of all cuts of a shop."""

    shopper_N: np.ndarray
    values: dict[str, dict[str, np.ndarray]]
    """{ranker: {metric: [N]}}, of the rankers that every cut has."""
    items: dict[str, set[str]]
    """{ranker: what it listed at any cut}"""
    served_N: np.ndarray
    """[N] the regression metric of the model that served."""

    @classmethod
    def of(cls, folders: list[Path], served: list[str]) -> "Pooled":
        parts = [dict(np.load(folder / "values.npz")) for folder in folders]
        names = [key.partition("/")[0] for key in parts[0] if key.endswith("/items")]
        names = [name for name in names if all(f"{name}/items" in part for part in parts)]
        return cls(
            shopper_N=np.concatenate([part["shopper"] for part in parts]),
            values={
                name: {metric: np.concatenate([part[f"{name}/{metric}"] for part in parts]) for metric in GATE_METRICS}
                for name in names
            },
            items={name: set().union(*(part[f"{name}/items"].tolist() for part in parts)) for name in names},
            served_N=np.concatenate(
                [part[f"{name}/{REGRESSION_METRIC}"] for part, name in zip(parts, served, strict=True)]
            ),
        )

    @property
    def best_simple(self) -> str:
        """The baseline with the highest regression metric on these trips."""
        means = {name: of[REGRESSION_METRIC].mean() for name, of in self.values.items() if name != CANDIDATE}
        return max(means, key=means.__getitem__)

    def over(self, value_N: np.ndarray, name: str) -> dict[str, float | None]:
        """Percent over a ranker's regression metric, drawn by shopper: one has a trip at several cuts."""
        _, row_N = np.unique(self.shopper_N, return_inverse=True)
        ours_U, theirs_U = (np.bincount(row_N, each) for each in (value_N, self.values[name][REGRESSION_METRIC]))
        change = delta(ours_U, theirs_U, SEED)
        return {"ndcg_delta_pct": change["delta_pct"], "low_pct": change["low_pct"], "high_pct": change["high_pct"]}


def rows(folder: Path) -> list[dict[str, Any]]:
    """One a shop that was begun, by name."""
    return [row(Shop.load(path.parent)) for path in sorted(folder.glob("*/shop.json"))]


def row(shop: Shop) -> dict[str, Any]:
    """The shop with all that was measured, or why nothing was."""
    measured = sorted((path.parent for path in shop.folder.glob(f"*/{MEASURED}")), reverse=True)
    stopped = [read_json(path) for path in sorted(shop.folder.glob(f"*/{STOPPED}"), reverse=True)]
    by_cut = [read_json(folder / MEASURED) for folder in measured]
    line: dict[str, Any] = {**about(shop), "trips": sum(cut["trips"] for cut in by_cut)}
    line |= {"underpowered": line["trips"] < ENOUGH, "cuts": by_cut, "stopped": stopped}
    line |= {"seconds": round(sum(cut["seconds"] for cut in [*by_cut, *stopped]), 1)}
    if not by_cut:
        return line | {"task": None, "models": {}, "paired": None, "blessed": False}
    pooled, active = Pooled.of(measured, [cut["served"] for cut in by_cut]), by_cut[0]["active_items"]
    models = {
        name: {metric: float(value_N.mean()) for metric, value_N in of.items()}
        | {COVERAGE: len(pooled.items[name]) / active}
        for name, of in pooled.values.items()
    }
    best = pooled.best_simple
    return line | {
        "task": by_cut[0]["task"],
        "models": models,
        "paired": {"best_simple": best, **pooled.over(pooled.served_N, best)},
        "candidate": {"best_simple": best, **pooled.over(pooled.values[CANDIDATE][REGRESSION_METRIC], best)},
        "blessed": all(cut["blessed"] for cut in by_cut),
    }
