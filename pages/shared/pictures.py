"""Spectrograms as images: the one module that knows colours, axes and the dB reference.

Mel bands upwards, seconds to the right, decibels below the loudest band of the clip (80 dB deep,
one reference for all pictures of a clip), in magma. What an interpretation leaves out is drawn
grey and dim. Pixels by NumPy and Pillow: ten times as fast as a figure, and cached by the caller's
key.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from l2i_core import AudioConfig, audio
from l2i_core.nmf import centre_bins

TOP_DB = 80.0
KEPT = 0.1  # a band counts as kept where this share of its magnitude passes
COLOURS = (matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.float32)
_WIDTH, _HEIGHT = 860, 380  # of the spectrogram, in pixels: sharp at 430 on a dense screen
_LEFT, _RIGHT, _TOP, _BOTTOM = 86, 22, 10, 62
_FONT_SIZE = 23
TICKS_HZ = (125, 500, 1000, 2000, 4000, 8000, 16000)
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Palette:
    """The app's colours as the theme in use has them: hexadecimal."""

    accent: str
    neutral: str
    warning: str
    ink: str
    paper: str
    line: str


def palette() -> Palette:
    """Accent (kept, relevant), neutral (input) and warning (disagreement) from config.toml."""
    return _palette(theme())


def theme() -> str:
    """ "light" or "dark", as the reader's browser shows it."""
    return "dark" if st.context.theme.type == "dark" else "light"


def decibels(log_magnitude: Tensor, config: AudioConfig) -> np.ndarray:
    """Mel spectrogram of X (F, T) in dB re 1 (n_mels, T)."""
    # audio.log_mel has the classifier's 10·log10 of magnitudes; sound pressure levels need 20.
    return 2.0 * audio.log_mel(audio.magnitude(log_magnitude), config).numpy()


def centre_frequencies(patterns: Tensor, config: AudioConfig) -> np.ndarray:
    """Each component's centre of gravity on the frequency axis in Hz (K,), of W (F, K)."""
    return centre_bins(patterns).numpy() * (config.sample_rate / config.n_fft)


def spectral_shapes(patterns: Tensor, config: AudioConfig, points: int = 40) -> np.ndarray:
    """Each column of W (F, K) at `points` mel-spaced frequencies, for a thumbnail (K, points)."""
    centres = audio.mel_frequencies(config)
    wanted = np.interp(np.linspace(0, len(centres) - 1, points), range(len(centres)), centres)
    nearest = np.round(wanted / (config.sample_rate / 2) * (config.n_bins - 1)).astype(int)
    return patterns.numpy().T[:, nearest]


def reference(whole: np.ndarray) -> float:
    """A clip's 0 dB (n_mels, T): its loudest band, or far above what digital silence holds."""
    return max(float(whole.max()), -60.0)


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
    pixels = _coloured(picture - reference)
    if whole is not None:
        # 6 dB of soft edge around the limit, so that single bins do not flicker.
        edge = (picture - whole - 20 * np.log10(KEPT)) / 6 + 0.5
        colour = np.clip(edge, 0, 1)[..., None]
        pixels = colour * pixels + (1 - colour) * _dimmed(whole - reference)
    image = Image.fromarray(pixels[::-1].clip(0, 255).astype(np.uint8))
    image = image.resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR)
    return _png(_with_axes(image, config, shown, start, picture.shape[1]))


def legend(shown: str) -> bytes:
    """PNG of the colour scale with its numbers."""
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


def icon() -> Image.Image:
    """The browser tab's icon: four bars, the relevant one in the accent colour."""
    image = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(image)
    for place, height in enumerate((22, 52, 38, 16)):
        x = 6 + 14 * place
        colour = "#0072b2" if place == 1 else "#8a9099"
        draw.rectangle([x, 58 - height, x + 9, 58], fill=colour)
    return image


def _coloured(levels: np.ndarray) -> np.ndarray:
    """dB below the reference (F, T) → colours (F, T, 3)."""
    return COLOURS[((levels.clip(-TOP_DB, 0) + TOP_DB) * (255 / TOP_DB)).astype(np.uint8)]


def _dimmed(levels: np.ndarray) -> np.ndarray:
    """The same in dark greys (F, T, 3): visible, and never mistaken for the kept part."""
    grey = 10 + 70 * (levels.clip(-TOP_DB, 0) + TOP_DB) / TOP_DB
    return np.repeat(grey[..., None].astype(np.float32), 3, axis=-1)


def _with_axes(
    image: Image.Image, config: AudioConfig, shown: str, start: float, n_frames: int
) -> Image.Image:
    colours = _palette(shown)
    size = (_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM)
    canvas = Image.new("RGB", size, colours.paper)
    canvas.paste(image, (_LEFT, _TOP))
    draw = ImageDraw.Draw(canvas)
    for hertz in TICKS_HZ:
        if hertz < 0.45 * config.sample_rate:
            y = _TOP + _HEIGHT * (1 - mel_place(hertz, config))
            draw.line([(_LEFT - 8, y), (_LEFT - 2, y)], fill=colours.neutral, width=2)
            text = f"{hertz}" if hertz < 1000 else f"{hertz // 1000}k"
            draw.text((_LEFT - 12, y), text, fill=colours.ink, font=_font(), anchor="rm")
    draw.text((6, _TOP + _HEIGHT + 10), "Hz", fill=colours.ink, font=_font(), anchor="la")
    duration = max(n_frames - 1, 1) * config.hop_length / config.sample_rate
    step = next((s for s in _STEPS if duration / s <= 6), _STEPS[-1])
    first = int(np.ceil(start / step - 1e-6))
    baseline = _TOP + _HEIGHT
    for index in range(first, int((start + duration) / step + 1e-6) + 1):
        x = _LEFT + _WIDTH * (index * step - start) / duration
        draw.line([(x, baseline + 2), (x, baseline + 8)], fill=colours.neutral, width=2)
        unit = " s" if index == first else ""
        text = f"{index * step:.10g}{unit}"
        draw.text((x, baseline + 12), text, fill=colours.ink, font=_font(), anchor="ma")
    return canvas


def mel_place(hertz: float, config: AudioConfig) -> float:
    """Where a frequency lies on the picture's axis, 0 at the bottom to 1 at the top."""
    centres = audio.mel_frequencies(config)
    return (float(np.interp(hertz, centres, np.arange(len(centres)))) + 0.5) / len(centres)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), _FONT_SIZE)


@functools.cache
def _palette(shown: str) -> Palette:
    names = ("primaryColor", "grayColor", "orangeColor", "textColor", "backgroundColor")
    found = [st.get_option(f"theme.{shown}.{name}") for name in (*names, "borderColor")]
    fallback = ("#0072b2", "#6b7280", "#b34a00", "#1b1f24", "#ffffff", "#d5d9de")
    return Palette(*(str(a or b) for a, b in zip(found, fallback, strict=True)))
