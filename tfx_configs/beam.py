"""Where TFDV and TFMA run: in the step's own process, or on one of Beam's runners."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from tfx_configs.frozen import Must, Settings

Runner = Literal["in_process", "PrismRunner", "FlinkRunner", "SparkRunner", "PortableRunner", "DataflowRunner"]
_OPTION = re.compile(r"[a-z][a-z0-9_]*(=.*)?", re.DOTALL)


_RULE = "options of Beam as NAME=VALUE or NAME, without dashes"


def _are_options(options: tuple[str, ...]) -> bool:
    return all(_OPTION.fullmatch(option) for option in options)


class BeamSettings(Settings):
    """What TFDV's statistics and TFMA's metrics are computed on (docs/machines.md)."""

    runner: Runner = "in_process"
    """in_process: the process of the step; else the runner of Beam with that name."""
    options: Annotated[tuple[str, ...], Must(_RULE, _are_options)] = ()
    """Options of Beam and its runner, each as NAME=VALUE or NAME, without dashes."""
    work_dir: str = ""
    """Directory or address (s3://, gs://) that the step and all workers see, for inputs and results; empty: they run
    on one machine and see each other's files."""

    @property
    def on_runner(self) -> bool:
        """Whether a runner other than this process is asked for."""
        return self.runner != "in_process"

    @property
    def values(self) -> Mapping[str, str]:
        """{option: its value, empty of a flag}; the last one where a name comes twice."""
        return {name: value for name, _, value in (option.partition("=") for option in self.options)}
