"""Container images that the steps run in, one constant a family."""

IMAGE = "aisle/batch:0.1.0"
"""Every offline step; it holds both interpreters (see components/environments.py)."""
