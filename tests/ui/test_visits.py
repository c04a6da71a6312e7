import asyncio

from starlette.types import Message, Receive, Scope, Send

from orfeas.ui.visits import REMEMBERED, VisitNotes, Visits


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass


async def receive() -> Message:
    return {}


async def send(message: Message) -> None:
    pass


def ask(visits: Visits, path: str, method: str = "GET", root: str = "") -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": root,
        "client": ("10.0.0.1", 1234),
        "headers": [(b"user-agent", b"Browser")],
    }
    asyncio.run(VisitNotes(nothing, visits)(scope, receive, send))


def test_a_browser_that_asks_for_the_page_has_returned() -> None:
    visits = Visits()
    ask(visits, "/")
    assert visits.has_returned("10.0.0.1", "Browser")


def test_a_browser_that_asks_under_a_prefix_has_returned() -> None:
    visits = Visits()
    ask(visits, "/orfeas/", root="/orfeas")
    assert visits.has_returned("10.0.0.1", "Browser")


def test_a_browser_that_asks_for_something_else_has_not_returned() -> None:
    visits = Visits()
    ask(visits, "/health")
    ask(visits, "/", method="POST")
    assert not visits.has_returned("10.0.0.1", "Browser")


def test_another_browser_at_the_same_address_is_another() -> None:
    visits = Visits()
    ask(visits, "/")
    assert not visits.has_returned("10.0.0.1", "Other")


def test_the_longest_ago_are_forgotten_first() -> None:
    visits = Visits()
    for number in range(REMEMBERED + 1):
        visits.note(str(number), "")
    assert visits.has_returned("1", "")
    assert not visits.has_returned("0", "")
