"""`python -m l2i_core fit`: W, and trained interpreters, from recordings and a model's own answers.

No labels are needed: the interpreters learn from what f itself says of the recordings, by the same
training as our own (`train_interpreter`). Everything lies in a hidden folder beside OUT until the
bundle is complete; the same command, after a kill, goes on there.
"""

import argparse
import dataclasses
import json
import logging
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from l2i_core.arguments import Parser
from l2i_core.bundle import load_bundle
from l2i_core.classifiers import options
from l2i_core.classifiers.foreign import probe_sounds
from l2i_core.classifiers.protocol import SoundClassifier
from l2i_core.data.folders import labelled
from l2i_core.data.sets import open_data_set
from l2i_core.explainers.l2i import LOG_MEL, MAPS
from l2i_core.files import write_text
from l2i_core.registry import trusted
from l2i_core.signal.spectra import AudioConfig
from pipelines import evaluate, fit_card
from pipelines.answers import shortcut
from pipelines.config import Config, GivenConfig, InterpreterConfig, load_config
from pipelines.learn_dictionary import learn
from pipelines.networks import given
from pipelines.recordings import Recording, as_csv, listed, surveyed
from pipelines.runs import main_guard, start_log
from pipelines.stretches import chosen
from pipelines.train_interpreter import check_trainable, make_bundle, train_all

RECIPE = Path(__file__).resolve().parent.parent / "configs" / "fit.yaml"
_CACHED = 1_200_000_000  # bytes of f's answers and maps that training holds
_COPIES = 8  # views of a recording, whole or lacking some components, at most
_STEPS = 1000  # batches that an interpreter sees, where --epochs does not say
_MOST_EPOCHS = 60

log = logging.getLogger("l2i")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m l2i_core fit",
        description="Learn a dictionary W from recordings, at the rate of a model of your own, and "
        "with --interpreters Psi and Theta from the model's own answers. No labels are needed. The "
        "same command goes on after a kill.",
    )
    options.add_classifier(parser, "the model to explain", required=True)
    parser.add_argument("--audio", type=Path, required=True, help="a folder of recordings")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument(
        "--interpreters", default="", metavar="NAMES", help="att, max, att-loop, max-loop (or none)"
    )
    parser.add_argument("--components", type=int, metavar="K", help="of W (default: 100)")
    parser.add_argument("--epochs", type=int, help="of each interpreter (default: by the data)")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def run(argv: list[str]) -> int:
    """`main` with its errors told, for the command line of the engine."""
    return main_guard(lambda: main(argv))


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(argv)
    config, f = _config(arguments)
    data = open_data_set(config.data.kind, config.data.root)
    settings = _settings(config, listed(data.clips), arguments.epochs)
    out = arguments.out.absolute()
    if _finished(out, settings):
        print(f"{arguments.out} is finished already.")
        return 0
    work = out.parent / f".{out.name}.fit"
    folder = work / out.name
    _begin(work, folder, settings, f)
    try:
        recordings = surveyed(data.clips, folder / "checkpoints" / "recordings.json")
        config = _sized(config, f, recordings, arguments.epochs)
        learn(config, folder)
        if config.interpreters:
            train_all(config, folder, None)
        else:
            make_bundle(config, folder)
        _record(folder, settings)
        typed = ["python", "-m", "l2i_core", "fit", *argv, *(["--trust-code"] if trusted() else [])]
        _measure(config, folder, recordings, shlex.join(typed))
    except ValueError:
        if not list(folder.rglob("*.safetensors")):  # nothing that is worth going on with
            shutil.rmtree(work)
        raise
    write_text(folder / "recordings.csv", as_csv(recordings))
    shutil.rmtree(folder / "checkpoints")
    folder.replace(out)
    shutil.rmtree(work)
    print(f"Written to {arguments.out}.")
    return 0


