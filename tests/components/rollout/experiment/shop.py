"""A shop with a known truth: shoppers who differ, some of which their past predicts."""

import numpy as np

from components.rollout.experiment.estimate import Shoppers


def shop(
    rng: np.random.Generator, shoppers: int, lift: float = 1.0, share: float = 0.5, past_trips: int = 8
) -> Shoppers:
    """Shoppers of an experiment whose treatment multiplies hits per trip by `lift`, for all.

    A shopper's hits per trip are gamma distributed with mean 1.2; trips are geometric with mean 4 and come more often
    to those with fewer hits. The past is the mean of `past_trips` trips before, unknown (0, and a flag) for a fifth.
    """
    taste_S = rng.gamma(2.0, 0.6, shoppers)
    trips_S = rng.geometric(1 / (2 + 4 / (1 + taste_S))).astype(float)
    treated_S = rng.random(shoppers) < share
    hits_S = rng.poisson(taste_S * trips_S * np.where(treated_S, lift, 1.0)).astype(float)
    known_S = rng.random(shoppers) < 0.8
    before_S = rng.poisson(taste_S * past_trips) / past_trips * known_S
    return Shoppers(treated_S=treated_S, hits_S=hits_S, trips_S=trips_S, past_SP=np.stack([before_S, known_S], axis=1))
