from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from orfeas.options import parse_picture_options, parse_repair_options, parse_shape_options, parse_texture_options
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, JobStatus, Scalar
from orfeas.settings import Settings
from orfeas.studio import Studio
from orfeas.ui.how_made import how_made
from orfeas.ui.page import build_page
from orfeas.ui.visits import Visits
from orfeas.ui.words import PARAMETER_NAMES, STAGE_NAMES

# Where a control's id is not its option's name.
IDS = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "octree_resolution": "octree",
    "picture_guidance_scale": "picture-guidance",
    "remove_background": "image-background",
}
# Options without a control of the page's.
ONLY_SCRIPTS = {"output_format", "for_3d", "drain_hole_mm"}


def told(options: Mapping[str, Scalar]) -> str:
    kind, status = JobKind.IMAGE_TO_3D, JobStatus.COMPLETED
    return how_made(Job(job_id="j", kind=kind, status=status, created="", options=options, timings_s={"total": 3.0}))


def test_every_option_is_called_what_its_control_is_called(tmp_path: Path) -> None:
    with Studio(Settings(data_dir=tmp_path)) as studio:
        blocks = build_page(studio, Visits()).blocks.blocks.values()
    labels = {str(block.elem_id): getattr(block, "label", None) for block in blocks if block.elem_id}
    asked = {name: labels.get(IDS.get(name, name.replace("_", "-"))) for name in PARAMETER_NAMES}
    assert {name for name, label in asked.items() if label is None} == ONLY_SCRIPTS
    assert {name: PARAMETER_NAMES[name] for name in asked if name not in ONLY_SCRIPTS} == {
        name: label for name, label in asked.items() if label is not None
    }


@pytest.mark.parametrize(
    "options", [parse_shape_options(), parse_texture_options(), parse_repair_options(), parse_picture_options()]
)
def test_every_option_of_a_job_has_a_name_for_people(options: object) -> None:
    assert {field.name for field in fields(options)} <= set(PARAMETER_NAMES)  # type: ignore[arg-type]  # a dataclass


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"num_inference_steps": 30}, "<dt>Steps</dt><dd>30</dd>"),
        ({"seed": 1234567890}, "<dt>Seed</dt><dd>1234567890</dd>"),
        ({"target_faces": 40000}, "<dt>Faces</dt><dd>40,000</dd>"),
        ({"size_mm": 62.5}, "<dt>Size, mm</dt><dd>62.5</dd>"),
        ({"size_mm": 0.0}, "<dt>Size, mm</dt><dd>As it was</dd>"),
        ({"min_part": 0.01}, "<dt>Smallest part, %</dt><dd>1</dd>"),
        ({"texture": False}, "<dt>Texture</dt><dd>No</dd>"),
        ({"remove_background": "always"}, "<dt>Background</dt><dd>Remove</dd>"),
        ({"remover": "auto"}, "<dt>Background remover</dt><dd>Automatic</dd>"),
        ({"engine": "hunyuan3d-2.1"}, "<dt>Engine</dt><dd>hunyuan3d-2.1</dd>"),
        ({"num_inference_steps": 0, "guidance_start": 0.2, "guidance_scale": -1.0}, ""),
        ({"drain_holes": 0, "drain_hole_mm": 3.0}, ""),
        ({"drain_holes": 2, "drain_hole_mm": 3.0}, "<dt>Drain holes</dt><dd>2</dd><dt>Width of drain holes, mm</dt>"),
    ],
)
def test_values_are_told_in_plain_words(options: Mapping[str, Scalar], rows: str) -> None:
    assert told(options).startswith(f"<dl>{rows}")
    assert told(options).endswith("<dt>Time in all</dt><dd>3.0 s</dd></dl>")
    assert "_" not in told(options)


def test_only_the_total_is_called_the_time_in_all() -> None:
    timings_s = {"shape": 1.0, "polish": 2.0, "total": 3.0}
    job = Job(job_id="j", kind=JobKind.IMAGE_TO_3D, status=JobStatus.COMPLETED, created="", timings_s=timings_s)
    shape = f"<dt>{STAGE_NAMES[Stage.SHAPE]} time</dt><dd>1.0 s</dd>"
    rest = "<dt>polish time</dt><dd>2.0 s</dd><dt>Time in all</dt><dd>3.0 s</dd>"
    assert how_made(job) == f"<dl>{shape}{rest}</dl>"
