"""A second runtime is the overlay's own with another name and another image."""

import io
from typing import Any

import pytest
import yaml

from model.errors import InputError
from pipelines.manifests.runtime import main, renamed_runtime
from tests.manifests.overlays import OVERLAYS, objects, of_kind

IMAGE, OWN = "registry.example.com/aisle/serve:0.2.0", "aisle.invalid/serve:0.2.0"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_second_runtime_differs_from_the_overlays_in_its_name_and_its_image_alone(overlay: str) -> None:
    (own,) = of_kind(overlay, "ServingRuntime")
    second = renamed_runtime(objects(overlay), "aisle-0-2-0", IMAGE)
    assert second["metadata"]["name"] == "aisle-0-2-0"
    assert [container.pop("image") for container in second["spec"]["containers"]] == [IMAGE, IMAGE]
    assert [container["image"] for container in own["spec"]["containers"]] == [
        "aisle.invalid/serve:0.2.0"
    ] * 2  # not mutated
    second["metadata"]["name"] = own["metadata"]["name"]
    without = [
        {key: value for key, value in container.items() if key != "image"} for container in own["spec"]["containers"]
    ]
    assert second == own | {"spec": own["spec"] | {"containers": without}}


def test_a_container_of_another_image_keeps_it() -> None:
    containers = [
        {"name": "kserve-container", "image": "aisle.invalid/serve:0.2.0"},
        {"name": "other", "image": "redis:8"},
    ]
    own = {"kind": "ServingRuntime", "metadata": {"name": "aisle"}, "spec": {"containers": containers}}
    second = renamed_runtime([None, own], "aisle-b", IMAGE)
    assert [container["image"] for container in second["spec"]["containers"]] == [IMAGE, "redis:8"]


def test_the_command_reads_what_kustomize_writes_and_prints_one_object(capsys: pytest.CaptureFixture) -> None:
    assert main(["aisle-0-2-0", IMAGE], io.StringIO(yaml.safe_dump_all(objects("prod")))) == 0
    assert yaml.safe_load(capsys.readouterr().out) == renamed_runtime(objects("prod"), "aisle-0-2-0", IMAGE)
    assert main(["aisle-0-2-0", IMAGE], io.StringIO("")) == 2
    assert capsys.readouterr().err.startswith("aisle: expected the output of `kubectl kustomize`")


@pytest.mark.parametrize(
    ("name", "image", "words"),
    [
        ("aisle", IMAGE, "expected a name like aisle-0-2-0"),
        ("aisle-0.2.0", IMAGE, "expected a name like aisle-0-2-0"),
        ("aisle-b", "registry.example.com/aisle/batch:0.2.0", "expected an image of the model server"),
        ("aisle-b", "registry.example.com/aisle/serve", "expected an image as name:tag"),
    ],
)
def test_a_name_or_an_image_that_is_none_is_refused(name: str, image: str, words: str) -> None:
    manifests: list[dict[str, Any]] = objects("kind")
    with pytest.raises(InputError, match=words):
        renamed_runtime(manifests, name, image)
