"""The paper's two experiments with mixtures, over a whole test set: white noise (section 4.1), and
two clips at once (its companion website).

Each is a `Study` with a row for every mixture, explained class and τ. Columns are called as in
`noise_lab`: "followed" is the sound whose class is explained, "rest" the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from l2i_core.data.clips import Clip, load_clip
from l2i_core.engine import L2I
from l2i_core.measure import metrics, noise_lab
from l2i_core.measure.metrics import quartiles
from l2i_core.measure.noise_lab import TOP
from l2i_core.measure.random import as_much, energy_matched
from l2i_core.measure.stems import Passed, gather, mix
from l2i_core.measure.study import Row, Step, Study, measured
from l2i_core.signal.corrupt import coloured_noise
from l2i_core.strict import at_least

PAPERS_SNR = 0.0  # dB
# What becomes of a mixture's two sounds in x_int, see `stems.Part`.
MEASURES = (
    "followed_passed",
    "rest_passed",
    "followed_correlation",
    "rest_correlation",
    "si_sdr_gain",
)
GROUPS = {"all": None, "top2": 2, "top1": 1}  # the class is among f's first so many


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured. snrs: of the clip above white noise, in dB, on `swept` clips (None: all);
    the paper's 0 dB on every clip. levels: of the first clip of a pair above the second, in dB.
    random_draws: sets of components of equal log energy beside every selection in an overlap.
    kind: of the noise; the paper's is white."""

    seed: int = 0
    thresholds: tuple[float, ...] = (0.3, 0.1)
    mask_domain: str = "log"
    snrs: tuple[float, ...] = (-10.0, 0.0, 10.0, 20.0, 30.0)
    swept: int | None = 80
    pairs: int = 60
    levels: tuple[float, ...] = (0.0, -5.0, 5.0)
    random_draws: int = 5
    kind: str = "white"

    def __post_init__(self) -> None:
        at_least(self, 1, "pairs", "random_draws")
        if PAPERS_SNR not in self.snrs:
            raise ValueError(f"the SNRs must hold the paper's {PAPERS_SNR:g} dB.")


# --- noise ------------------------------------------------------------------------------------


def noise_plan(clips: Sequence[Clip], settings: Settings) -> list[Step]:
    """(index of a clip, SNR, …): all clips in a drawn order, the first `swept` at all SNRs."""
    order = np.random.default_rng(settings.seed).permutation(len(clips)).tolist()
    swept = len(clips) if settings.swept is None else settings.swept
    return [
        (index, *(settings.snrs if place < swept else (PAPERS_SNR,)))
        for place, index in enumerate(order)
    ]


def noise_rows(engine: L2I, clips: Sequence[Clip], step: Step, settings: Settings) -> list[Row]:
    """One clip with noise, explained for f's decision on it without: a row per SNR and τ.

    The clip has the same noise at every SNR, of the seed `seed` + its index. place_of_decision: the
    interpreter's place of f's decision on the mixture.
    """
    index, *snrs = step
    clip, rate = clips[index], engine.audio.sample_rate
    seed = settings.seed + index
    about = {"index": index, "clip": clip.name, "label": clip.written, "seed": seed}
    try:
        clean = load_clip(clip, engine.audio)
        noise = coloured_noise(settings.kind, len(clean), seed, rate)
        mixtures = [mix(clean, noise, snr) for snr in snrs]
    except ValueError as error:
        return [{**about, "error": str(error)}]
    alone = engine.analyse(clean, rate)
    said, rows = alone.predicted, []
    for snr, mixture in zip(snrs, mixtures, strict=True):
        analysis = engine.analyse(mixture.mixed, rate)
        stems = gather(engine, analysis, mixture.sounds)
        heard = {
            **about,
            "class": engine.classes[said],
            "probability_clean": float(engine.probabilities(alone.logits)[said]),
            "place_clean": noise_lab.place(alone.interpreter_logits, said),
            "snr_asked": snr,
            "snr_db": mixture.snr_db,
            **noise_lab.answers(engine, analysis, said),
            "place_of_decision": noise_lab.place(analysis.interpreter_logits, analysis.predicted),
        }
        for threshold in settings.thresholds:
            made = engine.interpret(analysis, said, threshold, settings.mask_domain)
            row = {**heard, "threshold": threshold, "components": len(made.selected)}
            rows.append({**row, **_measures(stems.into(made))})
    return rows


