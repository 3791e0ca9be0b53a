"""Fonts: which of them has a character, and what a document shows of each."""

import zipfile
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Final

import uharfbuzz

REGULAR: Final = "NotoSans-Regular"
BOLD: Final = "NotoSans-Bold"
MISSING: Final = 0
"""The glyph for what no font has: an empty box."""
_UNSHOWN: Final = (b"GSUB", b"GPOS", b"GDEF", b"DSIG", b"name", b"OS/2", b"post", b"vhea", b"vmtx")
"""Tables that are of no use to a page that is laid out."""
_MOST_CODES: Final = 0xFFFF


class Face:
    """One font. A *code* is what the pages call a glyph together with the text that it stands for there."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name: Final = name
        self._face: Final = uharfbuzz.Face(uharfbuzz.Blob(data))
        self.shaper: Final = uharfbuzz.Font(self._face)
        self.codes: Final[dict[tuple[int, str], int]] = {}

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points that it has glyphs for."""
        return frozenset(self._face.unicodes)

    @cached_property
    def scale(self) -> float:
        """Thousandths of an em in one unit of the font."""
        return 1000 / float(self._face.upem)

    def table(self, tag: str) -> bytes:
        """Return a table of the font file."""
        return bytes(self._face.reference_table(tag).data)

    def code(self, glyph: int, text: str) -> int:
        """Return the code of a glyph that stands for this text; the same glyph with other text has another."""
        if (glyph, text) not in self.codes and len(self.codes) >= _MOST_CODES:
            return self.codes.get((glyph, ""), 0)  # the page looks the same, only copied text may lack something
        return self.codes.setdefault((glyph, text), len(self.codes) + 1)

    def advance(self, glyph: int) -> float:
        """Return how wide a glyph is, in thousandths of an em."""
        return float(self.shaper.get_glyph_h_advance(glyph)) * self.scale

    def subset(self) -> tuple[bytes, dict[int, int]]:
        """Return the font with nothing but what was shown of it, and the new numbers of its glyphs."""
        wanted = uharfbuzz.SubsetInput()
        wanted.glyph_set.update({MISSING, *(glyph for glyph, _ in self.codes)})
        wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NO_LAYOUT_CLOSURE
        wanted.drop_table_tag_set.update(int.from_bytes(tag, "big") for tag in _UNSHOWN)
        plan = uharfbuzz.SubsetPlan(self._face, wanted)
        return bytes(plan.execute().blob.data), dict(plan.old_to_new_glyph_mapping)


class Fonts:
    """The fonts that the package brings along, opened when a character asks for them."""

    def __init__(self) -> None:
        self._archive: Final = zipfile.ZipFile(str(files("reelhook.report").joinpath("fonts", "fonts.zip")))
        fonts = [name for name in self._archive.namelist() if name.endswith(".ttf")]
        self._fallbacks: Final = [name for name in fonts if not name.startswith((REGULAR, BOLD))]
        self._faces: Final[dict[str, Face]] = {}
        self.find = lru_cache(maxsize=None)(self._find)
        self.find.__doc__ = self._find.__doc__

    @property
    def used(self) -> list[Face]:
        """The fonts that something was shown of."""
        return [face for face in self._faces.values() if face.codes]

    def text_face(self, *, bold: bool) -> Face:
        """Return the font of plain text."""
        return self._face(f"{BOLD if bold else REGULAR}.ttf")

    def _find(self, char: str, bold: bool) -> Face:
        """Return the first font that has a character; that of plain text where none has."""
        text = self.text_face(bold=bold)
        if ord(char) in text.characters:
            return text
        faces = (self._face(name) for name in self._fallbacks)
        return next((face for face in faces if ord(char) in face.characters), text)

    def _face(self, file: str) -> Face:
        if file not in self._faces:
            name = file.removesuffix(".ttf")
            self._faces[file] = Face(name, self._archive.read(file))
        return self._faces[file]
