"""The OpenAPI 3.1 document of the model server, built from the tables that the server checks requests with."""

from typing import Any

from model.api import REASONS, Rung
from model.serving.admission.limits import MAX_DEADLINE_MS
from model.serving.history.lookup import Source
from model.serving.http.events import BATCH, EVENT_TYPES, STRUCTURED
from model.serving.http.shopper_path import PREFIX
from model.serving.predictor import DEADLINE_PARAMETER, NAME
from model.serving.v2_inputs import INPUTS, MAX_K, MAX_LIST, OUTPUTS, Tensor
from tfx_configs.version import VERSION

Tree = dict[str, Any]
ELEMENTS = {"BYTES": "string", "INT32": "integer", "BOOL": "boolean", "FP32": "number"}
"""{datatype of the protocol: type in JSON}"""
REFUSALS = {
    "400": "Bad input; the error names it.",
    "404": "No such path, or not at this port.",
    "408": "The request did not come in time.",
    "413": "The body is too large.",
    "421": "`Host` is not a name of this server.",
    "503": "No place or no time for the request, or the event store is away; come back after `Retry-After` seconds.",
}


def document() -> Tree:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Aisle",
            "version": VERSION,
            "summary": "Recommendations over KServe's Open Inference Protocol (v2), and the events that feed them.",
        },
        "servers": [{"url": "http://127.0.0.1:8080"}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def _paths() -> Tree:
    model = f"/v2/models/{NAME}"
    return {
        f"{model}/infer": {
            "post": _operation("infer", "Recommend products to one shopper.", "InferResponse", body="InferRequest")
        },
        model: {"get": _operation("metadata", "Inputs, outputs and version of the model.", "Metadata")},
        f"{model}/ready": {"get": _operation("modelReady", "Whether the model is loaded and warm.", "Ready")},
        "/events": {"post": _events()},
        f"{PREFIX}{{id}}": {"delete": _forget()},
        "/v2": {"get": _operation("serverMetadata", "Name, version and extensions of the server.")},
        "/v2/models": {"get": _operation("models", "Names of the models: one.")},
        "/v2/health/live": {"get": _operation("live", "Whether the process answers.")},
        "/v2/health/ready": {"get": _operation("ready", "Whether the server takes requests.")},
        "/metrics": {"get": _metrics()},
    }


def _operation(name: str, summary: str, answer: str = "", body: str = "") -> Tree:
    """A call with a JSON answer, and with a JSON body where `body` names its schema."""
    schema = {"$ref": f"#/components/schemas/{answer}"} if answer else {"type": "object"}
    refusals = ("400", "404", "408", "413", "421", "503") if body else ("404", "408", "503")
    operation: Tree = {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _content("Done.", schema)} | {status: _refusal(status) for status in refusals},
    }
    if body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}},
        }
    return operation


def _events() -> Tree:
    event = {"$ref": "#/components/schemas/Event"}
    done = {"type": "object", "properties": {"accepted": {"type": "integer"}, "added": {"type": "integer"}}}
    return {
        "operationId": "events",
        "summary": "Take in purchases, returns and other events, as CloudEvents 1.0; sent twice they count once.",
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": event},
                BATCH: {"schema": {"type": "array", "items": event}},
            },
        },
        "responses": {"202": _content("The events are stored.", done | {"required": ["accepted", "added"]})}
        | {status: _refusal(status) for status in ("400", "408", "413", "421", "503")},
    }


def _forget() -> Tree:
    done = {"type": "object", "properties": {"deleted": {"type": "boolean"}}, "required": ["deleted"]}
    return {
        "operationId": "forget",
        "summary": "Remove a shopper from the event store.",
        "parameters": [
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Percent-encoded but for letters, digits and - _ ~ .",
                "schema": {"type": "string"},
            }
        ],
        "responses": {"200": _content("Whether the store knew the shopper.", done)}
        | {status: _refusal(status) for status in ("400", "421", "503")},
    }


