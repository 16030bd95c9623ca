"""One real KServe server process around the fake model: REST, gRPC, events, metrics, log."""

import json
import struct
import time

import grpc
import psutil
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from model.request_log.reader import read
from model.serving.v2_inputs import INPUTS, OUTPUTS
from tests.model.serving.live_server import Server, grpc_request, outputs, tensor


def test_an_answer_has_items_scores_reasons_version_and_the_request_id(server: Server) -> None:
    status, answer = server.infer(tensor("user_id", "new"), tensor("k", 2, datatype="INT32"), id="r-1")
    assert status == 200
    assert outputs(answer) == {"item_id": ["a", "b"], "score": [1.0, 0.5], "reason": ["popular", "popular"]}
    assert answer["parameters"] == {"model_version": "v7", "request_id": "r-1", "rung": "full", "state": "unknown"}
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("r-1", "aisle", "v7")


def test_the_request_id_is_the_cloud_events_id_where_the_body_has_none(server: Server) -> None:
    body = json.dumps({"inputs": [tensor("user_id", "u")]}).encode()
    answer = server.call("POST", "/v2/models/aisle/infer", body, content_type="application/json", ce_id="ce-1")[1]
    assert (answer["id"], answer["parameters"]["request_id"]) == ("ce-1", "ce-1")


def test_recent_items_stand_in_for_a_shopper_the_store_does_not_know(server: Server) -> None:
    answer = server.infer(tensor("user_id", "guest"), tensor("recent_items", "x", "y"), tensor("exclude", "a"))[1]
    assert outputs(answer)["item_id"] == ["y", "x", "b", "c"]


def test_nothing_to_recommend_is_an_empty_answer(server: Server) -> None:
    status, answer = server.infer(tensor("user_id", "new"), tensor("exclude", "a", "b", "c"))
    assert status == 200
    assert outputs(answer) == {"item_id": [], "score": [], "reason": []}


def test_the_metadata_lists_the_real_inputs_andoutputs(server: Server) -> None:
    status, metadata = server.call("GET", "/v2/models/aisle")
    assert status == 200
    assert metadata["inputs"] == [spec.metadata() for spec in INPUTS]
    assert metadata["outputs"] == [spec.metadata() for spec in OUTPUTS]


