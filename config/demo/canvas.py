"""Smooth flat drawing on Pillow: everything is drawn large and shrunk once."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int] | tuple[int, int, int, int]
SCALE = 3


def mix(a: Colour, b: Colour, part: float) -> tuple[int, int, int]:
    """`part` of b in a."""
    r, g, blue = (round(x + (y - x) * part) for x, y in zip(a[:3], b[:3], strict=True))
    return r, g, blue


class Canvas:
    """A picture of `width` × `height` points with shapes in those points."""

    def __init__(self, width: int, height: int, ground: Colour | None = None) -> None:
        self.width, self.height = width, height
        size = (width * SCALE, height * SCALE)
        self.image = Image.new("RGBA", size, ground or (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        self.draw.rectangle(self._points((x0, y0), (x1, y1)), fill)

    def round(
        self, x0: float, y0: float, x1: float, y1: float, radius: float, fill: Colour
    ) -> None:
        points = self._points((x0, y0), (x1, y1))
        self.draw.rounded_rectangle(points, radius * SCALE, fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self.draw.ellipse(self._points((x - rx, y - ry), (x + rx, y + ry)), fill)

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        self.draw.polygon(self._points(*points), fill)

    def line(
        self, points: Sequence[tuple[float, float]], width: float, fill: Colour
    ) -> None:
        self.draw.line(self._points(*points), fill, round(width * SCALE), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, fill)

    def fade(self, top: Colour, bottom: Colour) -> None:
        """Fill with a vertical gradient."""
        column = Image.new("RGB", (1, self.height))
        for y in range(self.height):
            column.putpixel((0, y), mix(top, bottom, y / (self.height - 1)))
        self.image.paste(column.resize(self.image.size))

    def glow(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Soft light around a point."""
        layer = Canvas(self.width, self.height)
        layer.oval(x, y, radius, radius, colour)
        small = layer.image.resize((self.width // 2, self.height // 2))
        blurred = small.filter(ImageFilter.GaussianBlur(radius / 6))
        self.image.alpha_composite(blurred.resize(self.image.size))
        self.draw = ImageDraw.Draw(self.image)

    def put(self, other: "Canvas", x: float, y: float) -> None:
        self.image.alpha_composite(other.image, (round(x * SCALE), round(y * SCALE)))

    def finish(self) -> Image.Image:
        size = (self.width, self.height)
        return self.image.resize(size, Image.Resampling.LANCZOS)

    def _points(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x * SCALE, y * SCALE) for x, y in points]
