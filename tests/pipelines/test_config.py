"""Experiment files: strict YAML, overrides, and one sentence for what is wrong."""

from pathlib import Path

import pytest

from l2i_core.explainers import flint
from l2i_core.measure.evaluation import Settings
from pipelines import (
    train_interpreter,
)
from pipelines.config import Config, config_of, load_config

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "configs" / "tiny.yaml"
COMMANDS = ("train_classifier", "learn_dictionary", "train_interpreter", "evaluate")


def _load(tmp_path: Path, text: str, *overrides: str) -> Config:
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    return load_config(path, list(overrides))


EXPERIMENTS = [p for p in sorted((ROOT / "configs").glob("*.yaml")) if "ablation" not in p.name]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.name)
def test_every_experiment_file_is_valid(path: Path) -> None:
    config = load_config(path)
    assert config.interpreters
    for settings in config.interpreters.values():
        assert settings.start_from in (None, *config.interpreters)
    Settings(config.evaluation.thresholds, config.evaluation.random_thresholds)


def test_values_and_defaults(tmp_path: Path) -> None:
    text = "name: x\nclassifier: {learning_rate: 1e-3, epochs: 7}\ndata: {train_folds: [2, 3]}\n"
    config = _load(tmp_path, text + "interpreters:\n  att:\n  max: {pooling: max}\n")
    assert config.classifier.learning_rate == 0.001
    assert isinstance(config.classifier.learning_rate, float)
    assert config.classifier.epochs == 7
    assert config.classifier.batch_size == Config("x").classifier.batch_size
    assert config.data.train_folds == (2, 3)
    assert config.interpreters["att"].pooling == "attention"
    assert list(config.interpreters) == ["att", "max"]


def test_baselines_have_their_own_settings_and_an_old_recipe() -> None:
    """When both kinds were one dataclass, records held all of it, and checkpoints hash it still."""
    old = {"kind": "flint", "kept_chunks": 20, "compression": 0.1, "temperature": 0.5, "pool": 1}
    config = config_of({"name": "x", "baselines": {"f": {**old, "entropy": 0.3}}})
    assert config.baselines["f"] == flint.Settings(entropy=0.3)
    (recipe,) = config.recipe("baselines")["baselines"].values()
    assert recipe.items() >= {**old, "entropy": 0.3, "channels": 128, "epochs": 35}.items()
    assert len(recipe) == 15


