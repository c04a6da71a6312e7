from collections.abc import Iterator

import pytest

from tests.running import Running, running
from tests.ui.page_session import PageSession


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def page(server: Running) -> Iterator[PageSession]:
    """A page that has been opened, set to the quickest quality."""
    page = PageSession(server.url)
    page.values["quality"] = "draft"
    page.open()
    yield page
    page.close()
