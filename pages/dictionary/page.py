"""Dictionary: the components that every explanation is made of, to be seen, heard and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core.dictionary import shapes
from l2i_core.measure import tables, usage
from l2i_core.measure.evaluation import Row
from l2i_core.measure.usage import Usage
from pages.dictionary import component_files
from pages.shell import components, decisions, results, state
from pages.shell.clips import ClipSource
from pages.shell.components import AtHand, Cell
from pages.shell.view import View, current
from pages.show import pictures, players, plots
from pages.show.words import class_name, hertz, number, percent, sentence

SORTS = {
    "frequency": "centre frequency",
    "weight": "class weight, for the class first",
    "use": "use, most used first",
    "number": "number",
    "learned": "class it was learned on",
}
AMONG = {
    "all": "all components",
    "for": "those that speak for the class",
    "against": "those that speak against it",
    "used": "those used at this τ",
    "silent": "those never active",
    "named": "those with a name of yours",
    "learned": "those learned on clips of the class",
}
OF_GROUPS = "learned"  # the order and the filter that a dictionary learned class by class has
BANDS = {
    "all": ("any", 0.0, float("inf")),
    "0-250": ("below 250 Hz", 0.0, 250.0),
    "250-1000": ("250 Hz to 1 kHz", 250.0, 1000.0),
    "1000-4000": ("1 to 4 kHz", 1000.0, 4000.0),
    "4000-up": ("above 4 kHz", 4000.0, float("inf")),
}
N_CLIPS = 3  # demo and own clips, to be played
N_ROWS = 8  # of the test clips
N_CLASSES = 10  # bars of θ
SOUNDS = ("A · example", "B · template alone", "C · cut out of A")
HARDLY_AUDIBLE_DB = -40.0  # of a peak, beside the example
HOVER = {**plots.CONFIG, "staticPlot": False}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page knows of all K components. `usage` is of the test clips `rows` where the
    model brings them, else of the demo and own clips; `basis` says which. audio: of each of the
    `rows`, None where it is not at hand."""

    weights: np.ndarray
    centres: np.ndarray
    bands: np.ndarray
    usage: Usage
    rows: list[Row]
    audio: list[ClipSource | None]
    basis: str

    @property
    def n_clips(self) -> int:
        return len(self.usage.pooled)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user settled on, all components in order, and those of them that are shown."""

    component: int
    sort: str
    among: str
    band: str
    order: list[int]
    shown: list[int]


def page() -> None:
    """The whole page."""
    view = current()
    total = view.engine.dictionary.n_components
    view.head.title(f"Which {total} sounds can an explanation be made of?", anchor=False)
    st.markdown(
        f"A component is a column of W: the shape of a spectrum over "
        f"{view.engine.audio.n_bins} frequencies, scaled to unit norm and learned from the "
        "training clips. H says when it sounds, θ what it says about a class."
    )
    facts = _facts(view)
    chosen = _settled(view, facts)
    k = chosen.component
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        the_wall(view, facts, chosen)
    with right:
        about(view, facts, chosen)
        heard = st.container()
        _shape(view, facts, k)
    seen = st.container()
    weights, tested, played = st.columns([1, 1.5, 1], gap="medium")
    with weights:
        class_weights(view, k)
    with tested:
        test_clips(view, facts, k)
    matrix(view, facts, chosen)
    component_files.names_and_data(view)
    # What needs every clip at hand comes last: the rest is there at once.
    with heard:
        hand = _at_hand(view)
        example = sounds(view, hand, facts, k)
    if example is not None:
        with seen:
            spectrograms(view, example, k)
    with played:
        clips_at_hand(view, hand, k)
    players.take_turns()


# --- what is known and what is chosen ---------------------------------------------------------


def _at_hand(view: View) -> AtHand:
    place = st.empty()

    def tell(done: int, total: int) -> None:
        text = f"Looking for each component's strongest clip: {done} of {total}"
        place.progress(done / total, text)

    found = components.at_hand(view, view.threshold, tell)
    place.empty()
    return found


def _facts(view: View) -> Facts:
    engine = view.engine
    try:
        rows = components.test_rows(view)
        used = usage.usage_of_rows(rows, engine, view.threshold) if rows else None
    except ValueError as error:
        state.notice(f"{sentence(str(error))} Use is counted over demo and own clips instead.")
        rows, used = [], None
    basis = "test clips" if used is not None else "demo and own clips"
    return Facts(
        engine.class_weights[engine.class_index(view.target)].numpy(),
        pictures.centre_frequencies(engine.dictionary.patterns, engine.audio),
        shapes.spread(engine.dictionary.patterns, engine.audio),
        used if used is not None else _at_hand(view).usage,
        rows,
        results.sources(rows),
        basis,
    )


def _settled(view: View, facts: Facts) -> Chosen:
    """Component, order and filter from the URL; by default the clip's most relevant component."""
    sort = state.settle("sort", _offered(view, SORTS), "frequency", "order of components")
    among = state.settle("among", _offered(view, AMONG), "all", "group of components")
    band = state.settle("band", list(BANDS), "all", "band")
    best = int(view.engine.relevance(view.analysis, view.target).argmax())
    every = [str(k) for k in range(len(facts.weights))]
    component = int(state.settle("component", every, str(best), "component"))
    problem = components.names_problem(view.engine)
    if problem:
        state.notice(f"Your names are not shown: {problem}", "error")
    state.write_url()
    state.show_messages()
    order = _order(view, facts, sort)
    kept = _kept(view, facts, among, band)
    return Chosen(component, sort, among, band, order, [k for k in order if kept[k]])


