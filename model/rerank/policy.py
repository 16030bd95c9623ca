"""What a model directory holds about re-ranking, and the rules file that an operator may change while it serves."""

import logging
import threading
from contextlib import suppress
from pathlib import Path

from model.errors import InputError, ModelRefused
from model.files import write_text
from model.rerank.item_attributes import ItemValues
from model.rerank.reranker import Reranker
from tfx_configs.frozen import SettingsError
from tfx_configs.rerank import RerankSettings, Rules

SETTINGS, ITEMS = "rerank.json", "items.parquet"
"""Files of a model directory."""

_log = logging.getLogger(__name__)


class RerankPolicy:
    """The current reranker. With a rules file, its rules take the place of the packaged ones.

    The file is checked on every call and read when it has changed. A broken file is refused when it is the first one
    read; later on it is reported once and the previous rules stay active.

    Raises:
        InputError: the rules file is missing or asks for what cannot be done.

    Example:
        A rules file takes the place of the packaged rules.

        >>> import tempfile
        >>> from tfx_configs.rerank import Rule
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "rules.json"
        ...     _ = file.write_text(Rules(rules=(Rule(action="exclude", values=("wine",)),)).to_json())
        ...     policy = RerankPolicy(RerankSettings(), ItemValues(Path(folder) / "items.parquet"), file)
        ...     [len(items) for _, items in policy.current().bans("any store")]
        [1]
    """

    def __init__(self, settings: RerankSettings, values: ItemValues, rules: Path | None = None) -> None:
        self._settings, self.values, self._rules = settings, values, rules
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._reranker = self._read()

    def current(self) -> Reranker:
        """The reranker for the next requests."""
        stamp = self._stamp()
        if stamp == self._seen:
            return self._reranker
        with self._lock:
            if stamp != self._seen:
                self._seen = stamp
                try:
                    self._reranker = self._read()
                    _log.warning("rules read from %s", self._rules)
                except InputError as error:
                    _log.error("the previous rules stay active: %s", error)
        return self._reranker

    def _stamp(self) -> tuple[int, int, int]:
        """Changes when the file does; zeros without one."""
        with suppress(OSError):
            if self._rules is not None:
                status = self._rules.stat()
                return status.st_mtime_ns, status.st_size, status.st_ino
        return 0, 0, 0

    def _read(self) -> Reranker:
        if self._rules is None:
            return Reranker(self._settings, self._settings.rules, self.values)
        try:
            return Reranker(self._settings, Rules.from_json(self._rules.read_text()).rules, self.values)
        except (OSError, UnicodeDecodeError, SettingsError, InputError) as error:
            raise InputError(f"{self._rules}: expected a rules file, see docs/reranking.md ({error})") from None


def package_rerank(directory: Path, settings: RerankSettings, items: Path) -> None:
    """Puts the settings and the items table into a model directory that is being made.

    Raises:
        InputError: the settings speak of attributes or values that no item has.
    """
    Reranker(settings, settings.rules, ItemValues(items))
    write_text(directory / SETTINGS, settings.to_json())
    (directory / ITEMS).write_bytes(items.read_bytes())


def packaged_rerank(directory: Path) -> RerankSettings:
    """The settings in a model directory; everything off when it holds none.

    Raises:
        ModelRefused: they are not readable.
    """
    path = directory / SETTINGS
    if not path.exists():
        return RerankSettings()
    try:
        return RerankSettings.from_json(path.read_text())
    except SettingsError as error:
        raise ModelRefused(f"{path}: expected re-ranking settings, got others ({error}); train it again") from None
