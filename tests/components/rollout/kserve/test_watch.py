"""The controller: killed at every point, beside an operator, without a server, and as a process with its endpoints."""

import contextlib
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from components.inference_service.lease import Lease
from components.rollout.decision.states import Command, State
from components.rollout.kserve.cluster_rollout import PLAN
from components.rollout.kserve.observers import Moment
from components.rollout.kserve.sources import check_plan
from components.rollout.kserve.watch_metrics import WatchMetrics, serving
from model.errors import InputError, StageFailed
from pipelines.cli import main
from tests.components.inference_service.test_lease import LeaseCluster
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.decision.test_state_machine import evidence_of
from tests.components.rollout.kserve.shop import Behaviour, Shop
from tests.components.rollout.kserve.test_cluster_rollout import VersionedCluster

QUICK = PLAN.replace(min_outcome_ratio=0.0, min_hours=0.0)


class Killed(BaseException):
    """SIGKILL, where the test wants it."""


def _killed_at(cluster: VersionedCluster, write: int, before: bool, patch: pytest.MonkeyPatch) -> None:
    """The process dies before or after this write to the API server, counted from now."""
    left, apply = [write], cluster.apply

    def killing(*arguments: Any) -> dict[str, Any]:
        left[0] -= 1
        if left[0] == 0 and before:
            raise Killed
        done = apply(*arguments)
        if left[0] == 0:
            raise Killed
        return done

    patch.setattr(cluster, "apply", killing)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("write", range(1, 12))
@pytest.mark.parametrize(
    ("behaviour", "end"), [(Behaviour(), State.PROMOTED), (Behaviour(failed=0.5), State.ROLLED_BACK)]
)
def test_killed_at_any_write_the_next_controller_ends_the_rollout(
    behaviour: Behaviour, end: State, write: int, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(rps=5, plan=QUICK)
    shop.behaves(behaviour)
    with monkeypatch.context() as patch:
        _killed_at(shop.cluster, write, before, patch)
        with contextlib.suppress(Killed):
            shop.until_over(hours=1)
    watch = shop.until_over(hours=1)
    record = watch.traffic.record()
    stable = NEW if end == State.PROMOTED else OLD
    assert (record.state, record.traffic.names().stable, record.traffic.canary) == (end, stable.name, None)
    spec = shop.cluster.service()["spec"]
    assert spec["predictor"]["model"]["storageUri"] == stable.uri and not spec.get("canary")


def test_a_hold_by_an_operator_stays_and_a_plan_that_pauses_waits_for_one() -> None:
    shop = Shop(rps=5, plan=QUICK.replace(pauses=(50,)))
    watch = shop.until_over(hours=0.5)
    assert (watch.traffic.record().state, shop.percent()) == (State.HELD, 50)
    assert (shop.messages[0].action, shop.messages[0].state) == ("step", State.HELD)
    assert "it waits for an operator" in shop.messages[0].line()
    watch.traffic.command(Command.RESUME, "maria")
    watch.traffic.command(Command.HOLD, "maria")
    shop.until_over(hours=0.1, watch=watch)
    assert (watch.traffic.record().state, shop.percent()) == (State.HELD, 50)
    watch.traffic.command(Command.RESUME, "maria")
    shop.until_over(hours=1, watch=watch)
    assert watch.traffic.record().state == State.PROMOTED


def test_an_error_is_reported_once_counted_and_tried_again() -> None:
    shop = Shop(rps=5, plan=QUICK)
    watch = shop.watch()
    watch.evaluate()
    away = [True]

    def query(promql: str) -> Any:
        if away[0]:
            raise StageFailed("http://prometheus: expected Prometheus to answer a query, got timed out")
        return shop.prometheus.query(promql)

    watch.query = query
    for _ in range(3):
        shop.sleep(5.0)
        assert watch.evaluate() is None
    assert [message.action for message in shop.messages] == ["error"]
    away[0] = False
    shop.until_over(hours=1, watch=watch)
    assert watch.traffic.record().state == State.PROMOTED


def test_as_a_process_it_evaluates_while_it_holds_the_lease_and_shows_it() -> None:
    shop = Shop(rps=5, plan=QUICK)
    leases = LeaseCluster()
    watch = shop.watch()
    watch.lease = Lease(cluster=leases, identity="one")
    rounds = [0]

    def stopped(_: float) -> bool:
        assert watch._holds.wait(5)
        shop.sleep(5.0)
        rounds[0] += 1
        return rounds[0] > 2

    with serving(watch.metrics, 0, lambda: watch.metrics.last_s > 0) as port:
        assert _get(port, "/healthz")[0] == 503
        watch.run(stopped)
        assert _get(port, "/healthz") == (200, "ok\n")
        assert _get(port, "/nothing")[0] == 404
        text = _get(port, "/metrics")[1]
    assert 'aisle_rollout_evaluations_total{action="hold"} 2.0' in text
    assert 'aisle_rollout_state{state="running"} 1.0' in text
    assert f'aisle_rollout_percent{{version="{NEW.name}"}} 10.0' in text
    assert leases.spec["holderIdentity"] == ""
    assert not [thread for thread in threading.enumerate() if thread.name in ("lease", "health")]


def test_without_the_lease_it_evaluates_nothing_and_is_healthy() -> None:
    shop = Shop(rps=5, plan=QUICK)
    watch, leases = shop.watch(), LeaseCluster()
    assert Lease(cluster=leases, identity="other").held()
    watch.lease = Lease(cluster=leases, identity="one")
    rounds = iter([False, False, True])
    watch.run(lambda _: next(rounds))
    assert watch.metrics.last_s > 0
    assert leases.spec["holderIdentity"] == "other"
    assert watch.traffic.record().started_s is None


def test_a_plan_that_asks_for_proof_needs_a_place_to_read_it_and_the_time_for_it() -> None:
    check_plan(PLAN, "s3://log", "s3://tables")
    check_plan(QUICK, None, None)
    with pytest.raises(InputError, match="expected a request log and purchases"):
        check_plan(PLAN, "s3://log", None)
    with pytest.raises(InputError, match="min_hours: expected at least 14, in which outcomes come, got 6"):
        check_plan(PLAN.replace(min_hours=6.0), "s3://log", "s3://tables")


def test_the_command_names_what_is_missing(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["rollout", "watch", "--namespace", "shop", "--prometheus", "http://p"]
    assert main([*arguments, "--plan", str(tmp_path / "gone.json")]) == 2
    assert "--plan: expected a file with settings as JSON" in capsys.readouterr().err


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_metrics_have_every_action_from_the_beginning() -> None:
    metrics = WatchMetrics()
    with serving(metrics, 0, lambda: True) as port:
        text = _get(port, "/metrics")[1]
    for action in ("step", "hold", "promote", "rollback", "none"):
        assert f'aisle_rollout_evaluations_total{{action="{action}"}} 0.0' in text


def test_metrics_show_every_guards_figure_and_what_is_no_evidence() -> None:
    metrics = WatchMetrics()
    moment = Moment(namespace="shop", stable=OLD, canary=NEW, percent=10, since_s=0.0, now_s=60.0)
    evidence = evidence_of({"errors": 1}, left_out={"without the shopper's header": 7})
    assert metrics.observer(PLAN)(moment, evidence) is evidence
    with serving(metrics, 0, lambda: True) as port:
        text = _get(port, "/metrics")[1]
    assert 'aisle_rollout_guard{kind="figure",rule="errors"} 1.0' in text
    assert 'aisle_rollout_guard{kind="limit",rule="memory"} 2.0' in text
    assert 'aisle_rollout_left_out_requests{reason="without the shopper\'s header"} 7.0' in text