def _offered(view: View, settings: Mapping[str, str]) -> list[str]:
    return [name for name in settings if name != OF_GROUPS or view.engine.dictionary.groups]


def _learned_on(view: View) -> np.ndarray:
    """Whether each component was learned on clips of the class to explain (K,)."""
    groups = view.engine.dictionary.groups or [""] * view.engine.dictionary.n_components
    return np.array([group == view.target for group in groups])


def _order(view: View, facts: Facts, sort: str) -> list[int]:
    numbers, engine = np.arange(len(facts.weights)), view.engine
    places = {label: place for place, label in enumerate(engine.classes)}
    learned = np.array([places.get(g, len(places)) for g in engine.dictionary.groups] or numbers)
    keys = {
        "frequency": (numbers, facts.centres),
        "weight": (numbers, -facts.weights),
        "use": (numbers, -facts.usage.strength, -facts.usage.counts),
        "number": (numbers,),
        "learned": (numbers, facts.centres, learned),
    }
    return [int(k) for k in np.lexsort(keys[sort])]


def _kept(view: View, facts: Facts, among: str, band: str) -> np.ndarray:
    named = np.zeros(len(facts.weights), dtype=bool)
    named[list(components.names_of(view.engine))] = True
    groups = {
        "all": np.ones_like(named),
        "for": facts.weights > 0,
        "against": facts.weights < 0,
        "used": facts.usage.counts > 0,
        "silent": ~facts.usage.active,
        "named": named,
        "learned": _learned_on(view),
    }
    _, low, high = BANDS[band]
    return groups[among] & (facts.centres >= low) & (facts.centres < high)


def _choose(component: int) -> None:
    state.touch()
    state.put(component=str(component))


# --- the wall ---------------------------------------------------------------------------------


def the_wall(view: View, facts: Facts, chosen: Chosen) -> None:
    """All components that the filter leaves, as buttons."""
    _controls(view, chosen)
    target, total = class_name(view.target), len(facts.weights)
    heading = f"{len(chosen.shown)} of {total} components, by {SORTS[chosen.sort].split(',')[0]}"
    st.markdown(f"**{heading}**")
    if not chosen.shown:
        st.info("No component is left by this choice. Widen the band or choose all components.")
    components.wall(
        _cells(view, facts, chosen), chosen.component, f"{heading}; arrow keys move", _choose
    )
    figure = f"{facts.basis} that use it" if chosen.sort == "use" else f"θ for “{target}”"
    colours, below = f"speaks for “{target}”, grey against it", "centre frequency"
    if chosen.sort == OF_GROUPS:
        colours, below = f"was learned on clips of “{target}”, grey on others", "that class"
    st.caption(
        f"Each shape has its own scale; low frequencies left, mel axis. Blue {colours}; the paler, "
        f"the smaller its weight. Above each: number and {figure}; "
        f"below: {'your name or ' if components.names_of(view.engine) else ''}{below}."
    )
    silent = int((~facts.usage.active).sum())
    if silent:
        st.caption(
            f"{silent} of {total} (dashed) are never active in the {facts.n_clips} {facts.basis}: they "
            "were learned from training clips, but the interpreter does not turn them on."
        )


