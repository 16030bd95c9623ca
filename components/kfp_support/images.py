"""Container images, one a family; manifests/images/Dockerfile builds them.

images.json is the one place that names them, for pipelines and manifests; `python -m pipelines.manifests.images`
changes it.
"""

import json
from pathlib import Path

REGISTRY = "aisle.invalid"
"""Where images are that no registry has: under a name that is reserved never to resolve (RFC 6761), so a node that
lacks an image fails, and pulls no other's. `aisle/serve` would be docker.io/aisle/serve."""
FILE = Path(__file__).with_name("images.json")
IMAGES: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
"""{target of the Dockerfile: name:tag, name@digest or name:tag@digest}."""
IMAGE = IMAGES["batch"]
"""Every offline step but validation."""
VALIDATE_IMAGE = IMAGES["validate"]
"""The same, and TFDV's own interpreter (components/kfp_support/environments.py)."""
