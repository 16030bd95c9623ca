"""Beam's options: what is refused before a pipeline is built, in one line with what to type."""

import socket
from pathlib import Path

import pytest

from components.beam.checked_options import IN_PROCESS, on_runner, pipeline_options
from model.errors import CheckFailed, InputError, StageFailed
from tfx_configs.beam import BeamSettings
from tfx_configs.frozen import SettingsError


def refusal(runner: str, *options: str) -> str:
    with pytest.raises(InputError) as refused:
        pipeline_options(BeamSettings(runner=runner, options=options))  # type: ignore[arg-type]
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def test_without_settings_beam_runs_in_this_process() -> None:
    assert pipeline_options(BeamSettings()).get_all_options()["runner"] == IN_PROCESS


def test_options_reach_beam(tmp_path: Path) -> None:
    jar = tmp_path / "server.jar"
    jar.touch()
    options = (f"flink_job_server_jar={jar}", "flink_master=[local]", "parallelism=3", "environment_type=LOOPBACK")
    got = pipeline_options(BeamSettings(runner="FlinkRunner", options=options)).get_all_options()
    assert (got["runner"], got["flink_master"], got["parallelism"]) == ("FlinkRunner", "[local]", 3)
    assert got["environment_type"] == "LOOPBACK"


def test_a_runner_that_beam_does_not_have_is_refused_with_the_ones_it_has() -> None:
    with pytest.raises(SettingsError) as refused:
        BeamSettings.from_dict({"runner": "FlinkRuner"})
    assert str(refused.value) == (
        "setting runner: expected one of in_process, PrismRunner, FlinkRunner, SparkRunner, PortableRunner, "
        "DataflowRunner, got 'FlinkRuner'"
    )


@pytest.mark.parametrize("option", ["--parallelism=2", "Parallelism=2", ""])
def test_an_option_has_a_name_without_dashes(option: str) -> None:
    with pytest.raises(SettingsError, match="as NAME=VALUE or NAME, without dashes"):
        BeamSettings(options=(option,))


@pytest.mark.parametrize(
    ("runner", "name"),
    [
        ("PrismRunner", "prism_location"),
        ("FlinkRunner", "flink_job_server_jar"),
        ("SparkRunner", "spark_job_server_jar"),
    ],
)
def test_the_program_of_a_runner_has_to_be_there(runner: str, name: str, tmp_path: Path) -> None:
    assert f"expected {name}=FILE with {runner}, got none" in refusal(runner)
    lost = tmp_path / "lost.jar"
    message = refusal(runner, f"{name}={lost}")
    assert f"got {lost}, which is no file" in message and f"--set 'beam.options=[\"{name}=FILE\"]'" in message


def test_a_job_server_that_does_not_answer_is_named(unused_port: int) -> None:
    message = refusal("PortableRunner", f"job_endpoint=127.0.0.1:{unused_port}")
    assert f"expected job_endpoint=127.0.0.1:{unused_port} to answer, got Connection refused" in message
    assert "expected job_endpoint=HOST:PORT of a job server with PortableRunner, got none" in refusal("PortableRunner")


@pytest.mark.needs("java")
def test_a_cluster_that_does_not_answer_is_named(unused_port: int, tmp_path: Path) -> None:
    jar = tmp_path / "server.jar"
    jar.touch()
    for runner, program, master in (
        ("FlinkRunner", "flink_job_server_jar", f"flink_master=http://127.0.0.1:{unused_port}"),
        ("FlinkRunner", "flink_job_server_jar", f"flink_master=127.0.0.1:{unused_port}"),
        ("SparkRunner", "spark_job_server_jar", f"spark_master_url=spark://127.0.0.1:{unused_port}"),
    ):
        assert f"expected {master} to answer, got Connection refused" in refusal(runner, f"{program}={jar}", master)


def test_what_breaks_off_on_a_runner_is_one_line_and_our_own_errors_stay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"job_endpoint=127.0.0.1:{server.getsockname()[1]}"
        beam = BeamSettings(runner="PortableRunner", options=(endpoint,))
        message = "PortableRunner: expected the pipeline to succeed, got: lost a worker;"
        with pytest.raises(StageFailed, match=message), on_runner(beam):
            raise RuntimeError("a long story\n\nlost a worker\n")
        with pytest.raises(CheckFailed, match="ours"), on_runner(beam):
            raise CheckFailed("ours")
    with pytest.raises(RuntimeError, match="as it is"), on_runner(BeamSettings()):
        raise RuntimeError("as it is")
