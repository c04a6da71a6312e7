"""The plain routes over a real studio, and the guard before every route of a real server."""

import asyncio
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from orfeas.api import Guard, Phase, Routes, unexpected
from orfeas.api.guard import HARDENING, MAX_BODY_BYTES
from orfeas.engines.hunyuan.shape import HunyuanShape
from orfeas.options import Quality, ShapeOptions
from orfeas.residence import Tenants
from orfeas.settings import Settings
from orfeas.studio import Studio
from orfeas.version import VERSION

OTHER = "https://elsewhere.example"


@pytest.fixture
def http(studio: Studio, mug: Path) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=Routes(studio, [mug], lambda: Phase.UP).routes())) as client:
        yield client


@pytest.fixture
def job_id(studio: Studio, mug: Path) -> str:
    return studio.image_to_3d(mug, ShapeOptions(quality=Quality.DRAFT)).job_id


async def echo(request: Request) -> Response:
    return JSONResponse(
        {"bytes": len(await request.body())},
        headers={"access-control-allow-origin": "*", "access-control-allow-credentials": "true"},
    )


async def break_down(_: Request) -> Response:
    raise RuntimeError("/secret/path")


@pytest.fixture
def guarded() -> TestClient:
    inner = Starlette(
        routes=[
            Route("/echo", echo, methods=["GET", "POST"]),
            Route("/gradio_api/upload", echo, methods=["POST"]),
            Route("/orfeas/gradio_api/upload", echo, methods=["POST"]),
            Route("/jobs/upload", echo, methods=["POST"]),
            Route("/gradio_api/call/v2/known", echo, methods=["POST"]),
            Route("/broken", break_down),
        ],
        exception_handlers={Exception: unexpected},
    )
    return guard_of(inner, host="0.0.0.0", allowed_origins="https://friend.example/", root_path="/orfeas")


def guard_of(inner: Starlette, **settings: str | bool) -> TestClient:
    guard = Guard(inner, Settings.model_validate(settings), {"known": ("image", "seed")})
    return TestClient(guard, base_url="http://studio.example", raise_server_exceptions=False)


def test_health_is_alive_and_tells_its_version(http: TestClient) -> None:
    answer = http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": VERSION})


def test_health_answers_in_5_ms(http: TestClient) -> None:
    times = []
    for _ in range(50):
        start = time.perf_counter()
        http.get("/health")
        times.append(time.perf_counter() - start)
    # The quickest, for whatever else this machine does.
    assert min(times) < 0.005


def test_ready_names_the_engines_that_are(http: TestClient) -> None:
    answer = http.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "engines": ["inflate"]})


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (Phase.LOADING, "The studio is starting. Ask again in a few seconds."),
        (Phase.STOPPING, "The studio is being stopped."),
    ],
)
def test_ready_tells_a_server_that_loads_from_one_that_stops(
    studio: Studio, mug: Path, phase: Phase, sentence: str
) -> None:
    answer = TestClient(Starlette(routes=Routes(studio, [mug], lambda: phase).routes())).get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"error": phase, "message": sentence})


def test_ready_says_that_the_data_folder_cannot_be_written(http: TestClient, settings: Settings) -> None:
    (settings.data_dir / "jobs").rmdir()
    answer = http.get("/ready")
    sentence = "The studio's data folder cannot be written."
    assert (answer.status_code, answer.json()) == (503, {"error": "unavailable", "message": sentence})


def test_ready_says_that_no_engine_is(http: TestClient, studio: Studio, tmp_path: Path) -> None:
    studio.roster.shape = (HunyuanShape(tmp_path, "cpu", Tenants()),)
    answer = http.get("/ready")
    assert (answer.status_code, answer.json()["error"]) == (503, "engine_unavailable")
    assert answer.json()["message"].startswith("No engine is ready. Hunyuan")


def test_metrics_are_prometheus_text_with_a_gauge_of_running_jobs(http: TestClient) -> None:
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    names = {line.split("{")[0].split(" ")[0] for line in answer.text.splitlines() if not line.startswith("#")}
    assert all(name.startswith("orfeas_") for name in names)
    assert any("running" in name for name in names)


def test_a_job_is_told_to_whoever_has_its_id(http: TestClient, job_id: str) -> None:
    job = http.get(f"/jobs/{job_id}").json()
    assert (job["job_id"], job["status"], job["mesh"]["is_watertight"]) == (job_id, "completed", True)


def test_a_job_that_has_ended_stays_as_it_is_when_stopped(http: TestClient, job_id: str) -> None:
    assert http.post(f"/jobs/{job_id}/cancel").json()["status"] == "completed"


