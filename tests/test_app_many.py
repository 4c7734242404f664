"""Every page with a multi-label model: several active classes, and none."""

from __future__ import annotations

import numpy as np
import pytest
from driving import Open, button, engine_for, select, texts, url
from streamlit.testing.v1 import AppTest

from l2i_core import L2I, Analysis
from l2i_core.baselines.random import count_matched, energy_matched_drops, random_drops
from l2i_core.words import joined
from pages.shared import clips, engines
from pages.shared.words import class_name, logit


def heard(app: AppTest) -> tuple[L2I, Analysis, list[str]]:
    """The model, the clip as it hears it, and the names of the classes above 0.5."""
    engine = engine_for(app)
    analysis = engine.analyse(*clips.at_hand()[clips.FIRST].read())
    return engine, analysis, [class_name(engine.classes[c]) for c in engine.decided(analysis.logits)]


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
        few, draw = engines.FEW_DRAWS, np.random.default_rng
        energy = energy_matched_drops(engine, analysis, c, one.selected, few, draw(0)).median
        sets = count_matched(len(one.relevance), one.selected, len(one.selected), few, draw(0))
        count = random_drops(engine, analysis, c, sets).median
        assert f"**{logit(energy)}** at equal energy, **{logit(count)}** at equal count" in text
        assert ("No better than chance" in text) == (0 < drop <= energy)


def test_another_class_comes_into_detail_and_beside(open_many: Open) -> None:
    app = open_many()
    _, _, names = heard(app)
    button(app, "In detail").click().run()
    assert not app.exception
    assert app.title[0].value == f"Why did the model hear “{names[1]}”?"
    other = next(c for c in select(app, "Class to explain").options if "f hears it" not in c)
    select(app, "Class to explain").set_value(other.replace(" ", "_")).run()
    assert app.title[0].value == f"The model heard {joined(names)}. What speaks for “{other}”?"
    panels = [m.value for m in app.markdown if "not heard" in m.value]
    assert [text.split("**")[1] for text in panels] == [other]


def test_where_f_hears_nothing_the_page_says_so(open_many: Open) -> None:
    app = open_many(bundle="none")
    engine, analysis, names = heard(app)
    assert names == []
    most = class_name(engine.classes[analysis.predicted])
    assert app.title[0].value == (
        f"The model heard none of its classes. What speaks for “{most}”?"
    )
    assert "f hears none of its classes" in texts(app)
    assert not [b for b in app.button if b.label == "In detail"]
    assert url(app)["class"] == engine.classes[analysis.predicted]


@pytest.mark.parametrize("page", ["dictionary", "noise", "faithfulness", "fidelity", "audit"])
def test_context_bar_says_what_f_hears(open_many: Open, page: str) -> None:
    app = open_many(page)
    _, _, names = heard(app)
    assert f"f hears **{names[0]} (" in texts(app)
    assert "The interpreter agrees on" in texts(app)
    app = open_many(page, bundle="none")
    assert "f hears **none of its classes (most probable: " in texts(app)
