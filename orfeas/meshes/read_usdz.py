"""USD as text, by itself (.usda) or in a USDZ package: the unit and the axis that the file declares.

Meshes as they stand, cages of subdivision surfaces as polygons; skins, animations and instances are passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual.material import PBRMaterial

from orfeas.errors import InvalidMesh
from orfeas.meshes.frames import MM_PER_METRE, TO_Y_UP
from orfeas.meshes.limits import check_counts, check_parts
from orfeas.meshes.parts import ROUGHNESS, Part, moved
from orfeas.meshes.polygons import cut
from orfeas.meshes.read_dae import rotation
from orfeas.meshes.references import Upload
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.texture_file import TextureReader, join_metallic_roughness
from orfeas.meshes.usda import Asset, Prim, PrimPath, Value, as_word, parse_usda

# Centimetres, where a layer does not say.
METRES_PER_UNIT = 0.01
UV_NAMES = ("primvars:st", "primvars:UVMap", "primvars:st0", "primvars:map1")
CHANNELS = {"r": 0, "g": 1, "b": 2, "a": 3}
BINARY_MAGIC = b"PXR-USDC"
_DAMAGED = "The USD file is cut short or damaged."
_NO_CORNERS = "The model has faces whose corners do not exist."


@dataclass(frozen=True)
class _Source:
    """The texture that feeds an input of a material, which of its channels, and what all four are multiplied by."""

    picture: Image.Image
    channel: str
    scale: list[float]

    @property
    def factor(self) -> float:
        """What the channel is multiplied by."""
        return self.scale[CHANNELS.get(self.channel, 0)]

    def grey(self) -> Image.Image:
        """The channel alone."""
        number = CHANNELS.get(self.channel, 0)
        return self.picture.getchannel(number if number < len(self.picture.getbands()) else 0)

    def picture_in_red(self) -> Image.Image:
        """The picture with the channel in red, where glTF has it."""
        return self.grey() if CHANNELS.get(self.channel, 0) else self.picture


def read_usdz(files: Mapping[str, bytes]) -> list[Part]:
    """The parts of a package's scene, which is its first file.

    Args:
        files: scenes and pictures, in order, by their path in it.

    Raises:
        InvalidMesh: as :func:`read_usda`.
    """
    scene = next(iter(files), "")
    return read_usda(files.get(scene, b""), Upload.around(scene, files))


def read_usda(data: bytes, upload: Upload) -> list[Part]:
    """The parts of a scene, each where its prims put it, in the working frame.

    Raises:
        InvalidMesh: it is damaged, too large, of the binary form, composed of other layers, or refers to files outside
            of ``upload``.
    """
    if data.startswith(BINARY_MAGIC):
        raise InvalidMesh(
            "The scene is a USD file of the binary form (.usdc), which cannot be read; export it as .usda."
        )
    return list(_Scene(parse_usda(data), upload).parts())


class _Scene:
    """Prims by their path; pictures and materials are read once, and only if something has them."""

    def __init__(self, root: Prim, upload: Upload) -> None:
        self._root = root
        self._upload = upload
        self._prims = {prim.path: prim for prim in root.below()}
        self._materials: dict[str, PBRMaterial] = {}
        self._pictures: dict[bytes, Image.Image] = {}
        self._textures = TextureReader()

    def parts(self) -> Iterator[Part]:
        waiting = [(prim, self._frame(), "") for prim in reversed(self._root.children)]
        shown = faces = 0
        while waiting:
            prim, parent, look = waiting.pop()
            if prim.word("visibility") == "invisible" or prim.word("purpose") == "guide" or prim.kind == "Material":
                continue
            placed = self._frame() if _is_reset(prim) else parent
            placed = placed @ _placement(prim)
            look = _bound(prim) or look
            waiting += [(child, placed, look) for child in reversed(prim.children)]
            for name, part in _read_mesh(prim, look) if prim.kind == "Mesh" else ():
                shown, faces = shown + 1, faces + len(part.faces)
                check_parts(shown)
                check_counts(faces)
                material = self._material(name) if name and part.colours is None else None
                yield moved(Part(part.vertices, part.faces, part.uv, part.colours, material), placed)

    def _frame(self) -> NDArray[np.float64]:
        """From the file's frame to the working frame, millimetres (conventions §3)."""
        metres = self._root.metadata.get("metersPerUnit", METRES_PER_UNIT)
        up = TO_Y_UP.get(as_word(self._root.metadata.get("upAxis", "Y")))
        if not isinstance(metres, float) or not metres > 0 or up is None:
            raise InvalidMesh(_DAMAGED)
        return up @ np.diag([metres * MM_PER_METRE] * 3 + [1.0])

    def _material(self, path: str) -> PBRMaterial:
        if path not in self._materials:
            self._materials[path] = self._read_material(path)
        return self._materials[path]

    def _read_material(self, path: str) -> PBRMaterial:
        material = self._prims.get(path, Prim("", path))
        shader = self._follow(material.value("outputs:surface.connect"))[0]
        if shader is None or shader.word("info:id") != "UsdPreviewSurface":
            shader = Prim("Shader", path)
        base, glow = self._source(shader, "diffuseColor"), self._source(shader, "emissiveColor")
        metallic, roughness = self._source(shader, "metallic"), self._source(shader, "roughness")
        normal, occlusion = self._source(shader, "normal"), self._source(shader, "occlusion")
        both = None
        if metallic is not None and roughness is not None and metallic.picture is roughness.picture:
            both = metallic.picture.convert("RGB") if (metallic.channel, roughness.channel) == ("b", "g") else None
        if both is None and (metallic is not None or roughness is not None):
            both = join_metallic_roughness(
                None if metallic is None else metallic.grey(), None if roughness is None else roughness.grey()
            )
        factor = base.scale[:3] if base is not None else _triple(shader.value("inputs:diffuseColor"), 1.0)
        light = glow.scale[:3] if glow is not None else _triple(shader.value("inputs:emissiveColor"), 0.0)
        return PBRMaterial(  # type: ignore[no-untyped-call]  # trimesh leaves this one untyped
            baseColorTexture=None if base is None else base.picture,
            baseColorFactor=[*factor, 1.0],
            metallicRoughnessTexture=both,
            metallicFactor=metallic.factor if metallic else _fraction(shader.value("inputs:metallic"), 0.0),
            roughnessFactor=roughness.factor if roughness else _fraction(shader.value("inputs:roughness"), ROUGHNESS),
            normalTexture=None if normal is None else normal.picture,
            occlusionTexture=None if occlusion is None else occlusion.picture_in_red(),
            emissiveTexture=glow.picture if glow is not None and any(light) else None,
            emissiveFactor=light if any(light) else None,
        )

    def _source(self, shader: Prim, name: str) -> _Source | None:
        texture, output = self._follow(shader.value(f"inputs:{name}.connect"))
        file = None if texture is None else texture.value("inputs:file")
        if texture is None or not isinstance(file, Asset):
            return None
        data = self._upload.find(file.path)
        if data is None:
            return None
        if data not in self._pictures:
            self._pictures[data] = self._textures.decode(data)
        scale = _fractions(texture.value("inputs:scale"))
        return _Source(self._pictures[data], output.rpartition(":")[2], scale if len(scale) == 4 else [1.0] * 4)

    def _follow(self, link: Value) -> tuple[Prim | None, str]:
        """The prim that a connection comes from, and the name of its output."""
        if not isinstance(link, PrimPath):
            return None, ""
        path, _, output = link.path.partition(".")
        return self._prims.get(path), output


