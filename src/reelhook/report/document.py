"""A document: pages and the fonts that they use, as a PDF file."""

import struct
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import pydyf

from reelhook.report.fonts import Face, Fonts
from reelhook.report.page import HEIGHT, WIDTH, Page, written
from reelhook.report.shaping import Line, Shaper

_LARGEST_BLOCK: Final = 100
"""So many lines a block of a character map may have."""
_MAP: Final = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /Reelhook def /CMapType 2 def /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
1 begincodespacerange <0000> <ffff> endcodespacerange
{}endcmap CMapName currentdict /CMap defineresource pop end end"""
_SYMBOLIC: Final = 4


class Document:
    """Collects pages."""

    def __init__(self) -> None:
        self._fonts: Final = Fonts()
        self._names: Final[dict[Face, str]] = {}
        self.shaper: Final = Shaper(self._fonts)
        self.pages: Final[list[Page]] = []

    def new_page(self) -> Page:
        """Begin the next page."""
        self.pages.append(Page(self._name_of))
        return self.pages[-1]

    def written(self, line: Line, size: float) -> bytes:
        """Write a line for `Page.text`; it can be put on any page, and more than once."""
        return written(line, size, self._name_of)

    def file(self, title: str, producer: str, created_at: int) -> bytes:
        """Return the whole file."""
        pdf = pydyf.PDF()
        resources = pydyf.Dictionary()
        pdf.add_object(resources)
        for page in self.pages:
            content = pydyf.Stream(page.operators, compress=True)
            pdf.add_object(content)
            pdf.add_page(_page(pdf, content, resources))
        resources["Font"] = pydyf.Dictionary({name: _font(pdf, face) for face, name in self._names.items()})
        pdf.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})
        moment = datetime.fromtimestamp(created_at / 1000, UTC)
        pdf.info["Title"] = pydyf.String(title)
        pdf.info["Producer"] = pydyf.String(producer)
        pdf.info["CreationDate"] = pydyf.String(f"D:{moment:%Y%m%d%H%M%S}Z")
        file = BytesIO()
        pdf.write(file, identifier=True, compress=True)
        return file.getvalue()

    def _name_of(self, face: Face) -> str:
        return self._names.setdefault(face, f"F{len(self._names)}")


def _page(pdf: Any, content: Any, resources: Any) -> Any:
    return pydyf.Dictionary(
        {
            "Type": "/Page",
            "Parent": pdf.pages.reference,
            "MediaBox": pydyf.Array([0, 0, WIDTH, HEIGHT]),
            "Contents": content.reference,
            "Resources": resources.reference,
        }
    )


def _font(pdf: Any, face: Face) -> Any:
    """Embed what is used of a font; text is written in codes, which map to glyphs one way and to text the other."""
    data, numbers = face.subset()
    name = f"/REELHK+{face.name}"
    file = _added(pdf, pydyf.Stream([data], {"Length1": len(data)}, compress=True))
    codes = [glyph for glyph, _ in face.codes]
    glyphs = b"".join(numbers[glyph].to_bytes(2, "big") for glyph in (0, *codes))
    descendant = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": pydyf.Dictionary({"Registry": "(Adobe)", "Ordering": "(Identity)", "Supplement": 0}),
            "FontDescriptor": _added(pdf, _descriptor(face, name, file)),
            "CIDToGIDMap": _added(pdf, pydyf.Stream([glyphs], compress=True)),
            "W": pydyf.Array([1, pydyf.Array([round(face.advance(glyph)) for glyph in codes])]),
        }
    )
    return _added(
        pdf,
        pydyf.Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": name,
                "Encoding": "/Identity-H",
                "DescendantFonts": pydyf.Array([_added(pdf, descendant)]),
                "ToUnicode": _added(pdf, pydyf.Stream([_to_unicode(face).encode()], compress=True)),
            }
        ),
    )


def _descriptor(face: Face, name: str, file: bytes) -> Any:
    left, bottom, right, top = struct.unpack(">4h", face.table("head")[36:44])
    box = [round(edge * face.scale) for edge in (left, bottom, right, top)]
    return pydyf.Dictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": name,
            "Flags": _SYMBOLIC,
            "FontBBox": pydyf.Array(box),
            "ItalicAngle": 0,
            "Ascent": box[3],
            "Descent": box[1],
            "CapHeight": box[3],
            "StemV": 80,
            "FontFile2": file,
        }
    )


def _to_unicode(face: Face) -> str:
    lines = [f"<{code:04x}> <{text.encode('utf-16-be').hex()}>\n" for (_, text), code in face.codes.items()]
    blocks = (lines[start : start + _LARGEST_BLOCK] for start in range(0, len(lines), _LARGEST_BLOCK))
    return _MAP.format("".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks))


def _added(pdf: Any, thing: Any) -> Any:
    pdf.add_object(thing)
    return thing.reference
