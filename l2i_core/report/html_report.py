"""An audit as one HTML file: sounds and pictures inside, nothing fetched, no script.

Opens in any browser without the app, light or dark as the reader prefers. Every text that comes
from a file, a model or a user is escaped; a policy in the page forbids scripts and requests.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import soundfile
from torch import Tensor

from l2i_core.data.clips import classes_of
from l2i_core.dictionary.names import label
from l2i_core.dictionary.nmf import centre_bins
from l2i_core.measure import audit
from l2i_core.measure.audit import Decision
from l2i_core.measure.explained import Explained
from l2i_core.report import evidence
from l2i_core.report.figures import PALETTES, Palette
from l2i_core.report.report import decision, score, statement, task_in, warning
from l2i_core.signal import audio
from l2i_core.words import TITLES, class_name, compared, hertz, logit, number, percent

MOST_EXHIBITS = 10
LISTED = 12  # components of an exhibit's table
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One clip that is shown in full: its report (an `evidence_report`), its three sounds as
    16-bit FLAC at one `gain`, and the figure as PNG for light and dark."""

    name: str
    report: Mapping[str, Any]
    sounds: tuple[bytes, bytes, bytes]
    gain: float
    figures: tuple[bytes, bytes]
    centres: tuple[float, ...]


def exhibit(name: str, explained: Explained, report: Mapping[str, Any]) -> Exhibit:
    """Render one clip: the sounds share one gain, the spectrograms one dB reference."""
    engine, heard = explained.engine, tuple(explained.sounds.values())
    gain = audio.common_gain(heard)
    rate = engine.audio.sample_rate
    first, second, third = (_flac(sound, gain, rate) for sound in heard)
    light, dark = (evidence.picture(explained, shown) for shown in ("light", "dark"))
    bins = centre_bins(engine.dictionary.patterns) * (rate / engine.audio.n_fft)
    return Exhibit(name, report, (first, second, third), gain, (light, dark), tuple(bins.tolist()))


def audit_html(
    *,
    title: str,
    model: Mapping[str, str],
    digests: Mapping[str, str],
    data: str,
    date: str,
    headline: str,
    rows: Sequence[Decision],
    exhibits: Sequence[Exhibit],
    url: str | None = None,
) -> str:
    """The report.

    model: lines "what" → "which" about model and programs, as they are to be shown; digests:
    SHA-256 of the model's files; data: what the rows were measured on; date: as it is to be shown;
    headline: the finding (`audit.finding` of all rows); rows: those of `audit.audit_rows` that
    the table is to list; url: a link to the view in the app. Raises ValueError for more
    than MOST_EXHIBITS exhibits and for none of either.
    """
    if len(exhibits) > MOST_EXHIBITS:
        raise ValueError(
            f"a report holds at most {MOST_EXHIBITS} clips with sound, received {len(exhibits)}."
        )
    if not rows and not exhibits:
        raise ValueError("there is nothing to report: no row and no clip.")
    about = {**model, "Data": data, "Date": date}
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="finding">{escape(headline)}</p>',
        _facts(about, url),
        _clip_table(rows, exhibits) if rows else "",
        *(_exhibit(number, one) for number, one in enumerate(exhibits, 1)),
        _limits(),
        _digests(digests),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in body if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _flac(sound: Tensor, gain: float, rate: int) -> bytes:
    buffer = io.BytesIO()
    samples = np.clip(sound.numpy() * gain, -1, 1 - 2**-15)
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _facts(about: Mapping[str, str], url: str | None) -> str:
    rows = [f"<dt>{escape(what)}</dt><dd>{escape(which)}</dd>" for what, which in about.items()]
    if url is not None:
        # Only shown: a link could carry a script, and the app may be elsewhere by then.
        rows.append(f"<dt>View in the app</dt><dd><code>{escape(url)}</code></dd>")
    return f"<dl>{''.join(rows)}</dl>"


