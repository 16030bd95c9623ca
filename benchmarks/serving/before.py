"""The commit before the compiled core, as a peer: its sources, and a model that they trained on the same examples."""

import subprocess
from pathlib import Path

from benchmarks.serving.servers import in_tree
from components.kfp_support.progress import progress
from model.errors import InputError
from model.files import atomic_directory, combined_digest, tree_digests

COMMIT = "5178eb804a3c37b0ed530db05f31e9033bf127f3"
_TRAIN = (
    "import sys; from components.train.run import train; from tfx_configs.recipes import full; "
    "train(full().to_json(), *sys.argv[1:])"
)


def sources(folder: Path) -> Path:
    """The commit's tree, from the clone's history, where it is not there yet.

    Raises:
        InputError: the clone does not have the commit.
    """
    tree = folder / COMMIT[:7]
    if not tree.exists():
        if subprocess.run(
            ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"], capture_output=True, check=False
        ).returncode:
            raise InputError(f"before: this clone does not have commit {COMMIT[:7]}; run `git fetch --unshallow`")
        with atomic_directory(tree) as out:
            archive = subprocess.run(["git", "archive", COMMIT], check=True, stdout=subprocess.PIPE).stdout
            subprocess.run(["tar", "-x", "-C", str(out)], check=True, input=archive)
    return tree


def trained(tree: Path, examples: Path) -> Path:
    """The model directory of these examples, trained where it is not there yet (about ten minutes on two cores)."""
    model = tree.parent / f"model-{combined_digest(tree_digests(examples))[:12]}"
    if not model.exists():
        progress(f"before: trains a model with the sources of {COMMIT[:7]}")
        command = [*in_tree(tree), "-c", _TRAIN, str(examples.absolute()), str(model.absolute())]
        subprocess.run(command, check=True)
    return model
