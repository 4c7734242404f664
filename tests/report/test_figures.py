"""Figures: the same bytes for the same input, the app's colours, one dB reference."""

import dataclasses
import io
import tomllib
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image

from l2i_core import L2I, Analysis
from l2i_core.report import figures
from l2i_core.report.figures import Panel

CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)


def test_the_palettes_are_the_themes() -> None:
    themes = tomllib.loads(CONFIG.read_text())["theme"]
    names = ("primaryColor", "grayColor", "orangeColor", "textColor", "backgroundColor")
    for shown, palette in figures.PALETTES.items():
        expected = [themes[shown][name] for name in (*names, "borderColor")]
        assert list(dataclasses.astuple(palette)) == expected


def test_colours_run_from_the_floor_to_the_loudest_band() -> None:
    levels = np.array([[-200.0, -80.0, -40.0, 0.0]]) + 7
    drawn = figures.coloured(levels, 7.0)[0]
    magma = matplotlib.colormaps["magma"]([0, 0, 127, 255])[:, :3] * 255
    np.testing.assert_allclose(drawn, magma, atol=0.5)


def test_the_colour_map_is_matplotlib_s() -> None:
    magma = matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255
    np.testing.assert_array_equal(figures.COLOURS, np.round(magma))


def test_what_is_not_kept_is_grey() -> None:
    whole = np.zeros((1, 3))
    kept = np.array([[0.0, -20.0, -60.0]])  # all, a tenth, a thousandth of the magnitude
    assert figures.kept_share(kept, whole)[0].tolist() == [1.0, 0.5, 0.0]
    drawn = figures.coloured(kept, 0.0, whole)[0]
    assert np.ptp(drawn[2]) == 0
    assert np.ptp(drawn[0]) > 0


def test_figure_is_the_same_again_and_shows_one_reference(engine: L2I, analysis: Analysis) -> None:
    x = analysis.spectrogram.log_magnitude
    quiet = torch.log1p(torch.expm1(x) / 100)  # 40 dB down
    panels = [Panel("A", x), Panel("B", quiet, dim=True), Panel("C", quiet)]
    first, again = (
        figures.spectrograms(panels, engine.audio, length=len(analysis.waveform)) for _ in range(2)
    )
    assert first == again
    image = _pixels(first)
    width = image.shape[1]
    third = (width - 110 * 1.63) / 3
    at = [image[120:300, int(75 + i * third + 30) : int(75 + i * third + 300)] for i in range(3)]
    assert np.ptp(at[1], axis=-1).max() <= 1, "a hundredth is kept: grey"
    assert at[0].mean() > 1.5 * at[2].mean(), "not normalised by itself"
    assert np.ptp(at[2], axis=-1).max() > 30, "coloured"


def test_dark_figures_are_dark(engine: L2I, analysis: Analysis) -> None:
    panel = [Panel("<A>", analysis.spectrogram.log_magnitude)]
    drawn = figures.spectrograms(panel, engine.audio, length=len(analysis.waveform), shown="dark")
    assert tuple(_pixels(drawn)[-1, 0]) == (0x12, 0x14, 0x17)


def test_long_clips_share_columns() -> None:
    picture = np.zeros((2, 7))
    picture[0, 4] = 5.0
    small = figures._columns(picture, 3)
    assert small.tolist() == [[0, 5, 0], [0, 0, 0]]


def test_curves_are_the_same_again_in_the_palettes_colours() -> None:
    panels = [
        figures.Curves("Error", {"": [0.6, 0.5, 0.4]}),
        figures.Curves("Fidelity", {"top-1": [0.8, None, 0.9], "top-3": [0.9, 0.95, 1.0]}),
    ]
    for shown, palette in figures.PALETTES.items():
        first, again = (
            figures.curves(panels, ["25", "50", "100"], "K", 1, shown) for _ in range(2)
        )
        assert first == again
        image = _pixels(first)
        drawn = {tuple(colour) for colour in image.reshape(-1, 3)}
        for colour in (palette.paper, palette.accent, palette.ink):
            assert tuple(bytes.fromhex(colour[1:])) in drawn
    unmarked = figures.curves(panels, ["25", "50", "100"], "K")
    assert unmarked != figures.curves(panels, ["25", "50", "100"], "K", 1)
