"""Studies: variants of one thing, each measured on the same judged trips, kept on disk, compared with a reference.

Shape legend: N judged trips, k places of a list.
"""

import dataclasses
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.harness.seeds import ROUNDS
from components.kfp_support.progress import progress
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.errors import InputError
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import load_task
from model.files import read_json, write_json
from model.system.legacy_keras import tf

RANKED = ("ndcg@10", "recall@10", "explore_recall@10")
Values = dict[str, np.ndarray]
"""{metric: [N] value by trip, NaN where undefined}"""
Measured = tuple[Values, dict[str, Any]]
"""The values of a variant, and what else there is to report about it."""


class Judged:
    """The judged trips of an examples directory, and the metrics of lists for them."""

    def __init__(self, examples: Path) -> None:
        self.task = load_task(examples)
        self.trips: Trips = self.task.trips
        self.which = self.task.trip_N
        self.catalog = Catalog.load(examples / Catalog.DIRECTORY)
        self.active = len(self.catalog.active_items())
        self.baskets = self.task.baskets

    @cached_property
    def _bits(self) -> np.ndarray:
        return self.task.self_information()

    def hits(self, items_Nk: np.ndarray) -> metrics.Hits:
        """Of lists for the judged trips."""
        return metrics.find_hits(items_Nk, self.baskets, self.task.histories, self._bits)

    def by_trip(self, items_Nk: np.ndarray, names: Sequence[str] = RANKED) -> Values:
        """The named ranking metrics of every trip; all of them for no name."""
        values = metrics.by_trip(self.hits(items_Nk))
        return {name: values[name] for name in names or values}

    def coverage(self, items_Nk: np.ndarray, k: int = 10) -> float:
        """Share of the items on sale that are in any of the lists."""
        return metrics.coverage(items_Nk, k, self.active)

    def measured(self, items_Nk: np.ndarray) -> Measured:
        """What most studies keep of lists."""
        return self.by_trip(items_Nk), {metrics.COVERAGE: self.coverage(items_Nk)}


def delta(candidate_N: np.ndarray, reference_N: np.ndarray, seed: int) -> dict[str, float | None]:
    """Percent over the reference with its 95 % interval; None where the reference never hits."""
    change = metrics.paired_delta(candidate_N, reference_N, seed=seed, rounds=ROUNDS)
    return {name: None if np.isnan(value) else value for name, value in dataclasses.asdict(change).items()}


def interval(value_N: np.ndarray, seed: int) -> dict[str, float]:
    """Mean over the trips where the metric is defined, with its 95 % bootstrap interval over shoppers."""
    return metrics.mean_interval(value_N, seed=seed, rounds=ROUNDS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """Variants by name. A measured one leaves NAME.npz, its values, and NAME.json, what else it reports."""

    folder: Path
    variants: Mapping[str, Callable[[], Measured]]
    reference: str
    """The variant, or one kept in the folder by another study, that the others are compared with."""
    seed: int

    def missing(self) -> list[str]:
        """Variants that have not been measured yet."""
        return [name for name in self.variants if not self._path(name, "json").exists()]

    def measure(self, name: str) -> None:
        """Measures one variant and writes both of its files."""
        tf.keras.backend.clear_session()
        began = time.perf_counter()
        values, about = self.variants[name]()
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(self._path(name, "npz"), **values)  # type: ignore[arg-type]
        write_json(self._path(name, "json"), about | {"seconds": round(time.perf_counter() - began, 1)})
        progress(f"{name}: {', '.join(f'{m} {metrics.mean_defined(v):.4f}' for m, v in values.items())}")

    def values(self, name: str) -> Values:
        """Of a measured variant."""
        with np.load(self._path(name, "npz")) as values:
            return dict(values)

    def compared(self, reference: str = "", also: Sequence[str] = ()) -> list[dict[str, Any]]:
        """[{name, means: {metric: mean}, over: {metric: interval over the reference}, what else it reports}].

        What is not measured is left out; without the reference there is nothing to compare with.

        Args:
            reference: in place of the study's own.
            also: variants kept in the folder by another study, listed first.
        """
        reference = reference or self.reference
        if not self._path(reference, "json").exists():
            return []
        first, rows = self.values(reference), []
        for name in [*also, *self.variants]:
            if self._path(name, "json").exists():
                values = self.values(name)
                over = {metric: delta(value, first[metric], self.seed) for metric, value in values.items()}
                means = {metric: metrics.mean_defined(value) for metric, value in values.items()}
                about = read_json(self._path(name, "json"))
                rows.append({"name": name, "means": means, "over": {} if name == reference else over} | about)
        return rows

    def _path(self, name: str, suffix: str) -> Path:
        stem = re.sub(r"\W+", "-", name).strip("-")
        return self.folder / f"{stem}.{suffix}"


Most = Annotated[int | None, typer.Option(help="variants measured in this call; default: all that are missing")]
Kind = Annotated[str | None, typer.Option(help="measures only the variants of this kind")]


def measure(studies: Mapping[str, Study], most: int | None = None, kind: str | None = None) -> None:
    """Measures the variants that are missing, `most` of them, of one kind or of all."""
    if kind not in (None, *studies):
        raise InputError(f"expected --kind to be one of {', '.join(studies)}, got {kind}")
    missing = [(of, name) for key, of in studies.items() if kind in (None, key) for name in of.missing()]
    for of, name in missing[:most]:
        of.measure(name)


def stored(path: Path, measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What an earlier call wrote to `path`; measured and written first where there is none."""
    if not path.exists():
        write_json(path, measured())
    content: dict[str, Any] = read_json(path)
    return content
