"""The endpoints as tools of an AI assistant: a real client of the Model Context Protocol against a real server."""

import asyncio
import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent, Tool

from orfeas.errors import InternalError
from orfeas.server import build
from orfeas.settings import Settings
from tests.running import Running, running

MCP = "gradio_api/mcp/"
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("mcp"), mcp=1) as server:
        yield server


def list_tools(server: Running) -> dict[str, Tool]:
    async def ask() -> list[Tool]:
        async with streamable_http_client(server.url + MCP) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return (await session.list_tools()).tools

    return {tool.name: tool for tool in asyncio.run(ask())}


def call(server: Running, tool: str, **arguments: object) -> CallToolResult:
    """What the tool answers to a client that follows its progress."""

    async def note(progress: float, total: float | None, message: str | None) -> None:
        return

    async def ask() -> CallToolResult:
        async with streamable_http_client(server.url + MCP) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await session.call_tool(tool, arguments, progress_callback=note)

    return asyncio.run(ask())


def texts(result: CallToolResult) -> list[str]:
    assert not result.isError, result
    return [part.text for part in result.content if isinstance(part, TextContent)]


def refusal(result: CallToolResult) -> str:
    assert result.isError
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


def test_the_tools_are_the_named_endpoints_and_tell_what_they_take(server: Running) -> None:
    tools = list_tools(server)
    assert {name: tuple(tool.inputSchema["properties"]) for name, tool in tools.items()} == server.server.page.endpoints
    assert all(tool.description for tool in tools.values())
    fields = tools["generate_3d"].inputSchema["properties"]
    assert all(field["description"] for field in fields.values())
    assert fields["quality"]["enum"] == ["draft", "standard", "high", "ultra"]
    assert tools["generate_3d"].inputSchema["required"] == ["image"]


def test_words_become_a_model_and_its_job_can_be_asked_for(server: Running) -> None:
    model, _picture, job = texts(call(server, "text_to_3d", prompt="a red apple", quality="draft", seed=1))
    assert httpx.get(model).content[:4] == b"glTF"
    job_id = job.split("'job_id': '")[1][:32]
    assert texts(call(server, "job_status", job_id=job_id)) == [job]
    assert "'status': 'completed'" in job


def test_a_picture_is_given_by_the_address_of_its_upload_or_as_data(server: Running, mug: Path) -> None:
    path = httpx.post(f"{server.url}gradio_api/upload", files={"files": mug.open("rb")}).json()[0]
    data = base64.b64encode(mug.read_bytes()).decode()
    for image in (f"{server.url}gradio_api/file={path}", f"data:image/png;base64,{data}"):
        model, job = texts(call(server, "generate_3d", image=image, quality="draft", output_format="stl"))
        assert httpx.get(model).status_code == 200
        assert "'status': 'completed'" in job


def test_a_file_of_the_machine_is_no_upload(server: Running) -> None:
    result = call(server, "generate_3d", image=f"{server.url}gradio_api/file=/etc/passwd")
    assert result.isError


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prompt": ""}, "Invalid prompt: The prompt is empty."),
        ({"prompt": "apple", "engine": "diffusion"}, "Engine unavailable: "),
        ({"prompt": "apple", "style": "baroque"}, "'baroque' is not one of ['none',"),
    ],
)
def test_a_refusal_is_told_in_its_sentence(server: Running, arguments: dict[str, object], sentence: str) -> None:
    assert sentence in refusal(call(server, "text_to_image", **arguments))


def test_a_job_that_is_not_there_is_told(server: Running) -> None:
    assert "Not found: There is no such job" in refusal(call(server, "job_status", job_id="0" * 32))


def test_no_assistant_sees_the_jobs_of_another(server: Running) -> None:
    call(server, "text_to_image", prompt="a red apple")
    assert texts(call(server, "history")) == ["[]"]


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [
        ({"origin": "https://elsewhere.example"}, 0, 403),
        ({"host": "elsewhere.example"}, 0, 403),
        ({}, 5_000_000, 413),
        ({}, 0, 200),
    ],
)
def test_the_guard_stands_before_the_tools(server: Running, headers: dict[str, str], size: int, status: int) -> None:
    body = {**HELLO, "params": {"_meta": {"padding": "x" * size}}}
    assert httpx.post(server.url + MCP, json=body, headers={**ACCEPT, **headers}).status_code == status


def test_without_the_setting_there_are_no_tools(tmp_path: Path) -> None:
    with running(tmp_path) as plain:
        assert httpx.post(plain.url + MCP, json=HELLO, headers=ACCEPT).status_code == 404


def test_without_its_package_the_server_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(InternalError, match=r"run pip install -r requirements-mcp\.txt"):
        build(Settings(data_dir=tmp_path, mcp=True))
