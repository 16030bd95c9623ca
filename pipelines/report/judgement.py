"""The one place that decides the word and the color of a run's result, from the gate's answer and the intervals."""

from collections.abc import Iterable
from typing import Literal

from components.artifacts.evaluation import Delta
from components.artifacts.verdict import Outcome

Tone = Literal["good", "warn", "bad", ""]
_TONES: dict[Outcome, Tone] = {"blessed": "good", "not_proven": "warn", "not_blessed": "bad", "overridden": "bad"}
_RANKS: tuple[Tone, ...] = ("bad", "warn", "good", "")


def judgement(outcome: Outcome, leads: Iterable[Delta]) -> tuple[str, Tone]:
    """(word, tone) of the gate's answer. It is green only when it blesses and every lead is certain.

    Args:
        leads: over the best baseline, one a gated metric.

    Example:
        >>> judgement("blessed", [Delta(delta_pct=5.0, low_pct=2.0, high_pct=8.0)])
        ('blessed', 'good')
        >>> judgement("blessed", [Delta(delta_pct=-4.3, low_pct=-7.9, high_pct=-0.7)])
        ('blessed', 'bad')
    """
    return outcome.replace("_", " "), worst(_TONES[outcome], *map(lead_tone, leads))


def lead_tone(lead: Delta) -> Tone:
    """good: the whole interval is above zero; bad: all of it is below; warn: it holds zero; empty without one."""
    interval = lead.interval
    if interval is None:
        return ""
    return "bad" if interval.high_pct < 0 else "good" if interval.low_pct > 0 else "warn"


def worst(*tones: Tone) -> Tone:
    """The tone that warns most."""
    return min(tones, key=_RANKS.index, default="")
