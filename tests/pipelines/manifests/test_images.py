"""The images of pipelines and manifests are named in one place, by tag or by digest."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from components.kfp_support.images import FILE, IMAGES
from model.errors import InputError
from pipelines.manifests import images
from pipelines.manifests.images import parts, pinned, renamed
from pipelines.manifests.render import ROOT
from tests.manifests.overlays import build

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def test_our_images_are_those_of_the_dockerfile() -> None:
    targets = re.findall(r"^FROM (?:base|batch) AS (\w+)\nLABEL", (ROOT / "images" / "Dockerfile").read_text(), re.M)
    assert set(targets) == set(IMAGES)
    assert [parts(reference)["name"].rpartition("/")[2] for reference in IMAGES.values()] == list(IMAGES)


def test_an_image_is_named_by_tag_by_digest_or_by_both() -> None:
    assert parts("aisle/serve:0.1.0") == {"name": "aisle/serve", "tag": "0.1.0"}
    assert parts(f"host:5000/a/serve@{DIGEST}") == {"name": "host:5000/a/serve", "digest": DIGEST}
    both = {"name": "ghcr.io/a/aisle/serve", "tag": "0.1.0", "digest": DIGEST}
    assert parts(f"ghcr.io/a/aisle/serve:0.1.0@{DIGEST}") == both


@pytest.mark.parametrize("wrong", ["aisle/serve", "serve:0.1.0", "a/serve@sha256:1", "a/serve:", "a/b c:1"])
def test_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="expected an image as name:tag"):
        parts(wrong)


def test_an_image_that_is_not_ours_is_refused() -> None:
    with pytest.raises(InputError, match="expected a name that ends with one of batch, serve"):
        pinned(IMAGES, ["registry.example.com/other:1"])


def test_a_pinned_image_is_in_every_manifest_that_names_it(tmp_path: Path) -> None:
    root = tmp_path / "manifests"
    shutil.copytree(ROOT, root)
    references = [f"registry.example.com/aisle/{name}:1.2@{DIGEST}" for name in ("serve", "batch", "spark")]
    component = root / "components" / "images" / "kustomization.yaml"
    content = yaml.safe_load(component.read_text()) | {"images": renamed(pinned(IMAGES, references))}
    component.write_text(yaml.safe_dump(content))
    prod, seed = (json.dumps(build(root / folder)) for folder in ("overlays/prod", "seed"))
    assert '"image": "aisle.invalid/' not in prod + seed
    assert {reference for reference in references if reference in prod} == set(references)
    assert references[0] in seed


def test_the_command_changes_the_one_place_and_names_what_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "images.json"
    monkeypatch.setattr(images, "FILE", file)
    assert images.main([f"ghcr.io/a/batch@{DIGEST}"]) == 0
    assert json.loads(file.read_text()) == IMAGES | {"batch": f"ghcr.io/a/batch@{DIGEST}"}
    assert images.main(["batch"]) == 2
    assert capsys.readouterr().err.startswith("aisle: expected an image as name:tag")


def test_the_file_is_as_the_command_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "FILE", tmp_path / "images.json")
    images.main([IMAGES["serve"]])
    assert (tmp_path / "images.json").read_text() == FILE.read_text()
