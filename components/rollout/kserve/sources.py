"""The observers of a cluster, put together, and what a plan needs of them."""

import functools

from components.inference_service.address import address
from components.inference_service.cluster_client import Cluster
from components.inference_service.traffic import Mode, Version, mode
from components.rollout.kserve.log_evidence import LogEvidence, at_once, in_background
from components.rollout.kserve.observers import Observer, gateway, metrics_of_plan
from components.rollout.kserve.probes import Probes
from components.rollout.kserve.prometheus import Query
from model.errors import InputError
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.rollout import RolloutSettings


def observers(
    cluster: Cluster,
    query: Query,
    plan: RolloutSettings,
    *,
    log: str | None = None,
    purchases: str | None = None,
    probes: bool = False,
    background: bool = False,
) -> tuple[Observer, ...]:
    """What sees more than the servers' metrics and the pods.

    Args:
        log, purchases: where they are; None: what shoppers bought is not known.
        probes: ask both versions as made-up shoppers; for a process that stays.
        background: read the log meanwhile; for a process that stays.
    """
    sources: list[Observer] = [gateway(query)]
    if log is not None and purchases is not None:
        sources.append(LogEvidence(log=log, purchases=purchases, run=in_background if background else at_once))
    if probes:

        @functools.cache
        def service_mode() -> Mode:
            return mode(cluster.service())

        def url_of(version: Version, is_canary: bool) -> str:
            return address(service_mode(), version.predictor, cluster.namespace, newest=is_canary)

        sources.append(Probes(url_of=url_of))
    if plan.metrics:
        sources.append(metrics_of_plan(query, plan.metrics))
    return tuple(sources)


def check_plan(plan: RolloutSettings, log: str | None, purchases: str | None) -> None:
    """Raises InputError where the plan demands what these sources cannot show."""
    if not plan.min_outcome_ratio:
        return
    if log is None or purchases is None:
        raise InputError(
            "expected a request log and purchases, got none, but the plan asks for proof of outcomes; "
            "name both, or set min_outcome_ratio to 0"
        )
    wait_hours = MonitorSettings().outcome_hours + MonitorSettings().lateness_hours
    if plan.min_hours < wait_hours:
        raise InputError(
            f"min_hours: expected at least {wait_hours:g}, in which outcomes come, got {plan.min_hours:g}; "
            "else a share would be left before its outcomes are there"
        )
