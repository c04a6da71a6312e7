"""Values of file inputs that Gradio cannot use, as a script may send them."""

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError, ValidationError

from tests.running import Running

BROKEN = ("http://[x", "https://[::1", "http://a]/x.png", "http://a/gradio_api/file=%00")


@pytest.mark.parametrize("address", BROKEN)
@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("/check_image", "Invalid image: This is no uploaded picture"),
        ("/inspect_mesh", "Invalid mesh: This is no uploaded file"),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(
    server: Running, address: str, endpoint: str, sentence: str
) -> None:
    client: Client = server.client()
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    with pytest.raises((AppError, ValidationError)) as caught:
        client.predict(file, api_name=endpoint)
    assert str(caught.value) == f"{sentence}. Upload the file first, and send what that answers."
