"""The scene maker: clips on a time line with onsets and levels, heard and seen before they become
the clip to explain.

It stands beside the clip chooser because a scene is a clip: every page explains it, as it would an
upload. What is being made lives in the session; what was made is a recipe in the URL (`recipes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from l2i_core import L2I
from l2i_core.bundle import Bundle
from pages.shell import clips, recipes, state, uploads
from pages.shell.clips import ClipSource, Collection
from pages.shell.recipes import Part, Recipe
from pages.show import pictures
from pages.show.sounds import Sound, hear
from pages.show.words import number, sentence

_DRAFT, _OF, _CHANGES = "l2i_draft", "l2i_draft_of", "l2i_draft_changes"
_MESSAGE = "l2i_draft_message"
_SECONDS, _ONSETS, _LEVEL, _BEHIND_LEVEL = 10.0, (0.5, 4.0, 2.0, 6.0), -6.0, -15.0
_PARTNERS = ("rain-1", clips.FIRST, "siren-1", "rooster-1")  # who joins, in this order
_STEP = 0.25  # seconds


def add_to(found: dict[str, Collection], known: dict[str, ClipSource]) -> None:
    """Add the session's scenes to what can be chosen, the one that a link names among them."""
    asked = str(state.value("clip") or "")
    if recipes.is_scene(asked):
        try:
            state.put(clip=recipes.keep(asked))
        except ValueError as error:
            state.notice(f"The link's scene cannot be made: {error}.")
            state.put(clip=None)
    found[recipes.KIND] = recipes.collection(known)
    known.update(found[recipes.KIND].clips)


def latest() -> str:
    """The id of the session's last scene whose clips are at hand, "" without one."""
    return ["", *recipes.collection(clips.at_hand()).clips][-1]


def lacks(asked: str, source: ClipSource) -> str:
    """The id by which the scene that a link names lacks this very upload, "" where it does not."""
    if not recipes.is_scene(asked):
        return ""
    missing = recipes.parse(asked).missing(clips.at_hand())
    return next((name for name in missing if clips.same_content(name, source)), "")


def keep(source: ClipSource) -> str:
    """Remember an upload for this session; a sentence where others had to go for it, else "".

    The clip that is explained, those of its scene and of the one that is being made go last.
    """
    asked = str(state.value("clip") or "")
    made = [recipes.parse(asked)] if recipes.is_scene(asked) else []
    if _DRAFT in st.session_state:
        made.append(st.session_state[_DRAFT])
    needed = {asked} | {part.clip for recipe in made for part in recipe.named}
    gone = ", ".join(clip.file_name for clip in uploads.keep(source, needed))
    return f"The last few of your clips are kept; {gone} had to go." if gone else ""


def ask(clip_id: str) -> str:
    """What a page says of a scene whose clips are not here."""
    missing = recipes.parse(clip_id).missing(clips.at_hand())
    own = [name for name in missing if clips.is_upload(name)]
    text = f"The link shows a scene made of clips that are not here ({', '.join(missing)})."
    if own:
        return f"{text} Uploads stay with their owner: upload the same files to restore the view."
    return f"{text} Bring their data set to this machine, or choose another clip."


def draw(engine: L2I, asked: str) -> None:
    """The maker: open where there is no scene yet, else behind a line that opens it."""
    if not recipes.is_scene(asked):
        _maker(engine, asked)
        return
    opened = st.expander("Change this scene, or make another", on_change="rerun", key="maker")
    if opened.open:
        with opened:
            _maker(engine, asked)


@st.fragment
def _maker(engine: L2I, asked: str) -> None:
    known = clips.at_hand()
    recipe = _draft(asked, known)
    left, right = st.columns([6, 5], gap="large")
    with left:
        st.markdown(
            f"**A scene of {recipes.FEWEST} to {recipes.MOST} clips,** whose true sounds are then known."
        )
        _controls(engine, recipe, known, asked)
    with right:
        problem = _preview(recipe, known, engine.bundle)
        name = recipe.clip_id
        if st.button(
            "Explain this scene",
            type="primary",
            disabled=bool(problem) or name == asked,
            on_click=_explain,
            args=(name,),
        ):
            st.rerun()
        if name == asked:
            st.caption("This is the scene that is explained now; change something to go on.")


