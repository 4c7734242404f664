"""An audit's rows, order, filters, finding and exports, on three clips counted by hand."""

from __future__ import annotations

import csv
import json

import pytest

from l2i_core import audit
from l2i_core.evaluation import Row

# clip: label, f, interpreter, confidence, FF and Random at τ = 0.3
CASES = {
    "good": ("dog", "dog", "dog", 0.9, 2.0, 0.5),
    "chance": ("rain", "rain", "rain", 0.8, 0.5, 0.5),
    "apart": ("dog", "dog", "rain", 0.7, 2.0, 0.5),
    "wrong": ("rain", "dog", "dog", 0.6, 2.0, 0.5),
    "surely wrong": ("rain", "dog", "dog", 0.95, 2.0, 0.5),
    "=cmd()": ("", "rain", "rain", 0.5, 1.0, 0.0),
}


def _tables() -> tuple[list[Row], list[Row]]:
    clips, levels = [], []
    for name, (label, said, theirs, p, ff, random) in CASES.items():
        clips.append(
            {
                "clip": name,
                "label": label,
                "predicted": said,
                "interpreter_predicted": theirs,
                "probability": p,
                "span": 4.0,
            }
        )
        for tau in (0.3, 0.35):
            levels.append(
                {
                    "clip": name,
                    "threshold": tau,
                    "components": 3,
                    "faithfulness": ff,
                    "same_class": 1,
                    "energy_kept": 0.25,
                    "log_energy_removed": 0.3,
                    "random": 0.0 if tau == 0.3 else "",
                    "random_energy": random if tau == 0.3 else "",
                    "random_energy_log_energy": 0.4 if tau == 0.3 else "",
                }
            )
    return clips, levels


@pytest.fixture
def rows() -> list[Row]:
    return audit.audit_rows(*_tables(), 0.3)


def test_the_most_doubtful_come_first(rows: list[Row]) -> None:
    names = [r["clip"] for r in rows]
    assert names == ["surely wrong", "wrong", "apart", "chance", "good", "=cmd()"]


def test_what_is_unknown_is_neither_right_nor_wrong(rows: list[Row]) -> None:
    by_name = {r["clip"]: r for r in rows}
    assert by_name["=cmd()"]["right"] is None
    assert by_name["good"]["right"] is True
    assert by_name["chance"]["beats_random"] is False, "equal is not above"
    undrawn = audit.audit_rows(*_tables(), 0.35)
    assert {r["beats_random"] for r in undrawn} == {None}


def test_the_tau_is_one_with_random(rows: list[Row]) -> None:
    _, levels = _tables()
    assert audit.audited_threshold(levels, 0.9) == 0.3
    bare = [{**r, "random": ""} for r in levels]
    assert audit.audited_threshold(bare, 0.9) == 0.35


@pytest.mark.parametrize(
    ("kinds", "label", "expected"),
    [
        ([], None, 6),
        (["wrong"], None, 2),
        (["right"], None, 3),
        (["right", "disagrees"], None, 1),
        (["wrong", "right"], None, 0),
        (["chance"], None, 1),
        ([], "dog", 4),
        (["wrong"], "rain", 2),
    ],
)
def test_filters_narrow(
    rows: list[Row], kinds: list[str], label: str | None, expected: int
) -> None:
    assert len(audit.only(rows, kinds, label)) == expected


def test_the_finding_counts(rows: list[Row]) -> None:
    text = audit.finding(rows)
    assert text.startswith(
        "4 of 6 decisions deserve doubt: 2 of 5 with a label misclassified; on 1"
    )
    assert "on 1 removing what it heard costs f nothing, or no more" in text
    good = audit.finding(audit.only(rows, ["right"], "dog")[1:])
    assert good.startswith("0 of 1 decision deserve doubt: 0 misclassified; on none")
    assert "FF > energy-matched Random at τ = 0.30" in good
    unlabelled = audit.finding([r for r in rows if r["right"] is None])
    assert "labels unknown" in unlabelled


def test_what_random_could_not_match_is_untested() -> None:
    clips, levels = _tables()
    for row in levels:
        if row["clip"] in ("good", "chance") and row["threshold"] == 0.3:
            row["random_energy_log_energy"] = 0.2  # L removes 0.3
    rows = {r["clip"]: r for r in audit.audit_rows(clips, levels, 0.3)}
    assert rows["good"]["beats_random"] is None, "FF above a weaker opponent shows nothing"
    assert rows["chance"]["beats_random"] is False, "FF not even above a weaker opponent does"
    text = audit.finding(list(rows.values()))
    assert "on 1 of 5 tested removing what it heard costs f nothing, or no more" in text
    assert "1 cannot be tested against chance" in text
    assert "chance could not be tested" in audit.doubts(rows["good"])


def test_what_costs_f_nothing_beats_nothing() -> None:
    clips, levels = _tables()
    for row in levels:
        if row["clip"] == "good" and row["threshold"] == 0.3:
            row |= {"faithfulness": 0.0, "random_energy": -0.1}
    rows = {r["clip"]: r for r in audit.audit_rows(clips, levels, 0.3)}
    assert rows["good"]["beats_random"] is False
    assert "loses nothing without its interpretation (FF 0.00)" in audit.doubts(rows["good"])


def test_one_clip_in_words(rows: list[Row]) -> None:
    by_name = {r["clip"]: r for r in rows}
    assert audit.doubts(by_name["good"]).endswith("there is no ground for doubt.")
    assert audit.doubts(by_name["wrong"]) == "f says “dog”, but its label is “rain”."
    both = {**by_name["wrong"], "agrees": False, "interpreter_predicted": "sea_waves"}
    assert "“rain” and the interpreter's first choice is “sea waves”" in audit.doubts(both)


def test_csv_is_no_spreadsheet_formula(rows: list[Row]) -> None:
    read = list(csv.DictReader(audit.to_csv(rows).splitlines()))
    assert len(read) == 6
    assert read[-1]["clip"] == "'=cmd()"
    assert (read[-1]["right"], read[0]["right"]) == ("", "no")
    assert float(read[0]["faithfulness"]) == 2.0


def test_json_holds_everything(rows: list[Row]) -> None:
    clips, levels = _tables()
    read = json.loads(audit.to_json({"data": "x"}, {"n": 6}, clips, levels, rows))
    assert read["finding"] == audit.finding(rows)
    assert [r["clip"] for r in read["rows"]] == [r["clip"] for r in rows]
    assert read["levels"] == levels
    assert read["about"] == {"data": "x"}
