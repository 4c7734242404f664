"""The chosen component: its name, its shape, how it sounds alone, and the clips that use it most."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from l2i_core import L2I, Analysis
from l2i_core.dictionary import names, shapes
from l2i_core.measure import tables, usage
from l2i_core.measure.records import ClipRow
from pages.dictionary import use
from pages.dictionary.use import AtHand, Facts
from pages.dictionary.wall import Chosen
from pages.shell import components, models, results, state
from pages.shell.bring import ANEW
from pages.shell.cached import Key
from pages.shell.clips import ClipSource
from pages.shell.view import View
from pages.show import pictures, players, plots
from pages.show.sounds import Sound, hear
from pages.show.words import class_name, hertz, number, sentence

SOUNDS = ("A · example", "B · template alone", "C · cut out of A")
HARDLY_AUDIBLE_DB = -40.0  # of a peak, beside the example


@dataclass(frozen=True, slots=True)
class Solo:
    """Example, template alone, and component cut out of the example (n,), pictures on one dB
    reference, and each sound's peak."""

    sounds: list[np.ndarray]
    pictures: list[bytes]
    peaks: list[float]


def about(facts: Facts, chosen: Chosen) -> None:
    """Which component, its name, where it lies and what it says."""
    k, view = chosen.component, facts.view
    state.select(
        st,
        "Component",
        "component",
        [str(one) for one in chosen.order],
        lambda one: f"{facts.label(int(one))} · {facts.hertz(int(one))}",
        relabelled=True,
    )
    key = f"name {view.dictionary} {k}"
    name = facts.names.get(k, "")
    if st.session_state.get(key) != name:
        st.session_state[key] = name
    st.text_input(
        f"Your name for #{k}",
        key=key,
        max_chars=names.MAX_LENGTH,
        placeholder="what do you hear?",
        on_change=_renamed,
        args=(view, k, key),
    )
    counted = " (relevance above τ)" if facts.usage.active[k] else ""
    st.markdown(
        f"Centre of gravity **{facts.hertz(k)}**; {facts.symbol} **{facts.weight(k)}** for "
        f"“{class_name(view.target)}”; {facts.used(k)}{counted}{facts.learned(k)}."
    )
    if k not in chosen.shown:
        st.caption("It is not on the wall: the filter leaves it out.")


def _renamed(view: View, component: int, key: str) -> None:
    """Callback: a name that cannot be kept is one message."""
    state.touch()
    try:
        name = names.clean(st.session_state[key])
    except ValueError as error:
        state.notice(sentence(str(error)), "error")
        return
    problem = components.rename(view.engine, {component: name})
    if problem:
        state.notice(f"Names are kept for this session only: {problem}", "error")


def shape(facts: Facts, component: int) -> None:
    """Its column of W over the mel axis, the band with the middle half of its weight in the accent
    colour, a line at its centre."""
    engine, colours = facts.view.engine, pictures.palette()
    config, weights = engine.audio, engine.dictionary.patterns[:, component].tolist()
    bins = np.arange(config.n_bins) * config.sample_rate / config.n_fft
    low, high = facts.bands[component].tolist()
    ticks = pictures.ticks(config)
    frequency = {
        "title": "frequency in Hz, mel scale",
        "range": [0, 1],
        "tickvals": [place for _, place, _ in ticks],
        "ticktext": [text for *_, text in ticks],
        "ticks": "outside",
    }
    weight = {"title": "weight in w, of norm 1", "rangemode": "tozero", "nticks": 4}
    figure = plots.figure_of(colours, 230, frequency, weight, hovermode="x")
    inside = [w if low <= f <= high else None for f, w in zip(bins, weights, strict=True)]
    hover = [f"{hertz(f)}: {number(w)}" for f, w in zip(bins, weights, strict=True)]
    curve = {"x": shapes.mel_places(bins, config).tolist(), "mode": "lines", "fill": "tozeroy"}
    for heights, colour, text in (
        (weights, colours.neutral, hover),
        (inside, colours.accent, None),
    ):
        info = {"text": text, "hoverinfo": "text" if text else "skip"}
        figure.add_scatter(y=heights, line={"width": 1.5, "color": colour}, **curve, **info)
    centre = float(shapes.mel_places(facts.centres[component], config))
    figure.add_vline(
        x=centre,
        line={"color": colours.ink, **plots.DOTTED},
        annotation={
            "text": f"centre {facts.hertz(component)}",
            "showarrow": False,
            "xanchor": "left" if centre < 0.6 else "right",
        },
    )
    found = f"#{component}: half of its weight lies between {hertz(low)} and {hertz(high)}"
    st.markdown(f"**{found}**")
    alt = f"Spectral shape. {found}, its centre is {facts.hertz(component)}."
    plots.chart(figure, "shape", alt, lively=True)