def _bound(prim: Prim) -> str:
    bound = prim.value("material:binding")
    return bound.path if isinstance(bound, PrimPath) else ""


def _is_reset(prim: Prim) -> bool:
    return "!resetXformStack!" in _order(prim)


def _order(prim: Prim) -> list[str]:
    """The names of the prim's operations."""
    order = prim.value("xformOpOrder")
    return [as_word(name) for name in order] if isinstance(order, list) else []


def _placement(prim: Prim) -> NDArray[np.float64]:
    """``[4, 4]``: the prim's operations, the first one outermost."""
    matrix = np.eye(4)
    for name in _order(prim):
        if name not in ("", "!resetXformStack!"):
            step = _operation(name.removeprefix("!invert!"), prim.value(name.removeprefix("!invert!")))
            if name.startswith("!invert!"):
                step = _inverse(step)
            matrix = matrix @ step
    return matrix


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise InvalidMesh(_DAMAGED) from error


def _operation(name: str, value: Value) -> NDArray[np.float64]:
    kind = name.split(":")[1] if ":" in name else name
    numbers = _flat(value)
    matrix = np.eye(4)
    match kind, len(numbers):
        case "transform", 16:
            matrix = numbers.reshape(4, 4).T  # USD's matrices act on rows
        case "translate", 3:
            matrix[:3, 3] = numbers
        case "scale", 3:
            matrix[:3, :3] = np.diag(numbers)
        case "orient", 4:
            angle = 2.0 * float(np.arctan2(np.linalg.norm(numbers[1:]), numbers[0]))
            matrix[:3, :3] = rotation(numbers[1:], angle)
        case (("rotateX" | "rotateY" | "rotateZ"), 1):
            matrix[:3, :3] = rotation(np.eye(3)["XYZ".index(kind[-1])], float(np.radians(numbers[0])))
        case (("rotateXYZ" | "rotateXZY" | "rotateYXZ" | "rotateYZX" | "rotateZXY" | "rotateZYX"), 3):
            for axis in kind[-3:]:  # the first one acts first
                number = "XYZ".index(axis)
                matrix[:3, :3] = rotation(np.eye(3)[number], float(np.radians(numbers[number]))) @ matrix[:3, :3]
        case _:
            raise InvalidMesh("The USD file places a part in a way that cannot be read; export it flattened.")
    return matrix