def summarise_noise(rows: Sequence[Row]) -> dict[str, Any]:
    """test_set: the figures at the paper's SNR over all clips; levels: those at every SNR, keys
    as strings, over the clips that were measured at all of them. ValueError without any."""
    good = measured(rows)
    swept = {row["index"] for row in good if row["snr_asked"] != PAPERS_SNR}
    levels = sorted({row["snr_asked"] for row in good if row["index"] in swept})
    return {
        "left_out": sum("error" in row for row in rows),
        "test_set": noise_table([row for row in good if row["snr_asked"] == PAPERS_SNR]),
        "levels": {
            f"{level:g}": noise_table(
                [row for row in good if row["snr_asked"] == level and row["index"] in swept]
            )
            for level in levels
        },
    }


def noise_table(rows: Sequence[Row]) -> dict[str, Any]:
    """Shares of n clips, and per τ what passes. top5, top1: f's decision on the clean clip is among
    the interpreter's five highest, is its first; clean_top5: the same without noise; decision: f
    keeps to it; accuracy: what f decides for is the clip's label; noisy_top5: f's decision on the
    noisy clip is among the five. None for what an explainer without logits of its own has not."""
    by_threshold = _grouped(rows, "threshold")
    clips = next(iter(by_threshold.values()))
    return {
        "n": len(clips),
        "top5": _among(clips, "place", TOP),
        "top1": _among(clips, "place", 1),
        "clean_top5": _among(clips, "place_clean", TOP),
        "decision": _share(row["decision"] == 1 for row in clips),
        "accuracy": _share(row["predicted"] == row["label"] for row in clips),
        "noisy_top5": _among(clips, "place_of_decision", TOP),
        "thresholds": {f"{t:g}": _passing(group) for t, group in by_threshold.items()},
    }


# --- overlap ----------------------------------------------------------------------------------


def overlap_plan(clips: Sequence[Clip], settings: Settings) -> list[Step]:
    """(number, index, index): pairs of clips of different classes, drawn, none of them twice.

    All pairs where there are fewer than asked for. Raises ValueError where there is none.
    """
    labelled = [index for index, clip in enumerate(clips) if clip.label]
    counts = np.unique([clips[index].label for index in labelled], return_counts=True)[1]
    possible = (len(labelled) ** 2 - int(np.sum(counts**2))) // 2
    if not possible:
        raise ValueError(
            "an overlap needs clips of two classes, each clip with one label; this test set has "
            "none."
        )
    generator = np.random.default_rng(settings.seed)
    drawn: dict[frozenset[int], Step] = {}
    while len(drawn) < min(settings.pairs, possible):
        first, second = (labelled[int(i)] for i in generator.integers(len(labelled), size=2))
        if clips[first].label != clips[second].label:
            drawn.setdefault(frozenset((first, second)), (len(drawn), first, second))
    return list(drawn.values())


def overlap_rows(engine: L2I, clips: Sequence[Clip], step: Step, settings: Settings) -> list[Row]:
    """One pair, mixed at every level and explained for the class of either: rows per τ.

    snr_asked: the followed clip's level above the other's, in dB. f_place: the place of its class
    in f's order. random_…: the same figures for components that are not in L and carry as much of
    ‖X‖², medians over draws; more, random_more: whether more of the followed clip's energy passes
    than of the other's (for Random, the share of draws); log_energy: the share of ‖X‖².
    """
    number, *ends = step
    pair, domain = [clips[index] for index in ends], settings.mask_domain
    about = {"pair": number}
    try:
        first, second = (load_clip(clip, engine.audio) for clip in pair)
        mixtures = [mix(first, second, level, "other clip") for level in settings.levels]
    except ValueError as error:
        return [{**about, "clip": pair[0].name, "other": pair[1].name, "error": str(error)}]
    rows = []
    for place, (level, mixture) in enumerate(zip(settings.levels, mixtures, strict=True)):
        analysis = engine.analyse(mixture.mixed, engine.audio.sample_rate)
        stems = gather(engine, analysis, mixture.sounds)
        energy = engine.component_energy(analysis).numpy()
        for side, (asked, snr) in enumerate(((level, mixture.snr_db), (-level, -mixture.snr_db))):
            clip, other = pair[side], pair[1 - side]
            target, stems = engine.class_index(clip.label), stems.following(side)
            heard = {
                **about,
                "clip": clip.name,
                "class": clip.label,
                "other": other.name,
                "other_class": other.label,
                "snr_asked": asked + 0.0,  # never "-0"
                "snr_db": snr,
                **noise_lab.answers(engine, analysis, target),
                "f_place": noise_lab.place(analysis.logits, target),
            }
            for threshold in settings.thresholds:
                seed = [settings.seed, number, place, side, round(100 * threshold)]
                made = engine.interpret(analysis, target, threshold, domain)
                ours = _measures(stems.into(made))
                sets = energy_matched(
                    energy, made.gains, settings.random_draws, np.random.default_rng(seed)
                )
                drawn = [_measures(stems.by_components(chosen, domain)) for chosen in sets]
                chance = {k: _median([row[k] for row in drawn]) for k in MEASURES}
                rows.append(
                    {
                        **heard,
                        "threshold": threshold,
                        "components": len(made.selected),
                        "log_energy": float(energy[list(made.selected)].sum()),
                        **ours,
                        "more": int(_more(ours)),
                        **{f"random_{name}": value for name, value in chance.items()},
                        "random_more": _share(_more(row) for row in drawn),
                        "random_log_energy": float(np.mean([energy[c].sum() for c in sets])),
                    }
                )
    return rows