def _controls(view: View, chosen: Chosen) -> None:
    sort_place, among_place, band_place = st.columns([1, 1, 1.2], vertical_alignment="bottom")
    sort_place.selectbox(
        "Sort by",
        _offered(view, SORTS),
        key=state.control("sort", chosen.sort),
        format_func=SORTS.get,
        on_change=state.changed,
        args=("sort",),
    )
    among_place.selectbox(
        "Show",
        _offered(view, AMONG),
        key=state.control("among", chosen.among),
        format_func=AMONG.get,
        on_change=state.changed,
        args=("among",),
    )
    band_place.selectbox(
        "Centre frequency",
        list(BANDS),
        key=state.control("band", chosen.band),
        format_func=lambda band: BANDS[band][0],
        on_change=state.changed,
        args=("band",),
    )


def _cells(view: View, facts: Facts, chosen: Chosen) -> list[Cell]:
    names = components.names_of(view.engine)
    shapes = components.outlines(view)
    largest = float(np.abs(facts.weights).max()) or 1.0
    grouped, learned, cells = chosen.sort == OF_GROUPS, _learned_on(view), []
    for k in chosen.shown:
        weight, name = float(facts.weights[k]), names.get(k, "")
        figure = str(facts.usage.counts[k]) if chosen.sort == "use" else _signed(weight)
        title = (
            f"#{k}{f', {name}' if name else ''}: centre {hertz(float(facts.centres[k]))}, "
            f"θ {_signed(weight)} for {class_name(view.target)}, {_use(facts, k)}"
            f"{_learned(view, k)}"
        )
        below = class_name(view.engine.dictionary.groups[k]) if grouped else ""
        cells.append(
            Cell(
                k,
                figure,
                name or below or hertz(float(facts.centres[k])),
                bool(name),
                shapes[k],
                1 if (learned[k] if grouped else weight > 0) else -1,
                abs(weight) / largest,
                bool(~facts.usage.active[k]),
                title,
            )
        )
    return cells


def _use(facts: Facts, component: int) -> str:
    if not facts.usage.active[component]:
        return f"never active in the {facts.n_clips} {facts.basis}"
    return f"used in {facts.usage.counts[component]} of {facts.n_clips} {facts.basis}"


def _learned(view: View, component: int) -> str:
    """The class on whose clips a component was learned, "" where W was learned from all at once."""
    groups = view.engine.dictionary.groups
    return f", learned on clips of “{class_name(groups[component])}”" if groups else ""


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


# --- the chosen component ---------------------------------------------------------------------


def about(view: View, facts: Facts, chosen: Chosen) -> None:
    """Which component, its name, where it lies and what it says."""
    k, engine = chosen.component, view.engine
    st.selectbox(
        "Component",
        [str(one) for one in chosen.order],
        key=state.control("component", str(k), relabelled=True),
        format_func=lambda one: f"{components.label(engine, int(one))} · {_hertz(facts, int(one))}",
        on_change=state.changed,
        args=("component",),
    )
    key = f"name {view.key[0]} {view.key[1]} {k}"
    name = components.name_of(engine, k)
    if st.session_state.get(key) != name:
        st.session_state[key] = name
    st.text_input(
        f"Your name for #{k}",
        key=key,
        max_chars=components.names.MAX_LENGTH,
        placeholder="what do you hear?",
        on_change=_renamed,
        args=(view, k, key),
    )
    weight = float(facts.weights[k])
    said = class_name(view.target)
    st.markdown(
        f"Centre of gravity **{_hertz(facts, k)}**; θ **{_signed(weight)}** for “{said}”; "
        f"{_use(facts, k)}{_at_tau(view, facts, k)}{_learned(view, k)}."
    )
    if chosen.component not in chosen.shown:
        st.caption("It is not on the wall: the filter leaves it out.")


def _hertz(facts: Facts, component: int) -> str:
    return hertz(float(facts.centres[component]))


def _at_tau(view: View, facts: Facts, component: int) -> str:
    if not facts.usage.active[component]:
        return ""
    return f" (relevance above τ = {view.threshold:.2f} for {_whose(view)})"


def _whose(view: View) -> str:
    """Whose relevance the tables of clips hold."""
    return "f's most probable class" if view.multi_label else "f's decision"


