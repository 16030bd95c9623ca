"""Lists of the stable model of a service, as the pipeline for a cluster makes them."""

import os
import shutil
from contextlib import closing
from pathlib import Path

from components.inference_service.cluster_client import Cluster
from components.kfp_support.progress import progress
from components.recommend.list_files import published
from components.recommend.run import ListSettings, ListsMade, make_lists
from model.errors import InputError
from model.package.loaded_model import load
from model.registry.model_registry import Registry
from model.serving.history.store import open_existing


def stable_lists(
    *,
    namespace: str,
    registry: str,
    store: str,
    users: str,
    settings: ListSettings,
    lists_file: str,
    copy_to: str,
    request_log: str,
) -> ListsMade:
    """Writes the lists to `lists_file`, and to `copy_to` (a path or s3://bucket/path) where that is not empty.

    Raises:
        InputError: the service in `namespace` has no stable model, or the lists cannot be made of what is named.
    """
    models = Registry(Path(registry), Cluster(namespace).roles)
    stable = models.state().stable
    if stable is None:
        raise InputError(f"{registry}: expected a registry with a stable model, got none; train first")
    progress(f"loading {stable}")
    model = load(models.path(stable), expected=stable)
    with closing(open_existing(store, os.environ.get("REDIS_PASSWORD"))) as histories:
        made = make_lists(model, histories, users, lists_file, settings, request_log, progress)
    if copy_to:
        with published(copy_to) as file:
            shutil.copyfile(lists_file, file)
    return made
