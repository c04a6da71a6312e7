"""The tiny pipelines, written once."""

from pathlib import Path

import pytest

from orfeas.residence import Tenants
from orfeas.text_to_image.diffusion import Diffusion
from tests.text_to_image.diffusion.tiny import write_tiny_transformer, write_tiny_unet


@pytest.fixture(scope="session")
def unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_unet(tmp_path_factory.mktemp("models") / "unet")


@pytest.fixture(scope="session")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_transformer(tmp_path_factory.mktemp("models") / "transformer")


@pytest.fixture(scope="session")
def unet_engine(unet: Path) -> Diffusion:
    return Diffusion(str(unet), None, "cpu", Tenants())


@pytest.fixture(scope="session")
def transformer_engine(transformer: Path) -> Diffusion:
    return Diffusion(str(transformer), None, "cpu", Tenants())


@pytest.fixture(params=["unet", "transformer"])
def engine(request: pytest.FixtureRequest, unet_engine: Diffusion, transformer_engine: Diffusion) -> Diffusion:
    """Each kind of pipeline."""
    return unet_engine if request.param == "unet" else transformer_engine