BAD_BODIES = {
    "half a JSON": b'{"inputs": [',
    "no inputs": b"{}",
    "inputs that are no list": b'{"inputs": "x"}',
    "no tensor at all": b'{"inputs": []}',
    "an unknown input": json.dumps({"inputs": [tensor("user_id", "u"), tensor("age", "5")]}).encode(),
    "a number for a user": json.dumps({"inputs": [tensor("user_id", 5)]}).encode(),
    "k of 101": json.dumps({"inputs": [tensor("user_id", "u"), tensor("k", 101, datatype="INT32")]}).encode(),
    "an unknown output": json.dumps({"inputs": [tensor("user_id", "u")], "outputs": [{"name": "x"}]}).encode(),
    "a long id": json.dumps({"inputs": [tensor("user_id", "u")], "id": "x" * 257}).encode(),
    "data that is no list": b'{"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": "u"}]}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_rest_input_is_a_400_with_one_line(server: Server, name: str) -> None:
    status, answer = server.call("POST", "/v2/models/aisle/infer", BAD_BODIES[name], content_type="application/json")
    assert status == 400
    assert list(answer) == ["error"] and answer["error"] and "\n" not in answer["error"]


@pytest.mark.parametrize("tail", [b"", b"\xff", struct.pack("<I", 99) + b"u", struct.pack("<I", 1) + b"\xff"])
def test_bad_binary_rest_input_is_a_400(server: Server, tail: bytes) -> None:
    spec = {"name": "user_id", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
    head = json.dumps({"inputs": [spec]}).encode()
    headers = {"content_type": "application/octet-stream", "inference_header_content_length": str(len(head))}
    status, answer = server.call("POST", "/v2/models/aisle/infer", head + tail, **headers)
    assert status == 400
    assert list(answer) == ["error"]


def test_good_binary_rest_input_and_output_work(server: Server) -> None:
    tail = struct.pack("<I", 3) + b"new"
    spec = {"name": "user_id", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}}
    head = json.dumps({"inputs": [spec], "outputs": [{"name": "item_id"}]}).encode()
    headers = {"content_type": "application/octet-stream", "inference_header_content_length": str(len(head))}
    status, answer = server.call("POST", "/v2/models/aisle/infer", head + tail, **headers)
    assert status == 200
    assert outputs(answer) == {"item_id": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/models/aisle:predict", 404),
        ("GET", "/v1/models", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/events", 405),
        ("GET", "/v2/models/aisle/infer", 405),
        ("POST", "/v2/models/aisle/versions/v7/infer", 501),
    ],
)
def test_what_is_no_endpoint_is_refused_in_the_protocols_form(
    server: Server, method: str, path: str, status: int
) -> None:
    came, answer = server.call(method, path)
    assert (came, list(answer)) == (status, ["error"])


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/aisle/ready", "/v2"])
def test_head_answers_as_get_does_without_a_body(server: Server, path: str) -> None:
    assert server.call("GET", path)[0] == 200
    assert server.call("HEAD", path) == (200, "")


def test_another_model_is_a_404(server: Server) -> None:
    assert server.call("GET", "/v2/models/other/ready")[0] == 404


@pytest.mark.parametrize("verb", ["load", "unload"])
def test_no_client_can_load_or_unload_the_model(server: Server, verb: str) -> None:
    status, answer = server.call("POST", f"/v2/repository/models/aisle/{verb}")
    assert status == 400
    assert "fixed" in answer["error"]
    assert server.call("GET", "/v2/models/aisle/ready")[0] == 200


def test_grpc_answers_typed_contents_with_typed_contents(server: Server) -> None:
    answer = server.stub.ModelInfer(grpc_request("user_id", "BYTES", bytes_contents=[b"new"]), timeout=10)
    outputs = {output.name: output.contents for output in answer.outputs}
    assert list(outputs["item_id"].bytes_contents) == [b"a", b"b", b"c"]
    assert list(outputs["score"].fp32_contents) == pytest.approx([1.0, 0.5, 1 / 3])
    assert answer.parameters["model_version"].string_param == "v7"
    assert answer.parameters["request_id"].string_param == answer.id == "g-1"


def test_grpc_answers_raw_contents_with_raw_contents(server: Server) -> None:
    spec = {"name": "user_id", "datatype": "BYTES", "shape": [1]}
    raw = [struct.pack("<I", 3) + b"new"]
    request = pb.ModelInferRequest(model_name="aisle", inputs=[spec], raw_input_contents=raw)
    answer = server.stub.ModelInfer(request, timeout=10)
    assert answer.raw_output_contents[0] == b"".join(struct.pack("<I", 1) + item for item in (b"a", b"b", b"c"))


def test_outputs_come_in_the_order_asked_for_over_both_protocols(server: Server) -> None:
    request = grpc_request("user_id", "BYTES", bytes_contents=[b"new"])
    for name in ("reason", "item_id"):
        request.outputs.add(name=name)
    answer = server.stub.ModelInfer(request, timeout=10)
    assert [output.name for output in answer.outputs] == ["reason", "item_id"]
    asked = server.infer(tensor("user_id", "new"), outputs=[{"name": "reason"}, {"name": "item_id"}])[1]
    assert [output["name"] for output in asked["outputs"]] == ["reason", "item_id"]


BAD_GRPC = {
    "an unknown input": grpc_request("age", "INT32", int_contents=[5]),
    "a wrong datatype": grpc_request("user_id", "INT32", int_contents=[5]),
    "a datatype that is none": grpc_request("user_id", "TEXT", bytes_contents=[b"u"]),
    "no data": grpc_request("user_id", "BYTES"),
    "bytes that are not UTF-8": grpc_request("user_id", "BYTES", bytes_contents=[b"\xff"]),
    "no inputs": pb.ModelInferRequest(model_name="aisle"),
    "raw data that lies": pb.ModelInferRequest(
        model_name="aisle",
        inputs=[{"name": "user_id", "datatype": "BYTES", "shape": [1]}],
        raw_input_contents=[struct.pack("<I", 99) + b"u"],
    ),
}


@pytest.mark.parametrize("name", BAD_GRPC)
def test_bad_grpc_input_is_an_invalid_argument_with_one_line(server: Server, name: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        server.stub.ModelInfer(BAD_GRPC[name], timeout=10)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details() and "\n" not in error.value.details()


def test_the_server_listens_on_loopback_only(server: Server) -> None:
    connections = psutil.Process(server.process.pid).connections()
    listening = [connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN]
    assert len(listening) == 2
    assert all(ip in ("127.0.0.1", "::ffff:127.0.0.1") for ip in listening)


def test_metrics_count_outcomes_by_version_and_the_log_has_a_row_for_each_answer(server: Server) -> None:
    def counted(outcome: str) -> float:
        rung = "full" if outcome == "ok" else ""
        name = f'aisle_requests_total{{outcome="{outcome}",rung="{rung}",version="v7"}} '
        lines = server.call("GET", "/metrics")[1].splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = counted("ok"), counted("bad_request")
    server.infer(tensor("user_id", "logged"), id="log-me")
    server.infer(tensor("user_id", ""))
    assert (counted("ok"), counted("bad_request")) == (before[0] + 1, before[1] + 1)
    deadline = time.monotonic() + 5
    while not (rows := [row for row in read(server.log).to_pylist() if row["request_id"] == "log-me"]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert rows[0]["latency_ms"] > 0
    expected = {"version": "v7", "user_id": "logged", "rung": "full", "item_ids": ["a", "b", "c"], "exclude": []}
    assert {name: rows[0][name] for name in expected} == expected


def test_a_clients_mistakes_leave_no_traceback_in_the_log(server: Server) -> None:
    server.infer(tensor("user_id", ""))
    assert "Traceback" not in server.process.log.read_text()


def test_a_deadline_may_come_as_a_header_or_as_a_parameter_of_either_protocol(server: Server) -> None:
    body = json.dumps({"inputs": [tensor("user_id", "u")]}).encode()
    assert (
        server.call("POST", "/v2/models/aisle/infer", body, content_type="application/json", x_deadline_ms="1000")[0]
        == 200
    )
    assert (
        server.call("POST", "/v2/models/aisle/infer", body, content_type="application/json", x_deadline_ms="soon")[0]
        == 400
    )
    assert server.infer(tensor("user_id", "u"), parameters={"deadline_ms": 0})[0] == 400
    request = grpc_request("user_id", "BYTES", bytes_contents=[b"u"])
    request.parameters["deadline_ms"].int64_param = 0
    with pytest.raises(grpc.RpcError) as error:
        server.stub.ModelInfer(request, timeout=10)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_metrics_have_the_names_and_labels_that_dashboards_and_alerts_read(server: Server) -> None:
    server.infer(tensor("user_id", "u"))
    names = {line.split()[2] for line in server.call("GET", "/metrics")[1].splitlines() if line.startswith("# TYPE")}
    assert {name for name in names if name.startswith("aisle_") and not name.endswith("_created")} == {
        "aisle_requests_total",
        "aisle_answers_total",
        "aisle_refused_total",
        "aisle_request_seconds",
        "aisle_stage_seconds",
        "aisle_items_total",
        "aisle_candidates",
        "aisle_missing_total",
        "aisle_checked_total",
        "aisle_unknown_total",
        "aisle_filled_items_total",
        "aisle_short_answers_total",
        "aisle_queue_seconds",
        "aisle_batch_size",
        "aisle_state_total",
        "aisle_state_age_seconds",
        "aisle_in_flight",
        "aisle_in_flight_limit",
        "aisle_model_cut_timestamp_seconds",
        "aisle_events_total",
        "aisle_events_refused_total",
        "aisle_events_ahead_total",
        "aisle_event_lag_seconds",
        "aisle_late_total",
        "aisle_model_failures_total",
        "aisle_contract_violations_total",
        "aisle_request_log_dropped_total",
        "aisle_request_log_waiting_files",
        "aisle_request_log_waiting_seconds",
    }
