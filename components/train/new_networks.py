"""Networks for a catalog, before anything is learned."""

from components.train import distributed as workers
from components.train.towers import TwoTowers
from model.data.catalog import Catalog
from model.features.records import feature_records
from model.networks.pre_ranker import PreRanker
from model.networks.ranker import Ranker
from model.networks.trained import TrainedNetworks
from model.ranking.recommender import Recommender
from tfx_configs.stages import TrainStage


def new_networks(run: TrainStage, catalog: Catalog, query: str = "taste") -> tuple[TwoTowers, TrainedNetworks]:
    """The towers as they are trained, and all networks, the same towers among them. query: see TwoTowers."""
    strategy = workers.strategy()
    preranker = PreRanker(len(catalog.promotions))  # out of the scope: every worker trains all of it alone
    with strategy.scope():
        towers = TwoTowers(catalog, run.train, query)
        ranker = Ranker(
            len(feature_records(catalog, run.features)),
            catalog.vocabulary_size,
            catalog.attribute_sizes,
            catalog.user_attribute_sizes,
        )
        return towers, TrainedNetworks(towers.queries, preranker, ranker)


def recommender_of(run: TrainStage, catalog: Catalog, networks: TrainedNetworks) -> Recommender:
    """On this catalog; it follows what the networks learn."""
    return Recommender(catalog, run.features, run.candidates, networks=networks)