def sounds(facts: Facts, hand: AtHand, component: int) -> ClipSource | None:
    """Example, template alone, component cut out; the example, or None where there is no sound."""
    playable = sum(source is not None for source in facts.audio)
    where = "this clip" if facts.view.own_dictionary else f"{len(hand.sources)} demo and own clips"
    where += f" and {playable} test clips at hand" if playable else ""
    strongest = _example(hand, facts, component)
    if strongest is None:
        more = "Upload a clip to try it on another sound."
        if facts.rows and facts.usage.active[component]:
            first = facts.rows[facts.usage.strongest(component, 1)[0]].clip
            more = f"It is active in test clips. {missing(facts.view, first)} to hear it."
        st.info(f"**#{component} has no sound here:** it is never active in the {where}. {more}")
        return None
    z, source = strongest
    made = _solo_of(facts.view, source, component)
    of_all = f"**Strongest in {source.title}** (z = {number(z)}, of {where})"
    st.markdown(f"**In {source.title}**" if facts.view.own_dictionary else of_all)
    hear(
        "component",
        [Sound(t[len("A · ") :], sound) for t, sound in zip(SOUNDS, made.sounds, strict=True)],
        facts.view.engine.audio.sample_rate,
        subject=source.id,
        keys="ABC",
        label=f"Listen to component {component}",
    )
    levels = zip(SOUNDS[1:], made.peaks[1:], strict=True)
    below = "; ".join(f"{title[0]}: {_below(peak, made.peaks[0])}" for title, peak in levels)
    st.caption(f"{below}. B: magnitudes expm1(w·h), phase found by Griffin-Lim.")
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


def missing(view: View, clip: str) -> str:
    """A test clip cannot be heard, and what would help."""
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
    made = _solo_of(view, source, component)
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
    pictures.draw_legend(
        "Colours in dB below the example's loudest band. B repeats one spectrum at changing levels; "
        "C is what the component's mask leaves of the example, so it has its detail."
    )


def _solo_of(view: View, source: ClipSource, component: int) -> Solo:
    key, analysis = use.analysed(view, source)
    return _solo(key, component, view.domain, pictures.theme(), view.engine, analysis)


@st.cache_resource(show_spinner="Finding a phase for the template …", max_entries=32)
def _solo(
    key: Key, component: int, domain: str, shown: str, _engine: L2I, _analysis: Analysis
) -> Solo:
    with models.turn:
        made = usage.alone(_engine, _analysis, component, domain)
    heard = [sound.numpy() for sound in made.sounds]
    config = _engine.audio
    frames = config.n_frames(len(heard[0]))  # without a short clip's padding
    drawn = [pictures.decibels(x[:, :frames], config) for x in made.log_magnitudes]
    reference = pictures.reference(drawn[0])
    return Solo(
        heard,
        [pictures.spectrogram(x, reference, config, shown) for x in drawn],
        [float(np.abs(sound).max(initial=0.0)) for sound in heard],
    )


N_CLIPS = 3  # demo and own clips, to be played
N_ROWS = 8  # of the test clips


def of_the_test(facts: Facts, component: int) -> None:
    """The test clips with the largest z; the one that is chosen plays, if its audio is at hand."""
    view = facts.view
    st.subheader("Test clips that use it most", anchor=False)
    if not facts.rows:
        st.info("This model brings no per-clip metrics, so its test clips are not known here.")
        return
    best = facts.usage.strongest(component, N_ROWS)
    if not best:
        st.info(f"#{component} is never active in the {facts.clips}.")
        return
    rows = [facts.rows[i] for i in best]
    labels = [results.labelled(row.label) for row in rows]
    held = [label for text in labels for label in text.split(" + ")]
    most = max(sorted(set(held)), key=held.count)
    st.markdown(f"**{held.count(most)} of the {len(rows)} are labelled “{most}”**")
    table = st.dataframe(
        pd.DataFrame(
            {
                "clip": [row.clip for row in rows],
                "label": labels,
                f"f {view.engine.task.decides}": [_said(view, row) for row in rows],
                "z": facts.usage.pooled[best, component].astype(float),
                "relevance": facts.usage.relevance[best, component].astype(float),
            }
        ),
        hide_index=True,
        column_config={"z": results.DECIMALS, "relevance": results.DECIMALS},
        key=f"test-clips {component}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"Test clips with the largest z of component {component}",
    )
    st.caption(f"Of {facts.clips}; relevance for {facts.whose}. The chosen line plays here:")
    picked = table["selection"]["rows"]
    place = picked[0] if picked and picked[0] < len(best) else 0
    source = facts.audio[best[place]]
    if source is None:
        st.caption(f"{missing(view, rows[place].clip)} to hear it.")
    else:
        _play(view, source, f"**{source.title}**")


def _said(view: View, row: ClipRow) -> str:
    """What f says of a test clip, or hears in it."""
    if not view.engine.task.multi_label:
        return class_name(row.predicted)
    return " + ".join(class_name(label) for label in tables.heard(row.logits)) or "none"


def of_those_at_hand(view: View, hand: AtHand, component: int) -> None:
    """The demo and own clips with the largest z."""
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
    """A clip's words, its player at the context bar's level, and the way to Listen."""
    st.markdown(words)
    sound = use.analysed(view, source)[1].waveform.numpy()
    players.alone(f"players-{source.id}", source.title, sound, view.engine.audio.sample_rate)
    if st.button("Open in Listen", key=f"listen {source.id}"):
        if source.id != state.value("clip"):  # else with the class that is explained
            state.put(clip=source.id, **ANEW)
        state.go("listen")
