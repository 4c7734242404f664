"""The rows' one CSV form: shipped files byte for byte, damaged ones by their column."""

import csv
import dataclasses
from pathlib import Path

import pytest

from l2i_core.measure import records
from l2i_core.measure.records import Case, ClipRow, LevelRow

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "assets/bundles").glob("*/metrics/*.csv"))
KINDS = {"clips": ClipRow, "levels": LevelRow, "cases": Case}
TEXTS = {
    *("clip", "label", "class", "predicted", "interpreter_predicted", "target", "mask_domain"),
    *("interpreter", "system", "other", "other_class", "weights", "down_to"),
}


def kind_of(path: Path) -> type | None:
    return KINDS.get(path.name.partition("-")[0])


def test_every_kind_of_row_is_shipped() -> None:
    assert {kind_of(path) for path in SHIPPED} == {*KINDS.values(), None}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.parent.name}-{p.name}")
def test_what_is_read_is_written_byte_for_byte(path: Path) -> None:
    kind = kind_of(path)
    if kind is None:
        written = records.to_csv(records.read_table(path, TEXTS))
    else:
        written = records.write(records.read(path, kind))
    assert written == path.read_text()


LEVEL = LevelRow(
    clip="00_000066",
    class_="1",
    threshold=0.3,
    components=2,
    faithfulness=1.25,
    probability_interpretation=0.5,
    same_class=1,
    energy_kept=0.25,
    log_energy_removed=0.5,
    measured={"sparseness": 0.75},
)


def test_names_of_digits_stay_names_and_further_metrics_columns(tmp_path: Path) -> None:
    path = tmp_path / "levels-att.csv"
    path.write_text(records.write([LEVEL, dataclasses.replace(LEVEL, random=0.5, measured={})]))
    head, first, second = csv.reader(path.read_text().splitlines())
    assert head[:3] == ["clip", "class", "threshold"]
    assert head[-2:] == ["random", "sparseness"]
    assert (first[-2:], second[-2:]) == (["", "0.75"], ["0.5", ""])
    assert records.read(path, LevelRow) == [
        LEVEL, dataclasses.replace(LEVEL, random=0.5, measured={}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("energy_kept", "energy_left", "it lacks the column 'energy_kept'"),
        ("1.25", "much", "its column 'faithfulness' holds 'much' where a number must be"),
        ("1.25", "", "its column 'faithfulness' holds '' where a number must be"),
        ("1.25", "nan", "its column 'faithfulness' holds 'nan' where a finite number must be"),
        ("0.75", "x", "its column 'sparseness' holds 'x' where a number must be"),
        ("0.3,2", "0.3,2.5", "its column 'components' holds '2.5' where a number must be"),
        ("0.3,2", "2", "a line has 9 values, not 10"),
    ],
)
def test_a_damaged_file_names_its_column(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "levels-att.csv"
    path.write_text(records.write([LEVEL]).replace(old, new))
    with pytest.raises(ValueError) as caught:
        records.read(path, LevelRow)
    assert str(caught.value) == f"levels-att.csv is damaged: {told}."


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "levels-att.csv"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is damaged: it is no text"):
        records.read(path, LevelRow)


def test_a_table_has_the_columns_of_all_its_lines() -> None:
    text = records.to_csv([{"a": 1, "b": 0.123456789}, {"a": 2, "c": "x, y"}])
    assert list(csv.reader(text.splitlines())) == [
        ["a", "b", "c"],
        ["1", "0.123457", ""],
        ["2", "", "x, y"],
    ]


def test_a_tables_texts_stay_texts(tmp_path: Path) -> None:
    row = {"clip": "00_000066", "class": "nan", "predicted": "007", "fold": 3.0, "norm": ""}
    (tmp_path / "rows.csv").write_text(records.to_csv([row]))
    assert records.read_table(tmp_path / "rows.csv", {"clip", "class", "predicted"}) == [row]
