"""The strict comparison finds what it should."""

import kserve
from kserve.models import V1beta1InferenceService

from pipelines.manifests.render import rollout_states
from tests.manifests.models import misfits


def test_unknown_fields_and_wrong_types_are_found_at_their_path() -> None:
    service, _ = rollout_states()["canary.yaml"]
    service["spec"]["predictor"]["minReplica"] = 1
    service["spec"]["canary"][0]["trafficPercent"] = "10"
    service["spec"]["predictor"]["model"]["storageUri"] = ["s3://a"]
    lines = misfits(service, V1beta1InferenceService, kserve.models)
    assert [line.split(":")[0] for line in lines] == [
        "spec.predictor.model.storageUri",
        "spec.predictor.minReplica",
        "spec.canary[0].trafficPercent",
    ]
