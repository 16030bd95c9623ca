"""The step `demo` of pipelines/kind/__main__.py: a training run in KFP up to a ready canary, then questions to the
service.

What it does is told by `demonstrate`; what it needs of a cluster is the port `Stage`, so that tests have one of their
own; pipelines/kind/kubectl.py is the real one. It may be run again: a canary that is there is asked and not trained
anew.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import canary_ready
from components.inference_service.shift import POLL_S, Patience, wait
from components.inference_service.traffic import Traffic, mode, read
from components.rollout.decision.split_test import split_p_value
from model.errors import CheckFailed, InputError

QUESTIONS = 400
"""At 10 % no canary's answer among them is a case for once in 10^18."""
SURPRISE = 1e-6
"""Below this p-value the split is not the declared one."""
OPEN_S = 180.0
"""From a ready canary to an answer of the gateway, seconds."""
PAGE = "http://127.0.0.1:8888"
"""Where the pages of the documentation put KFP's."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `status`: of HTTP, 0 when nobody answered; `said`: the body, where it is no recommendation."""

    status: int
    version: str = ""
    items: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    said: str = ""


class Stage(Protocol):
    """A cluster with everything on it that `make kind-deploy` puts there."""

    cluster: Cluster

    def train(self) -> str:
        """A run of the cluster pipeline by `aisle submit`, followed to its end; returns its id.

        Raises StageFailed or CheckFailed when KFP is not there or the run does not succeed.
        """
        ...

    def key(self) -> str:
        """A caller's key. Raises StageFailed when there is none."""
        ...

    def ask(self, shopper: str, key: str) -> Answer:
        """One question over v2 through the gateway; an empty key is left out."""
        ...


def demonstrate(stage: Stage, say: Callable[[str], None] = print, patience: Patience | None = None) -> Counter[str]:
    """Trains unless there is a canary, asks the service as a shop would, says what it saw and what to do next.

    Returns {version: its answers}, of QUESTIONS.

    Raises:
        InputError: the manifests are not there.
        StageFailed: KFP is not there, or the run was lost sight of.
        CheckFailed: the run failed or left no canary, it is not ready in time, the gateway lets in who has no key or
            not who has one, a request failed, or the versions that answered are not those declared, in their shares.
    """
    patience = patience or Patience()
    cluster = stage.cluster
    try:
        service, traffic = cluster.service(), read(cluster.record())
    except InputError as error:
        raise InputError(f"{error}; `make kind-deploy` does") from None
    run = ""
    if traffic.canary is None:
        run = stage.train()
        traffic = read(cluster.record())
    else:
        say(f"there is a canary already, {traffic.canary.name}: it is asked, nothing is trained")
    canary, stable = traffic.canary, traffic.stable
    if canary is None or stable is None:
        why = f"the steps Gate, Push and Release as canary say why: {link(run)}"
        raise CheckFailed(
            f"expected a canary after the run, found {stable.name if stable else 'no model'} alone; {why}"
        )
    ready = canary_ready(mode(service), canary.predictor, traffic.percent, None)
    wait(cluster, patience, ready, f"canary {canary.name}", canary.predictor)
    say(f"canary {canary.name} is ready at {traffic.percent} %, beside {stable.name}")

    key = stage.key()
    first = _opened(stage, key, patience)
    if (uninvited := stage.ask("1", "")).status != 401:
        raise CheckFailed(f"without a key: expected 401, got {uninvited.status}; is the SecurityPolicy aisle accepted?")
    say("through the gateway: 401 without a key, an answer with one")
    for item, reason in list(zip(first.items, first.reasons, strict=False))[:3]:
        say(f"  shopper 1: item {item} ({reason})")
    answers = _questions(stage, key)
    _judge(answers, traffic)
    seen = answers[canary.name]
    say(
        f"{QUESTIONS} questions, 0 failed: {traffic.percent} % declared, {100 * seen / QUESTIONS:.1f} % observed "
        f"({seen} by the canary, {answers[stable.name]} by stable)"
    )
    for line in _next_steps(run):
        say(line)
    return answers


def link(run: str) -> str:
    """The run on KFP's page, or the page."""
    return f"{PAGE}/#/runs" + (f"/details/{run}" if run else "")


def _opened(stage: Stage, key: str, patience: Patience) -> Answer:
    """The first answer: the gateway hears of a new route a little after KServe has written it."""
    deadline = patience.clock() + OPEN_S
    while True:
        answer = stage.ask("1", key)
        if answer.status == 200:
            return answer
        if patience.clock() >= deadline:
            raise CheckFailed(
                f"expected an answer of the gateway within {OPEN_S:.0f} s, got {answer.status or 'none'} "
                f"({answer.said[:160]}); look at `kubectl get gateway -n kserve` and `kubectl get httproute -n aisle`"
            )
        patience.sleep(POLL_S)


def _questions(stage: Stage, key: str) -> Counter[str]:
    """{version: answers}; one question for each of QUESTIONS shoppers. Raises CheckFailed on one that failed."""
    answers: Counter[str] = Counter()
    failed: list[Answer] = []
    for shopper in range(1, QUESTIONS + 1):
        answer = stage.ask(str(shopper), key)
        if answer.status == 200 and answer.items:
            answers[answer.version] += 1
        else:
            failed.append(answer)
    if failed:
        last = failed[-1]
        raise CheckFailed(
            f"{len(failed)} of {QUESTIONS} questions failed, the last with {last.status or 'no answer'} "
            f"({last.said[:160] or 'no item'}); look at `kubectl get pods -n aisle`"
        )
    return answers


def _judge(answers: Counter[str], traffic: Traffic) -> None:
    """Raises CheckFailed when others answered than those declared, or not in their shares."""
    canary, stable = traffic.canary, traffic.stable
    assert canary is not None and stable is not None
    if strangers := sorted(set(answers) - {canary.name, stable.name}):
        raise CheckFailed(f"expected {stable.name} and {canary.name} to answer, {strangers[0]} did too; see storageUri")
    if split_p_value(answers[canary.name], QUESTIONS, traffic.percent) < SURPRISE:
        raise CheckFailed(
            f"expected {traffic.percent} % of {QUESTIONS} answers by the canary, got {answers[canary.name]}; "
            f"look at the weights: `kubectl get httproute aisle -n aisle -o yaml`"
        )


def _next_steps(run: str) -> list[str]:
    return [
        "",
        "next:",
        "  kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8888:80     # KFP's page, in another terminal",
        f"  {link(run)}",
        "  kubectl get inferenceservice aisle -n aisle -o yaml             # what is declared, and its state",
        "  .venv/bin/aisle rollout status --namespace aisle",
        "  .venv/bin/aisle rollout promote --namespace aisle               # by kubectl alone: docs/runbook.md",
        "  .venv/bin/aisle submit --pipeline rollout --recurring '*/5 * * * *'    # or let the evidence decide",
    ]