def _explain(name: str) -> None:
    """Callback: the scene is the clip of the app."""
    name = st.session_state[_OF] = recipes.keep(name)
    state.chose(clip=name, **dict.fromkeys(("source", "class", "window", "own")))


def _draft(asked: str, known: Mapping[str, ClipSource]) -> Recipe:
    """What is being made: at first the scene that is explained, or the present clip and another."""
    if recipes.is_scene(asked) and st.session_state.get(_OF) != asked:
        st.session_state[_OF] = asked
        _set(recipes.parse(asked))
    if _DRAFT not in st.session_state:
        first = asked if asked in known else clips.FIRST
        other = next(name for name in (*_PARTNERS, *known) if name in known and name != first)
        parts = (Part(first, _ONSETS[0], 0.0), Part(other, _ONSETS[1], _LEVEL))
        _set(Recipe(_SECONDS, parts))
    return st.session_state[_DRAFT]


# --- what sounds when -------------------------------------------------------------------------


def _controls(engine: L2I, recipe: Recipe, known: Mapping[str, ClipSource], asked: str) -> None:
    kind = clips.kind_of(asked)
    nearby = next((c.clips for c in clips.collections() if c.kind == kind), {})
    mine = [part.clip for part in recipe.named if part.clip not in recipes.NOISE]
    options = list(dict.fromkeys([*clips.few_at_hand(), *nearby, *mine]))

    def name(clip: str) -> str:
        return recipes.name_of(clip, known) if clip else "none"

    for place, part in enumerate(recipe.parts):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        row.selectbox(
            f"Sound {place + 1}",
            options,
            options.index(part.clip),
            key=_key(f"clip {place}"),
            format_func=name,
            on_change=_took,
            args=("clip", place),
            width="stretch",
        )
        _number(row, "Starts at, s", f"onset {place}", part.onset, 0.0, recipe.seconds - 0.1)
        if place:
            _number(row, "Level, dB", f"level {place}", part.level, *_LEVELS, step=1.0)
        if len(recipe.parts) > recipes.FEWEST:
            row.button(
                "Remove",
                key=f"remove {place}",
                on_click=_remove,
                args=(place,),
                help=f"Take sound {place + 1} out of the scene",
            )
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    behind, behinds = recipe.background, ["", *recipes.NOISE, *options]
    row.selectbox(
        "Background, all the time",
        behinds,
        behinds.index(behind.clip if behind else ""),
        key=_key("background"),
        format_func=name,
        on_change=_took,
        args=("background",),
        width="stretch",
    )
    if behind:
        _number(row, "Level, dB", "behind", behind.level, *_LEVELS, step=1.0)
    low, high = float(recipes.SHORTEST), float(recipes.LONGEST)
    _number(row, "Scene lasts, s", "seconds", recipe.seconds, low, high, step=1.0)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    full = len(recipe.parts) >= recipes.MOST
    row.button("Add a sound", on_click=_add, args=(options,), disabled=full)
    with row.popover("Upload a sound", disabled=full):
        uploads.uploader("A sound for the scene", "upload_scene", _take, _say)
    st.caption(
        "Levels are dB above sound 1, each of the loud part of its sound; what reaches past the "
        "end is cut."
    )
    if message := st.session_state.pop(_MESSAGE, ""):
        st.error(message)


_LEVELS = (float(recipes.LOWEST), float(recipes.HIGHEST))


def _number(
    row: Any, label: str, name: str, shown: float, low: float, high: float, step: float = _STEP
) -> None:
    row.number_input(
        label,
        low,
        high,
        min(max(shown, low), high),
        step=step,
        format="%.2f" if step < 1 else "%.1f",
        key=_key(name),
        on_change=_took,
        args=tuple(name.split()),
        width=116,
    )


def _key(name: str) -> str:
    """Of a control, which begins at its value: a new one where the scene was changed by others."""
    return f"maker {st.session_state.get(_CHANGES, 0)} {name}"


def _set(recipe: Recipe) -> None:
    """What is being made is now another scene; all controls begin anew."""
    st.session_state[_DRAFT] = recipe
    st.session_state[_CHANGES] = st.session_state.get(_CHANGES, 0) + 1