@pytest.mark.parametrize("part", ["thumbnail", "cut_out"])
def test_pictures_of_a_job_are_served(http: TestClient, job_id: str, part: str) -> None:
    answer = http.get(f"/jobs/{job_id}/{part}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] in ("image/webp", "image/png")


def test_a_thumbnail_is_kept_by_the_browser_only_once_the_job_has_ended(
    http: TestClient, studio: Studio, mug: Path, job_id: str
) -> None:
    waiting = studio.submit_image_to_3d(mug, ShapeOptions())
    folder = studio.workspace.job_folder(waiting.job_id)
    (folder / "thumbnail.webp").write_bytes(studio.results.thumbnail(job_id).read_bytes())
    assert http.get(f"/jobs/{waiting.job_id}/thumbnail").headers["cache-control"] == "no-store"
    assert "max-age" in http.get(f"/jobs/{job_id}/thumbnail").headers["cache-control"]


def test_the_turntable_of_a_job_is_served_as_a_file_to_keep(http: TestClient, job_id: str) -> None:
    answer = http.get(f"/jobs/{job_id}/turntable.webp")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["content-disposition"].startswith("attachment")
    with Image.open(BytesIO(answer.content)) as film:
        assert (film.size, getattr(film, "n_frames", 1)) == ((512, 512), 24)


def test_a_turntable_behind_those_of_others_is_busy_before_long(
    http: TestClient, studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orfeas.api.routes.EASEL_S", 0.3)
    start = time.monotonic()
    with studio.results._easel:
        answer = http.get(f"/jobs/{job_id}/turntable.webp")
    assert time.monotonic() - start < 2
    assert (answer.status_code, answer.json()["error"]) == (503, "busy")
    # What is drawn once it is its turn may take longer than the wait.
    assert http.get(f"/jobs/{job_id}/turntable.webp").status_code == 200


def test_a_job_without_a_model_has_no_turntable(http: TestClient, studio: Studio) -> None:
    answer = http.get(f"/jobs/{studio.text_to_image('a red apple').job_id}/turntable.webp")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_picture_made_from_words_is_served(http: TestClient, studio: Studio) -> None:
    job = studio.text_to_image("a red apple")
    assert http.get(f"/jobs/{job.job_id}/picture").content[:4] == b"\x89PNG"


def test_an_uploaded_picture_is_not_served(http: TestClient, job_id: str) -> None:
    assert http.get(f"/jobs/{job_id}/picture").status_code == 404


@pytest.mark.parametrize(
    ("output_format", "magic"),
    [("glb", b"glTF"), ("obj", b"PK"), ("ply", b"ply"), ("STL", b"ORFEAS"), ("3mf", b"PK"), ("FBX", b"Kaydara")],
)
def test_a_model_is_served_as_a_file_to_keep(http: TestClient, job_id: str, output_format: str, magic: bytes) -> None:
    answer = http.get(f"/jobs/{job_id}/model.{output_format}")
    assert answer.status_code == 200
    assert answer.content.startswith(magic)
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_model_is_served_with_a_smaller_texture(http: TestClient, job_id: str) -> None:
    whole, small = (http.get(f"/jobs/{job_id}/model.glb{query}") for query in ("", "?texture_size=256"))
    assert (whole.status_code, small.status_code) == (200, 200)
    assert small.headers["content-disposition"] == whole.headers["content-disposition"]
    assert len(small.content) < len(whole.content)
    png = http.get(f"/jobs/{job_id}/model.glb?texture_size=256&texture_format=png&compression=draco")
    assert b"KHR_draco_mesh_compression" in png.content and b"image/jpeg" not in png.content


@pytest.mark.parametrize(
    "query", ["texture_size=huge", "texture_size=300", "texture_format=gif", "texture_size=9" * 20]
)
def test_a_texture_that_cannot_be_is_refused(http: TestClient, job_id: str, query: str) -> None:
    answer = http.get(f"/jobs/{job_id}/model.glb?{query}")
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_option")


def test_a_format_that_cannot_be_written_is_refused_with_those_that_can(http: TestClient, job_id: str) -> None:
    answer = http.get(f"/jobs/{job_id}/model.blend")
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_option")
    assert "glb, obj, stl, ply, 3mf, usdz, fbx" in answer.json()["message"]


def test_an_unknown_job_is_told_as_json(http: TestClient) -> None:
    answer = http.get("/jobs/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"
    assert answer.json()["message"].startswith("Not found: ")


@pytest.mark.parametrize("path", ["/jobs/..%2F..%2Fetc%2Fpasswd", "/jobs/..%5C..%5Cx", "/jobs/nothing/model.glb"])
def test_a_hostile_id_finds_nothing(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert "passwd" not in answer.text


def test_examples_are_served_by_number(http: TestClient, mug: Path) -> None:
    assert http.get("/examples/0").content == mug.read_bytes()


def test_an_example_that_is_not_there_is_not_found(http: TestClient) -> None:
    assert http.get("/examples/1").status_code == 404


def test_every_answer_is_hardened(guarded: TestClient) -> None:
    headers = guarded.get("/echo").headers
    assert {name: headers[name] for name in HARDENING} == dict(HARDENING)


def test_the_page_itself_may_post(guarded: TestClient) -> None:
    answer = guarded.post("/echo", content=b"12345", headers={"origin": "http://studio.example"})
    assert answer.json() == {"bytes": 5}


def test_a_script_without_origin_may_post(guarded: TestClient) -> None:
    assert guarded.post("/echo", content=b"123").json() == {"bytes": 3}


def test_an_allowed_origin_may_post_and_read(guarded: TestClient) -> None:
    answer = guarded.post("/echo", content=b"1", headers={"origin": "https://friend.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", [OTHER, "null", "http://studio.example.evil.example", "http://[x"])
def test_another_web_site_may_not_post(guarded: TestClient, origin: str) -> None:
    answer = guarded.post("/echo", content=b"1", headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]) == (403, "foreign_origin")


def test_another_web_site_may_not_read_with_credentials(guarded: TestClient) -> None:
    headers = guarded.get("/echo", headers={"origin": OTHER}).headers
    assert [name for name in headers if name.startswith("access-control-allow-")] == []


def test_a_body_that_is_announced_too_large_is_refused(guarded: TestClient) -> None:
    answer = guarded.post("/echo", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_a_body_that_grows_too_large_is_refused(guarded: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield b"x" * 100_000

    assert guarded.post("/echo", content=chunks()).status_code == 413


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/orfeas/gradio_api/upload"])
def test_an_upload_may_be_larger(guarded: TestClient, path: str) -> None:
    answer = guarded.post(path, content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.json() == {"bytes": MAX_BODY_BYTES + 1}


def test_a_known_endpoint_is_let_through(guarded: TestClient) -> None:
    assert guarded.post("/gradio_api/call/v2/known", json={"image": {"path": "x"}, "seed": 1}).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"image": {}, "sede": 1}, "Invalid option: “sede” is no parameter here. /known takes image, seed."),
        ({"seed": 1}, "Invalid option: image is missing. /known takes image, seed."),
        ([1, 2], "Invalid option: The body must be a JSON object with parameters by name. /known takes image, seed."),
    ],
)
def test_a_call_by_name_with_a_wrong_name_is_refused_by_name(guarded: TestClient, body: object, message: str) -> None:
    answer = guarded.post("/gradio_api/call/v2/known", json=body)
    assert (answer.status_code, answer.json()) == (422, {"error": "invalid_option", "message": message})


def test_a_call_by_name_whose_body_is_no_json_is_left_to_gradio(guarded: TestClient) -> None:
    assert guarded.post("/gradio_api/call/v2/known", content=b"{").json() == {"bytes": 1}


@pytest.mark.parametrize(
    "path", ["/gradio_api/call/on_press", "/gradio_api/call/v2/nothing", "/gradio_api/call", "/gradio_api/run/no"]
)
def test_an_unknown_endpoint_is_not_found(guarded: TestClient, path: str) -> None:
    answer = guarded.post(path, json={})
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_a_bug_shows_an_id_and_nothing_of_the_inside(guarded: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = guarded.get("/broken")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    reference = answer.json()["message"].rstrip(".").split(" ")[-1]
    assert "secret" not in answer.text
    assert reference in caplog.text


def test_a_path_that_only_ends_like_the_upload_may_not_be_larger(guarded: TestClient) -> None:
    assert guarded.post("/jobs/upload", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


def test_a_client_that_leaves_in_the_middle_of_a_body_reaches_nothing() -> None:
    reached: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])

    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        reached.append(message["type"])

    scope = {"type": "http", "method": "POST", "path": "/echo", "headers": [(b"host", b"localhost")]}
    asyncio.run(Guard(app, Settings(), {})(scope, receive, send))
    assert reached == []


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860", "friend.example"])
def test_a_server_of_this_machine_answers_to_its_names_and_to_those_it_was_given(host: str) -> None:
    client = guard_of(Starlette(routes=[Route("/echo", echo)]), allowed_origins="https://friend.example")
    assert client.get("/echo", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["studio.example", "127.0.0.1.evil.example:7860", "[::1", ""])
def test_a_server_of_this_machine_answers_to_no_other_name(host: str) -> None:
    answer = guard_of(Starlette(routes=[Route("/echo", echo)])).get("/echo", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]) == (403, "foreign_host")


@pytest.mark.parametrize("address", ["https://a.example/mug.png", "HTTP://a.example"])
def test_an_offline_studio_refuses_a_web_address_as_a_picture(address: str) -> None:
    client = guard_of(Starlette(routes=[Route("/echo", echo, methods=["POST"])]), host="0.0.0.0", offline=True)
    answer = client.post("/echo", json={"data": [{"path": address, "meta": {"_type": "gradio.FileData"}}]})
    sentence = "Invalid image: this studio is offline and fetches nothing; upload the file instead."
    assert (answer.status_code, answer.json()["error"], answer.json()["message"]) == (422, "invalid_image", sentence)


def test_an_offline_studio_fetches_nothing_for_its_file_route() -> None:
    client = guard_of(Starlette(), host="0.0.0.0", offline=True)
    assert client.get("/gradio_api/file=https://a.example/mug.png").status_code == 422


@pytest.mark.parametrize("body", [b'{"data": [{"path": "/tmp/mug.png"}, "https://a.example"]}', b"no json", b""])
def test_an_offline_studio_lets_everything_else_through(body: bytes) -> None:
    client = guard_of(Starlette(routes=[Route("/echo", echo, methods=["POST"])]), host="0.0.0.0", offline=True)
    assert client.post("/echo", content=body).json() == {"bytes": len(body)}
