"""How fast is the way from files to trips, how much memory does it take, and does it grow with the data?

`python -m benchmarks data` writes build/bench/data.json: ingest and trips of The Complete Journey once, three and ten
times over on DuckDB, once on local Spark, and the same work in pandas, each run in a process of its own. Engines that
finish a scale must have made the same rows. Then what validation catches (benchmarks/data/tfdv.py).
"""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import duckdb
import psutil
import typer
import yaml

from benchmarks.data import tfdv as data_tfdv
from benchmarks.harness import process as child
from benchmarks.harness import shop
from components.ingest.completejourney import package_data
from model.errors import CheckFailed
from model.files import read_json, tree_digests
from tfx_configs.recipes import full

LIMIT_GB = 20.0
"""A run that takes more memory is ended and reported as unfinished; less where the machine has less to give."""
REPETITIONS = {1: 3}
"""{scale: runs of each engine}; one elsewhere."""
ENGINES = {1: ("duckdb", "pandas", "spark"), 3: ("duckdb", "pandas"), 10: ("duckdb", "pandas")}
"""{scale: engines that run it}."""
SEED = data_tfdv.SEED
COLUMNS = yaml.safe_load(Path(__file__).with_name("columns.yaml").read_text())


def main(
    scales: Annotated[list[int], typer.Option(help="copies of the source; may be repeated")] = [*ENGINES],  # noqa: B006
    scratch: Annotated[Path | None, typer.Option(help="where to work, 40 GB; default: the temporary directory")] = None,
) -> dict[str, Any]:
    result: dict[str, Any] = {"runs": [], "unfinished": [], "examples_stage": [], "equal_rows": {}}
    with tempfile.TemporaryDirectory(prefix="aisle-data-", dir=scratch) as folder:
        for scale in scales:
            measure(scale, Path(folder) / str(scale), result)
        tables = next(Path(folder).glob("1/duckdb/tables"), None)
        result |= data_tfdv.measure(tables or shop.tables(), Path(folder) / "tfdv")
    return result | {"memory_gb": full().data.memory_gb}


def measure(scale: int, folder: Path, result: dict[str, Any]) -> None:
    """Runs every engine on the source `scale` times over, and adds to the result; leaves DuckDB's output at 1x."""
    rows = replicate(package_data(), folder / "source", scale)
    about = {"scale": scale, "rows": rows["transactions"] + rows["promotions"], **rows}
    for engine in ENGINES[scale]:
        runs = [_run(engine, folder, engine) for _ in range(REPETITIONS.get(scale, 1))]
        if runs[-1]["over_limit"]:
            result["unfinished"].append({"engine": engine, **about, **runs[-1]})
            shutil.rmtree(folder / engine)
        else:
            result["runs"].append({"engine": engine, **about, **_summary(runs, about["rows"])})
        print(f"{engine} {scale}x: {runs}", flush=True)
    result["examples_stage"].append({"engine": "duckdb", **about, **_run("examples", folder, "duckdb")})
    result["equal_rows"][str(scale)] = _equal(folder, scale)
    for other in {*ENGINES[scale], "source"} - ({"duckdb"} if scale == 1 else set()):
        shutil.rmtree(folder / other, ignore_errors=True)


def _run(work: str, folder: Path, out: str) -> dict[str, Any]:
    """One child process: its seconds without imports, where it finished; see benchmarks/data/work.py."""
    target = folder / out
    if work == out:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
    limit_mb = min(LIMIT_GB * 1e3, 0.9 * psutil.virtual_memory().available / 1e6)
    command = child.python("benchmarks.data.work:main", work, folder / "source", target)
    ended = child.run(command, limit_mb=limit_mb)
    if not ended.over_limit:
        ended.check(work)
    about = {"cpu_s": ended.cpu_s, "peak_mb": ended.peak_mb, "other_cores": ended.other_cores}
    if ended.over_limit:
        return about | {"over_limit": True, "limit_mb": round(limit_mb), "ended_after_s": ended.seconds}
    parts = {name: round(seconds, 1) for name, seconds in read_json(target / f"{work}.json").items()}
    return about | {"over_limit": False, "seconds": round(sum(parts.values()), 1), **parts}


def _summary(runs: list[dict[str, Any]], rows: int) -> dict[str, Any]:
    """The run of median time, with the times of all; the highest peak."""
    each = [run["seconds"] for run in runs]
    return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2] | {
        "seconds": statistics.median(each),
        "seconds_min": min(each),
        "seconds_each": each,
        "rows_per_s": round(rows / statistics.median(each)),
        **{name: max(run[name] for run in runs) for name in ("peak_mb", "other_cores")},
    }


def _equal(folder: Path, scale: int) -> list[str]:
    """The engines that finished the scale, whose rows are equal. Raises CheckFailed when they are not."""
    prints = {engine: _fingerprint(folder / engine) for engine in ENGINES[scale] if (folder / engine).exists()}
    if any(other != next(iter(prints.values())) for other in prints.values()):
        raise CheckFailed(f"expected the same rows of every engine at {scale}x, got {prints}")
    return list(prints)


def _fingerprint(out: Path) -> dict[str, Any]:
    """Rows and the sum of the rows' hashes of each table; digests of the trips' files."""
    prints: dict[str, Any] = {"trips": tree_digests(out / "trips")}
    for table, columns in COLUMNS["tables"].items():
        path = next((out / "tables").glob(f"{table}*"))
        files = f"{path}/**/*.parquet" if path.is_dir() else path
        query = f"SELECT count(*), sum(hash({columns})::HUGEINT) FROM '{files}'"
        prints[table] = [int(value) for value in duckdb.execute(query).fetchall()[0]]
    return prints


def replicate(source: Path, target: Path, copies: int) -> dict[str, int]:
    """Writes the source's files `copies` times over into `target`, streaming; returns {file: rows}.

    Each replica has shoppers, baskets and products of its own. Stores, weeks and times stay as they are, so a replica
    is as busy as the original.
    """
    target.mkdir(parents=True)
    rows = {}
    with duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False}) as engine:
        for name, ids in COLUMNS["ids"].items():
            moved = ", ".join(f"{column} + copy * {COLUMNS['apart'][column]} AS {column}" for column in ids)
            everything = f"read_parquet('{source / name}.parquet'), range({copies}) AS copies(copy)"
            select = f"SELECT * EXCLUDE (copy) REPLACE ({moved}) FROM {everything}"
            file = target / f"{name}.parquet"
            engine.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
            rows[name] = int(engine.execute(f"SELECT count(*) FROM '{file}'").fetchall()[0][0])
    return rows