def _clip_table(rows: Sequence[Decision], exhibits: Sequence[Exhibit]) -> str:
    shown = {one.name: place for place, one in enumerate(exhibits, 1)}
    task = rows[0].task
    many = task.multi_label
    head = ("clip", "label", "f says", "confidence", "interpreter says", "FF", "Random", "|L|")
    if many:
        head = ("clip", "label", "class", "probability", "interpreter", *head[5:])
    lines = []
    for row in rows:
        name = escape(row.clip)
        if row.case in shown:
            name = f'<a href="#clip-{shown[row.case]}">{name}</a>'
        wrong = ' class="doubt"' if row.right is False else ""
        differs = "" if row.agrees is not False else ' class="doubt"'
        chance = ' class="number doubt"' if row.beats_random is False else ' class="number"'
        count = row.components
        lines.append(
            f'<tr><th scope="row">{name}</th><td>{escape(_label(row, many))}'
            f"</td><td{wrong}>{escape(class_name(row.predicted))}{_wrong(row)}</td>"
            f'<td class="number">{row.probability:.2f}</td>'
            f"<td{differs}>{escape(_theirs(row, many))}"
            f"{', disagrees' if row.agrees is False else ''}</td>"
            f'<td class="number">{logit(row.faithfulness)}</td>'
            f"<td{chance}>{logit(row.random_energy)}{_random_note(row)}</td>"
            f'<td class="number">{"–" if count is None else count}</td></tr>'
        )
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    tau = rows[0].threshold
    what = f"{task.unit.of} {'the class' if many else 'its decision'}"
    return (
        f"<h2>{task.counted(len(rows))} at τ = {tau:.2f}</h2>"
        f"<p>Most doubtful first. FF: the drop of f's {what} when the interpretation is taken out. "
        "Random: the same when random other components of equal log energy are taken out, the "
        "median of the draws; “less log energy”: all others together hold less, so FF is not "
        "tested there. |L|: components selected.</p>"
        '<div class="wide" tabindex="0" role="region" aria-label="Table of clips">'
        f"<table><thead><tr>{columns}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _label(row: Decision, many: bool) -> str:
    if many and row.label != "":
        return " + ".join(class_name(c) for c in classes_of(row.label)) or "none"
    return class_name(row.label) or "unknown"


def _wrong(row: Decision) -> str:
    if row.right is not False:
        return ""
    marks = {audit.MISSED: ", missed", audit.ALARM: ", false alarm"}
    return marks.get(row.kind, ", wrong")


def _theirs(row: Decision, many: bool) -> str:
    """What the interpreter says, of a multi-label model of the class alone."""
    if not many:
        return class_name(row.interpreter_predicted) or "unknown"
    if row.agrees is None:
        return "unknown"
    return "hears it" if row.heard == row.agrees else "does not hear it"


def _random_note(row: Decision) -> str:
    if row.beats_random is False and row.faithfulness is not None:
        drops = row.faithfulness, row.random_energy or 0.0
        return f"; {compared(*drops, False, row.task.resolution)}"
    return ", less log energy" if row.untested else ""


def _exhibit(place: int, one: Exhibit) -> str:
    report = one.report
    target = class_name(report["target"])
    c = report["classes"].index(report["target"])
    task = task_in(report)
    scale, many, verb = task.unit, task.multi_label, task.decides
    chance = f"{report['probabilities'][c] if many else max(report['probabilities']):.2f}"
    players = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<audio controls preload="metadata" aria-label="{escape(f"{title}, {one.name}")}" '
        f'src="data:audio/flac;base64,{_base64(sound)}"></audio></figure>'
        for title, sound in zip(TITLES, one.sounds, strict=True)
    )
    light, dark = (f"data:image/png;base64,{_base64(data)}" for data in one.figures)
    kept = f"{len(report['selected'])} of {len(report['relevance'])} components"
    alternative = f"Spectrograms of input, interpretation and residual: {kept} for {target}."
    answers = "".join(
        f'<tr><th scope="row">{escape(title)}</th>'
        f'<td class="number">{logit(score(report, values[c]))}</td>'
        f"<td>{escape(decision(report, values))}</td></tr>"
        for title, values in zip(
            TITLES,
            (report["logits"], report["logits_interpretation"], report["logits_without"]),
            strict=True,
        )
    )
    return (
        f'<section id="clip-{place}"><h2>{escape(one.name)}</h2>'
        f"<p>f {verb} <strong>{escape(decision(report, report['logits']))}</strong>"
        f"{'' if many else f' {chance}'}. Explained: “{escape(target)}”"
        f"{f' ({chance})' if many else ''} at τ = "
        f"{report['threshold']:.2f}, {kept}, {percent(report['energy_kept'])} of the sound energy"
        + (", components chosen by hand" if report["own_choice"] else "")
        + ".</p>"
        + (f'<p class="doubt">{escape(told)}</p>' if (told := warning(report)) else "")
        + f'<div class="players">{players}</div>'
        f"<p class=small>One gain for all three: {20 * math.log10(one.gain):+.1f} dB on the "
        "clip's own level.</p>"
        '<div class="picture" tabindex="0" role="region" aria-label="Spectrograms">'
        f'<picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img src="{light}" alt="{escape(alternative)}"></picture></div>'
        f"<p><strong>{escape(' '.join(statement(report)).strip())}</strong></p>"
        '<div class="tables"><table><caption>What f says of the sounds</caption><thead><tr>'
        f'<th scope="col">sound</th><th scope="col">{scale.of} {escape(target)}</th>'
        f'<th scope="col">f {verb}</th></tr></thead><tbody>{answers}</tbody></table>'
        f"{_components(one)}</div>"
        f"<p class=small>SHA-256 of the input file: <code>{escape(report['input_sha256'])}</code>"
        "</p></section>"
    )


