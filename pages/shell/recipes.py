"""Scenes of one's own as clips: what sounds when and how loud, and the sounds made of that.

A scene is named by its recipe, so that a link makes it again wherever its clips are at hand:
`scene:10*dog-1*0.5*0*rain-1*0*-8*wind-1*all*-15` lasts 10 s and holds clips (percent-encoded ids)
with their onsets in seconds and levels in dB above the first; `all` loops a clip, or a colour of
noise, behind everything. Only names are kept in the session; sounds are made when they are needed.
"""

import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import streamlit as st

from l2i_core import AudioConfig
from l2i_core.data import scenes
from l2i_core.data.scenes import Placed
from l2i_core.signal import audio
from l2i_core.signal.corrupt import COLOURS, coloured_noise
from pages.shell import clips
from pages.shell.clips import ClipSource, Collection
from pages.shell.memory import MEGABYTE, Memory
from pages.show.words import THIN, number

KIND = "scene"
TITLE = "Scene maker"
FEWEST, MOST = 2, 4  # sounds, without the background
SHORTEST, LONGEST = 5, 30  # seconds
LOWEST, HIGHEST = -40, 20  # dB above the first sound
NOISE = {f"noise-{colour}": f"{colour.capitalize()} noise" for colour in COLOURS}
_BEHIND = "all"
_CONFIG = AudioConfig(sample_rate=44100)  # of every scene: the model is not part of a recipe
_KEPT = 8  # names per session
# Shared by all sessions, so it holds no names: the same upload is called otherwise elsewhere.
_made: Memory[tuple[tuple[bytes, str], ...]] = Memory(128 * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Part:
    """One sound of a scene: a clip's id; onset in seconds; level in dB above the first sound."""

    clip: str
    onset: float
    level: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """A scene as it is written; the background is a clip's id or one of NOISE, its onset 0."""

    seconds: float
    parts: tuple[Part, ...]
    background: Part | None = None

    @property
    def clip_id(self) -> str:
        """The scene's name in the URL."""
        words = [f"{self.seconds:g}"]
        for part in self.parts:
            words += [quote(part.clip, safe=":/"), f"{part.onset:g}", f"{part.level:g}"]
        if self.background:
            words += [quote(self.background.clip, safe=":/"), _BEHIND, f"{self.background.level:g}"]
        return f"{KIND}:{'*'.join(words)}"

    @property
    def named(self) -> tuple[Part, ...]:
        """All sounds, the background last."""
        return (*self.parts, self.background) if self.background else self.parts

    def missing(self, known: Mapping[str, ClipSource]) -> list[str]:
        """The ids of clips that are not at hand."""
        return [p.clip for p in self.named if p.clip not in known and p.clip not in NOISE]


@dataclass(frozen=True, slots=True)
class Scene(ClipSource):
    """A clip that is made of others when it is read."""

    recipe: Recipe | None = None
    sounds: tuple[ClipSource | None, ...] = ()  # of `Recipe.named`; None for noise

    @property
    def digest(self) -> str:
        """Of the recipe and of the content of its clips."""
        contents = [sound.digest for sound in self.sounds if sound]
        return hashlib.sha256("*".join([self.id, *contents]).encode()).hexdigest()

    def stems(self) -> tuple[ClipSource, ...]:
        """Every sound as it is in the scene, the background last."""
        return self._all()[1:]

    def file(self) -> Path | io.BytesIO:
        """The mixture."""
        return self._all()[0].file()

    def _all(self) -> tuple[ClipSource, ...]:
        files = _made.get(self.digest, lambda: _make(self))
        assert self.recipe is not None  # by construction
        titles, labels = [self.title], [self.labels]
        for part, sound in zip(self.recipe.named, self.sounds, strict=True):
            titles.append(sound.title if sound else NOISE[part.clip])
            labels.append(sound.labels if sound else ())
        return tuple(map(_source, titles, labels, files))


def parse(clip_id: str) -> Recipe:
    """The recipe that a name from a URL writes; ValueError says what is wrong with it."""
    words = clip_id.removeprefix(f"{KIND}:").split("*")
    triples = [words[i : i + 3] for i in range(1, len(words), 3)]
    if not triples or len(triples[-1]) < 3:
        raise ValueError("it does not give a length, and a clip, onset and level for each sound")
    parts, background = [], None
    for name, onset, level in triples:
        if onset == _BEHIND:
            if background is not None:
                raise ValueError("it has two backgrounds")
            background = Part(unquote(name), 0.0, _read(level, "level"))
        else:
            parts.append(Part(unquote(name), _read(onset, "onset"), _read(level, "level")))
    recipe = Recipe(_read(words[0], "length"), tuple(parts), background)
    if problem := problem_of(recipe):
        raise ValueError(problem)
    return recipe


def problem_of(recipe: Recipe) -> str:
    """What is wrong with a recipe whatever its clips are, as the end of a sentence; "" if nothing
    is."""
    if not SHORTEST <= recipe.seconds <= LONGEST:
        return f"a scene lasts {SHORTEST} to {LONGEST} s, not {recipe.seconds:g}"
    if not FEWEST <= len(recipe.parts) <= MOST:
        return f"a scene holds {FEWEST} to {MOST} sounds, not {len(recipe.parts)}"
    for place, part in enumerate(recipe.parts, start=1):
        if not 0 <= part.onset < recipe.seconds:
            return (
                f"sound {place} starts at {part.onset:g} s, outside the scene of "
                f"{recipe.seconds:g} s"
            )
        if part.clip in NOISE or is_scene(part.clip):
            return f"sound {place} must be a clip"
    for part in recipe.named:
        if not LOWEST <= part.level <= HIGHEST:
            return f"levels lie between −{-LOWEST} and {HIGHEST} dB, not at {part.level:g}"
    if recipe.parts[0].level:
        return "the first sound's level is what the others are measured by: 0"
    return ""


def scene(recipe: Recipe, known: Mapping[str, ClipSource]) -> Scene:
    """The clip that a recipe makes of clips that are at hand."""
    sounds = tuple(None if p.clip in NOISE else known[p.clip] for p in recipe.named)
    labels = dict.fromkeys(label for sound in sounds if sound for label in sound.labels)
    names = [name_of(p.clip, known) for p in recipe.named]
    stem = "+".join(sound.stem for sound in sounds if sound)
    return Scene(
        recipe.clip_id,
        f"{' + '.join(names)} ({number(recipe.seconds, 3)}{THIN}s)",
        f"scene-{stem[:60]}.wav",
        labels=tuple(labels),
        recipe=recipe,
        sounds=sounds,
    )


def name_of(clip_id: str, known: Mapping[str, ClipSource]) -> str:
    """How a sound of a scene is called."""
    return NOISE.get(clip_id) or (known[clip_id].title if clip_id in known else clip_id)


def collection(known: Mapping[str, ClipSource]) -> Collection:
    """The session's scenes whose clips are at hand, the latest last."""
    found = {}
    for name in _names():
        recipe = parse(name)
        if not recipe.missing(known):
            found[name] = scene(recipe, known)
    return Collection(KIND, TITLE, found)


def keep(clip_id: str) -> str:
    """Remember a scene that a link names or that was made; returns its name as we write it.

    ValueError says what is wrong with the recipe.
    """
    name, names = parse(clip_id).clip_id, _names()
    if name not in names:
        names.append(name)
        del names[:-_KEPT]
    return name


def is_scene(clip_id: str) -> bool:
    """Whether a name from a URL has the form of a scene's."""
    return clips.kind_of(clip_id) == KIND


def _names() -> list[str]:
    return st.session_state.setdefault("l2i_scenes", [])


def _read(text: str, what: str) -> float:
    try:
        value = round(float(text), 2)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"its {what} “{text[:20]}” is not a number")
    return value + 0.0  # never −0


def _make(made: Scene) -> tuple[tuple[bytes, str], ...]:
    """The mixture and its stems, as 32-bit float WAV files; ValueError where one is silent."""
    recipe = made.recipe
    assert recipe is not None  # by construction
    rate, placed = _CONFIG.sample_rate, []
    length = round(recipe.seconds * rate)
    for part, source in zip(recipe.named, made.sounds, strict=True):
        if source is None:
            sound = coloured_noise(part.clip.removeprefix("noise-"), length, 0, rate)
        else:
            sound = audio.prepare(*source.read(), _CONFIG).numpy()
        if part is recipe.background:
            sound = scenes.loop(sound, length, rate)
        placed.append(Placed(sound, part.onset, part.level))
    arranged = scenes.arrange(placed, recipe.seconds, rate)
    files = (audio.float_wav(sound, rate) for sound in (arranged.mixture, *arranged.stems))
    return tuple((data, hashlib.sha256(data).hexdigest()) for data in files)


def _source(title: str, labels: tuple[str, ...], file: tuple[bytes, str]) -> ClipSource:
    data, digest = file
    return ClipSource(
        f"stem-{digest[:16]}", title, f"{title}.wav", data=data, known=digest, labels=labels
    )
