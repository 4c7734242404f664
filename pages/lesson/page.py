"""How it works: the chosen clip walked through the method, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from l2i_core import Interpretation
from l2i_core.words import TITLES
from pages.lesson import figures, material
from pages.lesson.material import SHOWN
from pages.shell import cached, clips, components, decisions, state, verdicts
from pages.shell import tour as guided_tour
from pages.shell.view import View, current
from pages.show import pictures, players, plots
from pages.show.words import class_name, logit, number, percent

ALL = "all"
SYMBOLS = ("x", "x_int", "x₂")
LEVELS = {"0.05": "τ 0.05", "0.30": "τ 0.30", "0.70": "τ 0.70"}
_STYLE = """<style>
[class*=st-key-heading-] h3 {font-size: 1.45rem}
[class*=st-key-idea-] p {font-size: 1.2rem; line-height: 1.45}
[class*=st-key-formula-] {overflow-x: auto}
[class*=st-key-prompt-] {border-left: 3px solid ACCENT; padding-left: .9rem}
</style>"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, its name in the row of steps, and what draws it."""

    title: str
    short: str
    draw: Callable[[View, Interpretation], None]


def page() -> None:
    """The whole page."""
    view = current()
    view.head.title("How does a model's decision become a sound?", anchor=False)
    st.html(_STYLE.replace("ACCENT", pictures.palette().accent))
    shown = state.settle("step", [*STEPS, ALL], "1", "step")
    state.show_messages()
    state.write_url()
    made = cached.interpretation(view.key, view.engine, view.analysis, view.target, view.choice)
    stepper(view, shown)
    for name in STEPS if shown == ALL else [shown]:
        heading(name, shown)
        STEPS[name].draw(view, made)
        if shown == ALL:
            st.divider()
    if shown not in (ALL, [*STEPS][-1]):
        following = str(int(shown) + 1)
        st.button(
            f"Next: {STEPS[following].title}",
            key="next-below",
            on_click=_go,
            args=(following, True),
        )
    reference(view, everything=shown == ALL)
    _up()
    players.take_turns()


def stepper(view: View, shown: str) -> None:
    """All steps as a row."""
    with st.container(key="lesson-steps"):
        st.pills(
            f"{len(STEPS)} steps, about ten minutes, all made from the clip “{view.source.title}”",
            [*STEPS, ALL],
            key=state.control("step", shown),
            required=True,
            wrap=True,
            format_func=lambda s: "All on one page" if s == ALL else f"{s} {STEPS[s].short}",
            on_change=state.changed,
            args=("step",),
        )


def heading(name: str, shown: str) -> None:
    """The title of a step and, where it stands alone, the way back and forth."""
    with st.container(key=f"heading-{name}", horizontal=True, vertical_alignment="center"):
        st.subheader(f"{name} · {STEPS[name].title}", anchor=False, width="stretch")
        if shown == ALL:
            return
        place, last = int(shown), len(STEPS)
        with st.container(horizontal=True, gap="small", width="content"):
            st.button(
                "Previous",
                disabled=place == 1,
                on_click=_go,
                args=(str(place - 1),),
                shortcut="Shift+Left",
            )
            st.button(
                "Next",
                disabled=place == last,
                on_click=_go,
                args=(str(place + 1),),
                shortcut="Shift+Right",
            )


def _go(step: str, up: bool = False) -> None:
    """Callback: another step; `up`: from below, so the page scrolls to where it begins."""
    state.touch()
    state.put(step=step)
    st.session_state["l2i_lesson_up"] = up


def _up() -> None:
    if st.session_state.pop("l2i_lesson_up", False):
        step = state.value("step")
        st.html(
            "<script>document.querySelector('.st-key-lesson-steps')"
            f"?.scrollIntoView(); // {step}</script>",
            unsafe_allow_javascript=True,
        )


# --- the steps --------------------------------------------------------------------------------