def _renamed(view: View, component: int, key: str) -> None:
    """Callback: a name that cannot be kept is one message."""
    state.touch()
    try:
        name = components.names.clean(st.session_state[key])
    except ValueError as error:
        state.notice(sentence(str(error)), "error")
        return
    problem = components.rename(view.engine, {component: name})
    if problem:
        state.notice(f"Names are kept for this session only: {problem}", "error")


def _shape(view: View, facts: Facts, component: int) -> None:
    engine, config = view.engine, view.engine.audio
    spacing = config.sample_rate / config.n_fft
    bins = np.arange(config.n_bins) * spacing
    weights = engine.dictionary.patterns[:, component].numpy()
    low, high = facts.bands[component]
    centre = float(facts.centres[component])
    st.markdown(
        f"**#{component}: half of its weight lies between {hertz(float(low))} and "
        f"{hertz(float(high))}**"
    )
    places = shapes.mel_places(np.array([*bins, low, high, centre]), config)
    ticks = [
        (pictures.mel_place(tick, config), f"{tick}" if tick < 1000 else f"{tick // 1000}k")
        for tick in pictures.TICKS_HZ
        if tick < 0.45 * config.sample_rate
    ]
    st.plotly_chart(
        plots.spectral_shape(
            places[:-3].tolist(),
            weights.tolist(),
            [f"{hertz(f)}: {number(float(w))}" for f, w in zip(bins, weights, strict=True)],
            ticks,
            (float(places[-3]), float(places[-2])),
            (float(places[-1]), f"centre {hertz(centre)}"),
            pictures.palette(),
        ),
        key="shape",
        theme=None,
        config=HOVER,
        alt=(
            f"Spectral shape of component {component}: centre {hertz(centre)}, half of its weight "
            f"between {hertz(float(low))} and {hertz(float(high))}."
        ),
    )


def sounds(view: View, hand: AtHand, facts: Facts, component: int) -> ClipSource | None:
    """Example, template alone, component cut out; the example, or None where there is no sound."""
    playable = sum(source is not None for source in facts.audio)
    where = f"{len(hand.sources)} demo and own clips"
    where += f" and {playable} test clips at hand" if playable else ""
    strongest = _example(hand, facts, component)
    if strongest is None:
        more = " Upload a clip to try it on another sound."
        if facts.rows and facts.usage.active[component]:
            first = str(facts.rows[facts.usage.strongest(component, 1)[0]]["clip"])
            more = f" It is active in test clips. {_missing(view, first)} to hear it."
        st.info(
            f"**#{component} has no sound here:** it is never active in the {where}, so no "
            f"activations say when and how loudly to play it.{more}"
        )
        return None
    z, source = strongest
    made = components.solo(view, source, component)
    st.markdown(f"**Strongest in {source.title}** (z = {number(z)}, of {where})")
    with st.container(key="players-component"):
        for title, sound, peak in zip(SOUNDS, made.sounds, made.peaks, strict=True):
            label, player = st.columns([1, 1.9], vertical_alignment="center")
            level = "" if title == SOUNDS[0] else f"  \n:gray[{_below(peak, made.peaks[0])}]"
            label.markdown(f"{title}{level}")
            player.audio(sound, format="audio/wav", alt=f"Player: {title}, component {component}")
    st.caption(
        f"One gain for all three ({players.decibels(made.gain)} on the clip's own level). B: "
        "magnitudes expm1(w·h), phase found by Griffin-Lim. C: the clip through the "
        "component's soft mask."
    )
    return source


def _example(hand: AtHand, facts: Facts, component: int) -> tuple[float, ClipSource] | None:
    """The largest z among the clips that can be played, and its clip."""
    found = [
        (float(hand.usage.pooled[i, component]), hand.sources[i])
        for i in hand.usage.strongest(component, 1)
    ]
    for i in facts.usage.strongest(component, len(facts.rows)):
        if (source := facts.audio[i]) is not None:
            found.append((float(facts.usage.pooled[i, component]), source))
            break
    return max(found, key=lambda one: one[0], default=None)


def _missing(view: View, clip: str) -> str:
    data = view.engine.bundle.training.get("config", {}).get("data", {})
    return results.not_at_hand(clip, data.get("kind"))


