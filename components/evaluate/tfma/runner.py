"""Runs TFMA on the judged trips: writes them as tf.Examples, evaluates all models at once, reads the verdict back.

Shape legend: N judged trips, K recommendations, L items of a trip's union.
"""

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluation.ranking_metrics import NO_ITEM, PER_TRIP
from model.system.legacy_keras import tf

# TFMA imports TensorFlow itself: model.system.legacy_keras must come first.
import tensorflow_model_analysis as tfma  # isort: skip
from tensorflow_model_analysis.api import types  # isort: skip
from tensorflow_model_analysis.proto import config_pb2  # isort: skip

from components.artifacts.evaluation import missed
from components.beam.checked_options import on_runner
from components.beam.shared_files import shared_files
from components.evaluate.metrics_report import Judged
from components.evaluate.tfma import metrics as tfma_metrics
from tfx_configs.beam import BeamSettings

LABEL = "label"
PREDICTION = "prediction/"
"""Prefix of a model's name, so that no slicing shares a feature name with a model."""
SHARD_TRIPS = 5000
"""Trips in a file of the input; workers share out the files."""

SliceKey = tuple[str, str]
"""(slicing, value); ("", "") is all trips."""
OVERALL: SliceKey = ("", "")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """What the candidate must reach on one metric in one slice: a value, or a ratio to the reference model."""

    metric: str
    slice: SliceKey
    at_least: float | None = None
    ratio: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """TFMA's answer."""

    verdict: bool | None
    """None: TFMA gave no verdict."""
    failures: list[str]
    """One line for each threshold that was missed, or could not be checked."""
    examples: dict[SliceKey, int]
    """Trips by slice."""
    values: dict[SliceKey, dict[str, dict[str, float]]]
    """{slice: {model: {metric: value}}}."""


def write_examples(folder: Path, judged: Judged) -> None:
    """Writes one tf.Example a trip (vectors as in tfma_metrics) to TFRecord files of SHARD_TRIPS trips in `folder`."""
    trips = len(judged.baskets)
    starts = range(0, trips, SHARD_TRIPS)
    for n, start in enumerate(starts):
        shard = folder / f"trips-{n:05}-of-{len(starts):05}.tfrecord"
        _write_shard(shard, judged, range(start, min(start + SHARD_TRIPS, trips)))


def _write_shard(path: Path, judged: Judged, trip_N: range) -> None:
    items, baskets = judged.items, judged.baskets
    length = max(len(basket) for basket in baskets) + sum(items_NK.shape[1] for items_NK in items.values())
    with tf.io.TFRecordWriter(str(path)) as out:
        for n in trip_N:
            basket, history = baskets[n], judged.histories[n]
            lists = {name: items_NK[n][items_NK[n] != NO_ITEM] for name, items_NK in items.items()}
            union = np.unique(np.concatenate([basket, *lists.values()]))
            label, information = np.zeros(length, np.float32), np.zeros(length, np.float32)
            label[np.searchsorted(union, basket)] = np.where(
                np.isin(basket, history), tfma_metrics.REPEATED, tfma_metrics.NEW
            )
            information[: len(union)] = judged.information_I[union]
            features = {LABEL: _floats(label), tfma_metrics.INFORMATION: _floats(information)}
            for name, listed in lists.items():
                prediction = np.zeros(length, np.float32)
                places = np.flatnonzero(items[name][n] != NO_ITEM)
                prediction[np.searchsorted(union, listed)] = items[name].shape[1] - places
                features[PREDICTION + name] = _floats(prediction)
            features |= {name: _bytes(values[n]) for name, values in judged.slices.items()}
            out.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def eval_config(
    judged: Judged, candidate: str, reference: str, thresholds: Sequence[Threshold]
) -> config_pb2.EvalConfig:
    """All models, metrics and slicings; thresholds on `candidate`, change thresholds against `reference`."""
    config = config_pb2.EvalConfig()
    for name in judged.items:
        config.model_specs.add(
            name=name, prediction_key=PREDICTION + name, label_key=LABEL, is_baseline=name == reference
        )
    config.slicing_specs.add()
    for slicing in judged.slices:
        config.slicing_specs.add(feature_keys=[slicing])
    pair = config.metrics_specs.add(model_names=[candidate, reference])
    pair.metrics.add(class_name="ExampleCount")
    rest = [name for name in judged.items if name not in (candidate, reference)]
    others = config.metrics_specs.add(model_names=rest)
    for name, (function, k) in PER_TRIP.items():
        metric = config_pb2.MetricConfig(
            class_name=tfma_metrics.TripMetric.__name__,
            module=tfma_metrics.__name__,
            config=json.dumps({"name": name, "top_k": k, "function": function.__name__}),
        )
        others.metrics.append(metric)
        for threshold in thresholds:
            if threshold.metric == name:
                _add(metric, threshold)
        pair.metrics.append(metric)
    if not rest:
        config.metrics_specs.remove(others)
    return config


