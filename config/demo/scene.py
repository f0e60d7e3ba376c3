"""The demo host's broadcast: a drawn 9:16 scene with a clock and a tone, by ffmpeg.

The picture is H264 with a keyframe each half second, the sound Opus; both go through
the real WHIP door as any encoder's would.
"""

from pathlib import Path

import imageio_ffmpeg
from PIL import ImageFont

TURN_S = 15
"""Each product is held up for so long; the host explains it meanwhile."""
FPS = 30
MELODY = (392.0, 440.0, 523.25, 587.33, 659.25, 523.25, 440.0, 329.63)
LAYERS = ("backdrop", "host", "smile", "word", "hand", "table")
SWAY = "6*sin(t*1.7)"
NOD = "4*sin(t*2.9)"


def command(folder: Path, goods: list[str], turn: float, *output: str) -> list[str]:
    """ffmpeg's command line; `output` is what follows the encoders.

    `folder` holds what `pictures.write_all` drew. `turn` shifts the scene's clock, in
    seconds, so that the product held up is the one being explained.
    """
    inputs: list[str] = []
    for name in (*LAYERS, *goods):
        inputs += ["-framerate", str(FPS), "-i", str(folder / f"{name}.png")]
    graph = ";".join(_graph(goods, _font(folder), turn))
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error",
        *inputs,
        "-f", "lavfi", "-i", _sound(),
        "-filter_complex", graph,
        "-map", "[v]", "-map", f"{len(LAYERS) + len(goods)}:a",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
        "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-r", str(FPS),
        "-g", str(FPS // 2), "-bf", "0", "-b:v", "1500k", "-maxrate", "1800k",
        "-bufsize", "1200k", "-threads", "1", "-filter_complex_threads", "1",
        "-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "64k",
        *output,
    ]  # fmt: skip


def _graph(goods: list[str], font: Path, turn: float) -> list[str]:
    """The filter chains: each layer is decoded once, then laid over the others."""
    clock = f"(t+{turn:.3f})"
    chains = ["[0:v]format=yuv420p,loop=-1:1[l0]"]
    for k in range(1, len(LAYERS) + len(goods)):
        size = ",scale=200:200" if k >= len(LAYERS) else ""
        chains.append(f"[{k}:v]format=yuva420p{size},loop=-1:1[l{k}]")
    lips = f"x='240+{SWAY}':y='486+{NOD}'"
    talking = "lt(mod(t,0.36),0.2)*lt(mod(t,5),3.9)"
    waving = f"lt(mod({clock},{TURN_S}),3)"
    chains += [
        "[l4]rotate='0.13*sin(t*5)':c=none[arm]",
        f"[l0][l1]overlay=x='60+{SWAY}':y='250+{NOD}'[a1]",
        f"[a1][l2]overlay={lips}[a2]",
        f"[a2][l3]overlay={lips}:enable='{talking}'[a3]",
        f"[a3][arm]overlay=x='386+{SWAY}':y=456:enable='{waving}'[a4]",
        "[a4][l5]overlay=x=0:y=700[g0]",
    ]
    for k in range(len(goods)):
        at = f"mod({clock},{len(goods) * TURN_S})"
        shown = f"gte({at},{k * TURN_S})*lt({at},{(k + 1) * TURN_S})"
        chains.append(
            f"[g{k}][l{len(LAYERS) + k}]overlay=x='170+4*sin(t*2)'"
            f":y='560+5*sin(t*3)':enable='{shown}'[g{k + 1}]"
        )
    chains.append(
        f"[g{len(goods)}]drawtext=fontfile={font}:fontcolor=white:fontsize=30"
        ":borderw=2:bordercolor=0x34262c@0.55:x=(w-tw)/2:y=132"
        ":text='%{localtime\\:%H\\\\\\:%M\\\\\\:%S}',realtime[v]"
    )
    return chains


def _font(folder: Path) -> Path:
    """Pillow's built-in font as a file, since ffmpeg wants a path."""
    target = folder / "font.ttf"
    if not target.exists():
        font = ImageFont.load_default(20)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("this Pillow was built without FreeType")
        target.write_bytes(font.font_bytes)
    return target


def _sound() -> str:
    """A quiet music box: one plucked note each half second."""
    notes = "+".join(
        f"eq(mod(floor(t*2),{len(MELODY)}),{k})*sin(2*PI*{hz}*t)"
        for k, hz in enumerate(MELODY)
    )
    return f"aevalsrc='0.11*exp(-5*mod(t,0.5))*({notes})':s=48000,arealtime"
