"""The step `demo` of pipelines/kind/__main__.py: a training run up to a ready canary, then questions to it.

The demo may be run again: it asks an existing canary and does not train another.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jinja2 import Template

from components.inference_service.readiness import canary_ready
from components.inference_service.shift import POLL_S, Patience, wait
from components.inference_service.traffic import Traffic, mode, read
from components.rollout.decision.split_test import split_p_value
from model.errors import CheckFailed, InputError
from pipelines.kind.kubectl import Answer, KubectlCluster

QUESTIONS = 400
"""At 10 % the chance of no answer by the canary among them is 10^-18."""
SURPRISE = 1e-6
"""P-value below which the split is not the declared one."""
OPEN_S = 180.0
"""Longest wait from a ready canary to an answer of the gateway, seconds."""


def demonstrate(
    target: KubectlCluster, report: Callable[[str], None] = print, patience: Patience = Patience()
) -> Counter[str]:
    """Trains unless there is a canary, asks the service as a shop would, reports the answers and the next steps.

    Returns {version: its answers}, of QUESTIONS.

    Raises:
        InputError: the manifests are not applied.
        StageFailed: the run cannot be followed.
        CheckFailed: the run failed or left no canary, it is not ready in time, the gateway accepts a request without a
            key or refuses one with a key, a request failed, or versions or shares are not those declared.
    """
    cluster = target.cluster
    try:
        service, traffic = cluster.service(), read(cluster.record())
    except InputError as error:
        raise InputError(f"{error}; `make kind-deploy` does") from None
    run = ""
    if traffic.canary is None:
        run = target.train()
        traffic = read(cluster.record())
    else:
        report(f"there is a canary already, {traffic.canary.name}; no model is trained")
    canary, stable = traffic.canary, traffic.stable
    if canary is None or stable is None:
        alone = stable.name if stable else "no model"
        steps = "for the reason see the steps Gate, Push and Release as canary"
        raise CheckFailed(f"expected a canary after the run, found {alone} alone; {steps}: {target.page(run)}")
    ready = canary_ready(mode(service), canary.predictor, traffic.percent, None)
    wait(cluster, patience, ready, f"canary {canary.name}", canary.predictor)
    report(f"canary {canary.name} is ready at {traffic.percent} %, beside {stable.name}")

    key = target.key()
    first = _opened(target, key, patience)
    if (keyless := target.ask("1", "")).status != 401:
        raise CheckFailed(f"without a key: expected 401, got {keyless.status}; is the SecurityPolicy aisle accepted?")
    report("through the gateway: 401 without a key, an answer with one")
    for item, reason in list(zip(first.items, first.reasons, strict=False))[:3]:
        report(f"  shopper 1: item {item} ({reason})")
    answers = _questions(target, key)
    _check_split(answers, traffic)
    observed = answers[canary.name]
    report(
        f"{QUESTIONS} questions, 0 failed: {traffic.percent} % declared, {100 * observed / QUESTIONS:.1f} % observed "
        f"({observed} by the canary, {answers[stable.name]} by stable)"
    )
    steps = Path(__file__).with_name("next_steps.txt.jinja").read_text(encoding="utf-8")
    report(Template(steps).render(link=target.page(run)))
    return answers


def _opened(target: KubectlCluster, key: str, patience: Patience) -> Answer:
    """The first answer: the gateway reads a new route some seconds after KServe has written it."""
    deadline = patience.clock() + OPEN_S
    while True:
        answer = target.ask("1", key)
        if answer.status == 200:
            return answer
        if patience.clock() >= deadline:
            raise CheckFailed(
                f"expected an answer of the gateway within {OPEN_S:.0f} s, got {answer.status or 'none'} "
                f"({answer.body[:160]}); see `kubectl get gateway -n kserve` and `kubectl get httproute -n aisle`"
            )
        patience.sleep(POLL_S)


def _questions(target: KubectlCluster, key: str) -> Counter[str]:
    """{version: answers}; one question for each of QUESTIONS shoppers. Raises CheckFailed on one that failed."""
    answers: Counter[str] = Counter()
    failed: list[Answer] = []
    for shopper in range(1, QUESTIONS + 1):
        answer = target.ask(str(shopper), key)
        if answer.status == 200 and answer.items:
            answers[answer.version] += 1
        else:
            failed.append(answer)
    if failed:
        last = failed[-1]
        raise CheckFailed(
            f"{len(failed)} of {QUESTIONS} questions failed, the last with {last.status or 'no answer'} "
            f"({last.body[:160] or 'no item'}); see `kubectl get pods -n aisle`"
        )
    return answers


def _check_split(answers: Counter[str], traffic: Traffic) -> None:
    """Raises CheckFailed when other versions answered than those declared, or not in their shares."""
    canary, stable = traffic.canary, traffic.stable
    assert canary is not None and stable is not None
    if undeclared := sorted(set(answers) - {canary.name, stable.name}):
        raise CheckFailed(f"expected answers of {stable.name} and {canary.name}, not {undeclared[0]}; see storageUri")
    if split_p_value(answers[canary.name], QUESTIONS, traffic.percent) < SURPRISE:
        raise CheckFailed(
            f"expected {traffic.percent} % of {QUESTIONS} answers by the canary, got {answers[canary.name]}; "
            "for the weights see `kubectl get httproute aisle -n aisle -o yaml`"
        )
