"""`python -m pipelines.manifests`: see pipelines/manifests/render.py."""

import sys

from pipelines.manifests.render import main

if __name__ == "__main__":
    sys.exit(main())
