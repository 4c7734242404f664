"""Make multi-label scenes with known stems from ESC-50's clips.

    python -m pipelines.make_scenes --out DIR [--esc50 DIR] [--train 1400] [--test 400] [--seed 0]

Ten-second mixtures of up to three sources over a background, in SONYC-UST's format (see
`l2i_core.data.sonyc`), with the test scenes' stems beside. Training scenes are made from folds 2–5,
test scenes from fold 1; a training clip whose recording a test fold holds too is left out. Scene
number i of a split depends on the seed and i alone, so a longer run starts with the same scenes.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.data import scenes
from l2i_core.data.clips import Clip, load_clip
from l2i_core.data.sets import open_data_set
from l2i_core.data.sonyc import ABOUT, NEEDED, TABLE
from l2i_core.files import atomic, write_text
from l2i_core.signal.corrupt import COLOURS, coloured_noise
from l2i_core.signal.spectra import AudioConfig
from pipelines.runs import main_guard

SAMPLE_RATE = 16000
N_SOURCES = (0.1, 0.3, 0.35, 0.25)  # shares of scenes with 0, 1, 2, 3 sources
_NOISE_SHARE = 1 / (1 + len(scenes.BACKGROUNDS))


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the scenes' folder")
    parser.add_argument("--esc50", help="ESC-50's folder (default: L2I_ESC50)")
    parser.add_argument("--train", type=int, default=1400, help="training scenes")
    parser.add_argument("--test", type=int, default=400, help="test scenes")
    parser.add_argument("--train-folds", type=int, nargs="+", default=[2, 3, 4, 5])
    parser.add_argument("--test-folds", type=int, nargs="+", default=[1])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    if both := sorted(set(given.train_folds) & set(given.test_folds)):
        raise ValueError(f"fold {both[0]} cannot be in training and in test; give it once.")
    if min(given.train, given.test) < 1 or given.seed < 0:
        raise ValueError("--train and --test must be at least 1, --seed at least 0.")
    splits = {
        "train": (given.train, given.train_folds),
        "test": (given.test, given.test_folds),
    }
    data, made = open_data_set("esc50", given.esc50), []
    tested = {clip.source for clip in data.in_folds(given.test_folds)}
    for split, (count, folds) in splits.items():
        clips = [c for c in data.in_folds(folds) if split == "test" or c.source not in tested]
        for index in tqdm(range(count), desc=f"{split} scenes", unit="scene"):
            made.append(make_scene(given.out, split, index, given.seed, clips))
    write_text(given.out / "scenes.json", json.dumps(made, indent=1) + "\n")
    write_text(given.out / TABLE, annotations_csv(made))
    print(f"wrote {len(made)} scenes to {given.out}")
    return 0


def make_scene(
    out: Path, split: str, index: int, seed: int, clips: Sequence[Clip]
) -> dict[str, Any]:
    """Write one scene, with its stems in a test split, and say what it holds."""
    generator = np.random.default_rng([seed, split == "test", index])
    pools = _pools(clips)
    n_sources = int(generator.choice(len(N_SOURCES), p=N_SOURCES))
    behind, background = _background(generator, pools)
    sizes = {category: len(pool) for category, pool in pools.items()}
    events = scenes.draw_events(generator, sizes, n_sources, scenes.SECONDS)
    sounds = [scenes.Placed(background, 0.0, 0.0)]
    sources: list[dict[str, Any]] = []
    for event in events:
        clip = pools[event.category][event.clip]
        sound = scenes.trim(load_clip(clip, AudioConfig(sample_rate=SAMPLE_RATE)))
        part = scenes.excerpt(sound, round(event.seconds * SAMPLE_RATE), event.share)
        sounds.append(scenes.Placed(part, event.onset, event.snr_db))
        sources.append(
            {
                "label": event.label,
                "category": event.category,
                "clip": clip.name,
                "source": clip.source,
                "onset": round(event.onset, 3),
                "seconds": round(len(part) / SAMPLE_RATE, 3),
                "snr_db": round(event.snr_db, 2),
            }
        )
    name = f"{split}-{index:05d}"
    arranged = scenes.arrange(sounds, scenes.SECONDS, SAMPLE_RATE)
    _write(out, name, arranged, [s["label"] for s in sources] if split == "test" else None)
    return {"file": f"{name}.wav", "split": split, "background": behind, "sources": sources}


def _pools(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    wanted = {*scenes.BACKGROUNDS, *(c for group in scenes.CLASSES.values() for c in group)}
    pools: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.label in wanted:
            pools[clip.label].append(clip)
    if absent := sorted(wanted - set(pools)):
        raise ValueError(f"the folds hold no clip of {absent[0]}; scenes need all categories.")
    return pools


def _background(
    generator: np.random.Generator, pools: dict[str, list[Clip]]
) -> tuple[dict[str, str], np.ndarray]:
    """Coloured noise, or a looped clip of wind, rain, sea waves or crickets."""
    length = round(scenes.SECONDS * SAMPLE_RATE)
    if generator.random() < _NOISE_SHARE:
        kind = str(generator.choice(list(COLOURS)))
        noise = coloured_noise(kind, length, int(generator.integers(2**31)), SAMPLE_RATE)
        return {"category": f"{kind} noise"}, noise
    category = str(generator.choice(scenes.BACKGROUNDS))
    clip = pools[category][int(generator.integers(len(pools[category])))]
    sound = scenes.trim(load_clip(clip, AudioConfig(sample_rate=SAMPLE_RATE)))
    about = {"category": category, "clip": clip.name, "source": clip.source}
    return about, scenes.loop(sound, length, SAMPLE_RATE)


def _write(out: Path, name: str, made: scenes.Arrangement, labels: list[str] | None) -> None:
    """16-bit WAV; the mixture is the sum of the rounded stems, so they sum to it exactly."""
    rounded = np.round(made.stems.astype(float) * 32767).astype(np.int32)
    files = {out / "audio" / f"{name}.wav": rounded.sum(axis=0)}
    if labels is not None:
        for label, stem in zip(["background", *labels], rounded, strict=True):
            files[out / "stems" / name / f"{label}.wav"] = stem
    for path, samples in files.items():
        with atomic(path) as part:
            soundfile.write(part, samples.astype(np.int16), SAMPLE_RATE, "PCM_16", format="WAV")


def annotations_csv(made: Sequence[dict[str, Any]]) -> str:
    """annotations.csv: a training scene is heard by one volunteer, a test scene's truth is agreed.

    What SONYC says of place and time is unknown here: 0.
    """
    names = [f"{n}_{label.replace('_', '-')}_presence" for n, label in enumerate(scenes.CLASSES, 1)]
    lines = []
    for scene in made:
        heard = {source["label"] for source in scene["sources"]}
        annotator = 1 if scene["split"] == "train" else 0
        held = [int(label in heard) for label in scenes.CLASSES]
        lines.append([scene["split"], scene["file"], annotator, *[0] * len(ABOUT), *held])
    return pd.DataFrame(lines, columns=[*NEEDED, *ABOUT, *names]).to_csv(index=False)


if __name__ == "__main__":
    sys.exit(main_guard(main))
