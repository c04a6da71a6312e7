"""The operator's limits on how many jobs a session or an address may start."""

import ipaddress
import time
from collections.abc import Iterator

import limits
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from orfeas.errors import RateLimited

# The smallest network an IPv6 customer gets; within it, anyone can take any address.
IPV6_PREFIX = 64


class Rates:
    """Counts accepted jobs in moving windows, in memory; a refused one costs nothing.

    Not safe for threads: the caller checks and spends under its own lock.

    Args:
        session_limit: such as ``20/hour`` or ``5/minute;50/day``; empty is no limit.
        address_limit: the same for a network address.
    """

    def __init__(self, session_limit: str, address_limit: str) -> None:
        self._session_limits = limits.parse_many(session_limit) if session_limit else []
        self._address_limits = limits.parse_many(address_limit) if address_limit else []
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, session: str, address: str) -> None:
        """Refuse a job that would be over a limit; an empty session or address (a script, this machine) has none.

        Raises:
            RateLimited: says which limit, and when the next job is welcome.
        """
        for limit, who, key in self._applying(session, address):
            if not self._limiter.test(limit, who, key):
                wait_s = self._limiter.get_window_stats(limit, who, key).reset_time - time.time()
                raise RateLimited(f"A {who} may start {limit} here. Try again in {in_words(wait_s)}.")

    def spend(self, session: str, address: str) -> None:
        """Count a job that was accepted."""
        for limit, who, key in self._applying(session, address):
            self._limiter.hit(limit, who, key)

    def _applying(self, session: str, address: str) -> Iterator[tuple[limits.RateLimitItem, str, str]]:
        if session:
            yield from ((limit, "session", session) for limit in self._session_limits)
        if address:
            yield from ((limit, "network address", _network(address)) for limit in self._address_limits)


def in_words(seconds: float) -> str:
    """A time to wait, rounded up: ``45 seconds``, ``12 minutes``, ``3 hours``."""
    whole = max(1, -int(-seconds // 1))
    for unit, length in (("hour", 3600), ("minute", 60)):
        if whole > 2 * length:
            return f"{-(-whole // length)} {unit}s"
    return f"{whole} second{'s' if whole > 1 else ''}"


def _network(address: str) -> str:
    """The address, or for IPv6 the network its owner has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
