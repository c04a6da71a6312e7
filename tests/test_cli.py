import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import trimesh
from PIL import Image

from orfeas.cli import main
from orfeas.engines.hunyuan.files import find_weights
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.maps import longest_side_px
from orfeas.options import OutputFormat
from orfeas.version import VERSION
from tests.engines.hunyuan.tiny import write_tiny_release
from tests.hub import point_at, serve_hub
from tests.meshes.solids import gradient, textured_ball
from tests.processes import unmeasured
from tests.text_to_image.diffusion.tiny import write_tiny_unet

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORFEAS_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.parametrize("ending", [".glb", ".stl", ".ply", ".zip", ".3mf", ".usdz", ".fbx", ".GLB"])
def test_generate_writes_the_format_its_ending_names(
    mug: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / f"model{ending}"
    assert main(["generate", str(mug), "-o", str(output), "--quality", "draft", "--size-mm", "30"]) == 0
    assert output.stat().st_size > 1000
    told = capsys.readouterr()
    assert "watertight" in told.out
    assert "preview engine" in told.out


def test_generate_makes_a_model_of_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "apple.stl"
    assert main(["generate", "--prompt", "a red apple", "-o", str(output), "--quality", "draft", "--json"]) == 0
    job = json.loads(capsys.readouterr().out)
    assert (job["kind"], job["status"], job["prompt"]) == ("text_to_3d", "completed", "a red apple")
    assert trimesh.load_mesh(output).is_watertight


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--quality", "best"], "Invalid option: quality cannot be “best”"),
        (["--size-mm", "0"], "Invalid option: size_mm cannot be 0"),
        (["--engine", "hunyuan3d-2.1"], "Engine unavailable: Hunyuan3D-2.1 cannot run here"),
        (["--prompt", "a cat"], "Invalid option: Give either a picture or --prompt"),
    ],
)
def test_generate_refuses_in_one_sentence_and_writes_nothing(
    mug: Path, tmp_path: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model.glb"
    assert main(["generate", str(mug), "-o", str(output), *arguments]) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not output.exists()


def test_generate_refuses_an_ending_that_is_no_format(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", str(mug), "-o", str(tmp_path / "model.exe")]) == 1
    assert "choose one of glb, obj, stl, ply, 3mf, usdz, fbx" in capsys.readouterr().err


def test_a_picture_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(tmp_path / "no.png"), "-o", str(tmp_path / "x.glb")]) == 1
    assert capsys.readouterr().err.startswith("Invalid image: ")


