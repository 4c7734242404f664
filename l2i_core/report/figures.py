"""Static figures for reports, and the facts that every picture of a spectrogram rests on.

Colour map, depth in dB, the clip's 0 dB, what counts as kept, the palette: the app's images
(`pages.show.pictures`) import them from here. Figures are drawn with matplotlib and librosa's
display, off screen, and are the same bytes for the same input.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from l2i_core.dictionary.shapes import mel_places
from l2i_core.signal import spectra
from l2i_core.signal.spectra import AudioConfig

# matplotlib costs half a second, librosa's display another: what draws a report imports them.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# magma (van der Walt and Smith, 2015), without matplotlib's half second: 256 steps from black to
# pale yellow, red, green and blue, 0 to 255.
_MAGMA = bytes.fromhex(Path(__file__).with_name("magma.hex").read_text())
COLOURS = np.frombuffer(_MAGMA, np.uint8).reshape(256, 3).astype(np.float32)
TOP_DB = 80.0  # how deep a picture goes below the clip's loudest band
KEPT = 0.1  # a band counts as kept where this share of its magnitude passes
DIM = (10.0, 80.0)  # greys, of 255, of what is not kept: at −TOP_DB and at 0 dB
_TICKS_HZ = (125, 500, 1000, 2000, 4000, 8000, 16000)
_QUIETEST = -60.0  # dB: far above what digital silence holds
_MOST_COLUMNS = 1500  # frames of a longer clip share a column
_MARKS = ("o-", "s-", "^-", "v-", "d-", "x-")
_drawing = threading.Lock()  # matplotlib's text layout is not safe between threads


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of text and marks, hexadecimal: accent (kept, relevant), neutral (input),
    warning (disagreement)."""

    accent: str
    neutral: str
    warning: str
    ink: str
    paper: str
    line: str


