"""One thread for each piece of work: the batcher's threads are the parallelism of a server.

TensorFlow, BLAS and OpenMP would otherwise spread each small piece over all cores, and OpenBLAS lets its threads spin
between pieces: half of the CPU of a request on two cores.
"""

from threadpoolctl import threadpool_limits

from model.backend import tf


def one_thread_each() -> None:
    """For the whole process; before TensorFlow runs anything."""
    threadpool_limits(limits=1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