def test_convert_keeps_the_model_and_can_scale_it(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.glb", tmp_path / "b.stl"
    main(["generate", str(mug), "-o", str(first), "--quality", "draft"])
    assert main(["convert", str(first), "-o", str(second), "--size-mm", "25"]) == 0
    capsys.readouterr()
    assert main(["inspect", str(second)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert max(report["size_mm"]) == pytest.approx(25, rel=1e-4)
    assert report["is_watertight"]


@pytest.mark.parametrize("ending", ["glb", "zip", "ply", "3mf", "usdz", "fbx"])
def test_convert_reads_and_writes_every_format(tmp_path: Path, ending: str) -> None:
    box, there, back = tmp_path / "box.stl", tmp_path / f"there.{ending}", tmp_path / "back.stl"
    trimesh.creation.box((10, 20, 30)).export(box)
    assert main(["convert", str(box), "-o", str(there)]) == 0
    assert main(["convert", str(there), "-o", str(back)]) == 0
    assert trimesh.load_mesh(back).extents == pytest.approx([10, 20, 30], rel=1e-6)


def test_convert_compresses_a_glb_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box, output = tmp_path / "box.stl", tmp_path / "box.glb"
    trimesh.creation.box((10, 20, 30)).export(box)
    assert main(["convert", str(box), "-o", str(output), "--compression", "draco"]) == 0
    assert b"KHR_draco_mesh_compression" in output.read_bytes()
    assert main(["convert", str(box), "-o", str(tmp_path / "x.ply"), "--compression", "draco"]) == 1
    assert "Only a GLB can be compressed" in capsys.readouterr().err


def test_convert_reduces_textures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ball, output = tmp_path / "ball.glb", tmp_path / "small.glb"
    ball.write_bytes(export(textured_ball(texture=gradient(512)), OutputFormat.GLB, None))
    assert main(["convert", str(ball), "-o", str(output), "--texture-size", "256", "--texture-format", "png"]) == 0
    assert longest_side_px(load_mesh(output)) == 256
    assert b"image/png" in output.read_bytes()
    assert main(["convert", str(ball), "-o", str(tmp_path / "x.stl"), "--texture-size", "256"]) == 1
    assert "STL, which holds no texture" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_a_sentence(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["generate", str(mug), "-o", str(tmp_path / "file" / "x.glb"), "--quality", "draft"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("The file cannot be written: ")


@pytest.mark.parametrize("size_mm", ["-5", "inf", "nan", "0.5"])
def test_convert_refuses_a_size_that_is_no_size(
    tmp_path: Path, size_mm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    box, output = tmp_path / "box.stl", tmp_path / "box.glb"
    trimesh.creation.box((10, 20, 30)).export(box)
    assert main(["convert", str(box), "-o", str(output), f"--size-mm={size_mm}"]) == 1
    assert capsys.readouterr().err.startswith("Invalid option: size_mm cannot be")
    assert not output.exists()


def test_a_mesh_from_elsewhere_can_be_converted(tmp_path: Path) -> None:
    box, output = tmp_path / "box.stl", tmp_path / "box.glb"
    trimesh.creation.box((10, 20, 30)).export(box)
    assert main(["convert", str(box), "-o", str(output)]) == 0
    assert output.read_bytes()[:4] == b"glTF"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (".", "Invalid option: {0} is a folder; name a file in it, such as {0}/model.glb.\n"),
        ("new", "Invalid option: The output's name has no ending that says its format; name it new.glb, or so.\n"),
        ("new.txt", "Invalid option: the output's format cannot be “txt”; choose one of glb, "),
    ],
)
def test_convert_refuses_an_output_that_says_no_format(
    tmp_path: Path, name: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "box.stl", "-o", str(tmp_path / name)]) == 1
    assert capsys.readouterr().err.startswith(sentence.format(tmp_path))


def test_turntable_writes_a_moving_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box, output = tmp_path / "box.stl", tmp_path / "new" / "box.webp"
    trimesh.creation.box((10, 20, 30)).export(box)
    assert main(["turntable", str(box), "-o", str(output), "--frames", "5", "--size-px", "64"]) == 0
    assert capsys.readouterr().out.startswith(f"{output}: 5 frames, ")
    with Image.open(output) as film:
        assert (film.format, film.size, getattr(film, "n_frames", 1)) == ("WEBP", (64, 64), 5)


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("box.mp4", [], "Invalid option: A turntable is a WebP; name the file box.webp."),
        ("box", [], "Invalid option: A turntable is a WebP; name the file box.webp."),
        ("box.webp", ["--frames", "1000"], "Invalid option: frames cannot be 1000; it takes a number from 4 to 90"),
        ("box.webp", ["--background", "red"], "Invalid option: background cannot be “red”; it takes transparent or"),
    ],
)
def test_turntable_refuses_in_one_sentence_and_writes_nothing(
    tmp_path: Path, name: str, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trimesh.creation.box((10, 20, 30)).export(tmp_path / "box.stl")
    assert main(["turntable", str(tmp_path / "box.stl"), "-o", str(tmp_path / name), *arguments]) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("arguments", "example"),
    [
        (["turntable", "box.stl"], "picture.webp"),
        (["picture", "a red apple"], "picture.png"),
        (["cut-out", "photo.jpg"], "picture.png"),
        (["generate", "photo.jpg"], "model.glb"),
        (["repair", "box.stl"], "model.glb"),
        (["texture", "box.stl", "photo.jpg"], "model.glb"),
    ],
    ids=lambda argument: argument[0] if isinstance(argument, list) else None,
)
@pytest.mark.parametrize("name", ["films", "films.webp"])
def test_a_folder_is_not_taken_for_a_file(
    tmp_path: Path, arguments: list[str], example: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert main([*arguments, "-o", f"{folder}{os.sep}"]) == 1
    sentence = f"Invalid option: {folder} is a folder; name a file in it, such as {folder / example}.\n"
    assert capsys.readouterr().err == sentence


def test_inspect_refuses_what_is_no_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.glb"
    path.write_bytes(b"not a mesh at all")
    assert main(["inspect", str(path)]) == 1
    assert capsys.readouterr().err.startswith("Invalid mesh: ")


def test_engines_are_listed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines"]) == 0
    assert {info["name"] for info in json.loads(capsys.readouterr().out)} >= {"inflate", "pictogram"}


def test_fetch_fetches_nothing_offline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ORFEAS_OFFLINE", "1")
    assert main(["fetch", "hunyuan3d-2.1", "--yes"]) == 1
    assert capsys.readouterr().err.startswith("Engine unavailable: ORFEAS_OFFLINE is set")


def test_fetch_tells_its_plan_asks_and_fetches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as hub:
        point_at(hub, tmp_path / "home", monkeypatch)
        monkeypatch.setattr("builtins.input", lambda question: "n")
        assert main(["fetch", "hunyuan3d-2.1"]) == 1
        assert "are to be fetched from" in capsys.readouterr().out
        assert hub.ranges == []
        assert main(["fetch", "hunyuan3d-2.1", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("The weights are here.\n")
    assert find_weights(None).checkpoint.is_file()


def test_a_fetch_that_fails_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_tiny_release(tmp_path / "hub")
    with serve_hub(tmp_path / "hub") as hub:
        point_at(hub, tmp_path / "home", monkeypatch)
        hub.damage = b"#"
        assert main(["fetch", "hunyuan3d-2.1", "--yes"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("Engine unavailable: hunyuan3d-dit-v2-1/model.fp16.ckpt")


def test_the_doctor_finds_a_healthy_machine_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "Engine: Inflate (preview) (shape), ready" in told
    assert "Device: cpu" in told
    assert told.endswith("No problem found.\n")


def test_the_doctor_names_a_misspelt_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORFEAS_PROT", "1")
    assert main(["doctor"]) == 1
    assert "ORFEAS_PROT" in capsys.readouterr().out


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has the device")
def test_the_doctor_misses_the_device_that_was_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORFEAS_DEVICE", "mps")
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "Needs: The device that ORFEAS_DEVICE names; any processor where it names none." in told
    assert told.endswith(
        "\nProblem: ORFEAS_DEVICE is mps, and torch finds none here; set it to auto, or mend torch or the driver.\n"
    )


def test_the_doctor_names_a_data_folder_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ORFEAS_DATA_DIR", str(tmp_path / "file" / "data"))
    assert main(["doctor"]) == 1
    assert "set ORFEAS_DATA_DIR" in capsys.readouterr().out


def test_the_command_tells_its_version_as_a_process() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "orfeas", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == f"ORFEAS {VERSION}"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_stops_the_job_and_writes_nothing(mug: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.glb"
    command = [sys.executable, "-m", "orfeas", "generate", str(mug), "-o", str(output), "--quality", "ultra"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        rest = process.stderr.read()
        status = process.wait(30)
    assert first.strip() in {"cut out", "shape", "surface", "texture"}
    assert (status, rest.splitlines()[-1][:10]) == (130, "Cancelled:")
    assert time.monotonic() - start < 5
    assert not output.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
@pytest.mark.parametrize("after_s", [0.1, 0.5, 0.9])
def test_ctrl_c_before_the_job_has_begun_shows_no_traceback(mug: Path, tmp_path: Path, after_s: float) -> None:
    output = tmp_path / "model.glb"
    command = [sys.executable, "-X", "importtime", "-m", "orfeas", "generate", str(mug), "-o", str(output)]
    with subprocess.Popen(
        [*command, "--quality", "ultra"], cwd=ROOT, env=unmeasured(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while not process.stderr.readline().endswith("| orfeas\n"):
            pass  # until then it is Python's own work
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(30) in (130, -signal.SIGINT)
    assert "Traceback" not in told
    assert not output.exists()


def test_an_obj_is_asked_for_as_a_zip(mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(mug), "-o", str(tmp_path / "mug.obj")]) == 1
    assert "name the file mug.zip" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["generate", str(mug), "-o", str(tmp_path / "file" / "mug.glb")]) == 1
    assert capsys.readouterr().err.startswith("The file cannot be written:")


def test_texture_paints_a_mesh(mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ball, output = tmp_path / "ball.stl", tmp_path / "painted.glb"
    trimesh.creation.icosphere(2, 20.0).export(ball)
    assert main(["texture", str(ball), str(mug), "-o", str(output), "--texture-size", "256"]) == 0
    assert "by projection (preview engine)" in capsys.readouterr().out
    assert appearance_of(load_mesh(output)).texture is not None


def test_texture_of_what_is_no_file_is_refused_in_one_sentence(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["texture", str(tmp_path), str(mug), "-o", str(tmp_path / "x.glb")]) == 1
    assert capsys.readouterr().err == "Invalid mesh: The file cannot be opened.\n"


def test_doctor_misses_the_folder_of_weights_that_was_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORFEAS_WEIGHTS", str(tmp_path / "nowhere"))
    assert main(["doctor"]) == 1
    assert "there is no such folder" in capsys.readouterr().out


def test_every_format_has_an_ending_that_the_command_knows() -> None:
    from orfeas.cli.making import format_of

    endings = ["zip" if f is OutputFormat.OBJ else f for f in OutputFormat]
    assert [format_of(Path(f"x.{ending}")) for ending in endings] == list(OutputFormat)


def test_cut_out_writes_a_png_and_says_who_did_it(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "subject.png"
    assert main(["cut-out", str(photo), "-o", str(output), "--remover", "grabcut"]) == 0
    assert "GrabCut removed the background." in capsys.readouterr().out
    with Image.open(output) as image:
        assert (image.mode, image.getchannel("A").getextrema()) == ("RGBA", (0, 255))
    assert main(["cut-out", str(photo), "-o", str(output), "--mask", str(output), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["remover"], report["note"]) == ("auto", "Cut out with the mask that was given.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cut-out", "{photo}", "-o", "{out}.jpg"], "Invalid option: A cut-out is a PNG; name the file out.png."),
        (["cut-out", "{photo}", "-o", "{out}.png", "--remover", "birefnet"], "Engine unavailable: BiRefNet cannot run"),
        (["cut-out", "{photo}", "-o", "{out}.png", "--mask", "no.png"], "Invalid image: The mask cannot be used"),
        (["generate", "--prompt", "a cat", "-o", "{out}.glb", "--mask", "no.png"], "Invalid option: --mask goes with"),
        (["generate", "{photo}", "-o", "{out}.glb", "--style", "anime"], "Invalid option: --style goes with --prompt"),
        (["generate", "{photo}", "-o", "{out}.glb", "--size-px", "96"], "Invalid option: --size-px goes with --prompt"),
    ],
)
def test_a_cut_out_that_cannot_be_is_a_sentence(
    photo: Path, tmp_path: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(photo=photo, out=tmp_path / "out") for argument in arguments]
    assert main(filled) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not list(tmp_path.glob("out*"))


def test_picture_makes_a_picture_of_words_and_says_what_the_model_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORFEAS_TEXT_MODEL", str(write_tiny_unet(tmp_path / "model")))
    monkeypatch.setenv("ORFEAS_DEVICE", "cpu")
    output = tmp_path / "apple.png"
    assert main(["picture", "a red apple", "-o", str(output), "--steps", "2", "--size-px", "96", "--seed", "7"]) == 0
    with Image.open(output) as picture:
        assert picture.size == (96, 96)
    told = capsys.readouterr().out
    assert "by diffusion, seed 7" in told
    assert "Prompt given to the model: One single object" in told
    assert main(["picture", "a lake", "-o", str(output), "--steps", "2", "--scene", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["final_prompt"] == "a lake"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["apple.jpg"], "Invalid option: A picture is written as a PNG; name the file apple.png."),
        (["apple.png", "--steps", "500"], "Invalid option: steps cannot be 500"),
        (["apple.png", "--engine", "pictogram", "--scene"], "Invalid option: The pictogram engine draws one object"),
    ],
)
def test_picture_refuses_in_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["picture", "a red apple", "-o", str(tmp_path / arguments[0]), *arguments[1:]]) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not (tmp_path / arguments[0]).exists()
