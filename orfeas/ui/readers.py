"""The named endpoints that start no job: they look, tell, stop or convert."""

import threading

import gradio as gr

from orfeas.errors import NotFound
from orfeas.options import OutputFormat, parse_choice, parse_packing
from orfeas.records import Json, to_json
from orfeas.studio import Studio
from orfeas.ui.serving import cached
from orfeas.ui.submissions import image_path, mesh_path
from orfeas.ui.toast import raised_to_scripts
from orfeas.ui.working import finished
from orfeas.version import VERSION


class Readers:
    """One method for each endpoint, under its name; its parameters' names are the endpoint's."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def check_image(self, image: object) -> dict[str, Json]:
        """Measure a picture, and say whether it can be used.

        Args:
            image: a picture file.
        """
        with raised_to_scripts():
            return to_json(self._studio.check_image(image_path(image)))

    async def inspect_mesh(self, mesh: object) -> dict[str, Json]:
        """Measure a mesh file, and say what stands against printing it or using it in a game.

        Args:
            mesh: a model file.
        """
        with raised_to_scripts():
            path = mesh_path(mesh)
            report = await finished(lambda progress: self._studio.meshes.inspect(path, progress), threading.Event())
            return to_json(report)

    def download(
        self,
        job_id: object,
        output_format: object,
        compression: object,
        texture_size: object,
        texture_format: object,
    ) -> str:
        """The model of a job in a file format; it is converted once and then kept.

        Args:
            job_id: as the record of the job tells it.
            output_format: of the file.
            compression: none, or draco, which packs the shape in a GLB.
            texture_size: 256, 512, 1024, 2048 or 4096 pixels that no side of a texture is longer than; smaller
                textures stay as they are, and 0 keeps all.
            texture_format: keep, or png, jpeg or, in a GLB, webp for the textures of colours.
        """
        with raised_to_scripts():
            wanted = parse_choice("output_format", output_format, OutputFormat)
            packing = parse_packing(
                wanted, compression=compression, texture_size=texture_size, texture_format=texture_format
            )
            return cached(self._studio.results.download(checked_id(job_id), wanted, packing))

    def job_status(self, job_id: object) -> dict[str, Json]:
        """Where a job stands.

        Args:
            job_id: as the record of the job tells it.
        """
        with raised_to_scripts():
            return to_json(self._studio.job(checked_id(job_id)))

    def history(self, request: gr.Request) -> list[dict[str, Json]]:
        """The jobs of this session, newest first."""
        with raised_to_scripts():
            owner = self._studio.jobs.owner_of(request.session_hash or "")
            return [to_json(job) for job in self._studio.history(owner)]

    def cancel(self, job_id: object) -> dict[str, Json]:
        """Stop a job; one that has ended stays as it is.

        Args:
            job_id: as the record of the job tells it.
        """
        with raised_to_scripts():
            return to_json(self._studio.cancel(checked_id(job_id)))

    def engines(self) -> list[dict[str, Json]]:
        """Every engine: ready or not, why not, what it needs, its licence."""
        with raised_to_scripts():
            return [to_json(info) for info in self._studio.engines()]

    def health(self) -> dict[str, Json]:
        """Whether the server is alive."""
        return {"status": "ok", "version": VERSION}


def checked_id(job_id: object) -> str:
    """``job_id`` if it is text.

    Raises:
        NotFound: anything else names no job.
    """
    if not isinstance(job_id, str):
        raise NotFound("There is no such job.")
    return job_id
