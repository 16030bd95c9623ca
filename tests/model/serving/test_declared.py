"""A server takes the model that its pod was declared with, and no other."""

import pytest

from components.inference_service.traffic import Version
from model.errors import ModelRefused
from model.serving.server import check_declared

VERSION = "2020-01-06-0123456789abcdef0123"


def pod(version: str) -> str:
    """As KServe and Kubernetes make it of the predictor's name."""
    predictor = Version(name=version, uri="s3://models/one").predictor
    return f"aisle-{predictor}-predictor-5c9f7d6b8d-x2x4z"


def test_the_declared_model_is_taken() -> None:
    check_declared(pod(VERSION), VERSION)


def test_another_model_at_the_declared_address_is_refused() -> None:
    with pytest.raises(ModelRefused, match="expected the model that pod aisle-v0123456789abcdef0123-predictor-"):
        check_declared(pod(VERSION), VERSION[:-1] + "4")


@pytest.mark.parametrize("name", ["", "laptop", "aisle-predictor-00001-deployment-6d5f-abcde"])
def test_a_name_without_a_version_declares_none(name: str) -> None:
    check_declared(name, VERSION)
