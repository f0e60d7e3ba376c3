"""Product pictures and the parts of the demo host's scene."""

from collections.abc import Callable
from functools import partial
from math import cos, pi, sin
from pathlib import Path

from PIL import Image

from config.demo.canvas import Canvas, Colour, mix

INK: Colour = (52, 38, 44)
SKIN: Colour = (246, 206, 178)
WALL_TOP: Colour = (255, 226, 205)
WALL_LOW: Colour = (250, 190, 168)
SCENE = (540, 960)


def teacup() -> Canvas:
    """A celadon cup with a thread of steam, 400 × 400, on nothing."""
    c = Canvas(400, 400)
    glaze, shade, rim = (126, 176, 158), (98, 148, 132), (196, 222, 208)
    c.oval(200, 338, 130, 20, (40, 30, 30, 40))
    c.oval(200, 330, 138, 22, shade)
    c.oval(200, 324, 138, 20, rim)
    c.oval(310, 205, 52, 50, glaze)
    c.oval(310, 205, 30, 29, (0, 0, 0, 0))
    bowl = [(90 + 220 * t, 150 + 165 * sin(pi * t) ** 0.55) for t in _steps(60)]
    c.shape([(90, 150), *bowl, (310, 150)], glaze)
    c.oval(200, 150, 110, 26, rim)
    c.oval(200, 154, 98, 20, (188, 128, 62))
    c.oval(180, 150, 40, 8, (214, 160, 92))
    for x, phase in ((170, 0.0), (215, 2.0)):
        steam = [(x + 12 * sin(y / 18 + phase), y) for y in range(118, 40, -3)]
        c.line(steam, 5, (255, 255, 255, 150))
    for k in range(5):
        angle = pi * (0.2 + 0.15 * k)
        c.oval(200 - 70 * cos(angle), 215 + 45 * sin(angle), 7, 4, rim)
    return c


def scarf() -> Canvas:
    """A silk scarf, folded, with a fringe, 400 × 400, on nothing."""
    c = Canvas(400, 400)
    red, deep, gold = (214, 62, 74), (168, 40, 60), (247, 201, 116)
    c.oval(200, 350, 140, 16, (40, 30, 30, 40))
    for k in range(19):
        x = 92 + 12 * k
        c.line([(x, 296), (x - 3, 340)], 4, gold if k % 3 else deep)
    c.round(80, 84, 320, 304, 16, deep)
    c.round(80, 84, 320, 268, 16, red)
    for x in (104, 292):
        c.line([(x, 92), (x, 262)], 4, gold)
    for row in range(3):
        for k in range(3):
            x, y = 148 + 52 * k, 130 + 52 * row
            c.shape([(x, y - 19), (x + 19, y), (x, y + 19), (x - 19, y)], gold)
            c.shape([(x, y - 11), (x + 11, y), (x, y + 11), (x - 11, y)], deep)
    c.shape([(320, 150), (320, 84), (236, 84)], mix(red, (255, 255, 255), 0.2))
    c.shape([(236, 84), (320, 150), (248, 146)], mix(deep, INK, 0.2))
    return c


def tea_tin() -> Canvas:
    """A tin of jasmine tea, 400 × 400, on nothing."""
    c = Canvas(400, 400)
    blue, dark, cream = (54, 94, 150), (36, 66, 112), (255, 243, 220)
    c.oval(200, 350, 110, 18, (40, 30, 30, 40))
    c.round(104, 104, 296, 352, 18, blue)
    c.box(104, 104, 136, 340, dark)
    c.round(96, 66, 304, 124, 18, mix(blue, (255, 255, 255), 0.18))
    c.round(96, 104, 304, 124, 8, dark)
    c.round(138, 158, 276, 318, 14, cream)
    for k in range(5):
        angle = 2 * pi * k / 5 - pi / 2
        c.oval(207 + 30 * cos(angle), 226 + 30 * sin(angle), 21, 21, (255, 255, 255))
        c.oval(207 + 30 * cos(angle), 226 + 30 * sin(angle), 15, 15, (250, 236, 244))
    c.oval(207, 226, 14, 14, (245, 192, 78))
    c.line([(207, 262), (200, 300)], 5, (96, 142, 88))
    c.oval(184, 288, 18, 8, (126, 170, 106))
    c.box(276, 140, 284, 330, (255, 255, 255, 40))
    return c


GOODS: dict[str, tuple[Callable[[], Canvas], Colour, Colour]] = {
    "teacup": (teacup, (238, 243, 232), (206, 222, 206)),
    "scarf": (scarf, (255, 238, 228), (250, 208, 196)),
    "tea": (tea_tin, (234, 240, 250), (204, 218, 240)),
}


def product(name: str) -> Image.Image:
    """A 800 × 800 picture for the shelf."""
    draw, top, bottom = GOODS[name]
    c = Canvas(400, 400)
    c.fade(top, bottom)
    c.oval(200, 210, 165, 165, mix(top, (255, 255, 255), 0.5))
    c.put(draw(), 0, 0)
    return c.image.convert("RGB").resize((800, 800), Image.Resampling.LANCZOS)


