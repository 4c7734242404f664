"""Write the demo clips that the app ships, and eight mixtures with their stems.

Two clips for each of ESC-10's classes, one for each other class that `synth` knows.

    python -m pipelines.make_clips [--out assets/clips]

Mono 44.1 kHz 16-bit FLAC at the levels `synth` gives, and `clips.json`, which says how each file
was made. Stems add up to their mixture to within 16-bit rounding.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from l2i_core.arguments import Parser
from l2i_core.data import scenes, synth
from l2i_core.files import atomic, write_text
from pipelines.runs import main_guard

SAMPLE_RATE = 44100

# Labels, and the level of the second in dB above the first. From easy to hard: a burst over steady
# noise, a high call over low thumps, two sounds that share no time scale, two harmonic voices.
SCENES: tuple[tuple[tuple[str, str], float], ...] = (
    (("dog", "rain"), -8.0),
    (("rooster", "helicopter"), -3.0),
    (("crying_baby", "clock_tick"), -18.0),
    (("chainsaw", "crying_baby"), 0.0),
)
SCENE_SEED = synth.FIRST_DEMO_SEED + 2

# Ten seconds for models of several classes at once (`scenes.CLASSES`): label, seconds, onset, and
# level in dB above the first.
TIME_LINES: tuple[tuple[tuple[str, float, float, float], ...], ...] = (
    (("siren", 5.0, 3.5, 0.0), ("engine", 10.0, 0.0, -4.0), ("wind", 10.0, 0.0, -16.0)),
    (("dog", 4.0, 1.0, 0.0), ("crow", 4.0, 5.0, -3.0), ("rain", 10.0, 0.0, -18.0)),
    (("laughing", 5.0, 0.5, 0.0), ("door_wood_knock", 4.0, 4.5, 3.0)),
    (("chainsaw", 5.0, 4.5, 0.0), ("church_bells", 7.0, 0.5, 0.0), ("wind", 10.0, 0.0, -14.0)),
)


def main(argv: list[str] | None = None) -> int:
    """Raises ValueError when the folder cannot be written."""
    parser = Parser(description="Write the demo clips and clips.json.")
    parser.add_argument("--out", type=Path, default=Path("assets/clips"), help="their folder")
    out: Path = parser.parse_args(argv).out
    try:
        (out / "scenes").mkdir(parents=True, exist_ok=True)
        # As the app lists them: what a model of ESC-10 knows comes first.
        entries = [*_single_clips(out, synth.LABELS), *_scenes(out)]
        entries += [*_single_clips(out, synth.OTHER_LABELS), *_time_lines(out)]
        text = json.dumps(entries, indent=2) + "\n"
        write_text(out / "clips.json", text)
    except (OSError, soundfile.LibsndfileError) as error:
        raise ValueError(
            f"cannot write demo clips to {out} ({error}); choose a folder you may write to."
        ) from error
    print(f"wrote {len(entries)} entries to {out / 'clips.json'}")
    return 0


def _single_clips(out: Path, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    for label in labels:
        for number, seed in enumerate(synth.DEMO_SEEDS[label], start=1):
            name = f"{label}-{number}.flac"
            _write(out / name, synth.clip(label, seed, SAMPLE_RATE))
            yield _entry(name, (label,), seed, {}, None)


def _scenes(out: Path) -> Iterator[dict[str, Any]]:
    for labels, level in SCENES:
        made = synth.scene(labels, SCENE_SEED, (0.0, level), SAMPLE_RATE)
        yield _scene(out, labels, made.mixture, made.stems, [0.0, level])


def _time_lines(out: Path) -> Iterator[dict[str, Any]]:
    for placed in TIME_LINES:
        labels, _, onsets, levels = (list(each) for each in zip(*placed, strict=True))
        parts = [
            scenes.Placed(synth.clip(label, SCENE_SEED, SAMPLE_RATE, seconds), onset, level)
            for label, seconds, onset, level in placed
        ]
        made = scenes.arrange(parts, scenes.SECONDS, SAMPLE_RATE)
        entry = _scene(out, labels, made.mixture, made.stems, levels)
        yield entry | {"onsets": onsets, "made_by": "l2i_core.data.scenes.arrange"}


def _scene(
    out: Path,
    labels: Sequence[str],
    mixture: np.ndarray,
    stems: Iterable[np.ndarray],
    levels_db: list[float],
) -> dict[str, Any]:
    """Write a mixture and its stems."""
    name = "scenes/" + "+".join(labels)
    files = {label: f"{name}.stem-{label}.flac" for label in labels}
    _write(out / f"{name}.flac", mixture)
    for file, samples in zip(files.values(), stems, strict=True):
        _write(out / file, samples)
    return _entry(f"{name}.flac", labels, SCENE_SEED, files, levels_db)


def _entry(
    name: str,
    labels: Sequence[str],
    seed: int,
    stems: dict[str, str],
    levels_db: list[float] | None,
) -> dict[str, Any]:
    return {
        "file": name,
        "labels": list(labels),
        "seed": seed,
        "levels_db": levels_db,
        "stems": stems,
        "sample_rate": SAMPLE_RATE,
        "made_by": "l2i_core.data.synth." + ("scene" if stems else "clip"),
    }


def _write(path: Path, samples: np.ndarray) -> None:
    """samples float32 (n,) within ±1, to 16-bit FLAC."""
    with atomic(path) as part:
        soundfile.write(part, samples, SAMPLE_RATE, subtype="PCM_16", format="FLAC")


if __name__ == "__main__":
    sys.exit(main_guard(main))
