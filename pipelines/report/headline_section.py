"""What happened, in one sentence and a few numbers."""

from typing import Any

from components.reporting import number_format as words
from components.reporting.page_parts import KeyFigure
from pipelines.report.run_files import Sources
from tfx_configs.evaluation import BLESSED, CANDIDATE

METRIC = "ndcg@10"


def headline(sources: Sources) -> tuple[str, str]:
    """(sentence, tone good or bad)."""
    gate, rollout = sources.summary.get("gate", {}), sources.summary.get("rollout", {})
    if not gate:
        return "The run ended before the gate.", "bad"
    if not gate["blessed"]:
        return "The new model did not pass the gate, so the stable model stays in charge.", "bad"
    passed, tone = "passed the gate", "good"
    if gate.get("overridden"):
        passed, tone = "was let through by an override", "bad"
    match rollout.get("final_state"):
        case "promoted":
            failed = rollout.get("failed_requests", 0)
            how = (
                "without one failed request"
                if not failed
                else f"with {words.count(failed, 'request', 'requests')} failed"
            )
            return f"The new model {passed} and took over all traffic, {how}.", tone
        case "rolled_back":
            return f"The new model {passed}, but its canary misbehaved and was rolled back.", "bad"
        case "held":
            return f"The new model {passed}; its rollout stopped midway, because the evidence did not suffice.", "bad"
    return f"The new model {passed}; no rollout took place.", tone


def best_baseline(sources: Sources, metric: str = METRIC) -> str | None:
    """The strongest model that is neither the candidate nor the blessed one."""
    quality = sources.summary.get("quality", {})
    rivals = [model for model in quality if model not in (CANDIDATE, BLESSED)]
    return max(rivals, key=lambda model: quality[model].get(metric, 0.0), default=None)


def key_figures(sources: Sources) -> tuple[KeyFigure, ...]:
    found = (_gate(sources), _quality(sources), _rollout(sources), _failed(sources), _latency(sources), _time(sources))
    return tuple(figure for figure in found if figure)


def lead_over(sources: Sources, rival: str, metric: str) -> dict[str, float] | None:
    """The candidate's lead over the rival, percent: delta_pct, and low_pct and high_pct where they were measured."""
    paired = sources.metrics.get("paired", {}).get(rival, {}).get(metric)
    if paired:
        return dict(paired)
    quality = sources.summary["quality"]
    ours, theirs = quality.get(CANDIDATE, {}).get(metric), quality.get(rival, {}).get(metric)
    return {"delta_pct": 100 * (ours / theirs - 1)} if ours is not None and theirs else None


def _gate(sources: Sources) -> KeyFigure | None:
    gate = sources.summary.get("gate")
    if not gate:
        return None
    reasons: list[dict[str, Any]] = sources.verdict.get("reasons", [])
    passed = sum(bool(reason["passed"]) for reason in reasons)
    detail = f"{passed} of {len(reasons)} checks passed" if reasons else ""
    value = "overridden" if gate.get("overridden") else "blessed" if gate["blessed"] else "not blessed"
    good = gate["blessed"] and not gate.get("overridden")
    return KeyFigure(label="Gate", value=value, detail=detail, tone="good" if good else "bad")


def _quality(sources: Sources) -> KeyFigure | None:
    value = sources.summary.get("quality", {}).get(CANDIDATE, {}).get(METRIC)
    if value is None:
        return None
    rival = best_baseline(sources)
    lead = lead_over(sources, rival, METRIC) if rival else None
    if rival is None or lead is None:
        return KeyFigure(label=METRIC, value=f"{value:.4f}")
    detail = f"{words.change(lead['delta_pct'])} against {words.name(rival)}"
    if lead.get("low_pct") is not None:
        detail += f" (95{words.HARD}%: {words.interval(lead['low_pct'], lead['high_pct'])})"
    return KeyFigure(
        label=METRIC, value=f"{value:.4f}", detail=detail, tone="good" if lead["delta_pct"] >= 0 else "bad"
    )


def _rollout(sources: Sources) -> KeyFigure | None:
    rollout = sources.summary.get("rollout")
    if not rollout:
        return None
    state = rollout.get("final_state", "not_started")
    walked = " → ".join(f"{step['declared_percent']} %" for step in rollout.get("steps", []))
    tone = {"promoted": "good", "rolled_back": "bad", "held": "bad"}.get(state, "")
    return KeyFigure(label="Rollout", value=words.name(state), detail=walked or rollout.get("why", ""), tone=tone)


def _failed(sources: Sources) -> KeyFigure | None:
    rollout = sources.summary.get("rollout", {})
    steps = rollout.get("steps", [])
    if not steps:
        return None
    failed, asked = rollout.get("failed_requests", 0), sum(step["requests"] for step in steps)
    return KeyFigure(
        label="Failed requests",
        value=f"{failed:,}",
        detail=f"{asked:,} held-out trips replayed as traffic",
        tone="bad" if failed else "good",
    )


def _latency(sources: Sources) -> KeyFigure | None:
    serving = sources.summary.get("serving")
    if not serving:
        return None
    return KeyFigure(
        label="p99 latency",
        value=words.milliseconds(serving["p99_ms"]),
        detail=f"half of the answers within {words.milliseconds(serving['p50_ms'])}",
    )


def _time(sources: Sources) -> KeyFigure | None:
    seconds: dict[str, float] = sources.summary.get("seconds", {})
    if not seconds:
        return None
    longest = max(seconds, key=seconds.__getitem__)
    return KeyFigure(
        label="Whole run",
        value=words.clock(sum(seconds.values())),
        detail=f"longest: {words.name(longest)}, {words.clock(seconds[longest])}",
    )