def run_tfma(judged: Judged, out: Path, config: config_pb2.EvalConfig, beam: BeamSettings = BeamSettings()) -> Outcome:
    """Evaluates the judged trips on the runner of `beam`; TFMA's own files go to `out`.

    Raises InputError or StageFailed as components.beam.checked_options.
    """
    models = [
        types.EvalSharedModel(model_name=spec.name, is_baseline=spec.is_baseline, model_type="tf_generic")
        for spec in config.model_specs
    ]
    parts = tfma.extractors
    # Without UnbatchExtractor slices are silently wrong; the example counts are compared with ours in run.py.
    extractors = [
        parts.FeaturesExtractor(config),
        parts.LabelsExtractor(config),
        parts.ExampleWeightsExtractor(config),
        parts.PredictionsExtractor(config),
        parts.UnbatchExtractor(),
        parts.SliceKeyExtractor(slice_spec=None, eval_config=config),
    ]
    with on_runner(beam) as options, shared_files(beam) as shared, tempfile.TemporaryDirectory() as scratch:
        write_examples(Path(scratch), judged)
        tfma.run_model_analysis(
            eval_shared_model=models,
            eval_config=config,
            data_location=shared.offered(Path(scratch), "trips") + "/*.tfrecord",
            output_path=shared.place("out"),
            extractors=extractors,
            pipeline_options=options,
        )
        shared.fetch("out", out)
    return read_outcome(out)


def read_outcome(out: Path) -> Outcome:
    """Reads what run_model_analysis wrote."""
    values: dict[SliceKey, dict[str, dict[str, float]]] = {}
    examples: dict[SliceKey, int] = {}
    for record in tfma.load_metrics(str(out)):
        key = _slice_key(record.slice_key)
        for entry in record.metric_keys_and_values:
            if entry.key.is_diff:
                continue
            value = entry.value.double_value.value
            if entry.key.name == "example_count":
                examples[key] = round(value)
            else:
                values.setdefault(key, {}).setdefault(entry.key.model_name, {})[entry.key.name] = value
    result = tfma.load_validation_result(str(out))
    if result is None or result.missing_thresholds:
        return Outcome(verdict=None, failures=["no thresholds were checked"], examples=examples, values=values)
    failures = [_failure(each.slice_key, f) for each in result.metric_validations_per_slice for f in each.failures]
    for spec in result.missing_slices:
        failures += [f"no trips for the threshold on {name} {value}" for name, value in spec.feature_values.items()]
    return Outcome(verdict=result.validation_ok, failures=failures, examples=examples, values=values)


def _add(metric: config_pb2.MetricConfig, threshold: Threshold) -> None:
    slicing, value = threshold.slice
    # MetricConfig.threshold would apply to every slice: the empty slicing spec is what means all trips.
    entry = metric.per_slice_thresholds.add()
    entry.slicing_specs.add(feature_values={slicing: value} if slicing else {})
    target = entry.threshold
    if threshold.at_least is not None:
        target.value_threshold.lower_bound.value = threshold.at_least
    if threshold.ratio is not None:
        target.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        target.change_threshold.relative.value = threshold.ratio - 1.0


def _failure(key: Any, failure: Any) -> str:
    slicing, value = _slice_key(key)
    where = f"{slicing} {value}" if slicing else "all trips"
    bound = failure.metric_threshold
    kind = "value" if bound.HasField("value_threshold") else "change"
    limit = bound.value_threshold.lower_bound.value if kind == "value" else bound.change_threshold.relative.value
    measured = failure.metric_value.double_value.value
    return f"{missed(failure.metric_key.name, kind, where)}{measured:.5f}, limit {limit:+.5f}"


def _slice_key(key: Any) -> SliceKey:
    for part in key.single_slice_keys:
        return part.column, part.bytes_value.decode()
    return OVERALL


def _floats(values: np.ndarray) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _bytes(value: str) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(value).encode()]))
