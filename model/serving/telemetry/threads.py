"""One thread for each piece of work: the batcher's threads are the parallelism of a server.

TensorFlow, BLAS and OpenMP would otherwise spread each small piece over all cores, and OpenBLAS lets its threads spin
between pieces: half of the CPU of a request on two cores.
"""

import os

from threadpoolctl import threadpool_limits


def one_thread_each() -> None:
    """For the whole process, where the environment does not decide otherwise; before TensorFlow runs anything."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    threadpool_limits(limits=1)
