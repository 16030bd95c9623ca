"""The tutorial's predictor for Triton's Python backend, which runs this file in an interpreter of its own.

Environment: TUTORIAL, the directory of the models; TUTORIAL_PATH, where Python finds TensorFlow and this package.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.extend(os.environ["TUTORIAL_PATH"].split(os.pathsep))

import numpy as np
import triton_python_backend_utils as triton

from benchmarks.serving.tutorial import Tutorial


class TritonPythonModel:
    """user_id in, the ten best out; Triton puts waiting requests together, and they are ranked at once."""

    def initialize(self, args: dict[str, str]) -> None:
        self._tutorial = Tutorial(Path(os.environ["TUTORIAL"]))

    def execute(self, requests: list[Any]) -> list[Any]:
        users = [triton.get_input_tensor_by_name(request, "user_id").as_numpy()[:, 0] for request in requests]
        item_BK, score_BK = self._tutorial.best(np.concatenate(users))
        begin, responses = 0, []
        for user in users:
            end = begin + len(user)
            tensors = [
                triton.Tensor("item_id", item_BK[begin:end].astype(object)),
                triton.Tensor("score", score_BK[begin:end]),
            ]
            responses.append(triton.InferenceResponse(tensors))
            begin = end
        return responses
