import orjson
import pytest
from kserve.errors import InvalidInput

from model.serving.http.inference import BINARY_HEADER, MAX_MARKS, decoded
from model.serving.v2_inputs import INPUTS, MAX_LIST


@pytest.mark.parametrize("body", [b"[" + b"{}," * 300_000 + b"{}]", b"[" * 900_000, b'{"inputs":[' + b"0," * 400_000])
@pytest.mark.parametrize("binary", [False, True])
def test_a_body_of_more_values_than_any_request_has_is_refused_before_it_is_decoded(body: bytes, binary: bool) -> None:
    with pytest.raises(InvalidInput, match=f"at most {MAX_MARKS:,} commas and brackets"):
        decoded(body, {BINARY_HEADER: str(len(body))} if binary else {})


def test_the_largest_request_is_decoded_though_its_ids_have_commas() -> None:
    inputs = [
        {"name": tensor.name, "shape": [MAX_LIST], "datatype": "BYTES", "data": [f"{n:05},"] * MAX_LIST}
        for n, tensor in enumerate(INPUTS)
    ]
    body = orjson.dumps({"inputs": inputs[:-1]})
    assert len(decoded(body, {}).inputs) == len(INPUTS) - 1