def sound(view: View, made: Interpretation) -> None:
    """x → STFT → X."""
    config, known = view.engine.audio, material.parts(view)
    samples, rate = len(view.analysis.waveform), config.sample_rate
    bins, frames = known.x.shape
    words, show = _sides()
    with words:
        _idea(
            "1",
            "A sound is one long row of numbers. Cut into short pieces that overlap, it shows "
            "which frequencies each piece holds; side by side, the pieces make a picture.",
            r"X = \log\left(1 + |S|\right), \qquad S = \mathrm{STFT}(x)",
            "Section 3 of the paper. Time runs to the right in seconds; frequency runs upwards in "
            "Hz, spaced as the ear hears it; brightness says how much of it there is.",
        )
        st.markdown(
            f"**{samples:,} samples** at {rate / 1000:g}\u202fkHz become **{frames} frames** of "
            f"**{bins} frequencies**. A piece lasts {number(1000 * config.win_length / rate)}"
            f"\u202fms, the next one starts {number(1000 * config.hop_length / rate, 3)}\u202fms "
            f"later: a hop length of {config.hop_length} samples."
        )
        _try_clips("1", "Play it and follow the picture: how do a bark, a tone and a hiss look?")
    with show:
        with st.container(key="players-lesson-1"):
            _player(view, view.analysis.waveform.numpy(), "the clip", _gain(view))
        st.markdown("**The sound x: air pressure over time**")
        st.image(
            material.waveform(view),
            width="stretch",
            alt=f"Waveform of {view.source.title}, {number(samples / rate)} s.",
        )
        st.markdown(f"**The picture X: {bins} frequencies in {frames} frames**")
        _image(view, material.magnitudes(view, "X", lambda: known.x), f"X, 0 to {known.top:.1f}")


def classifier(view: View, made: Interpretation) -> None:
    """Log-mel → f → probabilities."""
    config, classes = view.engine.audio, view.engine.classes
    chances = view.engine.probabilities(view.analysis.logits).tolist()
    order = view.analysis.logits.argsort(descending=True, stable=True).tolist()[: material.CLASSES]
    said = class_name(classes[order[0]])
    verb = decisions.verb(view.engine)
    words, show = _sides()
    with words:
        _idea(
            "2",
            f"The classifier f gets a coarser picture, {config.n_mels} bands, and answers with "
            f"one number for each of its {len(classes)} classes. Why it gives this answer, it "
            "does not say: that is what the next steps are for.",
            r"\begin{gathered} f(\text{log-mel}) = \text{logits} \in \mathbb{R}^{C} \\ p = "
            + (r"\sigma" if view.engine.bundle.multi_label else r"\mathrm{softmax}")
            + r"(\text{logits}) \end{gathered}",
            f"Section 3. C = {len(classes)} classes. f is a convolutional network; it is frozen "
            "and stays as it is.",
        )
        if view.multi_label:
            said = decisions.said(view.engine, view.analysis.logits)
            heard = decisions.with_chances(view.engine, view.analysis.logits)
            st.markdown(
                f"f hears **{heard}**: whatever has a probability above {decisions.LIMIT:g}, each "
                "class by itself."
            )
        else:
            st.markdown(
                f"f says **{said}**: a logit of **{logit(float(view.analysis.logits[order[0]]))}**,"
                f" a probability of **{chances[order[0]]:.2f}**."
            )
        mixtures = [clip.id for clip in clips.bundled() if "+" in clip.id]
        _try(
            "2",
            "Two sounds at once: does f hear both, and how sure is it?"
            if view.multi_label
            else "Two sounds at once: which of them does f name, and how sure is it?",
            "clip",
            {c: clips.at_hand()[c].title for c in mixtures[:3]},
            ("class", "window", "own"),
        )
    with show:
        picture, top = material.log_mel(view)
        st.markdown(f"**What f receives: {config.n_mels} mel bands, in dB**")
        _image(view, picture, f"log-mel, {top - config.top_db:.0f} to {top:.0f} dB")
        st.markdown(f"**What f {verb}: {said}** (probabilities)")
        figure = plots.class_bars(
            [class_name(classes[c]) for c in order],
            [chances[c] for c in order],
            class_name(view.target),
            pictures.palette(),
            decisions.LIMIT if view.multi_label else None,
        )
        plots.chart(
            figure,
            "lesson-classes",
            "f's probabilities: "
            + ", ".join(f"{class_name(classes[c])} {chances[c]:.2f}" for c in order),
        )


