"""Who may decide over the machine."""

import gradio as gr
import pytest
from starlette.requests import Request

from orfeas.ui.caller import is_operator


def request_of(address: str, **headers: str) -> gr.Request:
    named = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "client": (address, 1)}
    return gr.Request(Request(scope))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1"])
@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
def test_who_sits_at_the_machine_may(address: str, host: str) -> None:
    assert is_operator(request_of(address, host=host), has_login=False)
    assert is_operator(request_of(address, host=host, origin=f"http://{host}"), has_login=False)


@pytest.mark.parametrize("address", ["192.168.1.7", "203.0.113.1", "2001:db8::1", ""])
def test_who_comes_over_the_network_may_not(address: str) -> None:
    assert not is_operator(request_of(address), has_login=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_for": "127.0.0.1"},
        {"x_real_ip": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"host": "studio.example"},
        {"host": "[::1"},
        {"origin": "https://studio.example"},
        {"origin": "null"},
    ],
)
def test_who_was_passed_on_by_something_at_the_machine_may_not(headers: dict[str, str]) -> None:
    assert not is_operator(request_of("127.0.0.1", **headers), has_login=False)


def test_who_has_logged_in_may_from_anywhere() -> None:
    assert is_operator(request_of("203.0.113.1", x_forwarded_for="203.0.113.1"), has_login=True)
