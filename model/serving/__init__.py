"""The KServe predictor.

`import kserve` brings a client of the Kubernetes API along: memory and half a second for what a server never asks. It
is left out here, unless kserve was imported before.
"""

import sys
from types import ModuleType
from typing import Any, Never


class _LeftOut:
    def __init__(self, *_: Any, **__: Any) -> Never:
        raise ImportError("KServeClient is left out where Aisle serves; import kserve before model.serving to have it")


if "kserve" not in sys.modules:
    _client = ModuleType("kserve.api.kserve_client")
    _client.KServeClient = _LeftOut  # type: ignore[attr-defined]
    sys.modules[_client.__name__] = _client
