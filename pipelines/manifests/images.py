"""`python -m pipelines.manifests.images REFERENCE...`: names the images of pipelines and manifests, by tag or digest.

A reference is an image in a registry, like registry.example.com/aisle/serve:0.1.0@sha256:...; the last word of its name
is that of our image. A digest, unlike a tag, never changes its content. Only components/kfp_support/images.json is
changed; `make compile` updates what is made from it. Prints all images; without a reference nothing is changed.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

from components.kfp_support.images import FILE, IMAGES, REGISTRY
from model.errors import AisleError, InputError
from model.files import write_json

_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def parts(reference: str) -> dict[str, str]:
    """{name, tag, digest}, without tag or digest where the reference has none; InputError when it has neither."""
    match = _REFERENCE.fullmatch(reference)
    groups = {key: value for key, value in match.groupdict().items() if value} if match else {}
    if len(groups) < 2:
        raise InputError(f"expected an image as name:tag, name@sha256:... or name:tag@sha256:..., got {reference!r}")
    return groups


def pinned(images: Mapping[str, str], references: Sequence[str]) -> dict[str, str]:
    """`images` with these references. Raises InputError on one that is none of our images."""
    updated = dict(images)
    for reference in references:
        image = parts(reference)["name"].rpartition("/")[2]
        if image not in images:
            raise InputError(f"{reference}: expected a name that ends with one of {', '.join(images)}")
        updated[image] = reference
    return updated


def renamed(images: Mapping[str, str]) -> list[dict[str, str]]:
    """Kustomize's `images`: from the names that the manifests have to these."""
    keys = {"name": "newName", "tag": "newTag", "digest": "digest"}
    return [
        {"name": f"{REGISTRY}/{image}"} | {keys[key]: value for key, value in parts(reference).items()}
        for image, reference in images.items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.manifests.images", description=__doc__)
    parser.add_argument("reference", nargs="*", help="an image as your registry has it")
    references = parser.parse_args(argv).reference
    try:
        images = pinned(IMAGES, references)
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    if references:
        write_json(FILE, images)
    print("\n".join(images.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