def _metrics() -> Tree:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": "metrics",
        "summary": "Series for Prometheus.",
        "responses": {"200": {"description": "Prometheus' text format.", "content": text}, "404": _refusal("404")},
    }


def _content(description: str, schema: Tree) -> Tree:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refusal(status: str) -> Tree:
    return _content(REFUSALS[status], {"$ref": "#/components/schemas/Error"})


def _schemas() -> Tree:
    text = {"type": "string"}
    return {
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": text | {"description": "Of the request; in the answer and in the request log."},
                "inputs": {
                    "type": "array",
                    "maxItems": len(INPUTS),
                    "items": {"oneOf": [_tensor(tensor, is_input=True) for tensor in INPUTS]},
                    "contains": {"properties": {"name": {"const": INPUTS[0].name}}},
                },
                "outputs": {
                    "type": "array",
                    "description": "Those wanted, in this order; all where none is named.",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"enum": [tensor.name for tensor in OUTPUTS]}},
                    },
                },
                "parameters": {
                    "type": "object",
                    "properties": {
                        DEADLINE_PARAMETER: {
                            "type": "number",
                            "minimum": 1,
                            "maximum": MAX_DEADLINE_MS,
                            "description": "Time for the answer, milliseconds.",
                        }
                    },
                },
            },
        },
        "InferResponse": {
            "type": "object",
            "required": ["model_name", "model_version", "id", "parameters", "outputs"],
            "properties": {
                "model_name": {"const": NAME},
                "model_version": text,
                "id": text,
                "parameters": {
                    "type": "object",
                    "properties": {
                        "model_version": text,
                        "request_id": text,
                        "rung": {"enum": list(map(str, Rung)), "description": "What made the answer."},
                        "state": {"enum": list(map(str, Source)), "description": "Where the history came from."},
                    },
                },
                "outputs": {
                    "type": "array",
                    "items": {"oneOf": [_tensor(tensor, is_input=False) for tensor in OUTPUTS]},
                },
            },
        },
        "Metadata": {
            "type": "object",
            "required": ["name", "versions", "inputs", "outputs"],
            "properties": {"name": {"const": NAME}, "versions": {"type": "array", "items": text}}
            | {name: {"type": "array", "items": {"type": "object"}} for name in ("inputs", "outputs")},
        },
        "Ready": {"type": "object", "properties": {"name": text, "ready": {"type": "boolean"}}},
        "Event": {
            "type": "object",
            "required": ["specversion", "type", "source", "id", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "type": {"enum": list(EVENT_TYPES)},
                "source": text,
                "id": text | {"description": "With source it names the event for ever."},
                "data": {
                    "type": "object",
                    "required": ["user_id", "item_id", "event_time"],
                    "properties": {
                        "user_id": text,
                        "item_id": text,
                        "event_time": {"type": "string", "format": "date-time"},
                        "store_id": text,
                        "quantity": {"type": "number", "description": "Pieces; 0 takes the event of this id away."},
                        "price": {"type": "number", "minimum": 0, "description": "Paid per piece."},
                    },
                },
            },
        },
        "Error": {"type": "object", "required": ["error"], "properties": {"error": text}},
    }


def _tensor(tensor: Tensor, is_input: bool) -> Tree:
    """The schema of one input or output by its name."""
    element: Tree = {"type": ELEMENTS[tensor.datatype]}
    if tensor.name in ("k", "k_new"):
        element |= {"minimum": int(tensor.name == "k"), "maximum": MAX_K}
    if tensor.name in ("reason", "new_reason"):
        element = {"enum": list(REASONS)}
    size = {"minItems": 1, "maxItems": 1} if tensor.size == 1 else {"maxItems": MAX_LIST if is_input else MAX_K}
    shape = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1}
    return {
        "type": "object",
        "title": tensor.name,
        "description": tensor.doc,
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": tensor.name},
            "datatype": {"const": tensor.datatype},
            "shape": shape,
            "data": {"type": "array", "items": element} | size,
        },
    }