def _took(what: str, place: str | int = "") -> None:
    """Callback: one control of the maker was moved."""
    recipe: Recipe = st.session_state[_DRAFT]
    given = st.session_state[_key(f"{what} {place}".rstrip())]
    if what == "seconds":
        last = given - _STEP
        parts = tuple(replace(p, onset=min(p.onset, last)) for p in recipe.parts)
        recipe = replace(recipe, seconds=given, parts=parts)
    elif what == "behind":
        assert recipe.background is not None  # or it has no level
        recipe = replace(recipe, background=replace(recipe.background, level=given))
    elif what == "background":
        level = recipe.background.level if recipe.background else _BEHIND_LEVEL
        recipe = replace(recipe, background=Part(given, 0.0, level) if given else None)
    else:
        at = int(place)
        value = given if what == "clip" else round(given, 2)
        part = replace(recipe.parts[at], **{what: value})
        recipe = replace(recipe, parts=(*recipe.parts[:at], part, *recipe.parts[at + 1 :]))
    st.session_state[_DRAFT] = recipe


def _remove(place: int) -> None:
    """Callback: one sound less; the first that is left has the level 0."""
    recipe: Recipe = st.session_state[_DRAFT]
    parts = (*recipe.parts[:place], *recipe.parts[place + 1 :])
    parts = (replace(parts[0], level=0.0), *parts[1:])
    _set(replace(recipe, parts=parts))


def _add(options: Sequence[str]) -> None:
    """Callback: one sound more, another one if there is another."""
    recipe: Recipe = st.session_state[_DRAFT]
    used = {part.clip for part in recipe.parts}
    wanted = [name for name in (*_PARTNERS, *options) if name in options]
    _put(next((name for name in wanted if name not in used), wanted[0]))


def _put(clip: str) -> None:
    recipe: Recipe = st.session_state[_DRAFT]
    onset = min(_ONSETS[len(recipe.parts)], recipe.seconds - _STEP)
    parts = (*recipe.parts, Part(clip, onset, _LEVEL))
    _set(replace(recipe, parts=parts))


def _take(source: ClipSource) -> None:
    """An upload joins the scene."""
    _say(keep(source))
    _put(source.id)


def _say(text: str) -> None:
    """A fragment draws what is said of its own steps."""
    st.session_state[_MESSAGE] = text


# --- heard and seen ---------------------------------------------------------------------------


def _preview(recipe: Recipe, known: Mapping[str, ClipSource], bundle: Bundle) -> str:
    """Players, the time line and what is known of the parts; one sentence where it cannot be
    made."""
    problem = recipes.problem_of(recipe)
    if missing := recipe.missing(known):
        problem = f"{', '.join(missing)} is not here any more; choose another sound"
    if problem:
        st.warning(f"{sentence(problem)}.")
        return problem
    try:
        scene = recipes.scene(recipe, known)
        stems = scene.stems()
        read, rate = scene.read()
        sounds = [read[0], *(stem.read()[0][0] for stem in stems)]
    except ValueError as error:
        st.warning(sentence(str(error)))
        return str(error)
    names = [stem.title for stem in stems]
    told = _told(recipe, names)
    hear(
        "scene",
        [Sound(title, sound) for title, sound in zip(("The scene", *names), sounds, strict=True)],
        rate,
        subject="scene",
        label="Listen to the scene and its sounds",
        whose="the scene's",
    )
    st.image(
        pictures.once(
            ("lanes", scene.digest, *told),
            lambda shown: pictures.lanes(sounds[1:], told, recipe.seconds, shown),
        ),
        width="stretch",
        alt=f"Time line of {number(recipe.seconds, 3)} s: {', '.join(told)}.",
    )
    st.caption(
        "Envelopes on one scale, so that quiet sounds show." + _training(scene.sounds, bundle)
    )
    return ""


def _told(recipe: Recipe, names: Sequence[str]) -> list[str]:
    told = []
    for place, (part, name) in enumerate(zip(recipe.named, names, strict=True)):
        when = "all the time" if part is recipe.background else f"from {part.onset:g} s"
        level = f", {part.level:+g} dB".replace("-", "−") if place else ""
        told.append(f"{name}: {when}{level}")
    return told


def _training(sounds: Sequence[ClipSource | None], bundle: Bundle) -> str:
    learned = [s.title for s in sounds if s and clips.role(s, bundle) == "train"]
    if not learned:
        return ""
    return f" :orange[f learned from {', '.join(learned)}: its being right there says little.]"
