"""Where the stems of a scene are known: does an interpretation hold its source, or another's sound?

For one class that a scene truly holds: how much of each stem's energy passes the filter that x_int
is (`masking.energy_share`), whether the class's own stem passes more than every other (the
background among them), and how near x_int comes to that stem (SI-SDR). The same is measured of
energy-matched Random, and of the ideal mask with this W: H from the stems, how far apart its
patterns could keep them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.data import scenes
from l2i_core.data.clips import Clip, load_clip
from l2i_core.dictionary import masking, nmf
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis, Interpretation
from l2i_core.measure.random import energy_matched
from l2i_core.measure.stems import Passed, Stems, gather, log_magnitude
from l2i_core.measure.study import (
    Row,
    Step,
    Study,
    by_step,
    figures_on_disk,
    rows_on_disk,
    system_of,
)

SYSTEMS = ("interpretation", "random_energy", "ideal")
ROWS = "truth-rows.csv"
TEXTS = {"interpreter", "clip", "target", "mask_domain", "system"}  # its columns that are names
_ITERATIONS = 100  # of the projections of stems on W


@dataclass(frozen=True, slots=True)
class Settings:
    """τ, mask domains, and draws of Random beside every interpretation."""

    thresholds: tuple[float, ...] = (0.3, 0.1)
    mask_domains: tuple[str, ...] = masking.MASK_DOMAINS
    random_draws: int = 5


@torch.inference_mode()
def project(stems: Stems) -> list[Tensor]:
    """H (K, T) of each stem: the projection of its X on W."""
    parts = (log_magnitude(stems.engine, stems.analysis, sound) for sound in stems.sounds)
    return [nmf.project(x, stems.analysis.patterns, iterations=_ITERATIONS) for x in parts]


@torch.inference_mode()
def ideal(stems: Stems, activations: Sequence[Tensor], mask_domain: str = "log") -> Tensor:
    """X_int (F, T) of the ideal mask with this W, from each stem's H (K, T): W H_own / Σ W H_i."""
    sounds = [stems.analysis.patterns @ h for h in activations]
    kept = sounds.pop(stems.own)
    left = sum(sounds, torch.zeros_like(kept))
    masks = (masking.ratio(kept, kept + left), masking.ratio(left, kept + left))
    return masking.apply_masks(stems.analysis.spectrogram.log_magnitude, masks, mask_domain)[0]


def by_chance(stems: Stems, made: Interpretation, draws: int, seed: Sequence[int]) -> list[Passed]:
    """What passes into `draws` sets of components outside L that carry as much energy as x_int
    does; the same sets in both mask domains."""
    energy = stems.engine.component_energy(stems.analysis)
    sets = energy_matched(energy, made.gains, draws, np.random.default_rng([*seed]))
    return [stems.by_components(chosen, made.mask_domain) for chosen in sets]


def check(
    engine: L2I,
    analysis: Analysis,
    targets: Sequence[str],
    sounds: Mapping[str, np.ndarray],
    settings: Settings,
    seed: Sequence[int] = (0,),
) -> list[Row]:
    """Classes that the scene holds: a row for each, mask domain, τ and system of SYSTEMS.

    sounds: stems (n′,) by class name, and "background". Row: target, threshold, mask_domain,
    decided (1 where f decides for the class), components, system, target_passed,
    interferer_passed, target_first (of Random: the share of draws), si_sdr, si_sdr_gain in dB;
    Random's numbers are medians over its draws. ValueError for a class without a stem.
    """
    stems, rows = gather(engine, analysis, list(sounds.values())), []
    activations = project(stems)
    decided = engine.decided(analysis.logits)
    for target in targets:
        if target not in sounds:
            raise ValueError(f"the scene has no stem of {target!r}; it has: {', '.join(sounds)}.")
        index, stems = engine.class_index(target), stems.following(list(sounds).index(target))
        for domain in settings.mask_domains:
            best = stems.passed(ideal(stems, activations, domain))
            for threshold in settings.thresholds:
                made = engine.interpret(analysis, index, threshold, domain)
                drawn_by = [*seed, index, round(100 * threshold)]
                chance = by_chance(stems, made, settings.random_draws, drawn_by)
                about = {
                    "target": target,
                    "threshold": threshold,
                    "mask_domain": domain,
                    "decided": int(index in decided),
                    "components": len(made.selected),
                }
                by_system = ([stems.into(made)], chance, [best])
                rows += [
                    {**about, "system": system, **_measures(passed)}
                    for system, passed in zip(SYSTEMS, by_system, strict=True)
                ]
    return rows


