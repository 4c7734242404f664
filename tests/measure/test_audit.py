"""An audit's rows, order, filters, finding and exports, on three clips counted by hand."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from measured import scenes

from l2i_core.data.tags import Tag
from l2i_core.measure import audit, tables
from l2i_core.measure.records import CaseRow, ClipRow, LevelRow, flat

# clip: label, f, interpreter, confidence, FF and Random at τ = 0.3
CASES = {
    "good": ("dog", "dog", "dog", 0.9, 2.0, 0.5),
    "chance": ("rain", "rain", "rain", 0.8, 0.5, 0.5),
    "apart": ("dog", "dog", "rain", 0.7, 2.0, 0.5),
    "wrong": ("rain", "dog", "dog", 0.6, 2.0, 0.5),
    "surely wrong": ("rain", "dog", "dog", 0.95, 2.0, 0.5),
    "=cmd()": ("", "rain", "rain", 0.5, 1.0, 0.0),
}


def _tables() -> tuple[list[ClipRow], list[LevelRow]]:
    clips, levels = [], []
    for name, (label, said, theirs, p, ff, random) in CASES.items():
        clips.append(
            ClipRow(
                clip=name,
                label=label,
                fold=1,
                predicted=said,
                interpreter_predicted=theirs,
                probability=p,
                span=4.0,
                interpreter_logits={theirs: 1.0},
            )
        )
        for tau in (0.3, 0.35):
            drawn = tau == 0.3
            levels.append(
                LevelRow(
                    clip=name,
                    threshold=tau,
                    components=3,
                    faithfulness=ff,
                    probability_interpretation=0.5,
                    same_class=1,
                    energy_kept=0.25,
                    log_energy_removed=0.3,
                    random=0.0 if drawn else None,
                    random_energy=random if drawn else None,
                    random_energy_log_energy=0.4 if drawn else None,
                )
            )
    return clips, levels


def _changed(levels: list[LevelRow], names: tuple[str, ...], **figures: float) -> list[LevelRow]:
    """With other figures of these clips at τ 0.3."""
    return [
        replace(row, **figures) if row.clip in names and row.threshold == 0.3 else row
        for row in levels
    ]


@pytest.fixture
def rows() -> list[CaseRow]:
    return audit.audit_rows(*_tables(), 0.3)


def test_the_most_doubtful_come_first(rows: list[CaseRow]) -> None:
    names = [r.clip for r in rows]
    assert names == ["surely wrong", "wrong", "apart", "chance", "good", "=cmd()"]


def test_what_is_unknown_is_neither_right_nor_wrong(rows: list[CaseRow]) -> None:
    by_name = {r.clip: r for r in rows}
    assert by_name["=cmd()"].right is None
    assert by_name["good"].right is True
    assert by_name["chance"].beats_random is False, "equal is not above"
    undrawn = audit.audit_rows(*_tables(), 0.35)
    assert {r.beats_random for r in undrawn} == {None}


def test_the_tau_is_one_with_random(rows: list[CaseRow]) -> None:
    _, levels = _tables()
    assert audit.audited_threshold(levels, 0.9) == 0.3
    bare = [replace(r, random=None) for r in levels]
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
    rows: list[CaseRow], kinds: list[str], label: str | None, expected: int
) -> None:
    assert len(audit.only(rows, kinds, label)) == expected


def test_the_finding_counts(rows: list[CaseRow]) -> None:
    text = audit.finding(rows)
    assert text.startswith(
        "4 of 6 decisions deserve doubt: 2 of 5 with a label misclassified; on 1"
    )
    assert "on 1 removing what it heard costs f nothing, or no more" in text
    good = audit.finding(audit.only(rows, ["right"], "dog")[1:])
    assert good.startswith("0 of 1 decision deserve doubt: 0 misclassified; on none")
    assert "removing what it heard costs f more than chance would (τ = 0.30)" in good
    unlabelled = audit.finding([r for r in rows if r.right is None])
    assert "labels unknown" in unlabelled


def test_what_random_could_not_match_is_untested() -> None:
    clips, levels = _tables()
    # L removes 0.3.
    levels = _changed(levels, ("good", "chance"), random_energy_log_energy=0.2)
    rows = {r.clip: r for r in audit.audit_rows(clips, levels, 0.3)}
    assert rows["good"].beats_random is None, "FF above a weaker opponent shows nothing"
    assert rows["chance"].beats_random is False, "FF not even above a weaker opponent does"
    text = audit.finding(list(rows.values()))
    assert "on 1 of 5 tested removing what it heard costs f nothing, or no more" in text
    assert "1 cannot be tested, because" in text
    assert "chance could not be tested" in audit.doubts(rows["good"])


def test_a_finding_says_what_could_not_be_tested(rows: list[CaseRow]) -> None:
    def start(rows: list[CaseRow]) -> str:
        return audit.finding(rows).split(":")[0]

    good = next(row for row in rows if row.clip == "good")
    weaker = replace(good, energy_matched=0)
    undrawn = replace(weaker, random_energy=None)
    clean, less = (
        "0 of 6 decisions deserve doubt",
        "all other components together hold less log energy",
    )
    assert start([good] * 6) == clean
    assert start([weaker] * 6) == f"{clean}, but none can be tested, because {less}"
    assert start([weaker] * 4 + [good] * 2).startswith(f"{clean}, but 4 cannot be tested, because")
    undrawn_why = "because Random was not drawn"
    assert start([undrawn] * 6) == f"{clean}, but none can be tested, {undrawn_why}"
    assert f"{less} or Random was not drawn" in start([weaker, undrawn, good])
    assert "chance could not be tested" in audit.doubts(undrawn)
    assert audit.doubts(replace(weaker, right=None)) == (
        "f says “dog”; no ground for doubt, but its label is unknown and chance could not be tested."
    )


def test_what_costs_f_nothing_beats_nothing() -> None:
    clips, levels = _tables()
    levels = _changed(levels, ("good",), faithfulness=0.0, random_energy=-0.1)
    rows = {r.clip: r for r in audit.audit_rows(clips, levels, 0.3)}
    assert rows["good"].beats_random is False
    of_class = tables.faithfulness_by_class(tables.at_threshold(clips, levels, 0.3), ["dog"])[0]
    assert (of_class["tested"], of_class["above_energy"]) == (4, 3), (
        "Faithfulness counts as the audit does"
    )
    assert "loses nothing without its interpretation (FF 0.00)" in audit.doubts(rows["good"])


def test_one_clip_in_words(rows: list[CaseRow]) -> None:
    by_name = {r.clip: r for r in rows}
    assert audit.doubts(by_name["good"]).endswith("there is no ground for doubt.")
    assert audit.doubts(by_name["wrong"]) == "f says “dog”, but its label is “rain”."
    both = replace(by_name["wrong"], agrees=False, interpreter_predicted="sea_waves")
    assert "“rain” and the interpreter's first choice is “sea waves”" in audit.doubts(both)


def test_csv_is_no_spreadsheet_formula(rows: list[CaseRow]) -> None:
    read = list(csv.DictReader(audit.to_csv(rows).splitlines()))
    assert len(read) == 6
    assert read[-1]["clip"] == "'=cmd()"
    assert (read[-1]["right"], read[0]["right"]) == ("", "no")
    assert float(read[0]["faithfulness"]) == 2.0
    assert [r["in_words"] for r in read] == [audit.doubts(row) for row in rows]


def test_json_holds_everything(rows: list[CaseRow]) -> None:
    clips, levels = _tables()
    read = json.loads(audit.to_json({"data": "x"}, {"n": 6}, clips, levels, rows))
    assert read["finding"] == audit.finding(rows)
    assert [r["clip"] for r in read["rows"]] == [r.clip for r in rows]
    assert read["levels"] == [
        {k: v for k, v in flat(row).items() if v is not None} for row in levels
    ]
    assert read["about"] == {"data": "x"}


# --- multi-label models -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs() -> list[CaseRow]:
    """Six pairs that f hears, one of them a false alarm, and two misses; see `measured.SCENES`."""
    made = scenes("att")
    return audit.audit_rows(made.clips, made.levels, 0.3)


def test_pairs_are_found_alarms_or_misses(pairs: list[CaseRow]) -> None:
    kinds = {row.case: row.kind for row in pairs}
    assert len(pairs) == 8
    assert {case for case, kind in kinds.items() if kind} == {
        *("alarm:dog", "missed:dog", "deaf:rooster")
    }
    assert kinds["alarm:dog"] == audit.ALARM
    assert kinds["missed:dog"] == kinds["deaf:rooster"] == audit.MISSED
    by_case = {row.case: row for row in pairs}
    assert by_case["both:dog"].right is True
    assert math.isnan(by_case["missed:dog"].faithfulness)
    assert [by_case[case].agrees for case in ("missed:dog", "deaf:rooster", "alarm:dog")] == [
        *(False, True, False)
    ]
    assert by_case["both:dog"].probability == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_finding_and_filters_of_pairs(pairs: list[CaseRow]) -> None:
    found = audit.finding(pairs)
    assert found.startswith("3 of 8 decisions deserve doubt: 1 false alarm and 2 misses; on 2 the ")
    assert "on all 6 tested removing what it heard costs f more" in found
    untested = [row if row.right is False else replace(row, energy_matched=0) for row in pairs]
    assert audit.finding(untested).startswith(
        "3 of 8 decisions deserve doubt, but 5 cannot be tested, because all other "
    ), "a miss is no test that failed to be made"
    assert [r.case for r in audit.only(pairs, [audit.ALARM])] == ["alarm:dog"]
    assert len(audit.only(pairs, [audit.MISSED])) == 2
    assert len(audit.only(pairs, ["right"])) == 5
    assert {r.predicted for r in audit.only(pairs, [], "rain")} == {"rain"}


def test_doubts_of_pairs_are_sentences(pairs: list[CaseRow]) -> None:
    told = {row.case: audit.doubts(row) for row in pairs}
    assert told["both:dog"] == "f hears “dog”; there is no ground for doubt."
    assert told["alarm:dog"] == (
        "f hears “dog”, but its label is “rain” and the interpreter does not hear it."
    )
    assert told["missed:dog"] == "f misses “dog”, which the label holds; the interpreter hears it."
    assert told["deaf:rooster"].endswith("the interpreter does not hear it either.")


def test_pairs_without_a_label_and_of_a_foreign_one() -> None:
    made = scenes("att")
    clips = [replace(clip, label="") for clip in made.clips]
    rows = audit.audit_rows(clips, made.levels, 0.3)
    assert len(rows) == 6
    assert all(row.right is None for row in rows)
    assert "labels unknown" in audit.finding(rows)
    clips = [replace(clip, label="violin") for clip in made.clips]  # a folder's name
    assert not any(r.kind == audit.MISSED for r in audit.audit_rows(clips, made.levels, 0.3))


def test_csv_and_json_of_pairs(pairs: list[CaseRow]) -> None:
    read = {
        (row["clip"], row["predicted"]): row
        for row in csv.DictReader(audit.to_csv(pairs).splitlines())
    }
    assert read["missed", "dog"]["heard"] == "no"
    assert read["missed", "dog"]["faithfulness"] == ""
    assert read["both", "rain"]["label"] == "dog+rain"
    text = audit.to_json({}, {}, [], [], pairs)
    assert '"heard": true' in text
    assert "NaN" not in text


def test_how_many_were_measured_is_said() -> None:
    about = {"clips": 207, "left_out": ["a: why."] * 5, "notes": ["“x” is no class."]}
    assert audit.measured(about) == "207 of 212 clips measured. “x” is no class."
    assert audit.measured({"clips": 1, "left_out": [], "warnings": {"a": ["short."]}}) == (
        "1 of 1 clip measured. The sound of 1 clip has its own warning."
    )


def test_tags_filter_and_are_exported(rows: list[CaseRow]) -> None:
    tags = {"wrong": Tag("wrong"), "good": Tag("confirmed"), "=cmd()": Tag("", "-x")}
    found = audit.tagged(rows, tags)
    assert [row.case for row in found] == [row.case for row in rows]
    assert {row.case for row in audit.only(found, [], None, ["wrong", "confirmed"])} == {
        "wrong",
        "good",
    }
    assert [r.case for r in audit.only(found, ["wrong"], None, [""])] == ["surely wrong"]
    assert len(audit.only(found, [])) == len(rows)
    lines = list(csv.DictReader(audit.to_csv(found).splitlines()))
    assert {line["clip"]: (line["tag"], line["note"]) for line in lines}["'=cmd()"] == ("", "'-x")
    assert "tag" not in audit.to_csv(rows).splitlines()[0]


def test_a_confusion_is_a_cell_of_label_and_decision(rows: list[CaseRow]) -> None:
    assert {r.case for r in audit.only(rows, [], cell=("rain", "dog"))} == {"wrong", "surely wrong"}
    assert audit.only(rows, ["right"], cell=("rain", "dog")) == []
