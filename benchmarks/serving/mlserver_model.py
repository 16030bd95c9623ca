"""The tutorial's predictor for MLServer, which imports this module in its own environment."""

from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.tutorial import Tutorial


class Predictor(MLModel):
    """user_id in, the ten best out."""

    async def load(self) -> bool:
        self._tutorial = Tutorial(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        user = np.array(StringCodec.decode_input(payload.inputs[0])[:1], object)
        item_K, score_K = self._tutorial.best(user)
        items = [item.decode() for item in item_K]
        outputs = [StringCodec.encode_output("item_id", items), NumpyCodec.encode_output("score", score_K)]
        return InferenceResponse(model_name=self.name, id=payload.id, outputs=outputs)
