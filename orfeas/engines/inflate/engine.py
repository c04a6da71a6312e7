"""The engine itself: options to effective values, and a cut-out picture to a model."""

from dataclasses import dataclass, replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from orfeas.engines.base import ShapeRequest, ShapeResult
from orfeas.engines.refusals import refuse_sampling
from orfeas.errors import InvalidImage
from orfeas.options import EngineChoice, Quality, ShapeOptions, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.records import EngineInfo

# The solid is as deep as it is wide where it is round.
DEPTH = 1.0
ROUGHNESS = 0.8


@dataclass(frozen=True)
class Preset:
    """What a quality means to this engine."""

    octree_resolution: int
    target_faces: int
    texture_size: int


PRESETS = {
    Quality.DRAFT: Preset(octree_resolution=192, target_faces=12_000, texture_size=1024),
    Quality.STANDARD: Preset(octree_resolution=256, target_faces=40_000, texture_size=1536),
    Quality.HIGH: Preset(octree_resolution=384, target_faces=100_000, texture_size=2048),
    Quality.ULTRA: Preset(octree_resolution=512, target_faces=250_000, texture_size=4096),
}


class Inflate:
    """A closed solid from a silhouette, by geometry alone: no learned weights, any CPU, under a second."""

    name = EngineChoice.INFLATE
    has_texture = True
    revision = "1"

    def info(self) -> EngineInfo:
        """Always ready."""
        return EngineInfo(
            name=self.name,
            kind="shape",
            title="Inflate (preview)",
            is_ready=True,
            why_not="",
            needs="Nothing: no weights, no GPU.",
            licence="Apache-2.0",
            good_for="Quick previews of toys, animals, fruit, people and emblems. It inflates the outline like a "
            "balloon: flat sides, and whatever the picture does not show, are guessed.",
            is_preview=True,
        )

    def resolve(self, options: ShapeOptions) -> ShapeOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS.

        ``octree_resolution`` is cells along the subject's longest side in which the outline is traced;
        ``target_faces`` is the most faces; ``seed`` drives the grain of the back's texture.

        Raises:
            InvalidOption: sampling steps or guidance were set, and this engine samples nothing.
        """
        refuse_sampling(options, self.name)
        preset = PRESETS[options.quality]
        return replace(
            options,
            engine=self.name,
            seed=choose_seed(options.seed),
            octree_resolution=options.octree_resolution or preset.octree_resolution,
            target_faces=options.target_faces or preset.target_faces,
            texture_size=options.texture_size or preset.texture_size,
        )

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        """Make the model, in pixels of the picture; y is 0 at the picture's lower edge.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: nothing in the picture to make a model of.
        """
        # OpenCV, scipy and scikit-image take their time to load, and the first page does not need them.
        from orfeas.engines.inflate.shape import shape
        from orfeas.engines.inflate.silhouette import trace
        from orfeas.engines.inflate.skin import paint, plan_layout, texture_coordinates
        from orfeas.engines.inflate.solid import close, raise_shell

        options, picture = request.options, request.cut_out
        with progress.stage(Stage.SHAPE):
            silhouette = trace(np.asarray(picture.getchannel("A")), options.octree_resolution)
            if not silhouette.loops:
                raise InvalidImage("There is nothing in the foreground: the subject is too small to make a model of.")
            shaped = shape(silhouette, options.target_faces, progress)
        with progress.stage(Stage.SURFACE):
            shell = raise_shell(shaped.sheet, shaped.relief, DEPTH, shaped.strips)
            solid = close(shell, has_seam=options.texture)
        visual = None
        if options.texture:
            with progress.stage(Stage.TEXTURE):
                layout = plan_layout(solid.points, picture.height, options.texture_size)
                uv = texture_coordinates(solid.points, solid.is_back, layout, picture.height)
                visual = _visual(uv, paint(picture, layout, options.seed, progress))
        mesh = trimesh.Trimesh(
            vertices=solid.points,
            faces=solid.triangles,
            vertex_normals=solid.normals,
            visual=visual,
            process=False,
        )
        return ShapeResult(mesh, _notes(len(solid.triangles), silhouette.resolution, options))


def _visual(uv: NDArray[np.float64], texture: Image.Image) -> TextureVisuals:
    material = PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
        name="inflate", baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=ROUGHNESS
    )
    return TextureVisuals(uv=uv, material=material)  # type: ignore[no-untyped-call]  # and this one


def _notes(faces: int, resolution: int, options: ShapeOptions) -> tuple[str, ...]:
    notes = []
    if resolution < options.octree_resolution:
        notes.append(f"The outline is too ragged for {options.octree_resolution} cells; it was traced on {resolution}.")
    if faces > options.target_faces:
        notes.append(
            f"The model has {faces:,} faces, more than the {options.target_faces:,} asked for: its outline needs them."
        )
    return tuple(notes)