def dictionary(view: View, made: Interpretation) -> None:
    """W."""
    known, k = material.parts(view), view.engine.dictionary.n_components
    words, show = _sides()
    with words:
        _idea(
            "3",
            f"{k} typical shapes of a spectrum were learned from the training sounds, once. They "
            "are the alphabet: every sound is spelled with the same shapes, as well as it goes.",
            r"\begin{gathered} \min_{W,\,H \ge 0} D\left(X_\text{train} \mid WH\right)"
            r" + \mu \lVert H \rVert_1 \\ \lVert w_k \rVert = 1 \end{gathered}",
            f"Eq. 5, sparse NMF. W has {view.engine.audio.n_bins} rows, one for each frequency, "
            f"and K = {k} columns w, one for each component. Nothing is negative, so components "
            "only add up and never cancel.",
        )
        covered = float(known.energy[list(known.main)].sum())
        if known.main:
            st.markdown(
                f"The {len(known.main)} components that cover most of this clip account for "
                f"**{percent(covered)}** of its log energy, ‖X‖²."
            )
        with _prompt("3", "Which shapes are tones, which are noise? All of them can be heard."):
            if st.button(f"See all {k} on the Dictionary page", key="to-dictionary"):
                state.go("dictionary")
    with show:
        if not known.main:
            _nothing(view)
            return
        st.markdown(
            f"**Shapes of the {len(known.main)} components that cover most of this clip**, "
            "each on a scale of its own"
        )
        places, rows = material.columns(view, known.main)
        names = material.names(view, known.main)
        plots.chart(
            figures.ridges(
                places,
                rows,
                [components.escaped_html(name) for name in names],
                "frequency in Hz, mel axis",
                material.frequency_ticks(view),
                pictures.palette(),
                [k in made.selected for k in known.main],
                own_scale=True,
            ),
            "lesson-shapes",
            f"Spectral shapes of components {', '.join(names)}.",
        )
        _colours(view)


def activations(view: View, made: Interpretation) -> None:
    """H."""
    known, engine = material.parts(view), view.engine
    maps = len(engine.classifier.layers)
    words, show = _sides()
    with words:
        _idea(
            "4",
            "For each shape, H says when it sounds and how strongly. The network Ψ reads this out "
            "of f's own hidden layers, so H tells what f has noticed, in words of the dictionary.",
            r"H = \Psi\left(f_{\mathcal{I}}(x)\right) \in \mathbb{R}_{+}^{K \times T}",
            f"Section 3.1. Ψ sees the outputs of {maps} hidden layers of f and nothing else of "
            f"the clip. K = {engine.dictionary.n_components} rows h, T = {len(known.seconds)} "
            "frames.",
        )
        if known.main:
            active = int((known.activations.amax(dim=1) > 0).sum())
            st.markdown(
                f"**{active} of {engine.dictionary.n_components}** components are active at some "
                "time in this clip."
            )
            _component_alone(view)
    with show:
        if not known.main:
            _nothing(view)
            return
        st.markdown(
            f"**When the {len(known.main)} components sound**, on one scale; the highest value "
            f"is {number(float(known.activations[list(known.main)].max()))}"
        )
        names = material.names(view, known.main)
        plots.chart(
            figures.ridges(
                known.seconds.tolist(),
                known.activations[list(known.main)].tolist(),
                [components.escaped_html(name) for name in names],
                "seconds",
                None,
                pictures.palette(),
                [k in made.selected for k in known.main],
            ),
            "lesson-activations",
            f"Activations over time of components {', '.join(names)}.",
        )
        _colours(view)