def _components(one: Exhibit) -> str:
    relevance, gains = one.report["relevance"], one.report["gains"]
    names = {int(k): name for k, name in one.report["component_names"].items()}
    order = sorted(range(len(relevance)), key=lambda k: -relevance[k])
    order = [k for k in order if relevance[k] >= 0.005 or gains[k] > 0][:LISTED]
    if not order:
        return "<p>No component speaks for the class.</p>"
    lines = "".join(
        f'<tr><th scope="row">{escape(label(names, k))}</th>'
        f'<td class="number"><span class="bar" style="width:'
        f'{max(0.0, relevance[k]) * 6:.2f}rem"></span> {number(relevance[k])}</td>'
        f'<td class="number">{hertz(one.centres[k])}</td>'
        f"<td>{'yes' if gains[k] == 1 else f'at {gains[k]:.2f}' if gains[k] else 'no'}</td></tr>"
        for k in order
    )
    return (
        "<table><caption>Components, most relevant first</caption><thead><tr>"
        '<th scope="col">component</th><th scope="col">relevance</th>'
        '<th scope="col">centre</th><th scope="col">in B</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _limits() -> str:
    return (
        "<section><h2>What this is not</h2><p>An interpretation is what the model used, as far "
        "as the dictionary's patterns can express it. It is not a separated source. It is no "
        "proof that the model is right, and where the interpreter disagrees with f, or FF is not "
        "above Random, it is no explanation either.</p></section>"
    )


def _digests(digests: Mapping[str, str]) -> str:
    if not digests:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(digest)}</code></td></tr>'
        for name, digest in digests.items()
    )
    return (
        "<details><summary>SHA-256 of the model's files</summary>"
        '<div class="wide" tabindex="0" role="region" aria-label="Digests">'
        f"<table><tbody>{lines}</tbody></table></div></details>"
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _colours(palette: Palette) -> str:
    return (
        f"--ink:{palette.ink};--paper:{palette.paper};--line:{palette.line};"
        f"--accent:{palette.accent};--neutral:{palette.neutral};--warning:{palette.warning}"
    )


def _style() -> str:
    return (
        f":root{{color-scheme:light dark;{_colours(PALETTES['light'])}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_colours(PALETTES['dark'])}}}}}"
        "body{margin:0;background:var(--paper);color:var(--ink);"
        "font:16px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}"
        "main{max-width:72rem;margin:0 auto;padding:2rem 1rem 4rem}"
        "h1{font-size:1.75rem}h2{font-size:1.25rem;margin-top:2.5rem}"
        ".finding{font-size:1.15rem;max-width:60rem}.small{font-size:.85rem;color:var(--neutral)}"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.5rem}"
        "dt{color:var(--neutral)}dd{margin:0;overflow-wrap:anywhere}"
        "table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left;font-weight:600}"
        "th,td{text-align:left;font-weight:400;padding:.25rem 1rem .25rem 0;"
        "border-bottom:1px solid var(--line);vertical-align:top}"
        "thead th{color:var(--neutral)}.number{white-space:nowrap}"
        ".doubt{color:var(--warning)}a{color:var(--accent)}"
        ".wide{overflow-x:auto;white-space:nowrap}"
        ".tables{display:flex;flex-wrap:wrap;align-items:flex-start;gap:1rem 3rem}"
        ".players{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem}"
        "figure{margin:0}audio{width:100%}img{width:100%;height:auto}"
        "code{overflow-wrap:anywhere;font-size:.85em}"
        ".bar{display:inline-block;height:.7em;background:var(--accent)}"
        "@media print{audio,details{display:none}section{break-inside:avoid}}"
        ".picture{overflow-x:auto}"
        "@media (max-width:40rem){.picture img{width:50rem;max-width:none}"
        "dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}"
    )
