"""Spectrograms as images; colours, depth and dB reference are those of `l2i_core.report.figures`.

Mel bands upwards, seconds to the right, decibels below the loudest band of the clip (80 dB deep,
one reference for all pictures of a clip), in magma. What an interpretation leaves out is drawn
grey and dim. Pixels by NumPy and Pillow: ten times as fast as a figure, and cached by the caller's
key.
"""

import dataclasses
import functools
import importlib.util
import io
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from l2i_core import Analysis, AudioConfig
from l2i_core.explainers.vibi import chunk_mask
from l2i_core.report import figures
from l2i_core.report.figures import PALETTES, Palette

T = TypeVar("T")
COLOURS, TOP_DB, KEPT = figures.COLOURS, figures.TOP_DB, figures.KEPT
decibels, reference, ticks = figures.decibels, figures.reference, figures.ticks
# What is said below a picture that is drawn over the whole clip.
DIMMED = "in B, bands that keep less than a tenth of their magnitude are grey"
_WIDTH, _HEIGHT = 860, 380  # of the spectrogram, in pixels: sharp at 430 on a dense screen
_LEFT, _RIGHT, _TOP, _BOTTOM = 86, 22, 10, 62
# Left edge and width of the plot in a picture with axes, as shares of the picture's width.
FRAME = (_LEFT / (_LEFT + _WIDTH + _RIGHT), _WIDTH / (_LEFT + _WIDTH + _RIGHT))
_SCALE = 96  # to the right of a picture that carries its own colour scale
_FONT_SIZE = 23
_FRAME = 3  # pixels of a kept chunk's frame
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def palette() -> Palette:
    """Accent (kept, relevant), neutral (input) and warning (disagreement) from config.toml."""
    return _palette(theme())


def theme() -> str:
    """ "light" or "dark", as the reader's browser shows it."""
    return "dark" if st.context.theme.type == "dark" else "light"


def once(key: Hashable, draw: Callable[[str], T]) -> T:
    """What `draw` makes for the reader's theme, made once; `key` names it, theme apart."""
    shown = theme()
    return _drawn((key, shown), draw, shown)


@st.cache_resource(show_spinner=False, max_entries=512)
def _drawn(key: Hashable, _draw: Callable[[str], T], _shown: str) -> T:
    return _draw(_shown)


def spectrogram(
    picture: np.ndarray,
    reference: float,
    config: AudioConfig,
    shown: str,
    start: float = 0.0,
    whole: np.ndarray | None = None,
) -> bytes:
    """PNG of a mel spectrogram in dB (n_mels, T), 0 dB being `reference`.

    shown: "light" or "dark". start: seconds at the left edge. whole: the input's spectrogram, to
    be drawn grey and dim where less than KEPT of its magnitude is in `picture`.
    """
    image = _image(figures.coloured(picture, reference, whole))
    return _png(_with_axes(image, config, shown, start, picture.shape[1]))


def of_clip(
    analysis: Analysis,
    log_magnitude: Tensor,
    config: AudioConfig,
    shown: str,
    start: float = 0.0,
    dim: bool = False,
) -> bytes:
    """PNG of X_int, X_2 or X itself (F, T) of a clip, 0 dB being the clip's loudest band; `dim`:
    over the whole clip in grey."""
    frames = config.n_frames(len(analysis.waveform))  # without a short clip's padding
    whole = decibels(analysis.spectrogram.log_magnitude[:, :frames], config)
    picture = decibels(log_magnitude[:, :frames], config)
    return spectrogram(picture, reference(whole), config, shown, start, whole if dim else None)


def chunks(
    analysis: Analysis, kept: Tensor, config: AudioConfig, shown: str, start: float = 0.0
) -> bytes:
    """PNG of a clip with the chunks that VIBI keeps, (10, 4) as 0/1, framed and in colour, the
    others in grey; 0 dB is the clip's loudest band."""
    frames = config.n_frames(len(analysis.waveform))  # without a short clip's padding
    spectrum = analysis.spectrogram.log_magnitude
    whole = decibels(spectrum[:, :frames], config)
    numbers = torch.arange(kept.numel(), dtype=torch.float32)[None]
    cells = chunk_mask(numbers, config.n_mels, spectrum.shape[1])[0, :, :frames].numpy()
    cells, chosen = cells.astype(np.uint8), kept.flatten().numpy() > 0
    picture = np.where(chosen[cells], whole, -np.inf)
    image = _image(figures.coloured(picture, reference(whole), whole))
    large = Image.fromarray(cells[::-1]).resize(image.size, Image.Resampling.NEAREST)
    places = np.asarray(large)
    edge = np.zeros(places.shape, dtype=bool)
    for axis in (0, 1):
        for step in range(-_FRAME, _FRAME + 1):
            edge |= np.roll(places, step, axis) != places
    pixels = np.array(image)
    # The ground is dark in both themes.
    pixels[edge & chosen[places]] = ImageColor.getrgb(_palette("dark").accent)
    return _png(_with_axes(Image.fromarray(pixels), config, shown, start, frames))


