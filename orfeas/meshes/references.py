"""Files that a model names, looked for among those that were uploaded with it and nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname
from urllib.parse import unquote

from orfeas.errors import InvalidMesh

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_DRIVE = re.compile(r"[a-z]:", re.IGNORECASE)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Upload:
    """The files of an upload.

    Attributes:
        files: their content by the path they have in it, with forward slashes.
        folder: where in it the file lies that names others.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    folder: str = ""

    @classmethod
    def around(cls, name: str, files: Mapping[str, bytes]) -> "Upload":
        """The files around the one called ``name``."""
        return cls(files, dirname(name))

    def find(self, reference: str, is_uri: bool = False) -> bytes | None:
        """The file that a model names, or None where the upload has none such.

        A path is taken from the naming file's folder; failing that, a file of the same name anywhere in the upload will
        do. Upper and lower case are the same.

        Args:
            reference: a path, with slashes of either kind.
            is_uri: whether it is percent-encoded, as glTF and COLLADA have it.

        Raises:
            InvalidMesh: it is a web address, or points outside the upload.
        """
        path = (unquote(reference) if is_uri else reference).strip().replace("\\", "/")
        if _SCHEME.match(path):
            raise InvalidMesh(
                f"The model refers to “{_shown(path)}” by an address, and nothing is fetched; put the file into one zip"
                " with the model, and name it there."
            )
        by_path = {name.lower(): name for name in self.files}
        by_name = {basename(name).lower(): name for name in self.files}
        is_absolute = path.startswith("/") or _DRIVE.match(path) is not None
        wanted = None if is_absolute else _resolve(self.folder, path)
        if wanted is None and not is_absolute:
            raise self._outside(path)
        found = by_path.get((wanted or "").lower()) or by_name.get(basename(path).lower())
        if found is None and is_absolute:
            raise self._outside(path)
        return None if found is None else self.files[found]

    def _outside(self, path: str) -> InvalidMesh:
        if self.files:
            return InvalidMesh(f"The model refers to a file “{_shown(path)}” outside of its zip; put the file into it.")
        return InvalidMesh(
            f"The model refers to a file “{_shown(path)}” outside of what was uploaded; put both into one zip."
        )


def _resolve(folder: str, path: str) -> str | None:
    """``path`` seen from ``folder``, without dots; None where it climbs out of the upload."""
    steps: list[str] = []
    for step in f"{folder}/{path}".split("/"):
        if step == "..":
            if not steps:
                return None
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _shown(path: str) -> str:
    name = basename(path.rstrip("/"))
    return "".join(character for character in name if character.isprintable())[:SHOWN_CHARACTERS]
