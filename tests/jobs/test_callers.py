"""Which browser a session belongs to."""

from orfeas.jobs.callers import MAX_SESSIONS, Owners


def test_a_session_is_its_own_owner_until_it_is_adopted() -> None:
    owners = Owners()
    assert owners.owner_of("page") == "page"
    owners.adopt("page", "token")
    assert owners.owner_of("page") == "token"


def test_the_longest_unused_sessions_are_forgotten_first() -> None:
    owners = Owners()
    for number in range(MAX_SESSIONS):
        owners.adopt(f"page-{number}", "token")
    owners.adopt("page-0", "token")
    owners.adopt("one more", "token")

    assert owners.owner_of("page-0") == "token"
    assert owners.owner_of("page-1") == "page-1"
    assert owners.owner_of("one more") == "token"
