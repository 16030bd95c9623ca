"""The one place that chooses which interpreter a step runs on.

TFDV lives in an environment of its own (docs/adr/001). A step that needs it calls `call("validate", ...)`: in that
environment it is a plain function call, elsewhere the sibling interpreter runs the same function as a child process,
whose output is passed through and whose deliberate errors are raised again here. JSON goes in, JSON comes out.
"""

import importlib.util
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from model import errors
from model.system.process_lifetime import die_with_parent
from tfx_configs.frozen import SettingsError

ROOT = Path(__file__).resolve().parent.parent.parent
_MARKERS = {"validate": "tensorflow_data_validation"}
_QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "PYTHONWARNINGS": "ignore::FutureWarning",
}
"""Of a child, unless the caller's environment has them."""
_DELIBERATE: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (errors.InputError, errors.CheckFailed, errors.ModelRefused, errors.StageFailed, SettingsError)
}


def call(environment: str, function: str, kwargs: dict[str, Any]) -> Any:
    """Calls `function` ("package.module:name") with JSON-able keyword arguments, returns its JSON-able result.

    Raises InputError, CheckFailed, ModelRefused, StageFailed or SettingsError as the function did; StageFailed when the
    interpreter is not there or the child ended in any other way.
    """
    if importlib.util.find_spec(_MARKERS[environment]) is not None:
        return json.loads(json.dumps(pkgutil.resolve_name(function)(**kwargs)))
    python = interpreter(environment)
    with tempfile.TemporaryDirectory(prefix="aisle-call-") as scratch:
        answer = Path(scratch) / "answer.json"
        request = {"function": function, "kwargs": kwargs, "answer": str(answer), "parent": os.getpid()}
        code = _run([str(python), "-m", "components.kfp_support.environments", json.dumps(request)])
        reply = json.loads(answer.read_text()) if answer.exists() else {}
    if code == 0 and "result" in reply:
        return reply["result"]
    if "error" in reply:
        raise _DELIBERATE[reply["error"]](reply["message"])
    raise errors.StageFailed(
        f"{function}: expected an answer from {python}, it ended with exit code {code}; its output is above"
    )


def interpreter(environment: str) -> Path:
    """The Python of an environment: $AISLE_<NAME>_PYTHON, else .venv-<name> beside the environment in use."""
    variable = f"AISLE_{environment.upper()}_PYTHON"
    named = os.environ.get(variable)
    python = Path(named) if named else Path(sys.prefix).parent / f".venv-{environment}" / "bin" / "python"
    if not python.exists():
        raise errors.StageFailed(
            f"{environment} environment: expected a Python at {python}, found none; run `make setup` or set {variable}"
        )
    return python


def _run(command: list[str]) -> int:
    """Runs the command to its end with our output streams; it never outlives this function."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = _QUIET | os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def _serve(request: dict[str, Any]) -> int:
    """The child's half of `call`: the answer goes to a file, the exit code is that of the error."""
    die_with_parent(request["parent"])
    try:
        reply, code = {"result": pkgutil.resolve_name(request["function"])(**request["kwargs"])}, 0
    except tuple(_DELIBERATE.values()) as error:
        name = next(name for name, kind in _DELIBERATE.items() if isinstance(error, kind))
        reply, code = {"error": name, "message": str(error)}, getattr(error, "exit_code", 2)
    Path(request["answer"]).write_text(json.dumps(reply))
    return code


if __name__ == "__main__":
    sys.exit(_serve(json.loads(sys.argv[1])))
