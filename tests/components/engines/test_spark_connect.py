"""Spark Connect: the engine on a cluster's server, one executor killed, with the rows and examples of DuckDB."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from components.engines.engine import open_engine
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.errors import InputError
from model.files import tree_digests
from tests.components.engines.test_engines import TABLES, as_parquet, needs_spark, rows
from tests.needs import SPARK_CLUSTER
from tests.worlds import run_settings
from tfx_configs.settings import DataSettings

ROOT = Path(__file__).parents[3]


@needs_spark
@pytest.mark.parametrize("address", ["sc://127.0.0.1:1", "spark://127.0.0.1:7077", "here"])
def test_a_server_that_is_not_there_is_named_at_once(address: str) -> None:
    message = f"data.spark_remote: expected a Spark Connect server at sc://HOST:15002, got {address} "
    with pytest.raises(InputError, match=message), open_engine(DataSettings(engine="spark", spark_remote=address)):
        pass


@needs_spark
@pytest.mark.needs(SPARK_CLUSTER)
@pytest.mark.timeout(1200)
def test_two_executors_of_which_one_is_killed_make_the_rows_and_examples_of_duckdb(tmp_path: Path) -> None:
    from tests.components.engines.spark_cluster import spark_cluster

    as_parquet(tmp_path / "source")
    run = run_settings(tmp_path / "source", max_dropped_percent=10.0, memory_gb=1.0)
    ours = tmp_path / "duckdb"
    ingest(data=run.data, tables_dir=ours / "tables")
    build_examples(run=run, tables_dir=ours / "tables", examples_dir=ours / "examples")

    theirs = tmp_path / "spark"
    with spark_cluster(tmp_path) as cluster:
        remote = run.replace(data=run.data.replace(engine="spark", spark_remote=cluster.remote))
        (tmp_path / "settings.json").write_text(remote.to_json())
        executors = cluster.executors()
        stages = [["ingest"], ["examples", "--input", str(theirs / "tables")]]
        theirs.mkdir()

        def kill_one() -> None:
            while not any(theirs.iterdir()):  # until ingest writes
                time.sleep(0.1)
            executors[0].kill()

        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        for stage, *more in stages:
            out = theirs / ("tables" if stage == "ingest" else "examples")
            command = [sys.executable, "-m", "components.job", stage, "--settings", str(tmp_path / "settings.json")]
            done = subprocess.run(
                [*command, *more, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
        killer.join(timeout=1)
        now = {process.pid for process in cluster.executors()}
        assert executors[0].pid not in now and executors[1].pid in now
    for name in TABLES:
        pd.testing.assert_frame_equal(
            rows(ours / "tables" / name), rows(theirs / "tables" / name), check_exact=True, check_categorical=False
        )
    assert tree_digests(ours / "examples") == tree_digests(theirs / "examples")
