"""A loaded SavedModel's signature made quick to call."""

from collections.abc import Callable, Mapping
from typing import Any

Call = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Inputs by name, as tensors of the signature's types -> outputs by name."""


def direct(signature: Any) -> Call:
    """Calls it without the checks of its arguments, which take as long as some of a small batch's work."""
    captured, quick = signature.captured_inputs, signature.inference_fn.call_flat
    names = [one.op.name for one in signature.inputs[: len(signature.inputs) - len(captured)]]
    outputs = sorted(signature.structured_outputs)

    def call(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(outputs, quick(*[inputs[name] for name in names], *captured), strict=True))

    return call
