"""KServe's own clients of the Open Inference Protocol, REST and gRPC, against the running server."""

import asyncio

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferRequest, InferResponse, RESTConfig
from kserve.protocol.infer_type import InferInput

from tests.model.serving.live_server import Server


def _request() -> InferRequest:
    k = InferInput("k", [1], "INT32")
    k.set_data_from_numpy(np.array([2], np.int32), binary_data=False)
    return InferRequest("aisle", [InferInput("user_id", [1], "BYTES", data=["new"]), k], request_id="c-1")


def _check(answer: InferResponse) -> None:
    outputs = {output.name: output.as_numpy().tolist() for output in answer.outputs}
    assert [item if isinstance(item, str) else item.decode() for item in outputs["item_id"]] == ["a", "b"]
    assert outputs["score"] == [1.0, 0.5]
    assert (answer.id, answer.model_name) == ("c-1", "aisle")


def test_kserves_rest_client_asks_and_is_answered(server: Server) -> None:
    async def ask() -> None:
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        url = f"http://127.0.0.1:{server.port}"
        assert await client.is_server_ready(url) and await client.is_model_ready(url, "aisle")
        _check(await client.infer(url, _request(), model_name="aisle"))
        await client.close()

    asyncio.run(ask())


def test_kserves_grpc_client_asks_and_is_answered(server: Server) -> None:
    async def ask() -> None:
        client = InferenceGRPCClient(f"127.0.0.1:{server.grpc_port}", channel_args=[("grpc.enable_http_proxy", 0)])
        assert await client.is_server_ready() and await client.is_model_ready("aisle")
        _check(await client.infer(_request()))
        await client.close()

    asyncio.run(ask())