def _measures(passed: Sequence[Passed]) -> Row:
    return {
        "target_passed": float(np.median([p.target.share for p in passed])),
        "interferer_passed": float(np.median([p.interferer for p in passed])),
        "target_first": float(np.mean([p.target_first for p in passed])),
        "si_sdr": float(np.median([p.target.sdr_after for p in passed])),
        "si_sdr_gain": float(np.median([p.target.sdr_gain for p in passed])),
    }


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Medians over rows of one interpreter, system, τ and domain: of those where f decides for the
    class that is there ("right"), and of all; −inf dB (silence) counts as the least."""

    def block(mine: Sequence[Row]) -> dict[str, Any]:
        medians = ("target_passed", "interferer_passed", "si_sdr", "si_sdr_gain", "components")
        middle = {name: np.median([r[name] for r in mine]) for name in medians}
        return {
            "n": len(mine),
            "target_first": float(np.mean([r["target_first"] for r in mine])),
            **{name: float(m) if np.isfinite(m) else None for name, m in middle.items()},
        }

    right = [r for r in rows if r["decided"]]
    return {"all": block(rows) if rows else None, "right": block(right) if right else None}


def listed(
    blocks: Mapping[str, Any], mask_domain: str, level: str
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """The rows of a table of truth.json: (interpreter, system, figures), every interpreter with its
    Random, then the ideal mask, which is the same for all ("").

    Figures are those where f decides for the class, of all where it never does.
    """
    rows = [
        (name, system, _best_known(block[mask_domain][level][system]))
        for name, block in blocks.items()
        for system in SYSTEMS[:2]
    ]
    first = next(iter(blocks.values()))[mask_domain][level]["ideal"]
    return [*rows, ("", "ideal", _best_known(first))]


def _best_known(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return figures["right"] or figures["all"]


# --- over a set of scenes ---------------------------------------------------------------------


def scene_plan(clips: Sequence[Clip], settings: Settings) -> list[Step]:
    """(number,) of the scenes that hold a class; ValueError where none does."""
    plan = [(number,) for number, clip in enumerate(clips) if clip.held]
    if not plan:
        raise ValueError("none of the scenes holds a class, so there is nothing to check.")
    return plan


def scene_rows(engine: L2I, clips: Sequence[Clip], step: Step, settings: Settings) -> list[Row]:
    """The rows of one scene: every class it holds, both mask domains, all τ, all systems."""
    (number,) = step
    clip = clips[number]
    assert clip.path is not None  # scenes are files
    sounds = {
        name: load_clip(Clip(name, name, clip.fold, clip.source, path), engine.audio)
        for name, path in scenes.stem_files(clip.path).items()
    }
    analysis = engine.analyse(load_clip(clip, engine.audio), engine.audio.sample_rate)
    about = {"interpreter": system_of(engine), "clip": clip.name}
    rows = check(engine, analysis, clip.held, sounds, settings, seed=(number,))
    return [{**about, **row} for row in rows]


def _published(
    engine: L2I, clips: Sequence[Clip], settings: Settings, weights: str
) -> dict[Step, list[Row]]:
    """Those of truth-rows.csv, where truth.json says that these weights made them."""
    name, about = system_of(engine), figures_on_disk(engine.bundle, "truth").get("about", {})
    if about.get("weights", {}).get(name) != weights:
        return {}
    return by_step(clips, rows_on_disk(engine.bundle, ROWS, TEXTS, interpreter=name))


def tables(rows: Sequence[Row]) -> dict[str, Any]:
    """Blocks of `summarise` by mask domain, τ ("0.3") and system."""
    made: dict[str, Any] = {}
    groups: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["mask_domain"], row["threshold"], row["system"]), []).append(row)
    for (domain, threshold, system), mine in groups.items():
        level = made.setdefault(domain, {}).setdefault(f"{threshold:g}", {})
        level[system] = summarise(mine)
    return made


STUDY: Study[Settings] = Study(
    "truth", "scene", scene_plan, scene_rows, tables, ("random_draws",), published=_published
)
