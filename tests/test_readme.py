"""What the README and the requirements promise, held against the code."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from orfeas.options import OutputFormat, Quality, RemoveBackground, Style
from orfeas.settings import Settings
from orfeas.version import VERSION

ROOT = Path(__file__).parents[1]
# The Spaces' own limit.
SHORT_DESCRIPTION_CHARACTERS = 60
README = (ROOT / "README.md").read_text(encoding="utf-8")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)(?:; .+)?$")


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def front_matter() -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in README.split("---\n")[1].splitlines())
    return {name: value.strip('"') for name, value in pairs}


@pytest.mark.parametrize("line", [line for path in ROOT.glob("requirements*.txt") for line in requirements(path.name)])
def test_every_requirement_is_pinned_exactly(line: str) -> None:
    assert PIN.match(line), line


def test_the_space_runs_the_gradio_that_is_pinned() -> None:
    pins = dict(line.partition(";")[0].split("==") for line in requirements("requirements.txt"))
    assert front_matter()["sdk_version"] == pins["gradio"] == version("gradio")


def test_the_space_starts_a_file_that_exists() -> None:
    assert (ROOT / front_matter()["app_file"]).is_file()


def test_the_spaces_card_has_only_what_spaces_know() -> None:
    known = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "pinned"}
    known |= {"license", "short_description", "tags", "startup_duration_timeout"}
    card = front_matter()
    assert set(card) == known
    assert card["sdk"] == "gradio"
    assert len(card["short_description"]) <= SHORT_DESCRIPTION_CHARACTERS


def test_the_space_says_the_licence_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert front_matter()["license"] == project["license"].lower() == "apache-2.0"


def test_every_setting_is_in_the_readme() -> None:
    documented = set(re.findall(r"ORFEAS_[A-Z_]*[A-Z]", README))
    assert documented == {f"ORFEAS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("choice", [*OutputFormat, *Quality, *RemoveBackground, *Style])
def test_every_choice_is_in_the_readme(choice: str) -> None:
    assert f"`{choice}`" in README


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_file_the_readme_points_to_exists(link: str) -> None:
    assert (ROOT / link).exists(), link


@pytest.mark.parametrize("path", sorted(set(re.findall(r"assets/examples/[\w.-]+", README))))
def test_every_example_the_readme_uses_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_the_changelog_begins_with_this_release_or_what_comes_next() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] in ("Unreleased", VERSION)
