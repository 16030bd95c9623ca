"""Networks with random weights for a catalog, and an index of their items: a model before anything is learned."""

import numpy as np

from model.data.catalog import Catalog
from model.features.records import feature_records
from model.networks.pre_ranker import PreRanker
from model.networks.ranker import Ranker
from model.networks.trained import TrainedNetworks
from model.networks.two_tower import ItemTower, TasteTower
from model.package.vector_index import ExactIndex
from model.system.legacy_keras import tf
from tfx_configs.settings import FeatureSettings

WIDTH = 8


def networks_of(catalog: Catalog, features: FeatureSettings) -> TrainedNetworks:
    """Every score depends on every network: the pre-ranker's adds to the line."""
    tf.keras.utils.set_random_seed(3)
    sizes, user_sizes = catalog.attribute_sizes, catalog.user_attribute_sizes
    towers = TasteTower(ItemTower(catalog.vocabulary_size, sizes, WIDTH), user_sizes, WIDTH)
    ranker = Ranker(len(feature_records(catalog, features)), catalog.vocabulary_size, sizes, user_sizes)
    networks = TrainedNetworks(towers, PreRanker(len(catalog.promotions)), ranker)
    rng = np.random.default_rng(7)
    for variable in (*networks.preranker.kernels, *networks.preranker.biases):
        variable.assign(rng.normal(0, 1, variable.shape))
    return networks


def index_of(networks: TrainedNetworks, catalog: Catalog) -> ExactIndex:
    """Over the items that were bought before the cut."""
    active = catalog.active_items()
    vectors = networks.query_tower.items(catalog.vocabulary_I[active], catalog.attribute_IA[active])
    return ExactIndex(vectors.numpy(), active)
