"""The KFP step of lists in bulk. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def recommend(
    namespace: str,
    registry: str,
    store: str,
    users: str,
    settings: str,
    copy_to: str,
    request_log: str,
    lists: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """A list of the stable model for each shopper; `settings` is ListSettings as JSON."""
    from components.kfp_support.step import stage

    with stage("recommend"):
        from components.kfp_support.metric_log import log_metrics
        from components.recommend.run import ListSettings
        from components.recommend.stable_lists import stable_lists

        asked = ListSettings.from_json(settings or "{}")
        places = {"lists_file": lists.path, "copy_to": copy_to, "request_log": request_log}
        where = {"namespace": namespace, "registry": registry, "store": store}
        made = stable_lists(users=users, settings=asked, **where, **places)
        lists.metadata |= {"model_version": made.version, "lists": made.lists}
        log_metrics(metrics, made.figures)
