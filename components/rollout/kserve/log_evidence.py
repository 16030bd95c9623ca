"""What shoppers saw and bought, of both versions at the current share: the request log joined with purchases.

On a cluster the log is in the object store (model/serving/request_log/shipper.py), and the purchases are canonical
events (docs/reference/tables.md), in the same store or on a disk. A visit and its outcome are the monitor's
(model/request_log/attribution.py). The unit is the shopper, as on a laptop; a request whose header does not name its
shopper is no evidence, and neither is a shopper whom both versions answered: both are counted.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.artifacts import purchases as bought
from components.kfp_support.progress import progress
from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.kserve.observers import Moment
from model.data import columns as c
from model.errors import InputError
from model.evaluation import clustered_errors as clusters
from model.request_log import attribution
from model.request_log import reader as request_log
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import HOUR_S

COLUMNS = (c.REQUEST, "version", c.USER, "time_s", "logged_s", "route", "new_only", "item_ids")
K = 10
"""Places of a list that count."""
MOST_ROWS = 500_000
"""Of the log that are kept; beyond it shoppers are sampled."""
LATE_S = 6 * HOUR_S
"""How late a row may come to the store: a file takes five minutes, and more while the store is away."""
SLICE_S = 6 * int(HOUR_S)
"""Of the log that is read at once, seconds."""
MOST_LISTS = 5_000
"""Shoppers whose lists are compared, the last ones."""
Figures = tuple[VersionEvidence, VersionEvidence, Mapping[str, int]]
"""(of stable, of the canary, requests that are no evidence by reason); only what the log has."""


def at_once(read: Callable[[], None]) -> None:
    """Reads before the evaluation goes on."""
    read()


def in_background(read: Callable[[], None]) -> None:
    """Reads meanwhile; the figures count from the next evaluation on."""
    threading.Thread(target=read, name="log", daemon=True).start()


@dataclass(kw_only=True)
class LogEvidence:
    """An observer (components/rollout/kserve/observers.py). Not frozen: it keeps what it read last."""

    log: Path | str
    """A directory, or s3://bucket/path."""
    purchases: Path | str
    """Canonical tables: a directory, or s3://bucket/path."""
    labels: LabelSettings = field(default_factory=LabelSettings)
    settings: MonitorSettings = field(default_factory=MonitorSettings)
    every_s: float = 120.0
    """The log is read again after so long: it grows by a file in five minutes."""
    clock: Callable[[], float] = time.monotonic
    most_rows: int = MOST_ROWS
    run: Callable[[Callable[[], None]], None] = at_once
    """How the log is read: at once, or in a thread, so that the other evidence need not wait for it."""
    _reading: bool = field(default=False, init=False)
    _read: tuple[tuple[str, float], float, Figures] | None = field(default=None, init=False)
    _rows: pd.DataFrame | None = field(default=None, init=False)
    _until_s: float = field(default=0.0, init=False)
    _share: float = field(default=1.0, init=False)
    """Of the shoppers, who are in `_rows`."""

    def __call__(self, moment: Moment, evidence: Evidence) -> Evidence:
        """Without a readable log, or purchases, the evidence stays as it is: then nothing is proven."""
        key, now = (moment.canary.name, moment.since_s), self.clock()
        last = self._last(key)
        if not self._reading and (last is None or now - last[0] > self.every_s):
            self._reading = True
            self.run(lambda: self._refresh(moment, now))
            last = self._last(key)
        if last is None:
            return evidence
        stable, canary, left_out = last[1]
        return replace(
            evidence,
            stable=_joined(evidence.stable, stable),
            canary=_joined(evidence.canary, canary),
            left_out={**evidence.left_out, **left_out},
        )

    def _last(self, key: tuple[str, float]) -> tuple[float, Figures] | None:
        """(when it was read, what it came to) of this canary at this share; None: nothing yet."""
        return self._read[1:] if self._read is not None and self._read[0] == key else None

    def _refresh(self, moment: Moment, now: float) -> None:
        """Reads the log; where it cannot, what was read before stays."""
        try:
            self._read = (moment.canary.name, moment.since_s), now, self._figures(moment)
        except InputError as error:
            progress(f"rollout: outcomes are not readable: {error}")
        finally:
            self._reading = False

    def _figures(self, moment: Moment) -> Figures:
        versions = [moment.stable.name, moment.canary.name]
        rows, left_out = _evident(self._logged(moment), versions)
        try:
            events = bought.read(self.purchases, moment.since_s, moment.now_s + 1, self.labels)
        except InputError as error:
            progress(f"rollout: purchases are not readable: {error}")
            events = pd.DataFrame(columns=[c.USER, c.ITEM, c.TIME])
        visits = self._closed(rows, events, moment.now_s)
        stable, canary = (_figures_of(rows, visits, version) for version in versions)
        return stable, canary, left_out

    def _logged(self, moment: Moment) -> pd.DataFrame:
        """The rows since the share was set, of a sample of the shoppers where there are too many.

        Only what came since the last time is read. The sample is by a hash of the shopper, which has nothing to do with
        the gateway's, so that both versions lose alike.
        """
        if self._last((moment.canary.name, moment.since_s)) is None:
            self._rows, self._until_s, self._share = None, moment.since_s, 1.0
        begin_s, end_s = int(max(moment.since_s, self._until_s - LATE_S)), int(moment.now_s) + 1
        rows = self._rows
        for start_s in range(begin_s, end_s, SLICE_S):
            table = request_log.read(self.log, start_s, min(start_s + SLICE_S, end_s), columns=COLUMNS)
            table = table.filter(pc.field("logged_s") >= moment.since_s)
            fresh = table.filter(pa.array(self._in_sample(table[c.USER].to_pylist()), pa.bool_())).to_pandas()
            fresh = fresh[~fresh["new_only"].eq(True)]
            rows = fresh if rows is None else pd.concat([rows, fresh]).drop_duplicates([c.REQUEST, "logged_s"])
            if len(rows) > self.most_rows:
                self._share *= 0.8 * self.most_rows / len(rows)
                rows = rows[self._in_sample(rows[c.USER].tolist())]
        assert rows is not None
        self._rows, self._until_s = rows, moment.now_s
        return rows

    def _in_sample(self, users: list[str]) -> np.ndarray:
        """[n] bool."""
        if self._share == 1.0:
            return np.ones(len(users), bool)
        return np.fromiter((request_log.sampled(user, 100 * self._share) for user in users), bool, len(users))

    def _closed(self, rows: pd.DataFrame, events: pd.DataFrame, now_s: float) -> pd.DataFrame:
        """Visits with their hits, where the time for an outcome is over and the purchases reach so far."""
        if rows.empty or events.empty:
            return rows.head(0).assign(hits=[])
        visits = attribution.first_of_visits(rows, self.settings.visit_minutes)
        baskets = attribution.baskets(visits, events, self.settings)
        hits = [len(set(items[:K]) & basket) for items, basket in zip(visits["item_ids"], baskets, strict=True)]
        reach_s = float(events[c.TIME].max()) - self.settings.outcome_hours * HOUR_S
        until_s = min(attribution.closed_until(now_s, self.settings), reach_s)
        return visits.assign(hits=hits)[visits["time_s"] < until_s]


