"""A KFP 2.17 API server, as far as `aisle submit` and the policy need it; the one place where kfp.Client is used.

Every failure is one line: a host that does not answer and a request that was refused are the caller's to mend
(InputError), an error of the server's own is not (StageFailed).
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
    """A run as the server sees it now. `tasks`: {name: state}; `errors`: {task, or "" for the run: what it said}."""

    state: str
    tasks: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def ended(self) -> bool:
        return self.state in ENDS


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A recurring run. `about`: what its maker wrote there."""

    id: str
    name: str
    cron: str
    enabled: bool
    about: str


class KfpServer:
    """Experiments, runs and schedules. Raises InputError when nobody answers at `host` or the caller may not."""

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
        first = kfp_server_api.HealthzServiceApi(kfp_server_api.ApiClient(configuration))
        with self._clear_words():
            # kfp.Client asks this five times over 25 s, with five stack traces; asked here first, once.
            _, _, headers = first.healthz_service_get_healthz_with_http_info(_request_timeout=FIRST_S)
            # The client takes a login page for an answer in which nothing is set.
            if "json" not in headers.get("Content-Type", ""):
                raise InputError(
                    f"expected KFP's API at {self.host}, got a page; is it the right path, is there a login?"
                )
            self._client = _client_class()(host=self.host, existing_token=token)
            _limit(self._client._run_api.api_client.rest_client)

    def experiment(self, name: str) -> str:
        """The id of that experiment, which is made where there is none."""
        with self._clear_words():
            return str(self._client.create_experiment(name).experiment_id)

    def start(self, experiment: str, name: str, package: Path, parameters: Mapping[str, Any]) -> str:
        """Starts a run of a compiled pipeline; returns its id."""
        with self._clear_words():
            return str(self._client.run_pipeline(experiment, name, str(package), dict(parameters)).run_id)

    def look(self, run: str) -> Run:
        """The run and its tasks as they are now."""
        with self._clear_words():
            found = self._client.get_run(run)
        details = (found.run_details.task_details if found.run_details else None) or []
        errors = {task.display_name: task.error.message for task in details if task.error and task.error.message}
        if found.error and found.error.message:
            errors[""] = found.error.message
        tasks = {task.display_name: task.state for task in details if task.state}
        return Run(state=found.state or "PENDING", tasks=tasks, errors=errors)

    def runs(self, experiment: str, name: str) -> list[tuple[str, str]]:
        """(id, state) of each run of that name in an experiment, newest first."""
        with self._clear_words():
            page = self._client.list_runs(
                page_size=PAGE, sort_by="created_at desc", experiment_id=experiment, filter=_named(name)
            )
        return [(one.run_id, one.state or "PENDING") for one in page.runs or []]

    def schedules(self, name: str = "") -> list[Schedule]:
        """All recurring runs, or those of that name."""
        wanted = _named(name) if name else None
        found: list[Schedule] = []
        token = ""
        while True:
            with self._clear_words():
                page = self._client.list_recurring_runs(page_token=token, page_size=PAGE, filter=wanted)
            found += map(_schedule, page.recurring_runs or [])
            token = page.next_page_token or ""
            if not token:
                return found

    def schedule(
        self, experiment: str, name: str, package: Path, parameters: Mapping[str, Any], cron: str, about: str
    ) -> str:
        """Makes a recurring run: one at a time, and none for times that were missed. Returns its id."""
        with self._clear_words():
            made = self._client.create_recurring_run(
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
        with self._clear_words():
            (self._client.enable_recurring_run if on else self._client.disable_recurring_run)(schedule)

    def remove(self, schedule: str) -> None:
        with self._clear_words():
            self._client.delete_recurring_run(schedule)

    def link(self, run: str) -> str:
        """Where the run is to be looked at."""
        return f"{self.page}/#/runs/details/{run}"

    @contextmanager
    def _clear_words(self) -> Iterator[None]:
        """The client's own prints and warnings are left out, its errors turned into ours."""
        import kfp_server_api
        import urllib3

        try:
            with redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except kfp_server_api.ApiException as error:
            raise _told(error.status, error.reason, error.body, self.host) from None
        except urllib3.exceptions.HTTPError as error:
            cause = getattr(error, "reason", None) or error
            raise InputError(
                f"expected a KFP API server at {self.host}, nothing answers ({cause!s:.120}); is it port-forwarded?"
            ) from None


def _client_class() -> Any:
    """kfp.Client. In a step, where _KFP_RUNTIME is set, KFP leaves out of its package what its own client needs."""
    import kfp.dsl

    if os.environ.pop("_KFP_RUNTIME", "") == "true":
        importlib.reload(kfp.dsl)
    return importlib.import_module("kfp.client").Client


def _limit(rest: Any) -> None:
    """kfp.Client gives its requests no time limit: where a port-forward stalls, it would wait for ever."""
    unlimited = rest.request
    rest.request = lambda *args, **given: unlimited(*args, **given | {"_request_timeout": ANSWER_S})


def read_token(path: Path) -> str:
    """The bearer token in a file. Raises InputError when it cannot be read."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"expected a token in {path}, cannot read it ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"expected a token in {path}, it is not text; name another file") from None
    if len(token.split()) != 1:
        raise InputError(f"expected a token in {path}, found {len(token.split())} words; name another file")
    return token


def _told(status: int | None, reason: str | None, body: Any, host: str) -> InputError | StageFailed:
    """The server's own words, without its stack."""
    try:
        said = json.loads(body)
        words = str(said.get("message") or said.get("error_message") or said)
    except (TypeError, ValueError, AttributeError):
        words = str(reason or body or "no word why")
    words = " ".join(words.split())[:300]
    if status in (401, 403):
        return InputError(f"{host}: not allowed ({status}: {words}); give --token-file")
    if status == 404:
        return InputError(f"{host}: not found ({words}); is it KFP's API or its page?")
    if status is not None and 400 <= status < 500:
        return InputError(f"{host}: refused ({status}: {words})")
    return StageFailed(f"{host}: the server failed ({status}: {words}); try again, or see the log of ml-pipeline")


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _schedule(found: Any) -> Schedule:
    cron = found.trigger.cron_schedule.cron if found.trigger and found.trigger.cron_schedule else ""
    return Schedule(
        id=found.recurring_run_id,
        name=found.display_name,
        cron=cron,
        enabled=found.status != "DISABLED" if found.status else found.mode != "DISABLE",
        about=found.description or "",
    )