def test_overrides_reach_any_depth(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        "name: x\ninterpreters: {att: {epochs: 3}}\n",
        "seed=7",
        "classifier.learning_rate=2e-4",
        "interpreters.att.views=4",
        "evaluation.thresholds=[0.2, 0.4]",
        "evaluation.random_thresholds=[0.4]",
        "data.skip_damaged=true",
        "audio.sample_rate=16000",
    )
    assert config.seed == 7
    assert config.classifier.learning_rate == 2e-4
    assert (config.interpreters["att"].views, config.interpreters["att"].epochs) == (4, 3)
    assert config.evaluation.thresholds == (0.2, 0.4)
    assert config.evaluation.random_thresholds == (0.4,)
    assert config.data.skip_damaged is True
    assert config.audio.sample_rate == 16000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: x\ncolour: red", "unknown config key 'colour'"),
        ("name: x\nclassifier: {epoch: 3}", "unknown config key 'classifier.epoch'"),
        ("name: x\ninterpreters: {att: {depth: 3}}", "'interpreters.att.depth'"),
        ("name: x\naudio: {n_ftt: 3}", "'audio.n_ftt'"),
        ("name: x\nclassifier: {epochs: three}", "'classifier.epochs' must be int"),
        ("name: x\nclassifier: {epochs: 3.5}", "'classifier.epochs' must be int"),
        ("name: x\nclassifier: {epochs: true}", "'classifier.epochs' must be int"),
        ("name: x\nclassifier: {learning_rate: fast}", "'classifier.learning_rate' must be float"),
        ("name: x\ndata: {train_folds: [1, two]}", "'data.train_folds' must be int"),
        ("name: x\ndata: {train_folds: 3}", "'data.train_folds' must be a list"),
        ("name: x\ninterpreters: {att: {loop_thresholds: 0.3}}", "loop_thresholds' must be a list"),
        ("name: x\ndata: {skip_damaged: 1}", "'data.skip_damaged' must be bool"),
        ("name: x\ndata: {root: 5}", "'data.root' must be str"),
        ("name: 5", "'name' must be str"),
        ("seed: 1", "name"),
        ("name: x\nclassifier: 3", "'classifier' must hold keys"),
        ("name: x\ninterpreters: [att]", "'interpreters' must hold keys"),
        ("name: x\ninterpreters: {att: {pooling: mean}}", "'mean'"),
        ("name: x\naudio: {hop_length: 0}", "audio.hop_length"),
        ("name: x\ninterpreters: {att: }\ndefault_interpreter: max", "default_interpreter 'max'"),
        ("name: x\nprecision: float16", "'float16'; accepted: bfloat16, float32"),
        ("name: x\nclassifier: {epochs: 0}", "epochs must be at least 1"),
        ("name: x\nclassifier: {mixup: -1}", "mixup must be at least 0"),
        ("name: x\nclassifier: {noise: {share: 1.5}}", "noise.share must lie between 0 and 1"),
        ("name: x\nclassifier: {noise: {kinds: [red]}}", "brown, clip, received ['red']"),
        ("name: x\nclassifier: {noise: {kinds: []}}", "noise.kinds must be some of white, pink"),
        ("name: x\nclassifier: {noise: {snr_db: [9, 3]}}", "the highest SNR, received [9.0, 3.0]"),
        ("name: x\nclassifier: {noise: {snr_db: [0, 500]}}", "the SNR must lie between −120 and"),
        ("name: x\nclassifier: {noise: {snr: 3}}", "unknown config key 'classifier.noise.snr'"),
        ("name: x\nclassifier: {learning_rate: .nan}", "must be a finite number"),
        ("name: x\nclassifier: {learning_rate: inf}", "must be a finite number"),
        ("name: x\ndictionary: {components: 0}", "components must be at least 1"),
        ("name: x\ninterpreters: {att: {views: 0}}", "views must be at least 1"),
        (
            "name: x\ninterpreters: {att: {muon_learning_rate: -1}}",
            "muon_learning_rate must be at least 0",
        ),
        ("name: x\ninterpreters: {att: {loop_softness: 0}}", "loop_softness must be above 0"),
        ("name: x\ninterpreters: {att: {loop_thresholds: [0.1]}}", "smallest and the largest τ"),
        ("name: x\ninterpreters: {att: {loop_thresholds: [0.5, 0.1]}}", "received [0.5, 0.1]"),
        ("name: x\ndata: {seconds: 0}", "data.seconds must be above 0"),
        (
            "name: x\ndata: {train_folds: [1, 2]}",
            "fold 1 both trains and tests: data.train_folds is [1, 2], data.test_folds [1]",
        ),
        ("name: x\ninterpreters: {Att Loop: }", "'Att Loop'"),
        ("name: x\nbaselines: {a: {kind: lime}}", "'baselines.a.kind' must be flint or vibi"),
        ("name: x\nbaselines: {a: {epochs: 3}}", "must be flint or vibi, received None"),
        ("name: x\nbaselines: {a: {kind: vibi, kept: 3}}", "unknown config key 'baselines.a.kept'"),
        ("name: x\nbaselines: {a: {kind: vibi, pool: 0}}", "pool must be at least 1"),
        ("name: x\nbaselines: {a: {kind: vibi, temperature: 0}}", "temperature must be above 0"),
        ("name: x\nbaselines: {a: {kind: flint, entropy: -1}}", "entropy must be at least 0"),
        ("- name", "must hold keys and values"),
        ("name: [x", "not valid YAML"),
    ],
)
def test_wrong_experiment_files_are_explained(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        _load(tmp_path, text)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("evaluation.thresholds=[0.2, 0.4]", "random_thresholds must be among the thresholds"),
        ("epochs", "key=value"),
        ("classifier.epoch=3", "unknown config key 'classifier.epoch'"),
        ("seed.deep=3", "'seed' holds a value"),
        ("classifier.epochs=[", "--set classifier.epochs=[: the value is not valid YAML"),
    ],
)
def test_wrong_overrides_are_explained(tmp_path: Path, override: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        _load(tmp_path, "name: x\nseed: 1\n", override)
    assert sentence in str(refused.value)


def test_absent_experiment_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_chain_of_starts_must_end(tmp_path: Path) -> None:
    text = "name: x\ninterpreters: {a: {start_from: b}, b: {start_from: a}, c: {start_from: d}}"
    config = _load(tmp_path, text)
    for name in ("a", "c"):
        with pytest.raises(ValueError, match="cannot start from"):
            train_interpreter._recipe(config, name)


def test_a_recipe_without_noise_is_that_of_a_time_before_it(small_config: Config) -> None:
    """So that checkpoints of that time can go on."""
    silent = small_config.recipe("classifier")["classifier"]
    assert "noise" not in silent
    noisy = config_of(small_config.to_dict() | {"classifier": {**silent, "noise": {"share": 0.5}}})
    assert noisy.recipe("classifier")["classifier"]["noise"]["snr_db"] == [-5.0, 30.0]


def test_recipe_leaves_out_what_training_does_not_see(small_config: Config) -> None:
    sections = small_config.recipe("seed", "data")
    assert set(sections) == {"seed", "data"}
    assert {"root", "test_folds"}.isdisjoint(sections["data"])
