"""Where a version of the service is reached inside the cluster, past the gateway."""

from typing import Literal

from components.inference_service.traffic import NAME, Mode


def address(mode: Mode, predictor: str, namespace: str, newest: bool = True) -> str:
    """URL of a predictor's servers; in Knative mode of the newest revision, or of the one before, at any percent."""
    tag: Literal["latest", "prev"] = "latest" if newest else "prev"
    host = f"{NAME}-{predictor}-predictor" if mode == "Standard" else f"{tag}-{NAME}-predictor"
    return f"http://{host}.{namespace}.svc.cluster.local"
