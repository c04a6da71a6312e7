"""Where a job's files lie, and the pictures among them as bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from PIL import Image

from orfeas.files import write_whole
from orfeas.options import Compression, OutputFormat, Packing
from orfeas.pictures.turntable import TurntableOptions
from orfeas.workspace import PREVIEW

SUFFIXES: Mapping[OutputFormat, str] = {
    OutputFormat.GLB: ".glb",
    OutputFormat.OBJ: ".zip",
    OutputFormat.STL: ".stl",
    OutputFormat.PLY: ".ply",
    OutputFormat.THREE_MF: ".3mf",
    OutputFormat.USDZ: ".usdz",
    OutputFormat.FBX: ".fbx",
}
MAX_STEM = 40
AS_IT_IS = Packing()
# A PNG at zlib's level 1 is a few per cent larger than at 6 and several times faster to write.
PNG_LEVEL = 1
THUMBNAIL_PX = 192


@dataclass(frozen=True)
class JobFiles:
    """Where a job's files lie in its folder; ``stem`` names the files a user downloads."""

    folder: Path
    stem: str = field(default="model")

    @property
    def upload(self) -> Path:
        """The picture as it was uploaded; what it is, its content says."""
        return self.folder / "upload"

    @property
    def mesh(self) -> Path:
        """The mesh as it was uploaded; what it is, its content says."""
        return self.folder / "mesh"

    @property
    def mask(self) -> Path:
        """The mask of one's own as it was uploaded, where there is one; what it is, its content says."""
        return self.folder / "mask"

    @property
    def cut_out(self) -> Path:
        """The subject, RGBA PNG."""
        return self.folder / "cut_out.png"

    @property
    def thumbnail(self) -> Path:
        """What the job made, or its subject until then, small, WebP with alpha."""
        return self.folder / "thumbnail.webp"

    def turntable(self, options: TurntableOptions) -> Path:
        """The model turning, as those options want it."""
        name = f"{options.frames}x{options.size_px}px-{options.seconds:g}s-{options.background.removeprefix('#')}"
        return self.folder / "turntable" / name / f"{self.stem}.webp"

    @property
    def preview(self) -> Path:
        """What the picture looks like while it is being made, small, WebP; only until then."""
        return self.folder / PREVIEW

    @property
    def picture(self) -> Path:
        """The picture made from words, RGBA PNG."""
        return self.folder / "picture" / f"{self.stem}.png"

    def model(self, output_format: OutputFormat, packing: Packing = AS_IT_IS) -> Path:
        """The model in one format, and packed in one way."""
        name = f"{self.stem}{SUFFIXES[output_format]}"
        if packing == AS_IT_IS:
            return self.folder / "model" / name
        words = (
            packing.compression.value if packing.compression is not Compression.NONE else "",
            f"{packing.texture_size}px" if packing.texture_size else "",
            packing.texture_format.value if packing.texture_format else "",
        )
        return self.folder / "packed" / "-".join(filter(None, words)) / name

    @property
    def view(self) -> Path:
        """A GLB file of the model to look at, its edges sharp, where ``model`` would show them rounded."""
        return self.folder / "view.glb"

    @property
    def provenance(self) -> Path:
        """How the model was made, JSON, for the formats that cannot hold it."""
        return self.folder / "provenance.json"


def find_files(folder: Path) -> JobFiles:
    """The files of a job that has run, with the stem they were written under."""
    found = sorted(folder.glob("model/*.glb")) or sorted(folder.glob("picture/*.png"))
    return JobFiles(folder, found[0].stem) if found else JobFiles(folder)


def file_stem(text: str) -> str:
    """A short lower-case file name without extension for a prompt or an uploaded file's name.

    Only ASCII letters, digits and hyphens survive, so that no name can leave a folder.
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_STEM].strip("-") or "model"


def png_bytes(image: Image.Image) -> bytes:
    """A picture as a PNG file, quick to write rather than small."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def write_preview(image: Image.Image, files: JobFiles) -> None:
    """Let a picture that is being made be seen as it stands now."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=80)
    write_whole(files.preview, buffer.getvalue())


def write_thumbnail(image: Image.Image, files: JobFiles) -> None:
    """Keep a small picture of what the job made, or of its subject until then."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=85)
    write_whole(files.thumbnail, buffer.getvalue())
