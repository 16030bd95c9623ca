"""Container images that the steps run in, one constant a family; manifests/images/Dockerfile builds them."""

IMAGE = "aisle/batch:0.1.0"
"""Every offline step but validation."""
VALIDATE_IMAGE = "aisle/validate:0.1.0"
"""The same, and TFDV's own interpreter (components/environments.py)."""
