"""What the user gives: a path or a file, and what the model may not say itself."""

import re
from dataclasses import dataclass
from typing import Any

import streamlit as st

from l2i_core.classifiers.foreign import OUTPUTS
from l2i_core.registry import TRUST, trusted
from pages.shell import uploads
from pages.show.words import sentence

_CODE = re.compile(r"(.+\.py)(:\w*)?")
_ANSWERS = {"": "find out", **{name: name for name in OUTPUTS}}


@dataclass(frozen=True, slots=True)
class Given:
    """A path (or a registered name), else an uploaded file; classes, rate in Hz, whether several
    classes may sound at once, and what the model answers, where the user says them. pressed:
    the user wants it looked into, now."""

    path: str
    upload: Any
    classes: tuple[str, ...] | None
    rate: int | None
    several: bool | None
    outputs: str | None
    pressed: bool

    @property
    def name(self) -> str:
        """What was given, in short."""
        return self.path or str(getattr(self.upload, "name", ""))


def draw() -> Given:
    """The fields and the button; code of strangers does not run before it is pressed."""
    left, right = st.columns(2, gap="large")
    path = left.text_input(
        "A file or folder on this machine",
        placeholder="model.onnx, a Hugging Face folder, my_model.py:load",
        key="add-path",
    ).strip()
    upload = right.file_uploader(
        f"Or .onnx, or a Hugging Face folder as zip, up to {uploads.max_upload_mb()} MB",
        ["onnx", "zip"],
        key="add-file",
        max_upload_size=uploads.max_upload_mb(),
    )
    names, rate, outputs, several = st.columns([3, 1, 1, 1.2], vertical_alignment="bottom")
    listed = names.text_area("Classes, one a line, where it does not name them", key="add-classes")
    hertz = rate.number_input(
        "Rate in Hz", 1000, 384000, value=None, step=1, placeholder="its own", key="add-rate"
    )
    answers = outputs.selectbox(
        "It answers", list(_ANSWERS), format_func=_ANSWERS.__getitem__, key="add-outputs"
    )
    many = several.checkbox("Several classes at once", key="add-several")
    code = _CODE.fullmatch(path)
    label, refused = "Look into it", False
    if code:
        label, refused = f"Run {code[1].rpartition('/')[2]} and look into it", not trusted()
    if refused:
        st.info(sentence(f"{path} is code that is not ours; it runs {TRUST}."))
    pressed = st.button(label, type="primary", disabled=refused or not (path or upload))
    return Given(
        path,
        upload,
        tuple(line.strip() for line in listed.splitlines() if line.strip()) or None,
        hertz,
        True if many else None,
        answers or None,
        pressed,
    )
