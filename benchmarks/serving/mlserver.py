"""MLServer, the other Python server of the v2 protocol, as a peer: its environment, and how it is started.

It has an environment of its own: MLServer 1.7.1 wants an older FastAPI than KServe 0.21 does.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.serving.tutorial import NAME
from model.files import atomic_directory, write_json

PACKAGES = ("mlserver==1.7.1", "tensorflow==2.21.0", "tf-keras==2.21.0", "tensorflow-recommenders==0.7.7")


def environment(folder: Path) -> Path:
    """Its Python, installed into `folder` when it is not there yet (some minutes, 2.2 GB)."""
    if not folder.exists():
        made = folder.with_name(f"{folder.name}.new")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(made)], check=True)
        subprocess.run([str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        made.rename(folder)
    return folder / "bin" / "python"


def command(python: Path, folder: Path, models: Path, http_port: int, grpc_port: int) -> list[str]:
    """Starts it with the tutorial's models (see serving_tutorial); `folder` takes its two settings files."""
    with atomic_directory(folder) as out:
        ports = {"host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_endpoint": None}
        write_json(out / "settings.json", ports | {"parallel_workers": 0, "debug": False})
        implementation = "benchmarks.serving.mlserver_model.Predictor"
        parameters = {"uri": str(models.absolute())}
        model = {"name": NAME, "implementation": implementation, "parameters": parameters}
        write_json(out / "model-settings.json", model)
    return [str(python), "-m", "mlserver.cli.main", "start", str(folder)]
