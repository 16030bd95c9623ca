"""State, canary and share of a cluster's rollout at the Pushgateway, for steps that end before they are scraped."""

import math

from components.kfp_support.pushgateway import ROLLOUT_PERCENT, ROLLOUT_STATE, Sample, push
from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import ClusterTraffic


def push_gauges(traffic: ClusterTraffic, pushgateway: str) -> None:
    """Sends them to the Pushgateway at this URL; empty: nothing is sent."""
    if pushgateway:
        status = traffic.status()
        samples = gauges(status.state, status.roles.canary, status.percent)
        push(pushgateway, "aisle-rollout", traffic.cluster.namespace, samples)


def gauges(state: State, canary: str | None, percent: int) -> list[Sample]:
    """canary: its version, None when there is none."""
    states = [
        Sample(name=ROLLOUT_STATE, value=float(each == state), labels={"state": each.value})
        for each in State
        if each != State.ABORTED  # of a laptop alone
    ]
    share = math.nan if canary is None else float(percent)
    return [*states, Sample(name=ROLLOUT_PERCENT, value=share, labels={"version": canary or ""})]
