"""The other servers, each with the tutorial's models (benchmarks/serving/tutorial.py)."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from benchmarks.harness import process as child
from benchmarks.serving.servers import Command
from benchmarks.serving.tutorial import BATCH, NAME, K
from components.kfp_support.progress import progress
from model.files import atomic_directory, write_json

MLSERVER = ("mlserver==1.7.1", "tensorflow==2.21.0", "tf-keras==2.21.0", "tensorflow-recommenders==0.7.7")
"""MLServer, the other Python server of the v2 protocol. In an environment of its own: 1.7.1 wants an older FastAPI than
KServe 0.21 does."""
TRITON = ("nvidia-pytriton==0.7.0",)
"""The only package of PyPI with Triton's server in it. TensorFlow is this environment's; NumPy is older than it, since
Triton's Python backend knows no NumPy 2. The backend also needs the system's libpython3.11."""
_TRITON_MODEL = Path(__file__).with_name("triton_model.py")
_TRITON_CONFIG = """
name: "{name}"
backend: "python"
max_batch_size: {batch}
input [{{name: "user_id" data_type: TYPE_STRING dims: [1]}}]
output [{{name: "item_id" data_type: TYPE_STRING dims: [{k}]}}, {{name: "score" data_type: TYPE_FP32 dims: [{k}]}}]
instance_group [{{count: 1 kind: KIND_CPU}}]
dynamic_batching {{}}
"""
BATCH_WAIT_S = 0.002
"""Longest that MLServer's adaptive batching waits for a batch to fill: little beside the 25 ms."""


def kserve_command(tutorial: Path) -> Command:
    """The predictor of KServe's own examples."""
    return lambda http_port, _: child.python("benchmarks.serving.peer:main", tutorial, str(http_port))


def mlserver_command(python: Path, folder: Path, tutorial: Path) -> Command:
    """MLServer with adaptive batching; `folder` takes its two settings files."""

    def command(http_port: int, grpc_port: int) -> list[str]:
        with atomic_directory(folder) as out:
            ports = {"host": "127.0.0.1", "http_port": http_port, "grpc_port": grpc_port, "metrics_endpoint": None}
            write_json(out / "settings.json", ports | {"parallel_workers": 0, "debug": False})
            model = {
                "name": NAME,
                "implementation": "benchmarks.serving.mlserver_model.Predictor",
                "parameters": {"uri": str(tutorial.absolute())},
                "max_batch_size": BATCH,
                "max_batch_time": BATCH_WAIT_S,
            }
            write_json(out / "model-settings.json", model)
        return [str(python), "-m", "mlserver.cli.main", "start", str(folder)]

    return command


def triton_command(python: Path, folder: Path, tutorial: Path) -> Command:
    """Triton with dynamic batching and its Python backend; `folder` takes the backend and the model repository."""
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    server = packages / "pytriton" / "tritonserver"

    def command(http_port: int, grpc_port: int) -> list[str]:
        with atomic_directory(folder) as out:
            backend, model = out / "backends" / "python", out / "models" / NAME
            shutil.copytree(server / "backends" / "python", backend)
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            shutil.copy(server / "python_backend_stubs" / version / "triton_python_backend_stub", backend)
            (model / "1").mkdir(parents=True)
            shutil.copy(_TRITON_MODEL, model / "1" / "model.py")
            (model / "config.pbtxt").write_text(_TRITON_CONFIG.format(name=NAME, batch=BATCH, k=K))
        path = [str(packages), str(Path.cwd()), sysconfig.get_path("purelib")]
        return [
            "env",
            f"LD_LIBRARY_PATH={packages / 'nvidia_pytriton.libs'}",
            f"TUTORIAL={tutorial.absolute()}",
            f"TUTORIAL_PATH={os.pathsep.join(path)}",
            str(server / "bin" / "tritonserver"),
            *("--backend-directory", str(folder / "backends"), "--model-repository", str(folder / "models")),
            *("--http-address", "127.0.0.1", "--http-port", str(http_port)),
            *("--grpc-address", "127.0.0.1", "--grpc-port", str(grpc_port)),
            *("--allow-metrics", "false"),
        ]

    return command


def environment(folder: Path, *packages: str) -> Path:
    """Python of an environment with these packages, made in `folder` when it is not there yet (some minutes)."""
    if not folder.exists():
        progress(f"installs {packages[0]} into {folder}")
        made = folder.with_name(f"{folder.name}.new")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(made)], check=True)
        subprocess.run([str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages], check=True)
        made.rename(folder)
    return folder / "bin" / "python"
