"""Sounds and models that the tests share.

The models have seeded random weights (batch norm calibrated on synthesised clips, W learned from
them), so no test of the engine needs the shipped one: laws hold for any weights.
"""

from __future__ import annotations

import copy
import functools
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from driving import APP, Open
from measured import add_metrics, scenes, write_bundles
from playwright.sync_api import Browser, BrowserContext, Page, expect
from serving import SECONDS, chromium, serving
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

from l2i_core import L2I, Analysis, AudioConfig, load_bundle
from l2i_core.__main__ import main
from l2i_core.bundle import Bundle, InterpreterInfo, save_bundle
from l2i_core.classifiers.kumar import Classifier, KumarVgg
from l2i_core.classifiers.protocol import network_of
from l2i_core.data import synth
from l2i_core.dictionary.nmf import Dictionary, average_frames, sparse_nmf
from l2i_core.explainers.l2i import Interpreter
from l2i_core.signal import audio, spectra
from pipelines import learn_dictionary, train_classifier, train_interpreter
from pipelines.config import Config, load_config
from pipelines.runs import main_guard

# YAMNet's published weights are no part of the project: tests of them say where they lie.
YAMNET = os.environ.get("L2I_YAMNET")

# The user's own data, models and settings must not change what a test sees.
for _name in [name for name in os.environ if name.startswith("L2I_")]:
    del os.environ[_name]

# On inputs this small a second thread costs more than it saves, five times as much on a busy
# machine. Commands that tests start inherit it.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

# A busy machine takes its time to load a page's parts; what never comes fails all the same.
expect.set_options(timeout=1000 * SECONDS)

COMPONENTS = 12
TINY = Path(__file__).resolve().parent.parent / "configs" / "tiny.yaml"
WriteClip = Callable[..., Path]


def random_bundle(
    config: AudioConfig, name: str, components: int = COMPONENTS, seed: int = 7
) -> Bundle:
    """Ten synth classes, interpreters att and max, seeded weights that react to their input; with
    these seeds components speak for the classes that the tests ask about."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        waveforms = torch.stack([_normal_clip(label, config) for label in synth.LABELS])
        x = spectra.log_magnitude(waveforms, config)
        log_mel = spectra.log_mel(spectra.magnitude(x), config)
        classifier = Classifier(
            len(synth.LABELS), config.n_mels, offset=-20.0, scale=20.0, width=0.25
        )
        maps = _calibrate(classifier, log_mel)[1]
        _spread(classifier.linear)
        f = KumarVgg(classifier, config, synth.LABELS)
        interpreters, infos = {}, {}
        for pooling in ("attention", "max"):
            model = Interpreter.for_classifier(f, config, components, pooling, 16)
            for layer in model.psi.modules():
                if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            _calibrate(model, maps, x.shape[2])
            _spread(model.theta.linear)
            short = pooling[:3]
            interpreters[short] = model
            infos[short] = InterpreterInfo(
                pooling, 16, short.upper(), f"Random weights, {pooling}."
            )
        matrix = torch.cat([average_frames(one) for one in x], dim=1)
        patterns = sparse_nmf(matrix, components, iterations=20).patterns
    return Bundle(
        name=name,
        title="Random weights",
        audio=config,
        classifier=f,
        dictionary=Dictionary(patterns),
        interpreters=interpreters,
        interpreter_info=infos,
        default_interpreter="att",
        training={"seed": 0},
    )


def several(bundle: Bundle) -> Bundle:
    """The same model as one that may hear several classes at once."""
    f = copy.copy(bundle.classifier)
    f.multi_label = True
    return replace(bundle, classifier=f)


def _normal_clip(label: str, config: AudioConfig) -> Tensor:
    seconds = max(4.5, 130 * config.hop_length / config.sample_rate)
    samples = torch.from_numpy(synth.clip(label, 5, config.sample_rate, seconds))
    return samples * audio.peak_gain(samples)


def _calibrate(model: nn.Module, *inputs: object) -> tuple[Tensor, list[Tensor]]:
    """Fill the batch-norm statistics with those of `inputs`; returns the evaluated output."""
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.momentum = None
    with torch.no_grad():
        model.train()(*inputs)
        return model.eval()(*inputs)


def _spread(linear: nn.Linear) -> None:
    nn.init.normal_(linear.weight, std=0.5)


@pytest.fixture(autouse=True, scope="session")
def _components_are_looked_for_once() -> Iterator[None]:
    """Each AppTest looks through all installed packages for components, a third of a second; no
    package comes while tests run."""
    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Commands set the root logger up; no test sees what another's command left."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def yamnet_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of YAMNet's published weights, which L2I_YAMNET names."""
    if not YAMNET:
        pytest.skip("set L2I_YAMNET to the folder of YAMNet's weights")
    monkeypatch.setenv("L2I_YAMNET", YAMNET)
    return Path(YAMNET)


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle on disk at 44.1 kHz, named "random"."""
    folder = tmp_path_factory.mktemp("bundles") / "random"
    save_bundle(random_bundle(AudioConfig(), "random"), folder)
    return folder


@pytest.fixture(scope="session")
def tested_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle on disk at 8 kHz that says it was tested on the synthesised clips' first
    fold. Copy it to write into it."""
    config = AudioConfig(sample_rate=8000, n_fft=512, win_length=512, hop_length=256)
    data = {"kind": "synth", "test_folds": [1]}
    path = tmp_path_factory.mktemp("tested") / "small"
    bundle = random_bundle(config, "small", components=6, seed=2)
    save_bundle(replace(bundle, training={"config": {"data": data}}), path)
    return path


