"""The KFP step that runs whatever became of the others. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ending(pipeline: str, pushgateway: str, namespace: str, status: dsl.PipelineTaskFinalStatus) -> None:
    """Reports to Prometheus how the run of `pipeline` ended, for the installation in `namespace`."""
    import time

    from components.kfp_support.pushgateway import ended, push

    push(pushgateway, pipeline, namespace, ended(pipeline, status.state, time.time()))
