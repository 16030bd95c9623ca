import subprocess
import sys

PROGRAM = """
import numpy as np
from model.system.memory import give_back, keep_small

def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6

{before}
large = np.ones(3_500_000)
del large  # from now on glibc takes blocks of this size from its heap
pins, blocks = [], []
for _ in range(5):
    blocks.append(np.ones(2_500_000))
    pins.append([np.ones(50) for _ in range(100)])  # keep the heap from shrinking by itself
del blocks
{after}
print(resident_mb())
"""


def _resident_mb(before: str, after: str) -> float:
    program = PROGRAM.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_what_loading_needed_for_a_moment_goes_back() -> None:
    """Five blocks of 20 MB."""
    assert _resident_mb("keep_small()", "give_back()") < _resident_mb("", "") - 50
