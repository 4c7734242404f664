"""An audit, or the evidence of one decision, as one HTML file: sounds and pictures inside, nothing
fetched, no script.

Opens in any browser without the app, light or dark as the reader prefers. Its page is `audit.html`
beside this file: every text that comes from a file, a model or a user is escaped there; a policy in
the page forbids scripts and requests.
"""

import base64
import functools
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import soundfile
from torch import Tensor

from l2i_core.data.clips import classes_of
from l2i_core.dictionary import choice, shapes
from l2i_core.dictionary.names import label
from l2i_core.measure.explained import Explained
from l2i_core.measure.records import CaseRow
from l2i_core.report import figures
from l2i_core.report.figures import PALETTES, Panel
from l2i_core.report.report import decision, score, statement, task_in, warning
from l2i_core.signal import audio
from l2i_core.task import Task
from l2i_core.words import TITLES, class_name, compared, hertz, logit, number, percent

MOST_EXHIBITS = 10
LISTED = 12  # components of an exhibit's table
MOST_NAMED = 60  # classes of a model
_LONGEST = 60  # letters of a name in a picture


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

    @property
    def task(self) -> Task:
        return task_in(self.report)

    @property
    def target(self) -> int:
        """The class's number."""
        return self.report["classes"].index(self.report["target"])

    @property
    def probability(self) -> str:
        """Of the class by a multi-label model, of f's decision by another."""
        each = self.report["probabilities"]
        return f"{each[self.target] if self.task.multi_label else max(each):.2f}"

    @property
    def decibels(self) -> str:
        return f"{round(20 * math.log10(self.gain), 1) + 0.0:+.1f}"

    @property
    def names(self) -> dict[int, str]:
        return {int(k): name for k, name in self.report["component_names"].items()}

    @property
    def components(self) -> list[int]:
        """Those that speak for the class or are played, the most relevant first."""
        r, gains = self.report["relevance"], self.report["gains"]
        order = sorted(range(len(r)), key=lambda k: -r[k])
        return [k for k in order if r[k] >= 0.005 or gains[k] > 0][:LISTED]


def exhibit(name: str, explained: Explained, report: Mapping[str, Any]) -> Exhibit:
    """Render one clip: the sounds share one gain, the spectrograms one dB reference."""
    engine, heard = explained.engine, tuple(explained.sounds.values())
    gain = audio.common_gain(heard)
    first, second, third = (_flac(sound, gain, engine.audio.sample_rate) for sound in heard)
    light, dark = (_picture(explained, report, shown) for shown in ("light", "dark"))
    centres = shapes.centres(engine.dictionary.patterns, engine.audio)
    return Exhibit(
        name, report, (first, second, third), gain, (light, dark), tuple(centres.tolist())
    )


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a decision is compared with: the other view's sound x_int (n,) at `rate`, its picture as
    PNG, and the figures of both by name, the pinned one's first."""

    sound: Tensor
    rate: int
    picture: bytes
    figures: Mapping[str, tuple[str, str]]

    @property
    def flac(self) -> bytes:
        return _flac(self.sound, audio.common_gain([self.sound]), self.rate)


def decision_html(one: Exhibit, pinned: Pinned | None = None) -> str:
    """The evidence of one decision, to be read or printed: what `audit_html` shows of it, under the
    file's name, model, settings and programs that its report holds."""
    report = one.report
    names = [class_name(name) for name in report["classes"]]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    random = report["random"]
    drawn = f"; {random['draws']} random draws, seed {report['seed']}" if random else ""
    w = " with the clip's own dictionary" if report["dictionary"] == choice.CLIP else ""
    about = {
        "File": report["clip"],
        "SHA-256": report["input_sha256"],
        "Made": report["time"],
        "Model": f"{report['bundle']}, interpreter {report['interpreter']}{w}",
        f"Classes ({len(names)})": ", ".join(names[:MOST_NAMED]) + more,
        "Settings": f"masks on {report['mask_domain']} magnitudes, conventions of the "
        f"{report['conventions']}{drawn}",
        "Programs": ", ".join(f"{what} {which}" for what, which in report["versions"].items()),
    }
    return _page().render(
        title=f"Evidence: {report['clip']}",
        about={what: which for what, which in about.items() if which},
        digests=report["bundle_sha256"],
        headline="",
        rows=(),
        exhibits=(one,),
        places={},
        url=report["url"],
        pinned=pinned,
        alone=True,
    )


def audit_html(
    *,
    title: str,
    model: Mapping[str, str],
    digests: Mapping[str, str],
    data: str,
    date: str,
    headline: str,
    rows: Sequence[CaseRow],
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
    return _page().render(
        title=title,
        about={**model, "Data": data, "Date": date},
        digests=digests,
        headline=headline,
        rows=rows,
        exhibits=exhibits,
        places={one.name: place for place, one in enumerate(exhibits, 1)},
        url=url,
        pinned=None,
        alone=False,
    )


@functools.cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
    )
    written = (class_name, classes_of, logit, number, percent, hertz, _base64)
    told = (compared, label, decision, score, statement, warning)
    environment.filters |= {f.__name__: f for f in written}
    environment.globals |= {f.__name__: f for f in told} | {"titles": TITLES, "palettes": PALETTES}
    return environment.get_template("audit.html")


def _picture(explained: Explained, report: Mapping[str, Any], shown: str) -> bytes:
    """PNG of input, interpretation and residual on one scale, without a short clip's padding; it
    says what it is of, wherever it is taken."""
    analysis, made = explained.analysis, explained.interpretation
    panels = [
        Panel(TITLES[0], analysis.spectrogram.log_magnitude),
        Panel(TITLES[1], made.log_magnitude, dim=True),
        Panel(TITLES[2], made.residual_log_magnitude),
    ]
    model = f"{report['bundle']}, {report['interpreter']}"
    said = f"f {task_in(report).decides} {decision(report, report['logits'])}"
    tag = f"tagged {report['tag']}" if report["tag"] else ""
    lines = (
        (_cut(report["clip"]), _cut(model), _cut(said)),
        (
            f"explained as “{class_name(made.target)}” at τ = {made.threshold:.2f}, "
            f"{len(made.selected)} of {len(made.relevance)} components",
            tag,
            _cut(report["note"]),
        ),
    )
    return figures.spectrograms(
        panels,
        explained.engine.audio,
        length=len(analysis.waveform),
        start=analysis.seconds[0],
        shown=shown,
        title="\n".join(" · ".join(filter(None, line)) for line in lines),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _flac(sound: Tensor, gain: float, rate: int) -> bytes:
    buffer = io.BytesIO()
    samples = np.clip(sound.numpy() * gain, -1, 1 - 2**-15)
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
