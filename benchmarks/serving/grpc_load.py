"""The open-loop client over gRPC, in a process of its own: KServe's messages and Triton's have the same names, and a
process takes one of them only."""

import dataclasses
import itertools
import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import uvloop

from benchmarks.harness import process as child
from benchmarks.serving.load import OK, Load, Target, paced

METHOD = "/inference.GRPCInferenceService/ModelInfer"
CHANNELS = 8
"""Connections."""
_RUNG = b"\n\x04rung\x12"
"""The parameter's key in a map entry of a ModelInferResponse, and the tag of its value."""


def run_grpc_load(
    port: int, requests: Path, rps: float, seconds: float, seed: int, target: Target | None = None
) -> Load:
    """As `load.run_load`. `requests`: a file of `write_requests`."""
    limits = json.dumps(dataclasses.asdict(target) if target else None)
    command = child.python(f"{__name__}:main", str(port), requests, str(rps), str(seconds), str(seed), limits)
    line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    fields = json.loads(line)
    statuses = Counter({int(status): count for status, count in fields["statuses"].items()})
    return Load(**{**fields, "statuses": statuses, "rungs": Counter(fields["rungs"]), "late_than": Counter()})


def write_requests(path: Path, name: str, inputs: Sequence[dict[str, str]]) -> Path:
    """Requests for the model `name`, each {input: text}. Returns `path`."""
    path.write_text(json.dumps({"name": name, "inputs": list(inputs)}), encoding="utf-8")
    return path


def main(port: str, requests: str, rps: str, seconds: str, seed: str, target: str) -> dict[str, Any]:
    asked = json.loads(Path(requests).read_text(encoding="utf-8"))
    messages = [_message(asked["name"], inputs) for inputs in asked["inputs"]]
    limits = json.loads(target)
    load = uvloop.run(
        _run(int(port), messages, float(rps), float(seconds), int(seed), Target(**limits) if limits else None)
    )
    return {**vars(load), "late_than": {}}  # limits are no texts, and the parent needs none


async def _run(
    port: int, messages: Sequence[bytes], rps: float, seconds: float, seed: int, target: Target | None
) -> Load:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(CHANNELS)]
    for channel in channels:
        await channel.channel_ready()
    calls = itertools.cycle([channel.unary_unary(METHOD) for channel in channels])

    async def send(message: bytes) -> tuple[int, str]:
        try:
            return OK, rung_of(await next(calls)(message))
        except grpc.aio.AioRpcError as error:
            return int(error.code().value[0]), ""

    load = await paced(send, messages, rps, seconds, seed, target)
    for channel in channels:
        await channel.close()
    return load


def rung_of(message: bytes) -> str:
    """The parameter `rung` of a ModelInferResponse, empty where it has none; without parsing the rest."""
    value = message.partition(_RUNG)[2]
    return value[3 : 3 + value[2]].decode() if value else ""


def _message(name: str, inputs: dict[str, str]) -> bytes:
    from tritonclient.grpc.service_pb2 import ModelInferRequest

    request = ModelInferRequest(model_name=name)
    for key, value in inputs.items():
        tensor = request.inputs.add(name=key, datatype="BYTES", shape=[1])
        tensor.contents.bytes_contents.append(value.encode())
    message: bytes = request.SerializeToString()
    return message
