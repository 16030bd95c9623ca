"""The tutorial's predictor for MLServer, which imports this module in its own environment."""

from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from benchmarks.serving.tutorial import Tutorial


class Predictor(MLModel):
    """user_id in, the ten best out; MLServer puts waiting requests together."""

    async def load(self) -> bool:
        self._tutorial = Tutorial(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        user_B = np.array(StringCodec.decode_input(payload.inputs[0]), object)
        item_BK, score_BK = self._tutorial.best(user_B)
        items = [item.decode() for item in item_BK.ravel()]
        item_output = ResponseOutput(name="item_id", shape=list(item_BK.shape), datatype="BYTES", data=items)
        outputs = [item_output, NumpyCodec.encode_output("score", score_BK)]
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=outputs)