def _evident(rows: pd.DataFrame, versions: list[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """(rows that are evidence, how many are not by reason)."""
    split = rows["route"].isna() | (rows["route"] == "split")
    ours = split & rows["version"].isin(versions)
    versions_U = rows[ours].groupby(c.USER)["version"].nunique()
    both = ours & rows[c.USER].isin(versions_U.index[versions_U > 1])
    left_out = {
        "without the shopper's header": int((rows["route"] == "unsticky").sum()),
        "asked for by name": int((rows["route"] == "named").sum()),
        "of other versions": int((split & ~ours).sum()),
        "of shoppers whom both versions answered": int(both.sum()),
    }
    return rows[ours & ~both], {reason: count for reason, count in left_out.items() if count}


def _figures_of(rows: pd.DataFrame, visits: pd.DataFrame, version: str) -> VersionEvidence:
    own, closed = rows[rows["version"] == version], visits[visits["version"] == version]
    last = own.drop_duplicates(c.USER, keep="last").tail(MOST_LISTS)
    hits = closed["hits"].to_numpy(dtype=float)
    return VersionEvidence(
        requests=len(own),
        errors=0,
        shoppers=int(own[c.USER].nunique()),
        p50_ms=0.0,
        p99_ms=0.0,
        p99_low_ms=0.0,
        trips=len(closed),
        hits=int(hits.sum()),
        hits_per_trip_se=clusters.ratio(hits, np.ones(len(hits)), closed[c.USER].to_numpy()).se,
        list_overlap=clusters.list_overlap([set(items) for items in last["item_ids"]]),
    )


def _joined(served: VersionEvidence, logged: VersionEvidence) -> VersionEvidence:
    """What the servers counted, with the shoppers, outcomes and lists of the log."""
    return replace(
        served,
        shoppers=logged.shoppers,
        trips=logged.trips,
        hits=logged.hits,
        hits_per_trip_se=logged.hits_per_trip_se,
        list_overlap=logged.list_overlap,
    )
