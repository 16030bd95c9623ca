"""Training on several workers: processes that each take a share of every batch and add up their gradients.

TF_CONFIG names the workers, as job operators set it. Without it there is one worker, on the first GPU that TensorFlow
finds, else on the CPU.

Every worker holds all trips and does all but the gradients on its own. Batches, negatives and the loss are those of one
worker: `gather` and `part` bring in what the others have of a batch.
"""

import functools
from collections.abc import Callable
from typing import Any

from model.system.legacy_keras import Tensor, tf

Resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver
Shares = Callable[[int, int], Any]
"""(worker, of how many) -> tf.data with this worker's share of every batch, of known length, the same for all."""


@functools.cache
def strategy() -> Any:
    """The tf.distribute strategy of this process. With several workers the first call waits for all of them, and no
    TensorFlow op may have run before it."""
    cluster = Resolver().cluster_spec()
    if sum(cluster.num_tasks(job) for job in cluster.jobs) > 1:
        tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")  # one share a worker
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief() -> bool:
    """Whether this process writes what was learned: the chief, or worker 0 where none is called so."""
    resolver = Resolver()
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return (resolver.task_type or first, resolver.task_id or 0) == (first, 0)


def wait_for_all() -> None:
    """Returns when every worker has called it: one that ends earlier would take the others with it."""
    if strategy().num_replicas_in_sync > 1:
        strategy().run(tf.function(lambda: _sum(tf.constant(1.0))))


def fit(model: Any, training: Shares, valid: Shares | None, epochs: int, watch: Any) -> None:
    """Trains a Keras model that was made and compiled in the scope of `strategy`; `watch` is its callback.

    The model's loss is this worker's share of the batch's; Keras reports the sum.
    """
    workers = strategy().num_replicas_in_sync
    train_data, train_steps = _feed(training, workers)
    valid_data, valid_steps = _feed(valid, workers) if valid else (None, None)
    model.fit(
        train_data,
        steps_per_epoch=train_steps,
        validation_data=valid_data,
        validation_steps=valid_steps,
        epochs=epochs,
        callbacks=[watch],
        verbose=0,
    )


def gather(value_N: Tensor) -> Tensor:
    """[M] the values of all workers, this one's first; [N] outside of a training step or without others."""
    context = _with_others()
    if context is None:
        return value_N
    value_N = tf.identity(value_N)  # an input of the step is on no device, and only what is on one can be gathered
    sizes = context.all_gather(tf.shape(value_N), axis=0)
    before = tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
    return tf.roll(context.all_gather(value_N, axis=0), -before, axis=0)


def part(size: Tensor) -> Tensor | float:
    """This worker's `size` as a share of all workers' together: the weight of its mean in the mean over all."""
    own = tf.cast(size, tf.float32)
    return 1.0 if _with_others() is None else own / _sum(own)


def _feed(shares: Shares, workers: int) -> tuple[Any, int | None]:
    """(data, batches of an epoch); Keras counts for itself unless the dataset is distributed, hence endless."""
    if workers == 1:
        return shares(0, 1), None

    def endless(context: Any) -> Any:
        return shares(context.input_pipeline_id, context.num_input_pipelines).repeat()

    return strategy().distribute_datasets_from_function(endless), int(shares(0, workers).cardinality())


def _sum(value: Tensor) -> Tensor:
    """Of every worker's value, in a step that they run together."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def _with_others() -> Any:
    """The context of a step that several workers run together, else None."""
    context = tf.distribute.get_replica_context()
    return context if context is not None and context.num_replicas_in_sync > 1 else None
