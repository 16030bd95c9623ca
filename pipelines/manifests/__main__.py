"""`python -m pipelines.manifests`: writes what code says about the manifests; `--check` only compares."""

import sys

from pipelines.manifests.render import main

if __name__ == "__main__":
    sys.exit(main())