def _config(arguments: argparse.Namespace) -> tuple[Config, SoundClassifier]:
    """The experiment that was asked for, and f; ValueErrors before anything is begun."""
    config = load_config(RECIPE)
    names = _names(arguments.interpreters, config)
    said = options.given(arguments)
    model = GivenConfig(
        arguments.classifier,
        tuple(said["classes"] or ()),
        said["rate"],
        said["multi_label"],
        said["outputs"],
    )
    if not arguments.audio.is_dir():
        raise ValueError(f"there is no folder {arguments.audio}; give a folder of recordings.")
    f = given(model)
    options.tell_notes(f)
    reads = MAPS if f.layers else LOG_MEL
    interpreters = {n: dataclasses.replace(config.interpreters[n], reads=reads) for n in names}
    for name, settings in interpreters.items():
        check_trainable(name, settings, f)
    if arguments.epochs is not None:
        for settings in config.interpreters.values():  # refuses none
            dataclasses.replace(settings, epochs=arguments.epochs)
    dictionary = config.dictionary
    if arguments.components is not None:
        dictionary = dataclasses.replace(dictionary, components=arguments.components)
    seconds = max(config.data.seconds, float(-(-f.min_seconds // 1)))
    name = arguments.out.absolute().name
    return dataclasses.replace(
        config,
        name=name,
        title=f"{name}: {fit_card.named(model)} on {arguments.audio.absolute().name}",
        seed=arguments.seed,
        data=dataclasses.replace(
            config.data, root=str(arguments.audio.absolute()), seconds=seconds
        ),
        audio=AudioConfig.for_rate(f.sample_rate),
        given=model,
        dictionary=dictionary,
        interpreters=interpreters,
        default_interpreter=names[-1] if names else None,
    ), f


def _names(given: str, config: Config) -> list[str]:
    """The interpreters that were asked for, each after the one that it starts from."""
    names: list[str] = []
    for name in (part.strip() for part in given.split(",") if part.strip()):
        if name not in config.interpreters:
            known = ", ".join(config.interpreters)
            raise ValueError(f"unknown interpreter {name!r}; accepted: {known}.")
        start = config.interpreters[name].start_from
        names += [one for one in (start, name) if one and one not in names]
    return names


def _settings(config: Config, files: str, epochs: int | None) -> dict[str, Any]:
    """What must agree on going on, by the names of the options."""
    return {
        "classifier": dataclasses.asdict(config.given) | {"classes": list(config.given.classes)},
        "audio": files,
        "interpreters": list(config.interpreters),
        "components": config.dictionary.components,
        "epochs": epochs,
        "seed": config.seed,
    }


def _finished(out: Path, settings: dict[str, Any]) -> bool:
    """Whether OUT is what this command makes; ValueError where it is something else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        made = json.loads((out / "config.json").read_text())["training"]["fit"]
    except (OSError, ValueError, KeyError, TypeError):
        made = None
    if made == settings:
        return True
    raise ValueError(
        f"--out {out} holds something else already; remove it, or choose another place."
    )


def _begin(work: Path, folder: Path, settings: dict[str, Any], f: SoundClassifier) -> None:
    """Make the folder that is worked in, or see that it is this command's; the log goes there."""
    path = work / "fit.json"
    sounds = probe_sounds(
        max(f.sample_rate, round(f.min_seconds * f.sample_rate)), f.sample_rate, 5
    )
    with torch.no_grad():
        answers = torch.cat([f.hear(sound[None]).logits for sound in sounds])
    if path.is_file():
        found = json.loads(path.read_text())
        again = f"{work} belongs to a run with %s; remove it to begin anew, or give another --out."
        for name, value in settings.items():
            if found["settings"].get(name) != value:
                of = "other recordings" if name == "audio" else f"another --{name}"
                raise ValueError(again % of)
        if not torch.allclose(torch.tensor(found["answers"]), answers, rtol=1e-3, atol=1e-3):
            raise ValueError(again % f"another f behind {settings['classifier']['model']}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot write {folder.parent.parent} ({error.strerror}).") from error
    if not path.is_file():
        write_text(path, json.dumps({"settings": settings, "answers": answers.tolist()}))
    start_log(folder)


def _sized(
    config: Config, f: SoundClassifier, recordings: Sequence[Recording], epochs: int | None
) -> Config:
    """The config with as many clips, views and epochs as the recordings and the memory allow."""
    without = tuple(one.clip.name for one in recordings if one.why)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, without=without))
    if not config.interpreters:
        return config
    kept = [one.clip for one in recordings if one.use == "trained on"]
    clips = len(chosen(config.data, kept))
    examples = max(2, _CACHED // _bytes(config, f))
    most = min(clips, examples // 2)
    copies = min(_COPIES, examples // most)
    partial = copies * 5 // 8

    def sized(one: InterpreterConfig) -> InterpreterConfig:
        views, lacking = copies - partial, partial
        if one.in_the_loop:  # which makes what lacks some components itself
            views, lacking = min(2, copies), 0
        batches = -(-most * (views + lacking) // one.batch_size)
        return dataclasses.replace(
            one,
            views=views,
            partial_views=lacking,
            most_clips=most if most < clips else 0,
            epochs=epochs or min(_MOST_EPOCHS, -(-_STEPS // batches)),
        )

    log.info("interpreters: %d of %d clips of %g s", most, clips, config.data.seconds)
    each = {name: sized(one) for name, one in config.interpreters.items()}
    return dataclasses.replace(config, interpreters=each)


def _bytes(config: Config, f: SoundClassifier) -> int:
    """What one clip takes of the memory in training, in half precision."""
    length = round(config.data.seconds * config.audio.sample_rate)
    with torch.no_grad():
        heard = f.hear(torch.zeros(1, length))
    spectra = config.audio.n_bins * config.audio.n_frames(length)
    spectra *= 1 if shortcut(config, f) else 2
    return 2 * (spectra + sum(one.numel() for one in heard.maps))


def _record(folder: Path, settings: dict[str, Any]) -> None:
    """Put what was asked for into the bundle's record, by which a finished one is known."""
    path = folder / "config.json"
    values = json.loads(path.read_text())
    values["training"]["fit"] = settings
    write_text(path, json.dumps(values, indent=1) + "\n")


def _measure(config: Config, folder: Path, recordings: Sequence[Recording], command: str) -> None:
    """metrics/ where folders are named as f's classes, and card.md with how W and the interpreters
    do on held-out recordings."""
    bundle = load_bundle(folder)
    held_out = [one.clip for one in recordings if one.use == "held out"]
    named = sorted({clip.label for clip in labelled(held_out, bundle.classes)} - {""})
    figures: dict[str, dict[str, Any]] = {}
    problem = ""
    try:
        if named:
            made = evaluate.run(config, folder, command=command)
            figures = {name: each.summary for name, each in made.items()}
        else:
            figures = evaluate.followed(config, bundle)
    except ValueError as error:
        problem = str(error)
        log.warning("not measured: %s", problem)
    text = fit_card.card(config, bundle, recordings, figures, named, problem, command)
    write_text(folder / "card.md", text)


if __name__ == "__main__":
    sys.exit(main_guard(main))
