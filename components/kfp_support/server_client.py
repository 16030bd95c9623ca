"""A KFP 2.17 API server, for `aisle submit` and the retraining policy; the one place where kfp.Client is used.

Every failure is one line: a host that does not answer and a request that was refused are InputError, an error of the
server's own is StageFailed. kfp.Client raises stack traces for both, prints, and sets no time limits.
"""

import importlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.errors import InputError, StageFailed

FIRST_S = (10.0, 10.0)
"""Longest waits for a connection and for the server's first answer, each of a few tries."""
ANSWER_S = (10.0, 30.0)
"""The same for all later ones."""
PAGE = 100
"""Runs or schedules in one page of a listing."""
ENDS = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
MADE_BY = "made by aisle submit"
"""How a schedule's `about` begins; the pipeline's name comes next, then a comma."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run's present state. `tasks`: {name: state}; `errors`: {task, or "" for the run: message}."""

    state: str
    tasks: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def ended(self) -> bool:
        return self.state in ENDS


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A recurring run. `about`: its description."""

    id: str
    name: str
    cron: str
    enabled: bool
    about: str


class KfpServer:
    """Experiments, runs and schedules. Raises InputError when `host` does not answer or refuses the caller."""

    def __init__(self, host: str, token: str | None = None, ui_host: str = "") -> None:
        """`host`: http(s)://name[:port][/path], of the API or of the page, which passes requests on."""
        import kfp_server_api

        if not host.startswith(("http://", "https://")):
            raise InputError(f"expected --host http://... or https://..., got {host!r}")
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        self.host, self.page = host.rstrip("/"), (ui_host or host).rstrip("/")
        configuration = kfp_server_api.Configuration(host=self.host)
        if token:
            configuration.api_key, configuration.api_key_prefix = {"authorization": token}, {"authorization": "Bearer"}
        health = kfp_server_api.HealthzServiceApi(kfp_server_api.ApiClient(configuration))
        with _one_line_errors(self.host):
            # kfp.Client asks this five times over 25 s, with five stack traces; asked here first, once.
            _, _, headers = health.healthz_service_get_healthz_with_http_info(_request_timeout=FIRST_S)
            # The client takes a login page for an answer in which nothing is set.
            if "json" not in headers.get("Content-Type", ""):
                raise InputError(
                    f"expected KFP's API at {self.host}, got a page; is it the right path, is there a login?"
                )
            self._client = _client_class()(host=self.host, existing_token=token)
            _limit(self._client._run_api.api_client.rest_client)

    def experiment(self, name: str) -> str:
        """Return the id of that experiment; it is created where there is none."""
        return str(self._call("create_experiment", name).experiment_id)

    def start(self, experiment: str, name: str, package: Path, parameters: Mapping[str, Any]) -> str:
        """Start a run of a compiled pipeline; returns its id."""
        return str(self._call("run_pipeline", experiment, name, str(package), dict(parameters)).run_id)

    def run(self, id: str) -> Run:
        """Return the present state of a run and its tasks."""
        run = self._call("get_run", id)
        details = (run.run_details.task_details if run.run_details else None) or []
        errors = {task.display_name: task.error.message for task in details if task.error and task.error.message}
        if run.error and run.error.message:
            errors[""] = run.error.message
        tasks = {task.display_name: task.state for task in details if task.state}
        return Run(state=run.state or "PENDING", tasks=tasks, errors=errors)

    def runs(self, experiment: str, name: str) -> list[tuple[str, str]]:
        """Return (id, state) of each run of that name in an experiment, newest first."""
        order = {"page_size": PAGE, "sort_by": "created_at desc"}
        page = self._call("list_runs", **order, experiment_id=experiment, filter=_named(name))
        return [(run.run_id, run.state or "PENDING") for run in page.runs or []]

    def schedules(self, name: str = "") -> list[Schedule]:
        """Return all recurring runs, or those of that name."""
        schedules: list[Schedule] = []
        token: str | None = ""
        while token is not None:
            page = self._call("list_recurring_runs", page_token=token, page_size=PAGE, filter=_named(name))
            schedules += map(_schedule, page.recurring_runs or [])
            token = page.next_page_token or None
        return schedules

    def schedule(
        self, experiment: str, name: str, package: Path, parameters: Mapping[str, Any], cron: str, about: str
    ) -> str:
        """Create a recurring run: one at a time, and none for missed times. Returns its id."""
        made = self._call(
            "create_recurring_run",
            experiment,
            name,
            description=about,
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=True,
            params=dict(parameters),
            pipeline_package_path=str(package),
        )
        return str(made.recurring_run_id)

    def enable(self, schedule: str, on: bool) -> None:
        """Turn a recurring run on or off."""
        self._call("enable_recurring_run" if on else "disable_recurring_run", schedule)

    def remove(self, schedule: str) -> None:
        """Delete a recurring run."""
        self._call("delete_recurring_run", schedule)

    def link(self, run: str) -> str:
        """Return the address of the run's page."""
        return f"{self.page}/#/runs/details/{run}"

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        with _one_line_errors(self.host):
            return getattr(self._client, method)(*args, **kwargs)