def backdrop() -> Image.Image:
    """The studio: a warm wall, a window, a shelf, a table."""
    width, height = SCENE
    c = Canvas(width, height)
    c.fade(WALL_TOP, WALL_LOW)
    c.round(46, 120, 226, 400, 90, (255, 246, 232))
    c.round(58, 132, 214, 388, 78, (196, 224, 236))
    c.oval(100, 388, 90, 60, (150, 192, 150))
    c.oval(184, 392, 70, 44, (122, 172, 132))
    c.box(132, 132, 140, 388, (255, 246, 232))
    c.glow(136, 250, 210, (255, 255, 240, 70))
    c.round(316, 300, 520, 314, 6, (176, 112, 86))
    for x, colour in (
        (342, (126, 176, 158)),
        (390, (214, 62, 74)),
        (436, (54, 94, 150)),
    ):
        c.round(x, 236, x + 36, 300, 8, colour)
        c.round(x + 4, 228, x + 32, 240, 5, mix(colour, (255, 255, 255), 0.4))
    c.oval(496, 286, 20, 14, (232, 150, 92))
    for k in range(5):
        c.line([(496, 276), (478 + 9 * k, 226 + abs(k - 2) * 9)], 4, (98, 148, 112))
    lights = [(x, 64 + 30 * sin(pi * x / 540)) for x in range(-10, 560, 10)]
    c.line(lights, 2.5, (200, 140, 120))
    for x, y in lights[2::5]:
        c.oval(x, y + 9, 8, 8, (255, 214, 120))
    return c.finish().convert("RGB")


def table() -> Image.Image:
    """The table in front of the host."""
    c = Canvas(540, 300)
    c.round(-40, 20, 580, 340, 30, (206, 138, 104))
    c.round(-40, 20, 580, 52, 16, (226, 162, 124))
    for y in (120, 190, 260):
        c.line([(0, y), (540, y + 8)], 2, (190, 124, 92))
    return c.finish()


def host() -> Image.Image:
    """The demo host from the waist up, 420 × 520, without a mouth."""
    c = Canvas(420, 520)
    hair, dress, collar = (58, 38, 40), (104, 76, 132), (246, 234, 226)
    c.oval(210, 168, 116, 128, hair)
    c.round(102, 160, 318, 330, 70, hair)
    c.round(176, 230, 244, 330, 30, mix(SKIN, (214, 150, 120), 0.35))
    c.shape(
        [(70, 520), (92, 366), (160, 312), (260, 312), (328, 366), (350, 520)], dress
    )
    c.shape([(160, 312), (210, 376), (260, 312), (240, 300), (180, 300)], collar)
    c.oval(210, 180, 84, 98, SKIN)
    c.shape(
        [(128, 170), (150, 92), (236, 78), (300, 150), (254, 122), (178, 132)], hair
    )
    for x in (176, 244):
        c.oval(x, 186, 10, 13, INK)
        c.oval(x + 3, 181, 3.5, 4, (255, 255, 255))
        out = -1 if x < 210 else 1
        brow = [(x - 15 * out, 158), (x + 2 * out, 152), (x + 16 * out, 157)]
        c.line(brow, 4, mix(hair, SKIN, 0.25))
        c.oval(x + (-18 if x < 210 else 18), 218, 17, 10, (248, 164, 150, 120))
    c.line([(210, 196), (205, 214), (213, 216)], 3.5, (222, 160, 134))
    c.oval(128, 222, 6, 9, (250, 206, 110))
    c.oval(292, 222, 6, 9, (250, 206, 110))
    c.line([(100, 380), (64, 470), (110, 515)], 46, mix(dress, INK, 0.16))
    c.line([(320, 380), (356, 470), (306, 515)], 46, mix(dress, INK, 0.16))
    return c.finish()


def mouth(wide: bool) -> Image.Image:
    """A smile, or a word."""
    c = Canvas(60, 40)
    if wide:
        c.oval(30, 18, 20, 15, (150, 52, 58))
        c.oval(30, 27, 12, 6, (236, 124, 118))
    else:
        smile = [(10 + 40 * t, 12 + 12 * sin(pi * t)) for t in _steps(20)]
        c.line(smile, 5, (168, 66, 66))
    return c.finish()


def waving_hand() -> Image.Image:
    """A forearm and a hand, 120 × 300; the elbow goes behind the table."""
    c = Canvas(120, 300)
    c.line([(60, 290), (60, 108)], 42, mix((104, 76, 132), INK, 0.16))
    c.round(42, 74, 78, 110, 14, SKIN)
    c.oval(60, 62, 26, 28, SKIN)
    for k, (dx, dy) in enumerate(((-26, -26), (-10, -38), (8, -38), (24, -26))):
        c.line([(60 + dx * 0.5, 52), (60 + dx, 62 + dy - (k in (1, 2)) * 4)], 11, SKIN)
    c.line([(78, 70), (98, 54)], 11, SKIN)
    return c.finish()


def write_all(folder: Path) -> None:
    """Draw what is missing into `folder`; a second call draws nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    layers: dict[str, Callable[[], Image.Image]] = {
        "backdrop.png": backdrop,
        "table.png": table,
        "host.png": host,
        "smile.png": lambda: mouth(wide=False),
        "word.png": lambda: mouth(wide=True),
        "hand.png": waving_hand,
    }
    for file, make in layers.items():
        _write(folder / file, make)
    for name, (draw, _, _) in GOODS.items():
        _write(folder / f"{name}.webp", partial(product, name))
        _write(folder / f"{name}.png", partial(_cut_out, draw))


def _cut_out(draw: Callable[[], Canvas]) -> Image.Image:
    return draw().finish()


def _write(target: Path, make: Callable[[], Image.Image]) -> None:
    if target.exists():
        return
    fresh = target.with_name(f"new-{target.name}")
    make().save(fresh)
    fresh.replace(target)


def _steps(n: int) -> list[float]:
    return [k / n for k in range(n + 1)]