def product(view: View, made: Interpretation) -> None:
    """W H ≈ X."""
    known = material.parts(view)
    words, show = _sides()
    with words:
        _idea(
            "5",
            "Shapes times activations must give back the picture of the whole clip. What W·H "
            "misses, no explanation can speak about.",
            r"X \approx W H, \qquad \mathcal{L}_\text{NMF} = \lVert X - W H \rVert_2^2",
            "Eq. 3. It is part of what Ψ is trained for (Eq. 4), beside imitating f and keeping H "
            "sparse.",
        )
        if known.main:
            st.markdown(
                f"Relative error of this clip, ‖X − W H‖ / ‖X‖: **{known.error:.2f}**. "
                "0 would be perfect, 1 is no better than silence."
            )
        _try(
            "5",
            "Another interpreter reads other activations out of the same f. Does it miss less?",
            "interpreter",
            {name: i.title for name, i in view.engine.bundle.interpreter_info.items()},
            ("own",),
            view.engine.interpreter_name,
        )
    with show:
        st.markdown("**X, the clip**")
        _image(view, material.magnitudes(view, "X", lambda: known.x), f"X, 0 to {known.top:.1f}")
        st.markdown("**W·H, what the dictionary makes of it**, on the scale of X")
        _image(
            view,
            material.magnitudes(view, "W·H", lambda: known.model),
            f"W·H, 0 to {known.top:.1f}",
        )


def pooling(view: View, made: Interpretation) -> None:
    """a, z, Θ's logits beside f's."""
    known, engine = material.parts(view), view.engine
    attention = engine.bundle.interpreter_info[engine.interpreter_name].pooling == "attention"
    logits, theirs = view.analysis.logits, view.analysis.interpreter_logits
    words, show = _sides()
    with words:
        _idea(
            "6",
            "Θ boils each activation down to one number, "
            + ("giving more weight to the moments that matter, " if attention else "its maximum, ")
            + "and tries to give f's own answer from these numbers alone.",
            (r"z = \sum_{t} a_t h_t" if attention else r"z_k = \max_t h_{k,t}")
            + r", \qquad \mathrm{logits}' = \theta z",
            f"Section 3.1; trained with {'Eq. 2' if engine.bundle.multi_label else 'Eq. 1'} to "
            "agree with f. Agreement is called fidelity, and it comes first: an interpreter that "
            "disagrees explains itself, not f.",
        )
        if known.main:
            when = "attention" if attention else "maxima"
            span = number(material.half_of_attention(view))
            st.markdown(f"Half of the {when} lies within **{span}\u202fs** of the clip.")
        if view.multi_label:
            st.markdown(decisions.follows(view.engine, view.analysis))
        elif view.agrees:
            said = class_name(view.decided[0])
            st.markdown(f"On this clip the interpreter agrees: both say **{said}** first.")
        if warning := decisions.disagreement(view.engine, view.analysis, view.target):
            st.warning(warning)
        mixtures = [clip.id for clip in clips.bundled() if "+" in clip.id]
        _try(
            "6",
            "Mixtures are harder. Does Θ still hear what f hears?"
            if view.multi_label
            else "Mixtures are harder. Is Θ's first class still that of f?",
            "clip",
            {c: clips.at_hand()[c].title for c in mixtures[:3]},
            ("class", "window", "own"),
        )
    with show:
        st.markdown(
            "**Which moments count**: attention a over time; dotted, equal attention"
            if attention
            else "**Which moments count**: share of components that reach their maximum in a "
            "frame; dotted, equal shares"
        )
        plots.chart(
            figures.attention(
                known.seconds.tolist(),
                known.attention.tolist(),
                1 / len(known.attention),
                pictures.palette(),
            ),
            "lesson-attention",
            f"Attention over time; the highest is {percent(float(known.attention.max()))}.",
        )
        order = sorted(range(len(logits)), key=lambda c: -float(logits[c]))[: material.CLASSES]
        order += [c for c in [int(theirs.argmax()), made.target_index] if c not in order]
        names = [class_name(engine.classes[c]) for c in dict.fromkeys(order)]
        pairs = [(float(logits[c]), float(theirs[c])) for c in dict.fromkeys(order)]
        st.markdown(
            "**Does Θ answer as f does?** Logits; a class is heard where they are above 0"
            if view.multi_label
            else "**Does Θ answer as f does?** Logits; their order matters, not their offset"
        )
        plots.chart(
            figures.logit_pairs(
                names,
                [mine for mine, _ in pairs],
                [other for _, other in pairs],
                ("f", "Θ, the interpreter"),
                pictures.palette(),
            ),
            "lesson-logits",
            "Logits of f and of the interpreter: "
            + ", ".join(
                f"{name} {logit(mine)} and {logit(other)}"
                for name, (mine, other) in zip(names, pairs, strict=True)
            ),
        )