def summarise_overlap(rows: Sequence[Row]) -> dict[str, Any]:
    """levels: figures by the followed clip's level above the other's, τ, and whether f hears its
    class (`GROUPS`), all keys strings. ValueError where no pair was measured."""
    good = measured(rows)
    return {
        "n": len({row["pair"] for row in good}),
        "left_out": sum("error" in row for row in rows),
        "levels": {
            f"{level:g}": {
                f"{threshold:g}": {
                    name: _overlap_table(heard)
                    for name, most in GROUPS.items()
                    if (heard := [r for r in group if most is None or r["f_place"] <= most])
                }
                for threshold, group in _grouped(at_level, "threshold").items()
            }
            for level, at_level in sorted(_grouped(good, "snr_asked").items())
        },
    }


def _overlap_table(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures over n explanations. more: the share in which more of the target's energy passes
    than of the interferer's. random: the same by chance, with the share in which it could carry as
    much energy; test: of the difference of the two passing shares against Random's, there alone."""
    matched = [r for r in rows if as_much(r["random_log_energy"], r["log_energy"])]
    own, chance = (
        [row[f"{kind}followed_passed"] - row[f"{kind}rest_passed"] for row in matched]
        for kind in ("", "random_")
    )
    return {
        "n": len(rows),
        **_passing(rows),
        "more": _share(row["more"] for row in rows),
        "random": {
            **{name: quartiles([row[f"random_{name}"] for row in rows]) for name in MEASURES},
            "more": float(np.mean([row["random_more"] for row in rows])),
            "matched": len(matched) / len(rows),
        },
        "test": asdict(metrics.paired_test(own, chance, 0.0)) if matched else None,
    }


# --- both -------------------------------------------------------------------------------------

_BOTH = ("seed", "thresholds", "mask_domain")
STUDIES: dict[str, Study[Settings]] = {
    "noise": Study(
        "noise",
        "clip",
        noise_plan,
        noise_rows,
        summarise_noise,
        (*_BOTH, "snrs", "swept"),
        ("snrs", "swept"),
    ),
    "overlap": Study(
        "overlap",
        "pair",
        overlap_plan,
        overlap_rows,
        summarise_overlap,
        (*_BOTH, "pairs", "levels", "random_draws"),
        ("pairs",),
    ),
}


def _measures(passed: Passed) -> Row:
    """`MEASURES` of one kept sound; where it is silent only the shares are numbers."""
    gain = passed.target.sdr_gain
    return {
        "followed_passed": passed.target.share,
        "rest_passed": passed.rest.share,
        "followed_correlation": passed.target.correlation,
        "rest_correlation": passed.rest.correlation,
        "si_sdr_gain": gain if np.isfinite(gain) else float("nan"),
    }


def _passing(rows: Sequence[Row]) -> dict[str, Any]:
    """Quartiles of `MEASURES`; empty: explanations without a component, which count as 0 passed and
    are left out of the others."""
    return {
        "components": float(np.mean([row["components"] for row in rows])),
        "empty": sum(row["components"] == 0 for row in rows),
        **{name: quartiles([row[name] for row in rows]) for name in MEASURES},
    }


def _grouped(rows: Sequence[Row], name: str) -> dict[float, list[Row]]:
    groups: dict[float, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _more(row: Row) -> bool:
    return bool(row["followed_passed"] > row["rest_passed"])


def _share(holds: Iterable[bool]) -> float:
    return float(np.mean(list(holds)))


def _among(rows: Sequence[Row], column: str, first: int) -> float | None:
    """The share of rows whose place is among the first so many; None where one has no place."""
    places = [row[column] for row in rows]
    return None if None in places else _share(place <= first for place in places)


def _median(values: Sequence[float]) -> float:
    """Over those that are numbers; NaN for none."""
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.median(numbers)) if numbers else float("nan")
