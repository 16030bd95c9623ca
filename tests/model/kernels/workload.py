"""`python -m tests.model.kernels.workload [PROCESSOR]`: runs every kernel once, as a server does at its start.

Prints as JSON what was compiled and what came from the cache. With PROCESSOR, LLVM takes the machine for that one.
"""

import json
import sys
from unittest import mock

from numba.core import event


def main() -> None:
    from model.kernels import compile_all
    from model.kernels.compiler import KERNELS

    with event.install_recorder("numba:compile") as recorder:
        for step in compile_all.STEPS.values():
            step()
    stats = [kernel.stats for kernel in KERNELS]
    figures = {
        "compiled": sum(compilation.is_start for _, compilation in recorder.buffer),
        "hits": sum(sum(of.cache_hits.values()) for of in stats),
        "misses": sum(sum(of.cache_misses.values()) for of in stats),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with (
            mock.patch("llvmlite.binding.get_host_cpu_name", return_value=sys.argv[1]),
            mock.patch("llvmlite.binding.get_host_cpu_features", side_effect=RuntimeError("another machine")),
        ):
            main()
    else:
        main()