def relevance(view: View, made: Interpretation) -> None:
    """r and L."""
    target, total = class_name(view.target), len(made.relevance)
    drawn = material.ranked(made)
    words, show = _sides()
    with words:
        _idea(
            "7",
            f"How much does each component speak for “{target}”? Its relevance is its part of the "
            "interpreter's logit, as a share of the largest part; those above τ are chosen.",
            r"\begin{gathered} r_{k,c} = \frac{z_k\,\theta_{c,k}}"
            r"{\max_l \left|z_l\,\theta_{c,l}\right|} \\"
            r"L = \{k : r_{k,c} > \tau\} \end{gathered}",
            "Section 3.2. A negative relevance speaks against the class. τ is yours to choose: "
            "higher is stricter.",
        )
        st.markdown(_chosen(view, made))
        _try(
            "7",
            "Move τ, in the bar above or here: which components come and go? Then choose another "
            "class in the bar: z stays, θ changes.",
            "tau",
            LEVELS,
            (),
            f"{view.threshold:.2f}",
        )
    with show:
        if not bool((made.relevance != 0).any()):
            st.info("Every relevance is 0: no component contributes to this class in this clip.")
            return
        names = material.names(view, tuple(drawn))
        values = [float(made.relevance[k]) for k in drawn]
        negative = int((made.relevance < 0).sum())
        st.markdown(
            f"**{_count(made)} for “{target}”**; drawn are {len(drawn)} of {total}, "
            f"{negative} speak against it"
        )
        plots.chart(
            figures.relevance_bars(
                [components.escaped_html(name) for name in names],
                values,
                [k in made.selected for k in drawn],
                view.threshold,
                pictures.palette(),
            ),
            "lesson-relevance",
            f"Relevances for {target}, τ {view.threshold:.2f}: "
            + ", ".join(f"{n} {number(v)}" for n, v in zip(names, values, strict=True)),
        )


def masking(view: View, made: Interpretation) -> None:
    """M, X_int, x_int, x_2."""
    linear = made.mask_domain == "linear"
    words, show = _sides()
    with words:
        _idea(
            "8",
            "At every point of the picture, which share belongs to the chosen components? This "
            "soft mask is laid over X, and the inverse STFT turns the result into sound again, "
            "with the clip's own phase.",
            r"\begin{gathered} M = \frac{\sum_{k \in L} w_k h_k}{W H}, \qquad "
            + (r"|S_\text{int}| = M \odot |S|" if linear else r"X_\text{int} = M \odot X")
            + r" \\ x_\text{int} = \mathrm{INV}(X_\text{int}, P_x) \end{gathered}",
            "Algorithm 2. "
            + (
                "Here the mask works on magnitudes, so that B and C add up to A; the paper's works "
                "on X."
                if linear
                else "The residual C is what is left of X. In logarithms B and C do not add up to "
                "A as sound."
            ),
        )
        st.markdown(
            f"{_chosen(view, made)} **{percent(made.energy_kept)}** of the clip's sound energy passes "
            "the mask."
        )
        _try(
            "8",
            "Play A, go to B while it plays, then to C. Let the mask work on magnitudes instead: "
            "what changes in C?",
            "domain",
            {"log": "Mask on X, as in the paper", "linear": "Mask on magnitudes"},
            (),
        )
    with show:
        sounds = (view.analysis.waveform.numpy(), made.audio.numpy(), made.residual.numpy())
        gain = players.common_gain(sounds)
        with st.container(key="players-lesson-8"):
            columns = st.columns(3, gap="small")
            for column, title, symbol, one in zip(columns, TITLES, SYMBOLS, sounds, strict=True):
                column.markdown(f"**{title}**: {symbol}")
                with column:
                    _player(view, one, title, gain)
        st.caption(f"One gain for all three: {players.decibels(gain)} on the clip's own level.")
        if not made.selected:
            st.info("Nothing is chosen, so the mask is 0 everywhere: B is silence, C the clip.")
        what = cached.named(made)
        frames = material.parts(view).x.shape[1]
        st.markdown("**The mask M**: 0 nothing passes, 1 everything")
        _image(view, material.mask_picture(view, made), "the soft mask, 0 to 1")
        st.markdown("**X_int, what the mask leaves of X**, on the scale of X")
        _image(
            view,
            material.magnitudes(view, "X_int", lambda: made.log_magnitude[:, :frames], what),
            f"X_int, 0 to {material.parts(view).top:.1f}",
        )


