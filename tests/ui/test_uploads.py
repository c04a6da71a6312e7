"""Values of file inputs that Gradio cannot use, as a script may send them."""

from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError

from tests.running import Running

BROKEN = ("http://[x", "https://[::1", "http://a]/x.png", "http://a/gradio_api/file=%00")


@pytest.mark.parametrize("address", BROKEN)
@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("/check_image", "Invalid image: The picture could not be fetched"),
        ("/inspect_mesh", "Invalid mesh: The file could not be fetched"),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(
    server: Running, address: str, endpoint: str, sentence: str
) -> None:
    client: Client = server.client()
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    with pytest.raises((AppError, ValidationError)) as caught:
        client.predict(file, api_name=endpoint)
    assert str(caught.value) == f"{sentence} from that address, or may not be. Upload the file instead."


PRIVATE = "http://10.0.0.1/mug.png"
NOT_FETCHED = "could not be fetched from that address, or may not be. Upload the file instead."
NOT_HANDLED = "Upload the file first, and send what that answers. With gradio_client, wrap its path in handle_file()."


@pytest.mark.parametrize(
    ("endpoint", "values", "sentence"),
    [
        ("generate_3d", {"image": handle_file(PRIVATE)}, f"- image: Invalid image: The picture {NOT_FETCHED}"),
        ("generate_3d", {"image": "mug.png"}, f"- image: Invalid image: This is no uploaded picture. {NOT_HANDLED}"),
        ("repair_mesh", {"mesh": handle_file(PRIVATE)}, f"- mesh: Invalid mesh: The file {NOT_FETCHED}"),
        ("repair_mesh", {"mesh": "/etc/hosts"}, f"- mesh: Invalid mesh: This is no uploaded file. {NOT_HANDLED}"),
    ],
)
def test_a_job_is_refused_a_file_that_cannot_be_had_in_a_sentence_under_its_parameter(
    server: Running, endpoint: str, values: dict[str, object], sentence: str
) -> None:
    client: Client = server.client()
    with pytest.raises(ValidationError) as caught:
        client.predict(**values, api_name=f"/{endpoint}")
    assert str(caught.value) == f"1 parameter(s) failed validation:\n{sentence}"
    answer = httpx.post(f"{server.url}gradio_api/call/v2/{endpoint}", json=values)
    assert answer.status_code == 422
    told = [entry for entry in answer.json()["detail"] if not entry["is_valid"]]
    assert [f"- {entry['parameter_name']}: {entry['message']}" for entry in told] == [sentence]


def test_a_mask_that_cannot_be_had_is_blamed_and_not_the_picture_beside_it(server: Running, mug: Path) -> None:
    client: Client = server.client()
    with pytest.raises(ValidationError) as caught:
        client.predict(handle_file(mug), mask=handle_file(PRIVATE), api_name="/generate_3d")
    assert str(caught.value).endswith(f"\n- mask: Invalid image: The picture {NOT_FETCHED}")
