"""A loaded signature made quick to call: its variables as constants, its inputs as they are.

A call of a restored signature checks its arguments and passes every variable each time, which takes as long as the
graph of a small batch (docs/serving.md). Lookup tables stay what they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model.backend import tf

LARGEST_BYTES = 1 << 30
"""Of all variables together. A graph must be smaller than 2 GB; a larger model keeps its variables."""

Call = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Inputs by name, as tensors of the signature's types -> outputs by name."""


def frozen(signature: Any) -> Call:
    """The same function as a signature of a loaded SavedModel; scores may differ in the last bits."""
    size = sum(variable.shape.num_elements() * variable.dtype.size for variable in signature.variables)
    return direct(signature if size > LARGEST_BYTES else _constant(signature))


def _constant(signature: Any) -> Any:
    """A concrete function with the signature's inputs and outputs, and with constants for its variables."""
    converted = convert_variables_to_constants_v2(signature, aggressive_inlining=True)
    graph = converted.graph.as_graph_def()
    outputs = [output.name for output in converted.outputs]
    # What is captured and no variable, which is tables, has become an input under its inner name.
    pairs = zip(signature.graph.internal_captures, signature.captured_inputs, strict=True)
    captured = {inner.name: outer for inner, outer in pairs}
    wanted = [one.name for one in converted.inputs]

    def call(**inputs: Any) -> dict[str, Any]:
        given = {f"{name}:0": tensor for name, tensor in inputs.items()}
        sources = {name: given[name] if name in given else tf.identity(captured[name]) for name in wanted}
        found = tf.graph_util.import_graph_def(graph, input_map=sources, return_elements=outputs, name="")
        return tf.nest.pack_sequence_as(signature.structured_outputs, found)

    return tf.function(call, autograph=False).get_concrete_function(**signature.structured_input_signature[1])


def direct(function: Any) -> Call:
    """A signature or another concrete function, called without the checks of its arguments."""
    captured, quick = function.captured_inputs, function.inference_fn.call_flat
    names = [one.op.name for one in function.inputs[: len(function.inputs) - len(captured)]]
    outputs = sorted(function.structured_outputs)

    def call(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(outputs, quick(*[inputs[name] for name in names], *captured), strict=True))

    return call
