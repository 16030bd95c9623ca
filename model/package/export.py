"""Writes a recommender as a model directory: catalog, networks or baseline, vector index, golden answers, manifest."""

from pathlib import Path
from typing import Any

from model.baselines.storage import save as save_baseline
from model.data.catalog import Catalog
from model.data.personal_frequency import HALF_LIFE_DAYS
from model.data.task import TaskKind
from model.features.promotion_calendar import with_calendar
from model.files import atomic_directory, write_json, write_text
from model.package.engine import BASELINE, CATALOG, INDEX, ONNX, SAVED_MODEL, SETTINGS
from model.package.golden import write_golden
from model.package.manifest import TRAINING, Manifest, draft, write_manifest
from model.package.model_card import NAME as CARD
from model.package.model_card import model_card
from model.package.vector_index import Index
from model.ranking.networks import Networks
from model.ranking.recommender import Recommender, Recommends
from model.rerank.policy import package_rerank
from tfx_configs.rerank import RerankSettings
from tfx_configs.settings import CandidateSettings, FeatureSettings

CODING = "coding.json"
"""Is in the directory of a model that a training can go on from (components/train/parent_model.py)."""


def export(
    directory: Path,
    kind: str,
    recommender: Recommends,
    catalog: Catalog,
    *,
    features: FeatureSettings = FeatureSettings(),
    candidates: CandidateSettings = CandidateSettings(),
    index: Index | None = None,
    training: dict[str, Any] | None = None,
    coding: dict[str, Any] | None = None,
    score_is_probability: bool = False,
    rerank: RerankSettings | None = None,
    items: Path | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
    task: TaskKind = TaskKind.NEXT_BASKET,
) -> Manifest:
    """Writes the model directory in one step.

    Args:
        directory: replaced.
        kind: what is in it: "aisle" or a baseline's name.
        recommender: built on `catalog` with these `features` and `candidates`; its networks are Keras's, or its scorer
            a baseline.
        catalog: the snapshot as served; its shoppers are left out.
        index: over the towers' item vectors.
        training: how it was trained, kept as TRAINING.
        coding: what a later training needs besides the weights to go on from them, kept as CODING.
        score_is_probability: see Manifest.
        rerank: what is done with the ranked list; of it, only the rules where scores are no probabilities.
        items: the items table as Parquet, for the rules; without it, none are packaged.
        half_life_days, task: see Manifest.
    """
    with atomic_directory(directory) as out:
        with_calendar(catalog.without_shoppers()).save(out / CATALOG)
        write_json(out / SETTINGS, {"features": features.model_dump(), "candidates": candidates.model_dump()})
        networks = recommender.networks if isinstance(recommender, Recommender) else None
        if networks is not None:
            _save_networks(networks, out)
        else:
            save_baseline(recommender.scorer, out / BASELINE)
        if index is not None:
            index.save(out / INDEX)
        if training is not None:
            write_json(out / TRAINING, training)
        if coding is not None:
            write_json(out / CODING, coding)
        if rerank is not None and items is not None:
            package_rerank(out, rerank if score_is_probability else rerank.rules_only(), items)
        facts: dict[str, Any] = {
            "kind": kind,
            "cut_s": int(catalog.snapshot_W[-1]),
            "items": catalog.items,
            "retrieved": candidates.retrieved if index is not None else 0,
            "ranked": recommender.ranked,
            "score_is_probability": score_is_probability,
            "index": index.about if index is not None else {},
            "half_life_days": half_life_days,
            "task": task,
        }
        write_golden(out, networks)
        write_text(out / CARD, model_card(draft(**facts), training=training))
        return write_manifest(out, **facts)


def _save_networks(networks: Networks, out: Path) -> None:
    from model.networks.trained import TrainedNetworks
    from model.package.onnx_export import write_onnx

    assert isinstance(networks, TrainedNetworks), "what is exported was trained here"
    networks.save(out / SAVED_MODEL)
    (out / SAVED_MODEL / "fingerprint.pb").unlink(missing_ok=True)  # it has a random number, and readers do without
    write_onnx(networks, out / ONNX)
