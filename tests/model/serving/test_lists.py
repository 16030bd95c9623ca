"""Which lists a request may ask for, of one real server process: new items alone, two shelves, one category."""

import json

import grpc
import pytest

from tests.model.serving.live_server import Server, grpc_request, outputs, tensor


def test_a_list_of_what_is_new_has_nothing_that_was_bought_through_either_protocol(server: Server) -> None:
    user, recent = tensor("user_id", "guest"), tensor("recent_items", "b", "y")
    answer = server.infer(user, recent, tensor("new_only", True, datatype="BOOL"))[1]
    assert outputs(answer)["item_id"] == ["a", "c"]
    assert outputs(server.infer(user, recent, tensor("new_only", False, datatype="BOOL"))[1])["item_id"][0] == "y"
    request = grpc_request("new_only", "BOOL", bool_contents=[True])
    for name, items in (("user_id", [b"guest"]), ("recent_items", [b"b", b"y"])):
        request.inputs.add(name=name, datatype="BYTES", shape=[len(items)], contents={"bytes_contents": items})
    output = server.stub.ModelInfer(request, timeout=10).outputs[0]
    assert list(output.contents.bytes_contents) == [b"a", b"c"]


def test_two_shelves_come_through_either_protocol_and_one_list_has_no_second(server: Server) -> None:
    user, recent, k_new = (
        tensor("user_id", "guest"),
        tensor("recent_items", "b", "y"),
        tensor("k_new", 1, datatype="INT32"),
    )
    answer = outputs(server.infer(user, recent, k_new)[1])
    assert (answer["item_id"], answer["new_item_id"]) == (["y", "b"], ["a"])
    assert (answer["reason"], answer["new_reason"]) == (["bought_before"] * 2, ["popular"])
    assert len(answer["new_score"]) == 1
    assert list(outputs(server.infer(user, recent)[1])) == ["item_id", "score", "reason"]
    request = grpc_request("k_new", "INT32", int_contents=[1])
    for name, items in (("user_id", [b"guest"]), ("recent_items", [b"b", b"y"])):
        request.inputs.add(name=name, datatype="BYTES", shape=[len(items)], contents={"bytes_contents": items})
    by_name = {
        output.name: list(output.contents.bytes_contents)
        for output in server.stub.ModelInfer(request, timeout=10).outputs
    }
    assert (by_name["item_id"], by_name["new_item_id"]) == ([b"y", b"b"], [b"a"])


def test_an_output_of_the_second_shelf_without_one_is_refused(server: Server) -> None:
    body = {"inputs": [tensor("user_id", "u")], "outputs": [{"name": "new_item_id"}]}
    status, answer = server.call(
        "POST", "/v2/models/aisle/infer", json.dumps(body).encode(), content_type="application/json"
    )
    assert status == 400 and "with k_new new_item_id, new_score, new_reason too" in answer["error"]


def test_a_request_within_an_attribute_that_there_is_not_is_bad_input_through_either_protocol(server: Server) -> None:
    status, answer = server.infer(tensor("user_id", "u"), tensor("within", "colour=red"))
    assert (status, answer) == (400, {"error": "within: expected an attribute of the items table (none), got 'colour'"})
    request = grpc_request("within", "BYTES", bytes_contents=[b"colour=red"])
    request.inputs.add(name="user_id", datatype="BYTES", shape=[1], contents={"bytes_contents": [b"u"]})
    with pytest.raises(grpc.RpcError, match="expected an attribute of the items table"):
        server.stub.ModelInfer(request, timeout=10)
