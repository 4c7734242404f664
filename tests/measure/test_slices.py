"""Slices: confusions, the worst of each class, the listener's own columns, the plane of z."""

from dataclasses import replace

import numpy as np
import pytest
from measured import evaluation, scenes

from l2i_core.measure import audit, slices
from l2i_core.measure.records import CaseRow, ClipRow


def _rows(name: str = "att") -> list[CaseRow]:
    made = scenes(name) if name == "scenes" else evaluation(name)
    return audit.audit_rows(made.clips, made.levels, 0.3)


def test_confusions_are_counted() -> None:
    assert slices.confusions(_rows()) == {("rain", "dog"): 1}
    assert slices.confusions(_rows("scenes")) == {}


def test_the_worst_of_each_class_come_first() -> None:
    rows = _rows()
    found = slices.worst_of_each(rows)
    assert sorted(r.case for r in found) == sorted(r.case for r in rows)
    dogs, rains = ([r for r in rows if r.predicted == said] for said in ("dog", "rain"))
    assert {r.case for r in found[:2]} == {dogs[0].case, rains[0].case}
    for own in (dogs, rains):
        assert [r for r in found if r in own] == own, "in a class the order stays"
    assert slices.worst_of_each([]) == []


def test_slices_are_counted_beside_each_other() -> None:
    rows = _rows()
    table = slices.compared(rows, lambda row: row.predicted)
    assert sum(line["n"] for line in table) == len(rows)
    [dog] = [line for line in table if line["slice"] == "dog"]
    # f calls rain-5 a dog, the interpreter a rooster: of seven dogs six are right and agreed on.
    assert (dog["n"], dog["f right"], dog["interpreter agrees"]) == (7, 6 / 7, 6 / 7)
    assert dog["doubtful"] == 1 / 7
    assert dog["median FF"] == pytest.approx(0.56)
    assert [line["doubtful"] for line in table] == sorted(
        (line["doubtful"] for line in table), reverse=True
    )
    [whole] = slices.compared(rows, lambda row: "all")
    assert whole["n"] == len(rows)
    unlabelled = [replace(row, right=None, random_energy=None) for row in rows]
    [whole] = slices.compared(unlabelled, lambda row: "all")
    assert whole["f right"] is None
    assert whole["FF > 0 and Random"] is None
    assert slices.compared([], lambda row: "all") == []


CLIPS = ("dog/one.wav", "dog/two.wav", "rain/two.wav")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip,site\ndog/one.wav,A\nrain/two.wav,B\n", {"site": ("A", None, "B")}),
        ("site;file;\nA;one.wav;\nB;nobody;\n", {"site": ("A", None, None)}),
        (
            "file\tsnr\tby\none\t3\tme\ntwo\t4\tyou\n",
            {"snr": ("3", None, None), "by": ("me", None, None)},
        ),
    ],
)
def test_columns_are_found_by_clip(text: str, expected: dict[str, tuple[str | None, ...]]) -> None:
    found = slices.columns(text.encode("utf-8-sig"), "own.csv", CLIPS)
    assert found == {
        name: {clip: value for clip, value in zip(CLIPS, values, strict=True) if value}
        for name, values in expected.items()
    }


def test_many_numbers_become_quarters() -> None:
    clips = [f"{i}.wav" for i in range(40)]
    lines = "".join(f"{clip},{i},{i % 5}\n" for i, clip in enumerate(clips))
    found = slices.columns(f"clip,snr,take\n{lines}".encode(), "own.csv", clips)
    assert len(set(found["take"].values())) == 5
    sizes = np.unique(list(found["snr"].values()), return_counts=True)[1]
    assert sizes.tolist() == [10, 10, 10, 10]
    assert found["snr"]["0.wav"] == "0 … 9.75"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "names none of these clips"),
        ("clip,site\nother,A\n", "names none of these clips; give it a column .* “dog/one.wav”"),
        ("clip\ndog/one.wav\n", "needs a second column"),
        ("clip,site\ndog/one.wav,\n", "needs a second column"),
        ("\x00\x01\x02", "names none"),
    ],
)
def test_a_bad_file_is_one_sentence(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        slices.columns(text.encode(), "own.csv", CLIPS)


def _clips(z: np.ndarray) -> list[ClipRow]:
    return [
        ClipRow(
            clip=str(i),
            label="",
            predicted="dog",
            pooled={str(k): float(v) for k, v in enumerate(row)},
        )
        for i, row in enumerate(z)
    ]


def test_the_plane_holds_the_two_largest_variances() -> None:
    z = np.random.default_rng(0).exponential(size=(50, 6)) * np.arange(6)
    made = slices.plane(_clips(z))
    assert made is not None
    points = np.array([made.points[str(i)] for i in range(50)])
    largest = np.linalg.eigvalsh(np.cov(z.T))[::-1]
    np.testing.assert_allclose(np.cov(points.T), np.diag(largest[:2]), atol=1e-6)
    np.testing.assert_allclose(made.shares, largest[:2] / largest.sum(), rtol=1e-5)
    assert made == slices.plane(_clips(z))


def test_no_plane_without_clips_or_z() -> None:
    z = np.ones((5, 4))
    assert slices.plane([]) is None
    assert slices.plane(_clips(z)) is None
    assert slices.plane(_clips(np.eye(4)[:2])) is None
    assert slices.plane(_clips(np.arange(5.0)[:, None])) is None
    assert slices.plane(list(evaluation("att").clips)) is None, "these have no z"
    mixed = [*_clips(np.eye(4)), *_clips(np.eye(3))]
    assert slices.plane(mixed) is None
