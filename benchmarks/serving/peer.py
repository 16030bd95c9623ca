"""The predictor of KServe's own examples: a synchronous predict, one request at a time."""

from pathlib import Path
from typing import Any

import kserve
import kserve.model_server
from kserve.protocol.infer_type import InferOutput
from kserve.protocol.rest.server import RESTServer

from benchmarks.serving.tutorial import NAME, K, Tutorial


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


class LoopbackServer(RESTServer):
    """KServe's REST server, on loopback."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.config.host = "127.0.0.1"


def main(directory: str, port: str) -> None:
    """Serves the models of benchmarks/serving/tutorial.py until SIGTERM."""
    kserve.model_server.RESTServer = LoopbackServer  # looked up there by name
    server = kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1, enable_latency_logging=False)
    server.start([Predictor(Path(directory))])