def _below(peak: float, whole: float) -> str:
    """How much quieter a sound is than the example."""
    if peak <= 1e-6 * whole:
        return "silent"
    decibels = 20 * float(np.log10(peak / whole))
    level = f"{decibels:+.0f}".replace("-", "−")
    return f"peak {level}\u202fdB re A{', hardly audible' if decibels < HARDLY_AUDIBLE_DB else ''}"


def spectrograms(view: View, source: ClipSource, component: int) -> None:
    """The three sounds' pictures on one scale."""
    made = components.solo(view, source, component)
    st.subheader(f"#{component} alone, in {source.title}", anchor=False)
    with st.container(key="players-pictures"):
        columns = st.columns(3, gap="medium")
        for column, title, picture in zip(columns, SOUNDS, made.pictures, strict=True):
            column.markdown(f"**{title}**")
            column.image(
                picture,
                width="stretch",
                alt=f"Mel spectrogram of {title}, component {component}, {source.title}",
            )
    left, right = st.columns([2, 1], gap="large", vertical_alignment="top")
    left.caption(
        "Colours in dB below the example's loudest band, the same for all three. B repeats one "
        "spectrum at changing levels: that is all a component is. C is what its mask leaves of "
        "the example, so it has the example's detail."
    )
    right.image(
        pictures.legend(pictures.theme()),
        width="stretch",
        alt="Colour scale from black at −80 dB over purple and orange to pale yellow at 0 dB.",
    )


# --- who uses it ------------------------------------------------------------------------------


def class_weights(view: View, component: int) -> None:
    """θ of one component as bars."""
    st.subheader(f"What #{component} says about the classes", anchor=False)
    theta = view.engine.class_weights.numpy()
    values, classes = theta[:, component], view.engine.classes
    order = sorted(range(len(classes)), key=lambda c: -abs(values[c]))[:N_CLASSES]
    target = classes.index(view.target)
    order = sorted({*order, target}, key=lambda c: -values[c])
    names = [class_name(classes[c]) for c in order]
    best, worst = names[0], names[-1]
    told = (
        f"Most for “{best}”, most against “{worst}”"
        if values.min() < 0 < values.max()
        else (f"Most for “{best}”" if values.max() > 0 else f"Most against “{worst}”")
    )
    cut = (
        f" (the {len(order)} largest of {len(classes)} classes)"
        if len(order) < len(classes)
        else ""
    )
    st.markdown(f"**{told}**{cut}")
    st.plotly_chart(
        plots.signed_bars(
            names,
            [float(values[c]) for c in order],
            class_name(view.target),
            float(np.abs(theta).max()),
            pictures.palette(),
        ),
        key="theta",
        theme=None,
        config=plots.CONFIG,
        alt="Class weights: "
        + ", ".join(f"{n} {_signed(float(values[c]))}" for n, c in zip(names, order, strict=True)),
    )


def test_clips(view: View, facts: Facts, component: int) -> None:
    """The test clips with the largest z; the one that is chosen plays, if its audio is at hand."""
    st.subheader("Test clips that use it most", anchor=False)
    if not facts.rows:
        st.info("This model brings no per-clip metrics, so its test clips are not known here.")
        return
    best = facts.usage.strongest(component, N_ROWS)
    if not best:
        st.info(f"#{component} is never active in the {facts.n_clips} test clips.")
        return
    rows = [facts.rows[i] for i in best]
    labels = [results.labelled(row["label"]) for row in rows]
    held = [label for text in labels for label in text.split(" + ")]
    most = max(sorted(set(held)), key=held.count)
    st.markdown(f"**{_share(held.count(most), len(rows))} labelled “{most}”**")
    table = st.dataframe(
        pd.DataFrame(
            {
                "clip": [str(row["clip"]) for row in rows],
                "label": labels,
                f"f {decisions.verb(view.engine)}": [_said(view, row) for row in rows],
                "z": [float(facts.usage.pooled[i, component]) for i in best],
                "relevance": [float(facts.usage.relevance[i, component]) for i in best],
            }
        ),
        hide_index=True,
        column_config={
            "z": st.column_config.NumberColumn(format="%.2f", help="pooled activation", width=40),
            "relevance": st.column_config.NumberColumn(
                format="%.2f",
                help=f"for {_whose(view)}; 1 is the clip's most relevant component",
            ),
        },
        key=f"test-clips {component}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"Test clips with the largest z of component {component}",
    )
    st.caption(
        f"Largest z of {facts.n_clips} test clips; relevance for {_whose(view)}. "
        "The line that is chosen plays here:"
    )
    picked = table["selection"]["rows"]
    place = picked[0] if picked and picked[0] < len(best) else 0
    source = facts.audio[best[place]]
    if source is None:
        st.caption(f"{_missing(view, str(rows[place]['clip']))} to hear it.")
    else:
        _play(view, source, f"**{source.title}**")


