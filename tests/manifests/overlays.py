"""The objects of the overlays, each overlay built once."""

import functools
from typing import Any

from pipelines.manifests.render import ROOT, build


@functools.cache
def objects(overlay: str) -> list[dict[str, Any]]:
    return build(ROOT / "overlays" / overlay)


def of_kind(overlay: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in objects(overlay) if one["kind"] == kind]
