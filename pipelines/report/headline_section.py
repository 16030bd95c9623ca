"""What happened, in one sentence and a few numbers."""

from components.artifacts.evaluation import Delta
from components.reporting import number_format as words
from components.reporting.page_parts import KeyFigure
from pipelines.report.judgement import Tone, judgement, lead_tone, worst
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS, fill
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS, STABLE

METRIC = "ndcg@10"


TONES: dict[str, Tone] = {"promoted": "good", "rolled_back": "bad", "held": "bad"}


def headline(sources: Sources) -> tuple[str, Tone]:
    """(sentence, tone): never better than the gate's answer, the leads and the rollout are."""
    gate, rollout = sources.summary.gate, sources.summary.rollout
    state, failed = (rollout.final_state, rollout.failed_requests) if rollout else ("", 0)
    sentence = fill(TEXTS["headline"].lead, {"gate": gate, "state": state, "failed": failed})
    if gate is None:
        return sentence, "bad"
    return sentence, worst(judgement(gate.answer, gated_leads(sources))[1], TONES.get(state, ""))


def gated_leads(sources: Sources) -> list[Delta]:
    """The leads over the best baseline, one a gated metric."""
    rivals = {metric: best_baseline(sources, metric) for metric in GATE_METRICS}
    return [lead_over(sources, rival, metric) for metric, rival in rivals.items() if rival is not None]


def best_baseline(sources: Sources, metric: str = METRIC) -> str | None:
    """The strongest model that is neither the candidate nor the stable one."""
    quality = sources.summary.quality
    rivals = [model for model in quality if model not in (CANDIDATE, STABLE)]
    return max(rivals, key=lambda model: quality[model].get(metric) or 0.0, default=None)


def key_figures(sources: Sources) -> tuple[KeyFigure, ...]:
    makers = (_gate, _quality, _rollout, _failed, _latency, _time)
    return tuple(figure for make in makers if (figure := make(sources)))


def lead_over(sources: Sources, rival: str, metric: str) -> Delta:
    """The candidate's lead over the rival; without an interval where none was measured."""
    lead, quality = sources.evaluation.delta(rival, metric), sources.summary.quality
    ours, theirs = quality.get(CANDIDATE, {}).get(metric), quality.get(rival, {}).get(metric)
    if lead == Delta() and ours is not None and theirs:
        return Delta(delta_pct=100 * (ours / theirs - 1))
    return lead


def _gate(sources: Sources) -> KeyFigure | None:
    gate, verdict = sources.summary.gate, sources.verdict
    if not gate:
        return None
    passed = len(verdict.reasons) - len(verdict.not_passed)
    detail = f"{passed} of {len(verdict.reasons)} checks passed" if verdict.reasons else ""
    word, tone = judgement(gate.answer, gated_leads(sources))
    return KeyFigure(label="Gate", value=word, detail=detail, tone=tone)


def _quality(sources: Sources) -> KeyFigure | None:
    value = sources.summary.quality.get(CANDIDATE, {}).get(METRIC)
    if value is None:
        return None
    rival = best_baseline(sources)
    lead = lead_over(sources, rival, METRIC) if rival else Delta()
    if rival is None or lead.delta_pct is None:
        return KeyFigure(label=METRIC, value=f"{value:.4f}")
    detail, interval = f"{words.change(lead.delta_pct)} against {words.name(rival)}", lead.interval
    if interval:
        detail += f" (95{words.HARD}%: {words.interval(interval.low_pct, interval.high_pct)})"
    return KeyFigure(label=METRIC, value=f"{value:.4f}", detail=detail, tone=lead_tone(lead))


def _rollout(sources: Sources) -> KeyFigure | None:
    rollout = sources.summary.rollout
    if not rollout:
        return None
    state = rollout.final_state
    shares = " → ".join(f"{step.declared_percent} %" for step in rollout.steps)
    return KeyFigure(label="Rollout", value=words.name(state), detail=shares or rollout.why, tone=TONES.get(state, ""))


def _failed(sources: Sources) -> KeyFigure | None:
    rollout = sources.summary.rollout
    if not rollout or not rollout.steps:
        return None
    failed, asked = rollout.failed_requests, sum(step.requests for step in rollout.steps)
    detail, tone = f"{asked:,} held-out trips replayed as traffic", "bad" if failed else "good"
    return KeyFigure(label="Failed requests", value=f"{failed:,}", detail=detail, tone=tone)


def _latency(sources: Sources) -> KeyFigure | None:
    serving = sources.summary.serving
    if not serving or serving.p50_ms is None or serving.p99_ms is None:
        return None
    detail = f"half of the answers within {words.milliseconds(serving.p50_ms)}"
    return KeyFigure(label="p99 latency", value=words.milliseconds(serving.p99_ms), detail=detail)


def _time(sources: Sources) -> KeyFigure | None:
    seconds = sources.summary.seconds
    if not seconds:
        return None
    longest = max(seconds, key=seconds.__getitem__)
    detail = f"longest: {words.name(longest)}, {words.clock(seconds[longest])}"
    return KeyFigure(label="Whole run", value=words.clock(sum(seconds.values())), detail=detail)
