"""The evidence of one interpretation as a zip: a page to read, sounds, picture, report, digests.

Whoever has the input file and the model can make the same bytes again: nothing in it depends on
the place of writing, but for what a user gives: the link, the time, names of components, tags.
`sha256sum -c MANIFEST` checks an unpacked one.
"""

import hashlib
import io
import json
import os
import platform
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import l2i_core
from l2i_core.bundle import Bundle
from l2i_core.classifiers.protocol import files_of
from l2i_core.data.tags import Tag
from l2i_core.dictionary import masking
from l2i_core.measure.explained import Explained
from l2i_core.report.html_report import Pinned, decision_html, exhibit
from l2i_core.report.report import make_report
from l2i_core.signal import audio

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold


def digest(path: str | os.PathLike[str] | io.BytesIO) -> str:
    """A file's SHA-256, hexadecimal; ValueError where it cannot be read."""
    if isinstance(path, io.BytesIO):
        return hashlib.sha256(path.getbuffer()).hexdigest()
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error


def bundle_digests(bundle: Bundle) -> dict[str, str]:
    """SHA-256 of every file of a model, metrics included, by its path in the bundle, and of the
    files elsewhere that its f was read from; {} for a model that is not on disk."""
    folder = bundle.folder
    paths = sorted(p for p in folder.rglob("*") if p.is_file()) if folder else []
    found = {p.relative_to(folder).as_posix(): digest(p) for p in paths if folder}
    given = (p for p in files_of(bundle.classifier) if p.is_file() and p not in paths)
    return found | {f"classifier/{p.name}": digest(p) for p in given}


def versions() -> dict[str, str]:
    """The programs that made a result."""
    return {
        "l2i_core": l2i_core.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("torch", "numpy", "librosa")},
    }


def evidence_report(
    made: Explained,
    *,
    clip_name: str,
    input_sha256: str,
    digests: Mapping[str, str],
    url: str | None = None,
    random: Mapping[str, float] | None = None,
    seed: int = 0,
    names: Mapping[int, str] | None = None,
    tag: Tag | None = None,
    time: str | None = None,
) -> dict[str, Any]:
    """`make_report`, and what else is needed to repeat it or to doubt it.

    `gains` (K,) are the weights of the components in the mask; `own_choice`: whether they are the
    user's, not the selection by τ. names: what the user calls components. digests:
    `bundle_digests`. random: median FF of the Random Baselines of this clip and their number of
    draws, with `seed`; interpreting itself draws nothing. tag: the listener's, of this decision.
    time: when it is made, as it is to be shown; what gives none makes the same bytes again.
    """
    interpretation, most = made.interpretation, made.engine.conventions.max_components
    gains = interpretation.gains
    chosen = masking.select(interpretation.relevance, interpretation.threshold, most)
    by_threshold = masking.gains_of(chosen, len(gains))
    return {
        **make_report(made, clip_name),
        "gains": [round(float(g), 4) for g in gains.tolist()],
        "own_choice": not bool(torch.equal(gains, by_threshold)),
        "component_names": {str(k): name for k, name in (names or {}).items()},
        "random": dict(random) if random else None,
        "seed": seed,
        "input_sha256": input_sha256,
        "bundle_sha256": dict(digests),
        "versions": versions(),
        "url": url,
        "time": time,
        "tag": (tag and tag.tag) or "",
        "note": (tag and tag.note) or "",
    }


def random_drops(made: Explained, draws: int = 20, seed: int = 0) -> dict[str, float | bool] | None:
    """Median FF of both Random Baselines of this clip, each of `draws` draws; None where nothing
    is selected. `equal_energy`: whether the second could remove as much of ‖X‖² as L does."""
    if not made.interpretation.selected:
        return None
    counted, matched = made.randoms(draws=draws, seed=seed)
    return {
        "count_matched": counted.median,
        "energy_matched": matched.median,
        "equal_energy": matched.as_much,
        "draws": draws,
    }


def evidence_zip(made: Explained, report: Mapping[str, Any], pinned: Pinned | None = None) -> bytes:
    """evidence.html to read (`html_report.decision_html`), input.wav, interpretation.wav,
    residual.wav (float32 at the clip's own level), spectrograms.png, report.json (an
    `evidence_report`) and MANIFEST (SHA-256 of each)."""
    rate, shown = made.engine.audio.sample_rate, exhibit(str(report["clip"]), made, report)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    files = {
        "evidence.html": decision_html(shown, pinned).encode(),
        **{f"{name}.wav": audio.float_wav(sound, rate) for name, sound in made.sounds.items()},
        "spectrograms.png": shown.figures[0],
        "report.json": text.encode() + b"\n",
    }
    manifest = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, "MANIFEST": manifest.encode()}.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