@pytest.fixture(scope="session")
def bundle(bundle_folder: Path) -> Bundle:
    return load_bundle(bundle_folder)


@pytest.fixture(scope="session")
def engine(bundle: Bundle) -> L2I:
    """44.1 kHz, Θ with attention."""
    return L2I(bundle, "att")


@pytest.fixture(scope="session")
def engine_max(bundle: Bundle) -> L2I:
    """44.1 kHz, Θ with the maximum."""
    return L2I(bundle, "max")


@pytest.fixture(scope="session")
def engine_16k(tmp_path_factory: pytest.TempPathFactory) -> L2I:
    """Another front end: 16 kHz, window shorter than the FFT, few frames, K = 7."""
    config = AudioConfig(sample_rate=16000, n_fft=1024, win_length=800, hop_length=400)
    folder = tmp_path_factory.mktemp("bundles") / "random-16k"
    save_bundle(random_bundle(config, "random-16k", components=7), folder)
    return L2I.from_bundle(folder)


@pytest.fixture(scope="session")
def dog() -> np.ndarray:
    """A barking dog over rain, 5 s at 44.1 kHz, float32 (n,)."""
    return synth.scene(("dog", "rain"), 21, levels_db=(0.0, -10.0)).mixture


@pytest.fixture(scope="session")
def analysis(engine: L2I, dog: np.ndarray) -> Analysis:
    return engine.analyse(dog, 44100)


@pytest.fixture
def write_clip(tmp_path: Path) -> WriteClip:
    """write_clip("a.wav", samples (n,) or (n, channels), rate) → the path of a new sound file."""

    def write(name: str, samples: np.ndarray, rate: int = 44100, **options: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate, **options)
        return path

    return write


@pytest.fixture(scope="session")
def models(bundle_folder: Path) -> Path:
    """A folder of models: the random one, one with Θ's signs turned, and a damaged one."""
    folder = bundle_folder.parent
    good = load_bundle(bundle_folder)
    turned = load_bundle(bundle_folder)
    for interpreter in turned.interpreters.values():
        with torch.no_grad():
            interpreter.theta.linear.weight.neg_()
    save_bundle(replace(turned, name="turned"), folder / "turned")
    save_bundle(replace(good, name="wrecked"), folder / "wrecked")
    weights = folder / "wrecked" / "classifier.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return folder


