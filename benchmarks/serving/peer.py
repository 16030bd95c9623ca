"""The predictor of KServe's own examples: a synchronous predict, one request at a time."""

from pathlib import Path

import kserve
from kserve.protocol.infer_type import InferOutput

from benchmarks.serving.tutorial import NAME, K, Tutorial
from model.serving.http.loopback import bind_to_loopback


class Predictor(kserve.Model):
    """user_id in, the ten best out."""

    def __init__(self, directory: Path) -> None:
        super().__init__(NAME)
        self._tutorial = Tutorial(directory)
        self.ready = True

    def predict(self, payload: kserve.InferRequest, headers: dict[str, str] | None = None) -> kserve.InferResponse:
        item_BK, score_BK = self._tutorial.best(payload.inputs[0].as_numpy()[:1])
        outputs = [
            InferOutput("item_id", [K], "BYTES", data=item_BK[0]),
            InferOutput("score", [K], "FP32", data=score_BK[0]),
        ]
        return kserve.InferResponse(payload.id or "1", NAME, outputs)


def main(directory: str, port: str) -> None:
    """Serves the models of benchmarks/serving/tutorial.py until SIGTERM."""
    bind_to_loopback()
    server = kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1, enable_latency_logging=False)
    server.start([Predictor(Path(directory))])
