"""`python -m pipelines.manifests.runtime NAME IMAGE < MANIFESTS`: a second ServingRuntime, for the next code.

Reads what `kubectl kustomize` makes of an overlay and prints its ServingRuntime under another name and with another
image of the model server, as YAML: arguments, volumes and the containers beside the server are the overlay's.
"""

import argparse
import copy
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

import yaml

from components.inference_service.traffic import RUNTIME
from model.errors import AisleError, InputError
from pipelines.manifests.gateway_routes import Manifest
from pipelines.manifests.images import parts

SERVER = "serve"
"""Last word of the image's name; the request log's shipper has the same image."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def renamed_runtime(manifests: Iterable[Manifest | None], name: str, image: str) -> Manifest:
    """The ServingRuntime `aisle` of these manifests, under that name and with that image of the server.

    Raises:
        InputError: there is none, or the name or the image is not one.
    """
    if not _NAME.fullmatch(name) or name == RUNTIME:
        raise InputError(f"expected a name like {RUNTIME}-0-2-0, in small letters, digits and -, got {name!r}")
    parts(image)
    if not _is_server(image):
        raise InputError(f"expected an image of the model server, whose name ends with /{SERVER}, got {image!r}")
    own = [o for o in manifests if o and o["kind"] == "ServingRuntime" and o["metadata"]["name"] == RUNTIME]
    if len(own) != 1:
        raise InputError(
            f"expected the output of `kubectl kustomize`, with one ServingRuntime {RUNTIME}, got {len(own)}"
        )
    runtime = copy.deepcopy(own[0])
    runtime["metadata"]["name"] = name
    for container in runtime["spec"]["containers"]:
        if _is_server(container["image"]):
            container["image"] = image
    return runtime


def _is_server(image: str) -> bool:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == SERVER


def main(argv: Sequence[str] | None = None, manifests: TextIO | None = None) -> int:
    """Returns 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.manifests.runtime", description=__doc__)
    parser.add_argument("name", help="of the new runtime")
    parser.add_argument("image", help="of the model server, as your registry has it")
    options = parser.parse_args(argv)
    try:
        runtime = renamed_runtime(yaml.safe_load_all(manifests or sys.stdin), options.name, options.image)
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    print(yaml.safe_dump(runtime, sort_keys=False, width=120), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
