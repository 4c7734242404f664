"""The HTML audit: self-contained, escaped, its sounds and figures those of the engine."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import soundfile

from l2i_core import L2I, Analysis
from l2i_core.measure.explained import Explained
from l2i_core.measure.records import CaseRow
from l2i_core.report import evidence
from l2i_core.report.html_report import Exhibit, audit_html, exhibit
from l2i_core.report.report import statement
from l2i_core.signal import audio

EVIL = "<script>alert(1)</script>\"'&.wav"
VOID = {"meta", "img", "source", "br"}


class _Page(HTMLParser):
    """Tags, attributes and texts; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def shown(engine: L2I, analysis: Analysis) -> Exhibit:
    i = engine.interpret(analysis, "dog", 0.0)
    made = Explained(engine, analysis, i)
    report = evidence.evidence_report(
        made,
        clip_name=EVIL, input_sha256="ab" * 32, digests={}, names={i.selected[0]: EVIL},
    )  # fmt: skip
    return exhibit(EVIL, made, report)


def _row(**values: Any) -> CaseRow:
    given = {
        "clip": EVIL,
        "label": EVIL,
        "predicted": "dog",
        "interpreter_predicted": "rain",
        "probability": 0.5,
        "right": False,
        "agrees": False,
        "scale": "logits",
        "resolution": 0.002,
        "case": EVIL,
        "threshold": 0.3,
        "faithfulness": 1.0,
        "random_energy": 2.0,
        "components": 3,
    }
    return CaseRow(**(given | values))


def _html(exhibits: list[Exhibit], rows: list[CaseRow] | None = None) -> str:
    return audit_html(
        title=EVIL,
        model={"Model": EVIL, EVIL: "x"},
        digests={EVIL: "cd"},
        data=EVIL,
        date="2030-01-01",
        headline=EVIL,
        rows=[_row(), _row(clip="b.wav", case="b.wav", right=None, label="")]
        if rows is None
        else rows,
        exhibits=exhibits,
        url="javascript:alert('x')",
    )


def test_components_have_the_users_names(shown: Exhibit) -> None:
    first, second = shown.report["selected"][:2]
    texts = _Page(_html([shown])).texts
    assert f"#{first} · {EVIL}" in texts
    assert f"#{second}" in texts


def test_names_are_text_not_markup(shown: Exhibit) -> None:
    text = _html([shown])
    page = _Page(text)
    assert not page.all("script")
    assert "<script" not in text
    assert any("<script>alert(1)</script>" in t for t in page.texts), "shown as it is written"
    assert all(not key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert all("javascript" not in (a.get("href") or "") for a in page.all("a"))


def test_tags_stand_in_table_and_exhibit(shown: Exhibit) -> None:
    assert "tag" not in _Page(_html([shown])).texts
    report = {**shown.report, "tag": "unsure", "note": EVIL}
    rows = [_row(tag="wrong", note=EVIL), _row(case="b.wav")]
    page = _Page(_html([replace(shown, report=report)], rows))
    assert {"tag", "note", "wrong", "unsure"} <= set(page.texts)
    assert any(f"noted: “{EVIL}”" in text for text in page.texts)


def test_nothing_is_fetched(shown: Exhibit) -> None:
    page = _Page(_html([shown]))
    for _, attributes in page.tags:
        for name in ("src", "srcset", "href"):
            if value := attributes.get(name):
                assert value.startswith(("data:", "#")), value[:40]
    policy = next(m for m in page.all("meta") if m.get("http-equiv"))
    assert "default-src 'none'" in (policy["content"] or "")
    assert "url(" not in _html([shown])


def test_links_lead_to_exhibits_of_the_table(shown: Exhibit) -> None:
    page = _Page(_html([shown]))
    ids = {a["id"] for a in page.all("section") if "id" in a}
    assert [a["href"] for a in page.all("a")] == ["#clip-1"]
    assert ids == {"clip-1"}


def test_sounds_share_one_gain(shown: Exhibit, engine: L2I, analysis: Analysis) -> None:
    page = _Page(_html([shown]))
    i = engine.interpret(analysis, "dog", 0.0)
    heard = [analysis.waveform.numpy(), i.audio.numpy(), i.residual.numpy()]
    gain = audio.common_gain(heard)
    players = page.all("audio")
    assert len(players) == 3
    for player, expected in zip(players, heard, strict=True):
        assert player.get("aria-label")
        data = base64.b64decode((player["src"] or "").split(",")[1])
        sound, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        assert rate == engine.audio.sample_rate
        np.testing.assert_allclose(sound, gain * expected, atol=2 / 32768)


def test_it_is_readable_in_both_themes_and_without_eyes(shown: Exhibit) -> None:
    text = _html([shown])
    page = _Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert all(image.get("alt") for image in page.all("img"))
    assert page.all("source")[0]["media"] == "screen and (prefers-color-scheme: dark)"
    assert page.all("source")[0]["srcset"] != page.all("img")[0]["src"]
    assert all(cell.get("scope") for cell in page.all("th"))
    assert len(re.findall("prefers-color-scheme", text)) >= 2


def test_bounds(shown: Exhibit) -> None:
    with pytest.raises(ValueError, match="at most 10 clips with sound, received 11"):
        _html([shown] * 11)
    with pytest.raises(ValueError, match="nothing to report"):
        _html([], [])
    assert not _Page(_html([])).all("audio")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"selected": []}, "No component is selected for “dog”"),
        ({"faithfulness": -0.5, "random": None}, "raises f's logit for “dog” by 0.50 (FF −0.50)."),
        ({}, "lowers f's logit for “dog” by 2.00 (FF 2.00), 50\u202f% of what silence"),
        ({}, "(median of 20 draws) instead lowers it by 0.50. The claim holds: FF 2.00 is above"),
        ({"faithfulness": 0.5}, "The claim does not hold: FF 0.50 is no more than Random's."),
        (
            {"random": {"energy_matched": 0.5, "equal_energy": False, "draws": 20}},
            "The claim is not tested: all other components together hold less log energy; a larger",
        ),
        (
            {
                "faithfulness": 0.0015,
                "random": {"energy_matched": 0.0, "equal_energy": True, "draws": 20},
            },
            "The claim does not hold: f loses nothing",  # no more than f's rounding
        ),
        (
            {"interpreter_top": ["rain"]},
            "matters to f (FF 2.00 is above Random's 0.50), but the interpreter disagrees with f",
        ),
    ],
)
def test_the_verdict_in_words(changes: dict[str, Any], expected: str) -> None:
    report = {
        "target": "dog",
        "selected": [1],
        "faithfulness": 2.0,
        "relative_faithfulness": 0.5,
        "random": {"energy_matched": 0.5, "equal_energy": True, "draws": 20},
        "interpreter_top": ["dog"],
        "predicted": "dog",
        **changes,
    }
    assert expected in " ".join(statement(report))
