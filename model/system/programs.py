"""Programs that come with the environment, or with the machine."""

import os
import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Path of a program: beside the Python in use, else on the PATH, else None."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
