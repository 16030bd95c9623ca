import subprocess
import sys

PROGRAM = """
import numpy as np
from model.system.memory import give_back, keep_small

def resident_mb():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6

{before}
kept, small = [], []
for _ in range(40):  # a little that stays after each large block keeps the heap from shrinking by itself
    large = np.ones(500_000)
    small = [np.ones(100) for _ in range(2000)]
    kept.append(small[-1])
del large, small
{after}
print(resident_mb())
"""


def _resident_mb(before: str, after: str) -> float:
    program = PROGRAM.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_what_loading_needed_for_a_moment_goes_back() -> None:
    held = _resident_mb("", "")
    assert _resident_mb("keep_small()", "give_back()") <= held
