"""A real server process whose model does what the file `faults` in its directory lists, a line each.

`python -m tests.pipelines.manifests.observability.faulty_server`, with a model directory of
tests.model.serving.fake_server.
"""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model import api
from model.serving.server import main
from model.serving.telemetry import metrics
from tests.model.serving import fake_server

SLOW_S = 0.2
OLD_S = 36 * 86_400


@dataclass(kw_only=True)
class FaultyModel(fake_server.FakeModel):
    faults: Path

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        faults = self.faults.read_text().splitlines() if self.faults.exists() else []
        begin = time.perf_counter()
        if "slow" in faults:
            time.sleep(SLOW_S)
        if "fails" in faults:
            raise RuntimeError("the model fails on purpose")
        if "disk full" in faults:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        if "old" in faults:
            metrics.MODEL_CUT.labels(self.version).set(time.time() - OLD_S)
        answers = super().recommend(requests, fewer)
        if "short" in faults:
            answers = [
                replace(answer, item_ids=answer.item_ids[:1], scores=[1.0], reasons=["popular"]) for answer in answers
            ]
        if "repeats" in faults:
            answers = [
                replace(answer, item_ids=2 * answer.item_ids[:1], scores=[1.0, 1.0], reasons=["popular", "popular"])
                for answer in answers
            ]
        metrics.STAGE_SECONDS.labels(self.version, "rank").observe(time.perf_counter() - begin)
        return answers


def load(directory: Path) -> FaultyModel:
    fake = fake_server.load(directory)
    metrics.MODEL_CUT.labels(fake.version).set(time.time())
    return FaultyModel(version=fake.version, items=fake.items, faults=directory / "faults")


if __name__ == "__main__":
    sys.exit(main(load_model=load))