def draw_legend(caption: str) -> None:
    """What is said below spectrograms, and their colour scale with its numbers."""
    left, right = st.columns([2, 1], gap="large", vertical_alignment="top")
    left.caption(caption)
    alt = "Colour scale from black at −80 dB over purple and orange to pale yellow at 0 dB."
    right.image(_legend(theme()), width="stretch", alt=alt)


def _legend(shown: str) -> bytes:
    colours = _palette(shown)
    image = Image.new("RGB", (760, 70), colours.paper)
    ramp = np.repeat(COLOURS[None], 18, axis=0).astype(np.uint8)
    image.paste(Image.fromarray(ramp).resize((620, 18)), (60, 4))
    draw = ImageDraw.Draw(image)
    for level in (-80, -60, -40, -20, 0):
        x = 60 + 620 * (level + TOP_DB) / TOP_DB
        draw.line([(x, 22), (x, 29)], fill=colours.neutral, width=2)
        text = f"{level} dB".replace("-", "−")
        draw.text((x, 33), text, fill=colours.ink, font=_font(), anchor="ma")
    return _png(image)


def heat(
    rows: np.ndarray,
    low: float,
    high: float,
    config: AudioConfig,
    shown: str,
    start: float = 0.0,
    unit: str = "",
) -> bytes:
    """PNG of any values over mel-spaced rows and frames (R, T), with the scale low … high beside
    it. `shapes.mel_rows` brings STFT bins to such rows."""
    span = max(high - low, 1e-12)
    levels = ((rows - low) / span).clip(0, 1)
    pixels = COLOURS[(levels * 255).astype(np.uint8)][::-1].astype(np.uint8)
    image = Image.fromarray(pixels).resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR)
    axes = _with_axes(image, config, shown, start, rows.shape[1])
    colours = _palette(shown)
    canvas = Image.new("RGB", (axes.width + _SCALE, axes.height), colours.paper)
    canvas.paste(axes)
    ramp = np.repeat(COLOURS[::-1, None], 18, axis=1).astype(np.uint8)
    canvas.paste(Image.fromarray(ramp).resize((18, _HEIGHT)), (axes.width, _TOP))
    draw = ImageDraw.Draw(canvas)
    decimals = 0 if span > 10 else 1 if span > 2 else 2
    for share, anchor in ((0.0, "lb"), (0.25, "lm"), (0.5, "lm"), (0.75, "lm"), (1.0, "lt")):
        y = _TOP + _HEIGHT * (1 - share)
        text = f"{low + share * span:.{decimals}f}".replace("-", "−")
        draw.text((axes.width + 26, y), text, fill=colours.ink, font=_font(), anchor=anchor)
    draw.text(
        (axes.width + 26, _TOP + _HEIGHT + 10), unit, fill=colours.ink, font=_font(), anchor="la"
    )
    return _png(canvas)


def waveform(sound: np.ndarray, config: AudioConfig, shown: str, start: float = 0.0) -> bytes:
    """PNG of the samples (n,): highest and lowest of each pixel column, over the seconds of `heat`."""
    colours = _palette(shown)
    width, height = _LEFT + _WIDTH + _RIGHT + _SCALE, 150
    canvas = Image.new("RGB", (width, _TOP + height + _BOTTOM), colours.paper)
    draw = ImageDraw.Draw(canvas)
    peak = max(float(np.abs(sound).max(initial=0.0)), 1e-6)
    edges = np.linspace(0, len(sound), _WIDTH + 1).astype(int)
    middle = _TOP + height / 2
    for x in range(_WIDTH):
        part = sound[edges[x] : max(edges[x + 1], edges[x] + 1)]
        top, bottom = (middle - value / peak * height / 2 for value in (part.max(), part.min()))
        draw.line([(_LEFT + x, top), (_LEFT + x, bottom)], fill=colours.neutral)
    draw.line([(_LEFT, middle), (_LEFT + _WIDTH, middle)], fill=colours.neutral)
    for value in (-1, 0, 1):
        text = f"{value * peak:.2g}".replace("-", "−")
        y = middle - value * height / 2
        anchor = {-1: "rd", 0: "rm", 1: "rt"}[value]
        draw.text((_LEFT - 12, y), text, fill=colours.ink, font=_font(), anchor=anchor)
    _time_axis(draw, colours, _TOP + height, start, len(sound) / config.sample_rate)
    return _png(canvas)