def _said(view: View, row: Row) -> str:
    """What f says of a test clip, or hears in it."""
    if not view.multi_label:
        return class_name(str(row["predicted"]))
    return " + ".join(class_name(label) for label in tables.heard(row)) or "none"


def _share(count: int, total: int) -> str:
    if total == 1:
        return "The only one is"
    return f"All {total} are" if count == total else f"{count} of the {total} are"


def clips_at_hand(view: View, hand: AtHand, component: int) -> None:
    """The demo and own clips with the largest z, to be played and opened."""
    st.subheader("Demo and own clips that use it most", anchor=False)
    best = hand.usage.strongest(component, N_CLIPS)
    if not best:
        st.info(f"None of the {len(hand.sources)} demo and own clips uses #{component}.")
        return
    for row in best:
        source = hand.sources[row]
        said = class_name(view.engine.classes[hand.predicted[row]])
        _play(
            view,
            source,
            f"**{source.title}** · z {number(float(hand.usage.pooled[row, component]))} · "
            f"relevance {number(float(hand.usage.relevance[row, component]))} for “{said}”",
        )


def _play(view: View, source: ClipSource, words: str) -> None:
    """A clip's words, its player, and the way to Listen."""
    st.markdown(words)
    with st.container(key=f"players-{source.id}"):
        st.audio(
            components.clip_wav(view, source), format="audio/wav", alt=f"Player: {source.title}"
        )
    if st.button(
        "Open in Listen", key=f"listen {source.id}", on_click=_to_listen, args=(source.id,)
    ):
        state.go("listen")


def _to_listen(clip: str) -> None:
    """Callback: that clip, with what f says of it."""
    state.touch()
    if clip != state.value("clip"):
        state.put(clip=clip, window=None, own=None, **{"class": None})


# --- all weights ------------------------------------------------------------------------------


def matrix(view: View, facts: Facts, chosen: Chosen) -> None:
    """θ of all classes and of the components on the wall."""
    theta, classes = view.engine.class_weights.numpy(), view.engine.classes
    st.subheader("Class weights of all components", anchor=False)
    if not chosen.shown:
        st.info("The filter leaves no component.")
        return
    part = theta[:, chosen.shown]
    c, j = np.unravel_index(int(np.abs(part).argmax()), part.shape)
    largest = components.escaped(components.label(view.engine, chosen.shown[j]))
    st.markdown(
        f"**The largest: {largest} with θ = {_signed(float(part[c, j]))} for "
        f"“{class_name(classes[c])}”; {percent(float((part > 0).mean()))} are positive** "
        f"({len(classes)} classes × {len(chosen.shown)} components)"
    )
    if groups := view.engine.dictionary.groups:
        own = sum(classes[int(theta[:, k].argmax())] == groups[k] for k in chosen.shown)
        st.markdown(
            f"{own} of {len(chosen.shown)} speak most for the class on whose clips they were learned."
        )
    column = chosen.shown.index(chosen.component) if chosen.component in chosen.shown else -1
    st.plotly_chart(
        plots.weight_matrix(
            part.tolist(),
            [class_name(name) for name in classes],
            [components.tick(view.engine, k) for k in chosen.shown],
            (classes.index(view.target), column),
            pictures.palette(),
        ),
        key="matrix",
        theme=None,
        config=HOVER,
        alt="Class weights as cells, blue for and grey against; the table beneath has the numbers.",
    )
    with st.expander("The numbers as a table"):
        table = pd.DataFrame(part.T, columns=[class_name(name) for name in classes])
        table.insert(0, "component", [f"#{k}" for k in chosen.shown])
        table.insert(1, "name", [components.name_of(view.engine, k) for k in chosen.shown])
        table.insert(2, "centre", [_hertz(facts, k) for k in chosen.shown])
        st.dataframe(
            table,
            hide_index=True,
            column_config={
                class_name(name): st.column_config.NumberColumn(format="%+.3f") for name in classes
            },
            alt="Class weights of the components on the wall",
        )


page()
