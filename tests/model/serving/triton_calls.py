"""`python -m tests.model.serving.triton_calls HTTP_PORT GRPC_PORT`: what Triton's clients receive, as JSON.

In a process of its own: KServe's gRPC messages and Triton's have the same names, and a process takes one of them only.
"""

import json
import sys
from types import ModuleType
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException


def main() -> None:
    forms = {"REST": (tritonclient.http, sys.argv[1]), "gRPC": (tritonclient.grpc, sys.argv[2])}
    print(json.dumps({form: _asked(form, module, port) for form, (module, port) in forms.items()}))


def _asked(form: str, module: ModuleType, port: str) -> dict[str, Any]:
    client = module.InferenceServerClient(f"127.0.0.1:{port}")
    as_json = {"as_json": True} if form == "gRPC" else {}
    return {
        "states": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("aisle")],
        "another is ready": _refusal(lambda: client.is_model_ready("other")),
        "server": client.get_server_metadata(**as_json),
        "model": client.get_model_metadata("aisle", **as_json),
        "binary": _answered(
            client.infer("aisle", _inputs(module, 2), request_id="t-1", parameters={"deadline_ms": 900})
        ),
        "some outputs": _answered(
            client.infer("aisle", _inputs(module, 2), outputs=[module.InferRequestedOutput("score")])
        ),
        "refused": _refusal(lambda: client.infer("aisle", _inputs(module, 101))),
        "another": _refusal(lambda: client.infer("other", _inputs(module, 1))),
    } | ({"json": _answered(_in_json(client))} if form == "REST" else {})


def _inputs(module: ModuleType, k: int, **options: bool) -> list[Any]:
    user_id, size = module.InferInput("user_id", [1], "BYTES"), module.InferInput("k", [1], "INT32")
    user_id.set_data_from_numpy(np.array([b"new"], np.object_), **options)
    size.set_data_from_numpy(np.array([k], np.int32), **options)
    return [user_id, size]


def _in_json(client: Any) -> Any:
    wanted = [tritonclient.http.InferRequestedOutput(name, binary_data=False) for name in ("item_id", "score")]
    return client.infer("aisle", _inputs(tritonclient.http, 2, binary_data=False), request_id="t-2", outputs=wanted)


def _answered(answer: Any) -> dict[str, Any]:
    """{output: its values}, texts decoded."""
    columns = {name: answer.as_numpy(name) for name in ("item_id", "score", "reason")}
    return {
        name: [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
        for name, values in columns.items()
        if values is not None
    }


def _refusal(call: Any) -> str:
    try:
        return repr(call())
    except InferenceServerException as error:
        return f"{error.status()}: {error.message()}"


if __name__ == "__main__":
    main()