def testing(view: View, made: Interpretation) -> None:
    """f on x, x_int, x_2; FF beside Random."""
    target = class_name(view.target)
    verdict = cached.verdict(view.key, view.engine, view.analysis, made)
    words, show = _sides()
    with words:
        _idea(
            "9",
            "If f really used these components, taking them away must weaken its decision, and "
            "more than taking away as much of anything else.",
            r"\mathrm{FF}_x = f(x)_c - f(x_2)_c",
            f"Eq. 6, faithfulness, in f's {decisions.unit_of(view.engine).of} “{target}”. The paper "
            "compares with removing as "
            "many random components; beside that we remove random ones of equal log energy, a harder "
            "opponent.",
        )
        _try(
            "9",
            "Lower τ: more of the sound is taken away. Does FF rise faster than Random? Where is the "
            "distance largest?",
            "tau",
            LEVELS,
            (),
            f"{view.threshold:.2f}",
        )
    with show:
        st.markdown(f"**What f says of the three sounds**, for “{target}”")
        verdicts.table(view, verdict)
        st.markdown(" ".join(verdicts.told(view, made)))
        if made.selected:
            verdicts.more_draws(view, made)


STEPS = {
    "1": Step("From sound to picture", "Sound", sound),
    "2": Step("What the classifier hears and says", "Classifier", classifier),
    "3": Step("The dictionary W", "Dictionary", dictionary),
    "4": Step("The activations H", "Activations", activations),
    "5": Step("W·H gives back X", "W·H", product),
    "6": Step("Pooling, and whether to trust it", "Fidelity", pooling),
    "7": Step("Relevance: what speaks for the class", "Relevance", relevance),
    "8": Step("From mask to sound", "Mask and sound", masking),
    "9": Step("The test: was it right?", "Test", testing),
}


# --- below the steps --------------------------------------------------------------------------


