"""The release."""

VERSION = "0.2.0"
"""Of the package, of its images (manifests/versions.env) and of the API (docs/reference)."""
