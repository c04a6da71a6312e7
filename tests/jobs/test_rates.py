"""The operator's limits."""

import pytest

from orfeas.errors import RateLimited
from orfeas.jobs.rates import Rates, in_words


def start(rates: Rates, session: str, address: str) -> None:
    rates.check(session, address)
    rates.spend(session, address)


def test_no_limit_is_the_default() -> None:
    rates = Rates("", "")
    for _ in range(1000):
        start(rates, "session", "203.0.113.5")


def test_an_address_is_limited_over_all_its_sessions() -> None:
    rates = Rates("", "2/day")
    start(rates, "one", "203.0.113.5")
    start(rates, "two", "203.0.113.5")
    with pytest.raises(RateLimited, match=r"^A network address may start 2 per 1 day here\. Try again in 24 hours\.$"):
        rates.check("three", "203.0.113.5")
    rates.check("three", "203.0.113.6")


def test_checking_costs_nothing() -> None:
    rates = Rates("1/day", "1/day")
    for _ in range(10):
        rates.check("session", "203.0.113.5")


def test_the_tighter_of_two_limits_counts() -> None:
    rates = Rates("10/minute;2/hour", "")
    start(rates, "one", "")
    start(rates, "one", "")
    with pytest.raises(RateLimited, match="2 per 1 hour"):
        rates.check("one", "")


def test_this_machine_and_bare_requests_have_no_limit_of_that_kind() -> None:
    rates = Rates("1/day", "1/day")
    for _ in range(5):
        start(rates, "", "")


def test_one_ipv6_network_is_one_address() -> None:
    rates = Rates("", "1/day")
    start(rates, "", "2001:db8:1:2::1")
    with pytest.raises(RateLimited):
        rates.check("", "2001:db8:1:2:ffff::9")
    rates.check("", "2001:db8:1:3::1")


def test_a_name_instead_of_an_address_is_limited_as_it_is() -> None:
    rates = Rates("", "1/day")
    start(rates, "", "testclient")
    with pytest.raises(RateLimited):
        rates.check("", "testclient")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "1 second"),
        (0.2, "1 second"),
        (45, "45 seconds"),
        (120, "120 seconds"),
        (121, "3 minutes"),
        (3600, "60 minutes"),
        (7201, "3 hours"),
    ],
)
def test_a_wait_is_told_rounded_up(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