# Okabe and Ito's blue, grey and vermilion; the app's theme (.streamlit/config.toml) has the same.
PALETTES = {
    "light": Palette("#0072b2", "#6b7280", "#b34a00", "#1b1f24", "#ffffff", "#d5d9de"),
    "dark": Palette("#56b4e9", "#9aa1ab", "#f08a45", "#e7e9ec", "#121417", "#363b43"),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One spectrogram of a figure: X (F, T); `dim`: grey where less than KEPT of the first
    panel's magnitude is left."""

    title: str
    log_magnitude: Tensor
    dim: bool = False


def decibels(log_magnitude: Tensor, config: AudioConfig) -> np.ndarray:
    """Mel spectrogram of X (F, T) in dB re 1 (n_mels, T)."""
    # audio.log_mel has the classifier's 10·log10 of magnitudes; sound pressure levels need 20.
    return 2.0 * spectra.log_mel(spectra.magnitude(log_magnitude), config).numpy()


def reference(whole: np.ndarray) -> float:
    """A clip's 0 dB (n_mels, T): its loudest band, or far above what digital silence holds."""
    return max(float(whole.max()), _QUIETEST)


def ticks(config: AudioConfig) -> list[tuple[int, float, str]]:
    """The frequencies that pictures mark: Hz, their place on the mel axis from 0 to 1, and as they
    are written, “4k”."""
    shown = [hertz for hertz in _TICKS_HZ if hertz < 0.45 * config.sample_rate]
    places = mel_places(shown, config).tolist()
    texts = [f"{hertz}" if hertz < 1000 else f"{hertz // 1000}k" for hertz in shown]
    return list(zip(shown, places, texts, strict=True))


def kept_share(picture: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """0 where less than KEPT of `whole` (dB) is left in `picture`, 1 where more, with 6 dB of soft
    edge so that single bins do not flicker; all (n_mels, T)."""
    return np.clip((picture - whole - 20 * np.log10(KEPT)) / 6 + 0.5, 0, 1)


def coloured(picture: np.ndarray, reference: float, whole: np.ndarray | None = None) -> np.ndarray:
    """dB (n_mels, T) → colours (n_mels, T, 3), 0 to 255; `reference` is 0 dB.

    whole: the input (n_mels, T), drawn in dark greys where less than KEPT of it is in `picture`:
    visible, and never mistaken for the kept part.
    """
    pixels = COLOURS[(_depth(picture - reference) * 255).astype(np.uint8)]
    if whole is None:
        return pixels
    grey = DIM[0] + (DIM[1] - DIM[0]) * _depth(whole - reference)[..., None]
    colour = kept_share(picture, whole)[..., None]
    return colour * pixels + (1 - colour) * grey


def spectrograms(
    panels: Sequence[Panel],
    config: AudioConfig,
    *,
    length: int,
    start: float = 0.0,
    shown: str = "light",
    title: str = "",
) -> bytes:
    """PNG of spectrograms side by side on one scale: the first panel's loudest band is 0 dB.

    length: the clip's samples, without padding. start: seconds at the left edge. shown: "light"
    or "dark". title: one line, or two.
    """
    import librosa.display

    frames = config.n_frames(length)
    levels = [decibels(panel.log_magnitude[:, :frames], config) for panel in panels]
    step = -(-frames // _MOST_COLUMNS)
    levels = [_columns(picture, step) for picture in levels]
    loudest, colours = reference(levels[0]), PALETTES[shown]
    seconds = start + step * config.hop_length / config.sample_rate * np.arange(levels[0].shape[1])
    with _canvas(4.1 * len(panels) + 1.0, 3.6, colours) as (figure, file):
        width = figure.get_figwidth()
        figure.subplots_adjust(0.68 / width, 0.15, 1 - 0.95 / width, 0.82, 0.06)
        places = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for place, panel, picture in zip(places, panels, levels, strict=True):
            pixels = coloured(picture, loudest, levels[0] if panel.dim else None)
            librosa.display.specshow(
                pixels.clip(0, 255) / 255,
                x_coords=seconds,
                x_axis="s",
                y_axis="mel",
                sr=config.sample_rate,
                fmin=config.f_min,
                fmax=config.f_max or config.sample_rate / 2,
                cmap="magma",
                ax=place,
            )
            _label_axes(place, panel.title, config)
        for place in places[1:]:
            place.set_ylabel("")
        _colour_bar(figure)
        # A name's “$” begins no formula.
        figure.text(0.08 / width, 0.98, title, fontsize=10, va="top", parse_math=False)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Curves:
    """One panel of `curves`: a title, and named series with a value (None: none) for each tick."""

    title: str
    series: Mapping[str, Sequence[float | None]]


def curves(
    panels: Sequence[Curves],
    ticks: Sequence[str],
    label: str,
    marked: int | None = None,
    shown: str = "light",
) -> bytes:
    """PNG of measures against the values of one setting, side by side; values are spaced evenly.

    marked: the position of the value in use, a dashed line. shown: "light" or "dark".
    """
    colours = PALETTES[shown]
    with _canvas(3.9 * len(panels), 3.0, colours, layout="constrained") as (figure, file):
        places = figure.subplots(1, len(panels), squeeze=False)[0]
        for place, panel in zip(places, panels, strict=True):
            shades = np.linspace(1.0, 0.35, len(panel.series))
            looks = zip(panel.series.items(), shades, _MARKS, strict=False)
            for (name, values), alpha, mark in looks:
                numbers = [np.nan if value is None else value for value in values]
                place.plot(numbers, mark, color=colours.accent, alpha=alpha, label=name)
            if marked is not None:
                place.axvline(marked, color=colours.neutral, linewidth=1, linestyle="--")
            place.set_title(panel.title)
            place.set_xlabel(label)
            place.set_xticks(range(len(ticks)), ticks)
            place.grid(axis="y")
            if len(panel.series) > 1:
                place.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return file.getvalue()


@contextlib.contextmanager
def _canvas(
    width: float, height: float, colours: Palette, **about: Any
) -> Iterator[tuple[Figure, io.BytesIO]]:
    """An empty figure in inches, drawn without a screen, and the PNG that it is afterwards."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    ink, paper, line, file = colours.ink, colours.paper, colours.line, io.BytesIO()
    look: dict[Any, Any] = {
        **dict.fromkeys(("text.color", "xtick.color", "ytick.color", "legend.labelcolor"), ink),
        **dict.fromkeys(("axes.facecolor", "legend.facecolor", "legend.edgecolor"), paper),
        **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 8),
        **{"axes.edgecolor": colours.neutral, "grid.color": line, "grid.linewidth": 0.6},
        **{"axes.titlecolor": ink, "axes.titlelocation": "left", "axes.titlesize": 10},
        **{"axes.labelcolor": ink, "axes.labelsize": 9},
    }
    with _drawing, rc_context(look):
        figure = Figure(figsize=(width, height), dpi=110, **about)
        yield figure, file
        figure.savefig(file, format="png", facecolor=paper, metadata={"Software": None})


def _depth(levels: np.ndarray) -> np.ndarray:
    """dB below the reference as 0 (−TOP_DB and less) to 1 (0 dB)."""
    return (levels.clip(-TOP_DB, 0) + TOP_DB) / TOP_DB


def _columns(picture: np.ndarray, step: int) -> np.ndarray:
    """Every `step` frames as one column, the loudest counting: (n_mels, T) → (n_mels, ⌈T/step⌉)."""
    if step == 1:
        return picture
    missing = -picture.shape[1] % step
    padded = np.pad(picture, ((0, 0), (0, missing)), mode="edge")
    return padded.reshape(len(picture), -1, step).max(axis=-1)


def _label_axes(place: Axes, title: str, config: AudioConfig) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    marked = ticks(config)
    place.set(title=title, xlabel="time in s", ylabel="frequency in Hz (mel scale)")
    place.yaxis.set_minor_locator(NullLocator())
    place.set_yticks([hertz for hertz, *_ in marked], [text for *_, text in marked])
    place.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    place.xaxis.set_major_formatter("{x:.10g}")


def _colour_bar(figure: Figure) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width = figure.get_figwidth()
    place = figure.add_axes((1 - 0.85 / width, 0.15, 0.12 / width, 0.67))
    scale = ScalarMappable(Normalize(-TOP_DB, 0), "magma")
    bar = figure.colorbar(scale, cax=place, label="dB below the loudest band")
    bar.ax.yaxis.set_major_formatter(lambda level, _: f"{level:.0f}".replace("-", "−"))
