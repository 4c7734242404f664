"""Every page with a multi-label model: several active classes, and none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from driving import Open, button, engine_for, select, texts, url
from measured import scenes
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, Analysis
from l2i_core.measure import audit
from l2i_core.measure.evaluation import Settings
from l2i_core.measure.explained import Explained
from l2i_core.measure.random import beats_chance, count_matched, draw, random_drops
from l2i_core.report import evidence, paper
from l2i_core.report.html_report import audit_html, exhibit
from l2i_core.report.report import statement
from l2i_core.task import SEVERAL_CLASSES
from l2i_core.words import joined
from pages.shell import cached, clips, jobs
from pages.show.words import class_name, logit


def heard(app: AppTest) -> tuple[L2I, Analysis, list[str]]:
    """The model, the clip as it hears it, and the names of the classes above 0.5."""
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()[clips.FIRST].read())
    return (
        engine,
        analysis,
        [class_name(engine.classes[c]) for c in engine.decided(analysis.logits)],
    )


# --- Listen -----------------------------------------------------------------------------------


def test_listen_shows_one_interpretation_for_each_class(open_many: Open) -> None:
    app = open_many()
    engine, analysis, names = heard(app)
    assert len(names) > 2
    assert app.title[0].value == f"Why did the model hear “{names[0]}”?"
    assert f"**f hears {joined(names)}**" in texts(app)
    shown = [m.value for m in app.markdown if m.value.startswith("**") and "nterpreter" in m.value]
    assert [text.split("**")[1] for text in shown] == names
    for text, name in zip(shown, names, strict=True):
        c = engine.class_index(name.replace(" ", "_"))
        assert ("disagrees" in text) == (float(analysis.interpreter_logits[c]) <= 0)
    assert len([b for b in app.button if b.label == "In detail"]) == len(names) - 1
    subheaders = [s.value for s in app.subheader]
    assert any(s.startswith("FF ") and s.endswith(" in probability") for s in subheaders)
    assert not any("logit" in s for s in [*subheaders, texts(app)])


def test_panels_hold_ff_in_probability_beside_both_randoms(open_many: Open) -> None:
    app = open_many()
    engine, analysis, names = heard(app)
    texts_of_panels = [m.value for m in app.markdown if m.value.startswith("FF **")]
    made = [engine.interpret(analysis, name.replace(" ", "_"), 0.3) for name in names]
    made = [one for one in made if one.selected]
    assert len(texts_of_panels) == len(made)
    for text, one in zip(texts_of_panels, made, strict=True):
        c = one.target_index
        left = engine.judge(analysis, one).logits_without
        drop = float((engine.probabilities(analysis.logits) - engine.probabilities(left))[c])
        assert f"FF **{logit(drop)} in probability**" in text
        few, seeded = cached.FEW_DRAWS, np.random.default_rng
        (matched,) = draw(
            engine, analysis, c, one.gains, ("random_energy",), draws=few, generator=seeded(0)
        )
        sets = count_matched(len(one.relevance), one.selected, len(one.selected), few, seeded(0))
        count = random_drops(engine, analysis, c, sets).median
        energy = "equal log energy" if matched.as_much else "less log energy (there is no more)"
        assert f"**{logit(matched.median)}** at {energy}, **{logit(count)}** at equal count" in text
        beats = beats_chance(drop, matched.median, matched.as_much, SEVERAL_CLASSES.resolution)
        assert (":orange[The claim does not hold" in text) == (beats is False)
        assert ("The claim is not tested" in text) == (beats is None)


def test_another_class_comes_into_detail_and_beside(open_many: Open) -> None:
    app = open_many()
    _, _, names = heard(app)
    button(app, "In detail").click().run()
    assert not app.exception
    assert app.title[0].value == f"Why did the model hear “{names[1]}”?"
    options = select(app, "Class to explain").options
    other = next(c for c in options if "f hears it" not in c).split(" · ")[0]
    select(app, "Class to explain").set_value(other.replace(" ", "_")).run()
    assert app.title[0].value == f"The model heard {joined(names)}. What speaks for “{other}”?"
    panels = [m.value for m in app.markdown if "not heard" in m.value]
    assert [text.split("**")[1] for text in panels] == [other]


def test_where_f_hears_nothing_the_page_says_so(open_many: Open) -> None:
    app = open_many(bundle="none")
    engine, analysis, names = heard(app)
    assert names == []
    most = class_name(engine.classes[analysis.predicted])
    assert app.title[0].value == (f"The model heard none of its classes. What speaks for “{most}”?")
    assert "f hears none of its classes" in texts(app)
    assert not [b for b in app.button if b.label == "In detail"]
    assert url(app)["class"] == engine.classes[analysis.predicted]


@pytest.mark.parametrize("page", ["dictionary", "noise", "faithfulness", "fidelity", "audit"])
def test_context_bar_says_what_f_hears(open_many: Open, page: str) -> None:
    app = open_many(page, clip=clips.FIRST)
    _, _, names = heard(app)
    assert f"f hears **{names[0]} (" in texts(app)
    assert "The interpreter agrees on" in texts(app)
    app = open_many(page, bundle="none")
    assert "f hears **none of its classes (most probable: " in texts(app)


# --- pages that read metrics: six clips, six pairs, see `measured.scenes` ----------------------

MEASURED = "scenes-measured"


def test_faithfulness_is_in_probability(open_many: Open) -> None:
    app = open_many("faithfulness", bundle=MEASURED, evaluated="alarm:dog")
    said = texts(app)
    found = app.table[0].value.iloc[:, 0]
    assert found["median FF, 6 pairs of clip and class"] == "0.24"  # 0.1 · 3.5 · 0.7
    assert app.table[0].value.loc["FF is larger on"].iloc[1].startswith("6 of 6, p ")
    assert "(τ = 0.30, n = 6 pairs of clip and class)" in said
    radio = next(r for r in app.radio if r.label == "FF in")
    assert radio.options[0] == "probability"
    one = next(t.value for t in app.table if "f hears" in t.value.index)
    assert one.loc["labelled"].iloc[0] == "rain"
    assert one.loc["f hears"].iloc[0] == "dog"
    assert "dog" not in one.loc["the interpreter hears"].iloc[0]
    assert "logit" not in said
    next(b for b in app.button if b.label == "τ = 0.10").click().run()
    assert not app.exception
    assert url(app)["tau"] == "0.10"
    assert not [b for b in app.button if str(b.key).startswith("fig2")]


def test_a_scale_of_another_model_is_no_error(open_many: Open) -> None:
    app = open_many("faithfulness", bundle=MEASURED, scale="logits")
    assert "There is no scale “logits” here; showing “probability” instead." in texts(app)
    app = open_many("faithfulness", bundle=MEASURED, scale="share")
    assert app.table[0].value.iloc[0, 0].endswith("%")


def test_fidelity_shows_auprc_beside_the_papers(open_many: Open) -> None:
    app = open_many("fidelity", bundle=MEASURED)
    said = texts(app)
    made = scenes("att").summary
    assert f"macro-AUPRC {made['fidelity']['macro_auprc']:.3f}" in said
    assert f"macro-AUPRC {made['truth']['macro_auprc']:.3f}" in said
    assert "it hears 5 of the 6 pairs of clip and class that f hears, and 2 more" in said
    assert "On 3 of 6 clips both hear the same" in said
    ours, medians, theirs = (t.value for t in app.table[:3])
    assert ours.index.tolist() == ["ATT", "MAX", "guessing"]
    assert ours.loc["guessing", "micro-AUPRC"] == "0.100"
    assert medians.loc["ATT", "τ 0.3"] == "0.24"
    for name, values in paper.DETECTION.items():
        assert theirs.loc[name].tolist() == [f"{v:.3f}" for v in values]
    counts, by_class, apart = (d.value for d in app.dataframe)
    assert counts.loc["dog", "dog"] == 2
    dog = by_class[by_class["class"] == "dog"].iloc[0]
    assert (dog["n by f"], dog["only f"], dog["only the interpreter"]) == (3, 1, 1)
    assert (dog["f's misses"], dog["f's false alarms"]) == (1, 1)
    assert set(apart["clip"]) == {"more", "alarm", "missed"}


def test_audit_has_a_line_for_each_pair_and_miss(open_many: Open) -> None:
    app = open_many("audit", bundle=MEASURED)
    assert "3 of 8 decisions deserve doubt: 1 false alarm and 2 misses" in texts(app)
    frame = app.dataframe[0].value
    assert len(frame) == 8
    assert set(frame["f"]) == {"found", "false alarm", "missed"}
    assert "dog + rain" in set(frame["label"])
    app = open_many("audit", bundle=MEASURED, show="missed")
    assert app.dataframe[0].value["class"].tolist() == ["dog", "rooster"]
    assert "f misses “dog”, which the label holds; the interpreter hears it." in texts(app)
    app = open_many("audit", bundle=MEASURED, show="alarm.class:dog", evaluated="alarm")
    assert app.dataframe[0].value["clip"].tolist() == ["alarm"]
    assert url(app)["evaluated"] == "alarm:dog"


def test_own_recordings_of_a_multi_label_model(
    open_many: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Settings((0.0, 0.3), (0.3,), random_draws=2)
    monkeypatch.setattr(audit, "SETTINGS", quick)
    for index, label in enumerate(("dog", "rain")):
        (tmp_path / label).mkdir()
        path = tmp_path / label / "a.flac"
        path.write_bytes((clips.FOLDER / f"{label}-{index + 1}.flac").read_bytes())
    app = open_many("audit")
    next(t for t in app.text_input if t.label.startswith("Or a folder")).set_value(str(tmp_path))
    next(b for b in app.button if b.label == "Measure").click().run()
    own = app.session_state["l2i_own_audit"]
    job = jobs.find(own.key)
    assert job is not None
    job.wait(120)
    assert (job.complete, job.error) == (True, None)
    app.run()
    assert not app.exception
    assert "decisions deserve doubt" in texts(app)
    frame = app.dataframe[0].value
    assert set(frame["label"]) == {"dog", "rain"}
    assert len(frame) == len(set(zip(frame["clip"], frame["class"], strict=True)))


def test_the_report_of_pairs_is_html(many_models: Path, dog: np.ndarray) -> None:
    engine = L2I.from_bundle(many_models / "many")
    analysis = engine.analyse(dog, 44100)
    made = engine.interpret(analysis, engine.decided(analysis.logits)[0], 0.1)
    explained = Explained(engine, analysis, made)
    report = evidence.evidence_report(
        explained,
        clip_name="dog.wav", input_sha256="ab" * 32, digests={},
        random={"energy_matched": 0.0, "equal_energy": True, "draws": 2},
    )  # fmt: skip
    assert report["faithfulness_unit"] == "probability"
    name = class_name(made.target)
    assert f"f's probability of “{name}”" in statement({**report, "faithfulness": 0.2})[0]
    measured = scenes("att")
    rows = audit.audit_rows(measured.clips, measured.levels, 0.3)
    page = audit_html(
        title="Audit", model={}, digests={}, data="", date="", headline="", rows=rows,
        exhibits=[exhibit(rows[0].case, explained, report)],
    )  # fmt: skip
    assert "8 pairs of clip and class at τ = 0.30" in page
    assert "dog, missed" in page
    assert "dog, false alarm" in page
    assert "<td>dog + rain</td>" in page
    assert "logit" not in page
    assert (
        f"f hears <strong>{joined([class_name(engine.classes[c]) for c in engine.decided(analysis.logits)])}"
        in page
    )


# --- Dictionary, Noise lab, How it works ------------------------------------------------------


def test_components_are_ordered_by_the_class_they_were_learned_on(open_many: Open) -> None:
    app = open_many(
        "dictionary", bundle=MEASURED, sort="learned", among="learned", **{"class": "dog"}
    )
    engine = engine_for(app)
    mine = [k for k, group in enumerate(engine.dictionary.groups) if group == "dog"]
    assert f"**{len(mine)} of 12 components, by class it was learned on**" in texts(app)
    assert "was learned on clips of “dog”" in " ".join(c.value for c in app.caption)
    assert "speak most for the class on whose clips they were learned" in texts(app)
    app = open_many("dictionary", bundle=MEASURED)
    assert "learned on clips of “" in texts(app)
    assert "dog + rain" in set(app.dataframe[0].value["label"])


def test_a_dictionary_without_groups_offers_no_such_order(open_app: Open) -> None:
    app = open_app(page="dictionary", bundle="random", sort="learned")
    assert "There is no order of components “learned” here" in texts(app)
    assert len(select(app, "Sort by").options) == 4


def test_noise_lab_counts_probability(open_many: Open) -> None:
    app = open_many("noise")
    said = texts(app)
    assert "SNR f " in said
    assert "; it hears " in said
    table = next(t.value for t in app.table if "FF in probability" in t.value.index)
    assert not [name for name in table.index if "logit" in name]
    assert any(name.startswith("f's probability of ") for name in table.index)
    assert not app.exception


def test_how_it_works_says_hears(open_many: Open) -> None:
    app = open_many("lesson", step="all")
    said = texts(app)
    _, _, names = heard(app)
    assert f"**What f hears: {joined(names)}** (probabilities)" in said
    assert re.search("Taking the interpretation out [a-z]+ f's probability of “", said)
    assert "**AUPRC.**" in said
    app = open_many("lesson", bundle="none", step="9")
    assert not app.exception
