"""`python -m pipelines.manifests`: writes the manifests that code makes; `--check` only compares them."""

import argparse
import sys

from model.errors import AisleError
from pipelines.manifests.render import ROOT, write_manifests


def main() -> int:
    """Returns 0; 1 with --check when a file would change; 2 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file would change")
    options = parser.parse_args()
    try:
        changed = write_manifests(ROOT, options.check)
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    for path in changed:
        print(f"{'would change' if options.check else 'wrote'} {path}")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
