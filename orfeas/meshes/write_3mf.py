"""3MF: a package with the model, its texture and its note; millimetres, Z up.

Core specification 1.3 and materials extension 1.2 (3MF Consortium). The extension is not marked as required, so that
programs without it, most slicers among them, read the shape alone.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from orfeas.meshes.appearance import base_colour_factor, tinted
from orfeas.meshes.numbers import rows_of_text
from orfeas.meshes.provenance import METADATA_3MF, MODEL_3MF
from orfeas.meshes.surface import Surface
from orfeas.meshes.texture_file import TextureFile, encode_colours
from orfeas.meshes.write_zip import Entry, write_zip
from orfeas.options import TextureFormat

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
MODEL_RELATIONSHIP = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
TEXTURE_RELATIONSHIP = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture"
# Names of metadata that the specification does not know need a namespace; this one is ours.
NOTES = "urn:orfeas:notes"

PICTURE_ID, LOOK_ID, OBJECT_ID = 1, 2, 3
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONTENT_TYPES = (
    _XML + '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>'
    '<Default Extension="jpg" ContentType="image/jpeg"/><Default Extension="png" ContentType="image/png"/></Types>\n'
)


def write_3mf(surface: Surface, generator: str, note: str, texture_format: TextureFormat) -> bytes:
    """The bytes of a 3MF package; ``note`` goes into its metadata where it is not empty.

    A texture is kept as one, its factor baked into it; else colours are kept on the corners. Metal, roughness and
    further textures are not kept: they mean nothing to a printer.
    """
    picture = None
    if surface.texture is not None and surface.material is not None:
        factor = base_colour_factor(surface.material)
        picture = encode_colours(tinted(surface.texture, factor), texture_format)
    model = "".join(_model(surface, generator, note, picture)).encode("ascii")
    entries = [
        Entry("[Content_Types].xml", _CONTENT_TYPES.encode("ascii")),
        Entry("_rels/.rels", _relationship(MODEL_RELATIONSHIP, MODEL_3MF)),
        Entry(MODEL_3MF, model),
    ]
    if picture is not None:
        entries.append(Entry("3D/_rels/3dmodel.model.rels", _relationship(TEXTURE_RELATIONSHIP, _path(picture))))
        entries.append(Entry(_path(picture), picture.data, is_deflated=False))
    return write_zip(entries)


def _path(picture: TextureFile) -> str:
    return f"3D/Textures/texture{picture.suffix}"


def _relationship(kind: str, target: str) -> bytes:
    return (
        f'{_XML}<Relationships xmlns="{RELATIONSHIPS}">'
        f'<Relationship Id="rel0" Target="/{target}" Type="{kind}"/></Relationships>\n'
    ).encode("ascii")


def _model(surface: Surface, generator: str, note: str, picture: TextureFile | None) -> Iterator[str]:
    yield (
        f'{_XML}<model unit="millimeter" xml:lang="en" xmlns="{CORE}" xmlns:m="{MATERIALS}" xmlns:o="{NOTES}">\n'
        f'<metadata name="Title">model</metadata>\n<metadata name="Application">{escape(generator)}</metadata>\n'
    )
    if note:
        yield f'<metadata name="o:{METADATA_3MF}">{escape(note)}</metadata>\n'
    yield "<resources>\n"
    # Triangles without area have no place in a 3MF if two of their corners are the same (core specification, 4.1.4).
    points = surface.place[surface.faces]
    is_kept = (points != points[:, [1, 2, 0]]).all(axis=1)
    points, look = points[is_kept], f' pid="{LOOK_ID}" pindex="0"'
    if picture is not None and surface.uv is not None:
        kind = "image/jpeg" if picture.suffix == ".jpg" else "image/png"
        path = quoteattr(f"/{_path(picture)}")
        yield f'<m:texture2d id="{PICTURE_ID}" path={path} contenttype="{kind}" tilestyleu="wrap" tilestylev="wrap"/>\n'
        yield f'<m:texture2dgroup id="{LOOK_ID}" texid="{PICTURE_ID}">\n'
        yield from rows_of_text('<m:tex2coord u="%.6f" v="%.6f"/>\n', surface.uv)  # conventions §5, as 3MF has it
        yield "</m:texture2dgroup>\n"
        properties: NDArray[np.int64] | None = surface.faces[is_kept]
    elif surface.colours is not None:
        distinct, number = np.unique(surface.colours, axis=0, return_inverse=True)
        yield f'<m:colorgroup id="{LOOK_ID}">\n'
        yield from rows_of_text('<m:color color="#%02X%02X%02X%02X"/>\n', distinct)
        yield "</m:colorgroup>\n"
        properties = number.reshape(-1)[surface.faces[is_kept]]
    else:
        properties, look = None, ""
    yield f'<object id="{OBJECT_ID}" type="model" name="model"{look}>\n<mesh>\n<vertices>\n'
    x, y, z = surface.points.T
    placed = np.column_stack([x, -z, y])  # conventions §3: Z up
    yield from rows_of_text('<vertex x="%.6f" y="%.6f" z="%.6f"/>\n', placed)
    yield "</vertices>\n<triangles>\n"
    yield from _triangles(points, properties)
    yield "</triangles>\n</mesh>\n</object>\n</resources>\n"
    yield f'<build>\n<item objectid="{OBJECT_ID}"/>\n</build>\n</model>\n'


def _triangles(points: NDArray[np.int64], properties: NDArray[np.int64] | None) -> Iterator[str]:
    if properties is None:
        yield from rows_of_text('<triangle v1="%d" v2="%d" v3="%d"/>\n', points)
    else:
        line = f'<triangle v1="%d" v2="%d" v3="%d" pid="{LOOK_ID}" p1="%d" p2="%d" p3="%d"/>\n'
        yield from rows_of_text(line, np.hstack([points, properties]))
