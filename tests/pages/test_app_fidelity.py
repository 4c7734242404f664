"""The Fidelity page, driven by AppTest: what it says against hand-written metrics."""

from pathlib import Path

import pytest
from driving import Open, button, select, texts, url
from measured import CLASSES
from streamlit.testing.v1 import AppTest

from l2i_core.report import paper
from pages.fidelity import top_k
from pages.shell import clips, results
from pages.shell.clips import FOLDER, ClipSource

PAGE = "fidelity"


def said(app: AppTest) -> str:
    return texts(app) + " ".join(c.value for c in app.caption)


def test_first_visit_states_question_and_finding(open_measured: Open) -> None:
    app = open_measured(PAGE)
    assert app.title[0].value == "How closely does the interpreter follow f?"
    # The interpreter's first choice is f's on 11 of 12 clips, f's class its second on the last.
    assert (
        "names f's class first on 11 of 12 clips (92\u202f%, 95 % interval 65–99\u202f%)"
        in said(app)
    )
    assert "among its first 3 on 12" in said(app)
    assert "f itself is right on 11 of 12 clips" in said(app)
    assert "of its 1 mistake the interpreter names 0" in said(app)
    assert not app.error
    assert not app.warning
    assert url(app)["evaluated"] == "rain-5", "the disagreement first"


def test_systems_stand_beside_the_papers(open_measured: Open) -> None:
    ours, ours_ff, theirs, theirs_ff = (t.value for t in open_measured(PAGE).table)
    assert ours["top-1"].tolist() == ["0.917", "0.917", f"{1 / len(CLASSES):.3f}"]
    assert ours.index[-1] == "guessing"
    assert ours_ff["τ 0.3"].tolist()[:2] == ["0.91", "1.82"], "att, and max twice as faithful"
    assert ours_ff["τ 0.9"].tolist() == ["–"] * 4, "not among the evaluation's τ"
    for name in ("FLINT", "VIBI"):  # the paper's figures alone: this model has no such system
        assert theirs.loc[name].tolist() == [f"{v:.3f}" for v in paper.FIDELITY[name]]
        assert name not in ours.index
        assert name not in ours_ff.index
    assert theirs_ff.loc["L2I + Θ_ATT"].tolist() == ["0.21", "0.42", "0.89", "1.29"]
    heads = [m.value for m in open_measured(PAGE).markdown]
    assert any("The paper's: ESC-50" in h and "Table 1" in h for h in heads)
    assert "Another test" in said(open_measured(PAGE))


def test_both_tables_of_systems_are_files(
    open_measured: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[list[dict]] = []
    monkeypatch.setattr(results, "to_csv", lambda rows: made.append(list(rows)) or "")
    app = open_measured(PAGE)
    fidelity, faithfulness = made[-5:-3]
    ours, ours_ff = (t.value for t in app.table[:2])
    assert [row["system"] for row in fidelity] == ours.index.tolist()
    assert [row["system"] for row in faithfulness] == ours_ff.index.tolist()
    assert faithfulness[1]["τ 0.3"] == pytest.approx(1.82)
    assert faithfulness[1]["τ 0.9"] is None


def test_classes_and_disagreements(open_measured: Open) -> None:
    app = open_measured(PAGE)
    matrix, by_class, apart = (d.value for d in app.dataframe)
    assert matrix.to_numpy().sum() == 12
    assert matrix.loc["dog", "rooster"] == 1
    dog = by_class[by_class["class"] == "dog"].iloc[0]
    assert (dog["n by f"], dog["n labelled"], dog["f right"]) == (7, 6, 6)
    assert dog["top-1"] == pytest.approx(6 / 7, abs=0.005)
    assert apart["clip"].tolist() == ["rain-5"]
    assert apart["rank of f's class"].tolist() == [2]
    assert "f “dog”, interpreter “rooster”, 1 of 12 clips" in said(app)


def test_a_cell_of_the_matrix_lists_its_clips(open_measured: Open) -> None:
    app = open_measured(PAGE)
    app.session_state["cell measured att"] = ("dog", "dog")  # as a click on the figure puts it
    app.run()
    assert app.dataframe[2].value["clip"].nunique() == 6
    assert "f “dog”, interpreter “dog”" in [s.value for s in app.subheader]
    button(app, "All disagreements").click().run()
    assert app.dataframe[2].value["clip"].tolist() == ["rain-5"]


def test_classes_that_f_never_names_leave_the_matrix_alone(open_measured: Open) -> None:
    app = open_measured(PAGE)
    view = app.session_state["l2i_view"]
    made = top_k.account(view, results.read(*view.key.measured))
    named = {row["class"] for row in made.classes if row["n by f"]}
    silent = [label for label in made.labels if label not in named]
    assert silent, "the metrics leave a class out"
    assert len(made.charts(silent)) == 1
    assert len(made.charts(made.labels)) == 2


def test_the_disagreement_opens_in_listen(
    open_measured: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clips.at_hand
    here = ClipSource("esc10:rain-5", "Rain 5", "rain-1.flac", FOLDER / "rain-1.flac")
    monkeypatch.setattr(clips, "at_hand", lambda: {**real(), here.id: here})
    app = open_measured(PAGE, tau="0.20")
    next(b for b in app.button if b.label == "Open in Listen").click().run()
    assert not app.exception
    assert (url(app)["clip"], url(app)["class"], url(app)["tau"]) == ("esc10:rain-5", "dog", "0.20")


def test_another_interpreter_and_a_wrong_clip(open_measured: Open) -> None:
    app = open_measured(PAGE, evaluated="nobody")
    assert [w.value for w in app.warning if "“nobody”" in w.value]
    select(app, "Interpreter").set_value("max").run()
    assert not app.warning
    assert "MAX names f's class first" in said(app)


def test_every_model_has_a_line_and_a_card(open_measured: Open) -> None:
    app = open_measured(PAGE, bundle="esc10")
    lines = {
        e.label.partition("**")[2].partition("**")[0]: e for e in app.expander if "**" in e.label
    }
    assert list(lines)[0] == "esc10", "the chosen one first"
    assert {"esc50", "scenes", "measured"} < set(lines)
    assert "50 classes · 16\u202fkHz" in lines["esc50"].label
    assert "chosen" in lines["esc10"].label
    assert "chosen" not in lines["esc50"].label
    assert all("Licence" in lines[n].markdown[0].value for n in ("esc10", "esc50", "scenes"))
    assert "no card" in lines["measured"].markdown[0].value
    told = select(app, "Model").help
    assert all(
        f"**{n}** {lines[n].label.split(' · ', 1)[1].split(' · the one')[0]}" in told for n in lines
    )


def test_a_damaged_model_has_a_line_too(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path))
    app = open_app(page=PAGE, bundle="esc10")
    assert not app.error
    assert any("**broken**" in e.label and "not valid JSON" in e.label for e in app.expander)
