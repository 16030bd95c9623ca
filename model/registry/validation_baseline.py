"""What validation left of the run that made a model, stored in the registry: later runs are compared with it.

ROOT/validation/VERSION/   the validation output, and origin.json: {data, compared_with}; never changed once there
                           but for rows of shoppers who are forgotten (pipelines/forget/erase.py)
"""

import shutil
from pathlib import Path

from model.files import atomic_directory, combined_digest, read_json, write_json
from model.registry.model_registry import Registry
from tfx_configs.settings import DataSettings

ORIGIN = "origin.json"


def data_digest(data_version: str, data: DataSettings) -> str:
    """Identifies the rows of a run: the source's files (`data_version`) and the settings that choose among them.

    Where the files lie, and on what engine they are read, makes no difference.
    """
    chosen = (data.source, data.cut_date, data.test_days, data.sample_percent)
    return combined_digest({"files": data_version, "chosen": repr(chosen)})


def keep(registry: Registry, version: str, validation: Path, digest: str, reference_dir: str) -> None:
    """Copies the validation output of the run that made `version`; what is stored already stays.

    Args:
        digest: data_digest of that run.
        reference_dir: what that run was compared with, as `find` gave it.
    """
    stored = _path(registry, version)
    if stored.exists():
        return
    with atomic_directory(stored) as fresh:
        shutil.copytree(validation, fresh, dirs_exist_ok=True)
        write_json(fresh / ORIGIN, {"data": digest, "compared_with": Path(reference_dir).name})


def find(registry: Registry, digest: str) -> str:
    """The directory that a run on the data of `digest` is compared with, empty when there is none.

    That is what was stored of the stable model's run. A run on those very data is compared with what that run was
    compared with: with itself it would learn nothing, and so it finds its own result in the cache.
    """
    stable = registry.state().stable
    if stable is None or not _path(registry, stable).exists():
        return ""
    stored = _path(registry, stable)
    origin = read_json(stored / ORIGIN)
    if origin["data"] != digest:
        return str(stored)
    earlier = origin["compared_with"]
    return str(_path(registry, earlier)) if earlier and _path(registry, earlier).exists() else ""


def _path(registry: Registry, version: str) -> Path:
    return registry.root / "validation" / version