def _flat(value: Value) -> NDArray[np.float64]:
    """All numbers in a value, in order."""
    found: list[float] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, float):
            found.append(one)
    return np.array(found)


def _fractions(value: Value) -> list[float]:
    """All numbers in a value, in order, between 0 and 1."""
    numbers: list[float] = np.nan_to_num(_flat(value)).clip(0.0, 1.0).tolist()
    return numbers


def _triple(value: Value, default: float) -> list[float]:
    numbers = _fractions(value)
    return numbers[:3] if len(numbers) >= 3 else [default] * 3


def _fraction(value: Value, default: float) -> float:
    return _fractions(value)[0] if isinstance(value, float) else default


def _whole(numbers: NDArray[np.float64] | None) -> NDArray[np.int64]:
    if numbers is None or not (np.abs(numbers) < 2**53).all():
        raise InvalidMesh(_DAMAGED)
    return numbers.astype(np.int64)


def _read_mesh(prim: Prim, look: str) -> Iterator[tuple[str, Part]]:
    """The parts of a mesh by the path of their material."""
    coordinates = prim.numbers("points")
    if coordinates is None or len(coordinates) % 3:
        raise InvalidMesh(_DAMAGED)
    points = coordinates.reshape(-1, 3)
    sizes, places = _whole(prim.numbers("faceVertexCounts")), _whole(prim.numbers("faceVertexIndices"))
    # Each by itself first: sums of huge ones come out small.
    if not 0 <= sizes.min(initial=0) <= sizes.max(initial=0) <= len(places) or sizes.sum() != len(places):
        raise InvalidMesh(_DAMAGED)
    if not 0 <= places.min(initial=0) <= places.max(initial=-1) < len(points) and len(places):
        raise InvalidMesh(_NO_CORNERS)
    corners = cut(sizes)
    if prim.word("orientation") == "leftHanded":
        corners = corners[:, ::-1]
    polygon = np.repeat(np.arange(len(sizes)), sizes)
    uv = next((found for name in UV_NAMES if (found := _primvar(prim, name, 2, places)) is not None), None)
    light = _primvar(prim, "primvars:displayColor", 3, places) if uv is None else None
    colours = None
    if light is not None:
        encoded = np.column_stack([to_srgb(np.nan_to_num(light)), np.ones(len(light))])
        colours = (encoded * 255.0).round().astype(np.uint8)
    looks = np.zeros(len(sizes), dtype=np.int64)
    names = [look]
    for subset in prim.children:
        if subset.kind == "GeomSubset" and _bound(subset):
            chosen = _whole(subset.numbers("indices"))
            if not 0 <= chosen.min(initial=0) <= chosen.max(initial=0) < max(len(sizes), 1):
                raise InvalidMesh(_NO_CORNERS)
            looks[chosen] = len(names)
            names.append(_bound(subset))
    look_of_face = looks[polygon[corners[:, 0]]]
    for number in np.unique(look_of_face):
        flat = corners[look_of_face == number].ravel()
        yield (
            names[number],
            Part(
                vertices=points[places[flat]],
                faces=np.arange(len(flat)).reshape(-1, 3),
                uv=None if uv is None else uv[flat],
                colours=None if colours is None else colours[flat],
            ),
        )


def _primvar(prim: Prim, name: str, width: int, places: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """``[corners, width]``: values for every corner; None where there are none, or not one for each."""
    numbers = prim.numbers(name)
    if numbers is None or len(numbers) % width or not len(numbers):
        return None
    rows = numbers.reshape(-1, width)
    if prim.numbers(f"{name}:indices") is not None:
        index = _whole(prim.numbers(f"{name}:indices"))
        if not 0 <= index.min(initial=0) <= index.max(initial=0) < len(rows):
            raise InvalidMesh(_DAMAGED)
        rows = rows[index]
    match as_word(prim.properties[name].metadata.get("interpolation", "constant")):
        case "faceVarying" if len(rows) == len(places):
            return rows
        case "vertex" | "varying" if not len(places) or places.max() < len(rows):
            return rows[places]
        case "constant" if len(rows) == 1:
            return np.broadcast_to(rows, (len(places), width))
    return None