def lanes(sounds: Sequence[np.ndarray], names: Sequence[str], seconds: float, shown: str) -> bytes:
    """PNG of a time line: a lane for each sound (n,), its name above its envelope, on one scale;
    the first in the accent colour, as the one that levels are measured by."""
    colours, height = _palette(shown), 84
    bottom = _TOP + height * len(sounds)
    canvas = Image.new("RGB", (_LEFT + _WIDTH + _RIGHT, bottom + _BOTTOM), colours.paper)
    draw = ImageDraw.Draw(canvas)
    edges = np.linspace(0, max(map(len, sounds)), _WIDTH + 1).astype(int)[:-1]
    envelopes = [np.maximum.reduceat(np.abs(sound), edges) for sound in sounds]
    loudest = max(1e-6, *(float(envelope.max()) for envelope in envelopes))
    for place, (envelope, name) in enumerate(zip(envelopes, names, strict=True)):
        top = _TOP + height * place
        middle = top + 30 + (height - 34) / 2
        shade = colours.accent if place == 0 else colours.neutral
        draw.line([(_LEFT, middle), (_LEFT + _WIDTH, middle)], fill=colours.line)
        # The square root lets what is 20 dB below the loudest still be seen.
        heights = np.sqrt(envelope / loudest) * (height - 38) / 2
        for x in np.flatnonzero(envelope):
            at = _LEFT + int(x)
            draw.line([(at, middle - heights[x]), (at, middle + heights[x])], fill=shade)
        draw.text((_LEFT, top), name, fill=colours.ink, font=_font(), anchor="la")
    _time_axis(draw, colours, bottom, 0.0, seconds)
    return _png(canvas)


def icon() -> Image.Image:
    """The browser tab's icon: four bars, the relevant one in the accent colour."""
    image = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(image)
    for place, height in enumerate((22, 52, 38, 16)):
        x = 6 + 14 * place
        colour = "#0072b2" if place == 1 else "#8a9099"
        draw.rectangle([x, 58 - height, x + 9, 58], fill=colour)
    return image


def _image(pixels: np.ndarray) -> Image.Image:
    """Colours (n_mels, T, 3), 0 to 255, at the size of a spectrogram, low bands at the bottom."""
    image = Image.fromarray(pixels[::-1].clip(0, 255).astype(np.uint8))
    return image.resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR)


def _with_axes(
    image: Image.Image, config: AudioConfig, shown: str, start: float, n_frames: int
) -> Image.Image:
    colours = _palette(shown)
    size = (_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM)
    canvas = Image.new("RGB", size, colours.paper)
    canvas.paste(image, (_LEFT, _TOP))
    draw = ImageDraw.Draw(canvas)
    for _, place, text in ticks(config):
        y = _TOP + _HEIGHT * (1 - place)
        draw.line([(_LEFT - 8, y), (_LEFT - 2, y)], fill=colours.neutral, width=2)
        draw.text((_LEFT - 12, y), text, fill=colours.ink, font=_font(), anchor="rm")
    draw.text((6, _TOP + _HEIGHT + 10), "Hz", fill=colours.ink, font=_font(), anchor="la")
    duration = max(n_frames - 1, 1) * config.hop_length / config.sample_rate
    _time_axis(draw, colours, _TOP + _HEIGHT, start, duration)
    return canvas


def _time_axis(
    draw: ImageDraw.ImageDraw, colours: Palette, baseline: int, start: float, duration: float
) -> None:
    for place, text in seconds(start, duration):
        x = _LEFT + _WIDTH * place
        draw.line([(x, baseline + 2), (x, baseline + 8)], fill=colours.neutral, width=2)
        draw.text((x, baseline + 12), text, fill=colours.ink, font=_font(), anchor="ma")


def seconds(start: float, duration: float) -> list[tuple[float, str]]:
    """The times that a picture of `duration` seconds from `start` on marks: their place from 0 to 1
    and as they are written, the first with its unit."""
    step = next((s for s in _STEPS if duration / s <= 6), _STEPS[-1])
    first = int(np.ceil(start / step - 1e-6))
    return [
        ((index * step - start) / duration, f"{index * step:.10g}{' s' if index == first else ''}")
        for index in range(first, int((start + duration) / step + 1e-6) + 1)
    ]


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    spec = importlib.util.find_spec("matplotlib")  # found, not run: that costs half a second
    assert spec is not None  # a requirement
    assert spec.origin is not None
    font = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(font), _FONT_SIZE)


@functools.cache
def _palette(shown: str) -> Palette:
    names = ("primaryColor", "grayColor", "orangeColor", "textColor", "backgroundColor")
    found = [st.get_option(f"theme.{shown}.{name}") for name in (*names, "borderColor")]
    return Palette(
        *(str(a or b) for a, b in zip(found, dataclasses.astuple(PALETTES[shown]), strict=True))
    )