@pytest.fixture
def open_app(models: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """open_app(clip="dog-1", tau="0.5", …) → the app after its first run with that URL;
    open_app(page="dictionary", …) goes on to that page."""
    monkeypatch.setenv("L2I_BUNDLES", str(models))

    def open_at(page: str | None = None, **url: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        if page:
            app.switch_page(f"pages/{page}/page.py").run()
            assert not app.exception, app.exception
        return app

    return open_at


@pytest.fixture(scope="session")
def measured_bundles(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random bundle with hand-written metrics, several times; see `measured`."""
    root = tmp_path_factory.mktemp("measured")
    write_bundles(bundle_folder, root)
    return root


@pytest.fixture
def open_measured(
    open_app: Open, models: Path, measured_bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> Open:
    """`open_app` with the bundles of `measured_bundles`, at "measured" unless the URL says else."""
    monkeypatch.setenv("L2I_BUNDLES", f"{models}{os.pathsep}{measured_bundles}")

    def open_at(page: str, bundle: str = "measured", **url: str) -> AppTest:
        return open_app(page=page, bundle=bundle, **url)

    return open_at


@pytest.fixture(scope="session")
def many_models(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of multi-label models: the random weights once more ("many"), the same with metrics
    ("scenes-measured"), and one whose f hears nothing ("none")."""
    root = tmp_path_factory.mktemp("many")
    good = load_bundle(bundle_folder)
    learned = Dictionary(good.dictionary.patterns, ("dog", "rain", *good.classes))
    many = replace(several(good), dictionary=learned)
    with torch.no_grad():
        network_of(many.classifier).linear.bias.sub_(1.0)  # two or three classes a clip, not six
    save_bundle(replace(many, name="many"), root / "many")
    add_metrics(root / "many", root / "scenes-measured", [scenes("att"), scenes("max")])
    silent = load_bundle(root / "many")
    with torch.no_grad():
        network_of(silent.classifier).linear.bias.sub_(8.0)
    save_bundle(replace(silent, name="none"), root / "none")
    return root


@pytest.fixture
def open_many(many_models: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`open_app` with the multi-label models, at "many" unless the URL says else."""
    monkeypatch.setenv("L2I_BUNDLES", str(many_models))

    def open_at(page: str | None = None, bundle: str = "many", **url: str) -> AppTest:
        return open_app(page=page, bundle=bundle, **url)

    return open_at


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which plays without a gesture."""
    with chromium("--autoplay-policy=no-user-gesture-required") as opened:
        yield opened


@pytest.fixture(scope="session")
def server(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with the random model and an empty home; gives its address."""
    folder = tmp_path_factory.mktemp("server")
    variables = {"L2I_BUNDLES": str(bundle_folder.parent), "L2I_HOME": str(folder / "home")}
    with serving("app.py", variables, folder / "log.txt") as address:
        yield address


@pytest.fixture
def tab(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(1000 * SECONDS)
    yield context
    context.close()


@pytest.fixture
def page(tab: BrowserContext) -> Iterator[Page]:
    """A tab without history; a script error in it fails the test."""
    page = tab.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per class: two classes of five short clips, so four folds train and one tests."""
    root = tmp_path_factory.mktemp("sounds")
    for label in ("dog", "rain"):
        (root / label).mkdir()
        for seed in range(5):
            samples = synth.clip(label, seed, 8000, 1.5)
            soundfile.write(root / label / f"{seed}.flac", samples, 8000)
    return root


@pytest.fixture(scope="session")
def small_config(two_classes: Path) -> Config:
    """The tiny experiment, made smaller still: ten short clips of two classes."""
    return load_config(
        TINY,
        [
            "name=small",
            "data.kind=folder",
            f"data.root={two_classes}",
            "data.train_folds=[1, 2, 3, 4]",
            "data.test_folds=[5]",
            "classifier.epochs=3",
            "classifier.batch_size=3",
            "classifier.mixup_free_epochs=1",
            "dictionary.components=5",
            "dictionary.iterations=20",
            "interpreters.att.epochs=3",
            "interpreters.att.batch_size=3",
            "interpreters.att.views=2",
            "interpreters.att.partial_views=1",
            "interpreters.att.dropout=0.2",
            "interpreters.att.muon_learning_rate=0.001",
            "interpreters.att-loop.epochs=3",
            "interpreters.att-loop.batch_size=3",
            "interpreters.max.epochs=1",
        ],
    )


@pytest.fixture(scope="session")
def small_file(small_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "small.yaml"
    path.write_text(yaml.safe_dump(small_config.to_dict()))
    return path


@pytest.fixture(scope="session")
def small_run(
    small_config: Config, small_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The small experiment, trained without a break; not evaluated."""
    out = tmp_path_factory.mktemp("runs") / "small"
    train_classifier.train(small_config, out)
    learn_dictionary.learn(small_config, out)
    assert train_interpreter.main(["--config", str(small_file), "--out", str(out)]) == 0
    return out


@pytest.fixture
def refused_command(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], int]], str]:
    """Run a command that must fail; returns its one line."""

    def run(command: Callable[[], int]) -> str:
        capsys.readouterr()
        assert main_guard(command) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        return error

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Run `python -m l2i_core` with words that it must refuse; returns its one line."""

    def run(argv: list[str]) -> str:
        assert main(argv) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert (err.count("\n"), err[-2:]) == (1, ".\n")
        return err

    return run
