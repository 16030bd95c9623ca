"""The pipeline that a schedule runs every night: a list for each shopper, for mail and CRM."""

from kfp import dsl, kubernetes

from components.recommend.op import recommend
from components.recommend.shoppers import ALL
from pipelines.definitions.pod_settings import (
    MOUNT,
    PUSHGATEWAY,
    STEPS,
    mount_registry,
    place,
    run_end,
    sized,
    use_bucket_keys,
)
from tfx_configs.units import HOUR_S

NAME = "aisle-lists"
STORE, STORE_SECRET = "redis://aisle-redis.aisle:6379/0", "aisle-redis"
"""The servers' event store (manifests/components/redis), and its password, copied to the pipelines' namespace."""
KEYS_SECRET = "aisle-lists"
"""Keys to write the lists and their log to a bucket."""


@dsl.pipeline(name=NAME, description="A list of the stable model for each shopper, in one Parquet file.")
def lists(
    users: str = ALL,
    settings: str = "{}",
    copy_to: str = "",
    request_log: str = "",
    store: str = STORE,
    namespace: str = "aisle",
    pushgateway: str = PUSHGATEWAY,
) -> None:
    """Makes the lists of one night.

    Args:
        users: all, or a file that the step sees (Parquet or CSV with a column user_id, text with an id a line).
        settings: What each list is to be, as JSON with k, k_new, new_only and as_of, such as {"k": 20}.
        copy_to: A path or s3://bucket/path for the lists, besides the artifact. Empty: none.
        request_log: Directory or s3://bucket/path that gets a row for each list. Empty: none.
        store: Address of the servers' event store.
        namespace: Namespace of the InferenceService.
        pushgateway: Address of the Pushgateway that receives how the run ended. Empty: it is not sent.
    """
    end = run_end(NAME, pushgateway, namespace)
    with dsl.ExitHandler(end, name=STEPS):
        made = recommend(
            namespace=namespace,
            registry=MOUNT,
            store=store,
            users=users,
            settings=settings,
            copy_to=copy_to,
            request_log=request_log,
        )
        kubernetes.use_secret_as_env(made, STORE_SECRET, {"password": "REDIS_PASSWORD"}, optional=True)
        use_bucket_keys(made, KEYS_SECRET)
        kubernetes.add_pod_label(made, "app.kubernetes.io/name", NAME)
        mount_registry(made)
        sized(made, "Lists", cpu="4", memory="4G", retries=1, cached=False)
    for task in (end, made):
        place(task, timeout_s=6 * HOUR_S)
