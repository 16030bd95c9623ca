"""The networks that read a shopper, by the names of `train.query`."""

from model.networks.sequence_tower import SequenceTower
from model.networks.two_tower import TasteTower

QueryTower = TasteTower | SequenceTower
QUERY_TOWERS: dict[str, type[TasteTower] | type[SequenceTower]] = {"taste": TasteTower, "sequence": SequenceTower}
