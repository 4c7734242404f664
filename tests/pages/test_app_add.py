"""The page "Add a model": what is found, what is refused, and the way among the others."""

import io
import zipfile
from pathlib import Path

import onnx
import pytest
from driving import Open, button, texts, url
from onnx import TensorProto, helper
from streamlit.testing.v1 import AppTest

from l2i_core.bundle import load_bundle

CODE = """
from pathlib import Path
import torch
from torch import nn
from l2i_core.classifiers import wrap

Path(__file__).with_name("ran").touch()


class Bands(nn.Module):
    def forward(self, waveforms):
        power = torch.fft.rfft(waveforms).abs().square()
        split = power.shape[1] // 4
        return torch.stack([power[:, :split].mean(1), power[:, split:].mean(1)], 1).add(1e-6).log()


def load():
    return wrap(Bands(), sample_rate=16000, classes=["low", "high"])
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "my_model.py"
    path.parent.mkdir()
    path.write_text(CODE)
    return path


def small_onnx(path: Path, said: dict[str, str] | None = None) -> Path:
    """A level meter with two outputs, which names neither rate nor classes unless `said`."""
    nodes = [
        helper.make_node("Abs", ["x"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[-1], keepdims=1),
        helper.make_node("ReduceMax", ["size"], ["most"], axes=[-1], keepdims=1),
        helper.make_node("Concat", ["mean", "most"], ["logits"], axis=-1),
    ]
    of = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", of, ["batch", "n"])],
        [helper.make_tensor_value_info("logits", of, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, said or {})
    onnx.save(model, path)
    return path


def look(app: AppTest, path: object) -> AppTest:
    app.text_input(key="add-path").set_value(str(path)).run()
    button(app, "Look" if not str(path).endswith(":load") else "Run").click().run()
    assert not app.exception, app.exception
    return app


def test_a_python_file_runs_when_the_button_says_so_and_is_explained(
    open_app: Open, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    monkeypatch.setenv("L2I_TRUST_CODE", "1")
    app = open_app(page="add")
    monkeypatch.setenv("L2I_BUNDLES", str(models))
    app.text_input(key="add-path").set_value(f"{code}:load").run()
    assert not (code.parent / "ran").exists()
    button(app, "Run my_model.py and look into it").click().run()
    assert not app.exception, app.exception
    assert (code.parent / "ran").exists()
    facts = app.table[0].value.iloc[:, 0].to_dict()
    assert facts["classes"] == "low, high"
    assert facts["hears"].startswith("16")
    assert facts["gradient reaches the sound"] == "yes"
    assert any(name.startswith("one pass of 5") for name in facts)
    assert "**Gradient**" in texts(app)
    assert "**Search**" in texts(app)
    app.text_input[-1].set_value("mine").run()
    button(app, "Use it").click().run()
    assert not app.exception, app.exception
    assert url(app)["bundle"] == "mine"
    assert url(app)["interpreter"] == "gradient"
    view = app.session_state["l2i_view"]
    assert view.engine.classes == ["low", "high"]
    assert view.own_dictionary
    assert app.title[0].value.startswith("Why did the model say “")
    assert [path.name for path in models.iterdir()] == ["mine"]  # and nothing half-written
    assert load_bundle(models / "mine").classes == ("low", "high")


def test_an_untrusted_python_file_does_not_run(
    open_app: Open, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("L2I_TRUST_CODE", raising=False)
    app = open_app(page="add")
    app.text_input(key="add-path").set_value(f"{code}:load").run()
    assert button(app, "Run my_model.py").disabled
    assert "runs only with --trust-code or L2I_TRUST_CODE=1" in texts(app)
    assert not (code.parent / "ran").exists()


def test_a_black_box_says_what_it_lacks_and_then_is_explained(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L2I_BUNDLES", "")
    path = small_onnx(tmp_path / "level.onnx")
    app = look(open_app(page="add"), path)
    assert "does not say its sampling rate; give its rate." in texts(app)
    app.number_input(key="add-rate").set_value(8000).run()
    button(app, "Look").click().run()
    assert "does not name its classes; give its classes, one a line." in texts(app)
    app.text_area(key="add-classes").set_value("mean\nmost\n").run()
    button(app, "Look").click().run()
    assert not app.error
    facts = app.table[0].value.iloc[:, 0].to_dict()
    assert facts["gradient reaches the sound"] == "no: a black box"
    assert "**Surrogate**" in texts(app)
    assert ":gray[Gradient: it needs f's gradient" in texts(app)
    assert any("for this session" in caption.value for caption in app.caption)
    assert app.text_input[-1].value == "level"
    for name, wrong in (("esc10", "there is a model"), ("../x", "is no name for a model")):
        app.text_input[-1].set_value(name).run()
        button(app, "Use it").click().run()
        assert wrong in texts(app).lower().replace("“../x”", "")
    app.text_input[-1].set_value("level").run()
    button(app, "Use it").click().run()
    assert not app.exception, app.exception
    assert url(app)["bundle"] == "level"
    assert url(app)["interpreter"] == "surrogate"
    assert not app.error


def test_an_upload_moves_with_its_bundle(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"sample_rate": "8000", "classes": "mean\nmost"}
    data = small_onnx(tmp_path / "level.onnx", said).read_bytes()
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "kept"))
    app = open_app(page="add")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "kept"))
    app.file_uploader(key="add-file").set_value(("level.onnx", data, "application/octet-stream"))
    app.run()
    button(app, "Look").click().run()
    assert not app.error, texts(app)
    button(app, "Use it").click().run()
    assert not app.exception, app.exception
    (tmp_path / "kept" / "level").rename(tmp_path / "elsewhere")
    assert load_bundle(tmp_path / "elsewhere").classes == ("mean", "most")


def test_a_zip_of_a_hugging_face_folder(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformers = pytest.importorskip("transformers")
    names = {"id2label": {0: "low", 1: "high"}, "label2id": {"low": 0, "high": 1}}
    config = transformers.ASTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, **names
    )
    transformers.ASTForAudioClassification(config).save_pretrained(tmp_path / "my-ast")
    transformers.ASTFeatureExtractor().save_pretrained(tmp_path / "my-ast")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (tmp_path / "my-ast").iterdir():
            archive.write(path, f"my-ast/{path.name}")
        archive.writestr("my-ast/evil.py", "raise SystemExit")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "kept"))
    app = open_app(page="add")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "kept"))
    app.file_uploader(key="add-file").set_value(
        ("my-ast.zip", packed.getvalue(), "application/zip")
    )
    app.run()
    button(app, "Look").click().run()
    assert not app.error, texts(app)
    facts = app.table[0].value.iloc[:, 0].to_dict()
    assert facts["classes"] == "low, high"
    assert facts["gradient reaches the sound"] == "yes"
    button(app, "Use it").click().run()
    assert not app.exception, app.exception
    assert url(app)["bundle"] == "my-ast"
    kept = tmp_path / "kept" / "my-ast"
    assert not [*kept.rglob("*.py")]
    assert load_bundle(kept).classes == ("low", "high")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere/at/all", "unknown classifier"),
        ("model.pt", "is a pickle"),
        ("EMPTY", "config.json"),
    ],
)
def test_a_bad_one_is_one_sentence(
    open_app: Open, tmp_path: Path, given: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "EMPTY").mkdir()
    app = open_app(page="add")
    monkeypatch.setenv("L2I_BUNDLES", str(tmp_path / "kept"))
    look(app, tmp_path / given if given == "EMPTY" else given)
    assert len(app.error) == 1
    assert said in app.error[0].value.lower()
    assert app.error[0].value.count("\n") == 0
    assert not [*(tmp_path / "kept").iterdir()]


def test_a_shared_server_takes_none(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2I_SHARED", "1")
    app = open_app(page="add")
    assert "takes no models" in texts(app)
    assert not [field for field in app.text_input if field.key == "add-path"]