def reference(view: View, everything: bool) -> None:
    """Limits, glossary, the model's card, and the way back to the tour."""
    st.space("small")
    with st.expander("Limits: what this is not", expanded=everything):
        made = [
            f"**The interpreter {info.title}.** {info.description}"
            for info in view.engine.bundle.interpreter_info.values()
        ]
        lines = [*material.LIMITS, *made, material.trained_on(view)]
        st.markdown("\n".join(f"- {line}" for line in lines))
    with st.expander("Glossary", expanded=everything):
        entries = [f"**{term}.** {text}" for term, text in material.glossary(view).items()]
        half = -(-len(entries) // 2)
        for column, part in zip(
            st.columns(2, gap="large"), (entries[:half], entries[half:]), strict=True
        ):
            column.markdown("\n\n".join(part))
    card = view.engine.bundle.card()
    if card:
        with st.expander(f"The model: card of {view.engine.bundle.name}"):
            st.markdown(card.partition("\n")[2] if card.startswith("# ") else card)
    left, right = st.columns([4, 1.2], vertical_alignment="center")
    left.caption(
        "After J. Parekh, S. Parekh, P. Mozharovskyi, F. d'Alché-Buc, G. Richard, “Listen to "
        "Interpret: Post-hoc Interpretability for Audio Networks with NMF”, NeurIPS 2022. "
        "Section, equation and algorithm numbers are the paper's."
    )
    right.button("Show the tour", on_click=guided_tour.reopen, width="stretch")


# --- what the steps share ---------------------------------------------------------------------


def _sides() -> tuple[DeltaGenerator, DeltaGenerator]:
    words, show = st.columns([2, 3], gap="large")
    return words, show


def _idea(step: str, idea: str, formula: str, reading: str) -> None:
    with st.container(key=f"idea-{step}"):
        st.markdown(idea)
    with st.container(key=f"formula-{step}"):
        st.latex(formula)
    st.caption(reading)


def _prompt(step: str, text: str) -> DeltaGenerator:
    place = st.container(key=f"prompt-{step}")
    place.markdown(f"**Try it.** {text}")
    return place


def _try(
    step: str,
    text: str,
    name: str,
    options: Mapping[str, str],
    reset: tuple[str, ...],
    current: str | None = None,
) -> None:
    """A prompt with buttons that set `name` as the bar's own control would."""
    now = state.value(name) if current is None else current
    with _prompt(step, text), st.container(horizontal=True, gap="small"):
        for value, label in options.items():
            st.button(
                label,
                key=f"try-{step}-{value}",
                disabled=value == now,
                on_click=_set,
                args=(name, value, reset),
            )


def _try_clips(step: str, text: str) -> None:
    at_hand = clips.at_hand()
    wanted = [c for c in (clips.FIRST, "rooster-1", "rain-1") if c in at_hand]
    _try(step, text, "clip", {c: at_hand[c].title for c in wanted}, ("class", "window", "own"))


def _set(name: str, value: str, reset: tuple[str, ...]) -> None:
    state.touch()
    state.put(**{name: float(value) if name == "tau" else value}, **dict.fromkeys(reset))


@st.fragment
def _component_alone(view: View) -> None:
    known = material.parts(view)
    names = dict(zip(known.main, material.names(view, known.main), strict=True))
    with _prompt("4", "Choose a component and play it: does it sound where its curve rises?"):
        chosen = st.selectbox(
            "Component to hear alone",
            known.main,
            key=f"lesson component {view.key}",
            format_func=names.__getitem__,
        )
        sound = cached.component_audio(view.key, view.engine, view.analysis, chosen, view.domain)
        with st.container(key="players-lesson-4"):
            _player(view, sound, f"component {names[chosen]} alone", _gain(view))
        st.caption("Cut out of the clip as step 8 shows, at the clip's gain.")


def _gain(view: View) -> float:
    return players.common_gain([view.analysis.waveform.numpy()])


def _player(view: View, sound: np.ndarray, title: str, gain: float) -> None:
    st.audio(players.wav(sound, view.engine.audio.sample_rate, gain), alt=f"Player: {title}")


def _image(view: View, picture: bytes, what: str) -> None:
    st.image(
        picture,
        width="stretch",
        alt=f"Picture of {what}, dark to bright, over seconds and Hz on a mel axis; clip "
        f"{view.source.title}.",
    )


def _colours(view: View) -> None:
    st.caption(
        f"Blue: chosen for “{class_name(view.target)}” at τ = {view.threshold:.2f} (step 7). "
        "Grey: not chosen. The number beside # is the component's centre frequency."
    )


def _count(made: Interpretation) -> str:
    return f"{len(made.selected)} of {len(made.relevance)} components are chosen"


def _chosen(view: View, made: Interpretation) -> str:
    how = "by your own choice" if view.choice.overrides else f"at τ = {view.threshold:.2f}"
    names = components.escaped(components.listed(view.engine, made.selected, 2 * SHOWN))
    return f"L holds **{len(made.selected)}** components {how}{': ' + names if names else ''}."


def _nothing(view: View) -> None:
    st.info("The clip is silent: no component is active, and there is nothing to draw.")


page()
