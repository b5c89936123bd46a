"""How often a caller may ask: token buckets, one for each caller, in this process."""

import threading
from time import monotonic

from isco_rag.errors import LimitError

# Callers remembered; beyond that the one that asked longest ago is forgotten, whose bucket is full again anyhow.
MOST = 10_000


class Buckets:
    """Token buckets by caller: `rate` a minute on average, a tenth of it (at least 5) at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, per_minute: int, tokens: float = 1.0) -> None:
        """Takes tokens from a caller's bucket; LimitError tells when there will be enough."""
        rate, size = per_minute / 60.0, max(5.0, per_minute / 10.0)
        at = monotonic()
        with self._lock:
            level, before = self._levels.pop(caller, (size, at))
            level = min(size, level + (at - before) * rate)
            enough = level >= tokens
            self._levels[caller] = (level - tokens if enough else level, at)
            if len(self._levels) > MOST:
                del self._levels[next(iter(self._levels))]
        if not enough:
            wait = max(1, round((tokens - level) / rate + 0.5))
            raise LimitError(f"more than {per_minute:,} requests a minute; ask again in {wait} s")