@contextmanager
def _one_line_errors(host: str) -> Iterator[None]:
    """Leaves out the client's prints and warnings, and turns its errors into ours."""
    import kfp_server_api
    import urllib3

    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        raise _refusal(error.status, error.reason, error.body, host) from None
    except urllib3.exceptions.HTTPError as error:
        cause = getattr(error, "reason", None) or error
        raise InputError(
            f"expected a KFP API server at {host}, nothing answers ({cause!s:.120}); is it port-forwarded?"
        ) from None


def _client_class() -> Any:
    """Import kfp.Client. In a step, where _KFP_RUNTIME is set, KFP's package lacks what its own client needs."""
    import kfp.dsl

    if os.environ.pop("_KFP_RUNTIME", "") == "true":
        importlib.reload(kfp.dsl)
    return importlib.import_module("kfp.client").Client


def _limit(rest: Any) -> None:
    """kfp.Client gives its requests no time limit: where a port-forward stalls, it would wait for ever."""
    unlimited = rest.request
    rest.request = lambda *args, **kwargs: unlimited(*args, **kwargs | {"_request_timeout": ANSWER_S})


def read_token(path: Path) -> str:
    """Read the bearer token in a file. Raises InputError when it cannot be read."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"expected a token in {path}, cannot read it ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"expected a token in {path}, it is not text; name another file") from None
    if len(token.split()) != 1:
        raise InputError(f"expected a token in {path}, found {len(token.split())} words; name another file")
    return token


def _refusal(status: int | None, reason: str | None, body: Any, host: str) -> InputError | StageFailed:
    """Return the error with the server's own message, without its stack."""
    try:
        answer = json.loads(body)
        message = str(answer.get("message") or answer.get("error_message") or answer)
    except (TypeError, ValueError, AttributeError):
        message = str(reason or body or "without a reason")
    message = " ".join(message.split())[:300]
    if status in (401, 403):
        return InputError(f"{host}: not allowed ({status}: {message}); give --token-file")
    if status == 404:
        return InputError(f"{host}: not found ({message}); is it KFP's API or its page?")
    if status is not None and 400 <= status < 500:
        return InputError(f"{host}: refused ({status}: {message})")
    return StageFailed(f"{host}: the server failed ({status}: {message}); try again, or see the log of ml-pipeline")


def _named(name: str) -> str | None:
    """Return the filter for that name; none for an empty one."""
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]}) if name else None


def _schedule(run: Any) -> Schedule:
    cron = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else ""
    enabled = run.status != "DISABLED" if run.status else run.mode != "DISABLE"
    return Schedule(
        id=run.recurring_run_id, name=run.display_name, cron=cron, enabled=enabled, about=run.description or ""
    )
