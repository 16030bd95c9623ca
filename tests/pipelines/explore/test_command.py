"""The command `aisle explore` itself."""

import signal
from pathlib import Path

import httpx

from components.rollout.local.processes import free_port
from model.baselines.frequency import BASELINES
from tests.pipelines.command import started
from tests.pipelines.explore.small_run import small_run


def test_the_pages_are_served_until_ctrl_c_and_nothing_else_is_printed(tmp_path: Path) -> None:
    port, run = free_port(), small_run(tmp_path, canary=BASELINES["last_basket"])
    with started("explore", "--run", run, "--port", str(port)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opening stable, canary, some ten seconds\n"
        assert process.stdout.readline() == f"ready: http://127.0.0.1:{port}  Ctrl-C ends\n"
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            assert "Whose shopping" in client.get(f"http://127.0.0.1:{port}/").text
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
        assert (process.returncode, error) == (0, "")
