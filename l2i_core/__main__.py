"""The command line: `python -m l2i_core interpret | timeline | evaluate | fit | corrupt |
info` (see --help).

Bad input gives one line `error: …` on stderr and exit code 2, and leaves no half-written file.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, bundle_folders, load_bundle
from l2i_core.classifiers import options
from l2i_core.classifiers.opening import opened
from l2i_core.classifiers.protocol import CLASSIFIERS
from l2i_core.data.clips import Clip
from l2i_core.data.folders import any_folder
from l2i_core.dictionary import choice
from l2i_core.dictionary.masking import MASK_DOMAINS
from l2i_core.engine import L2I
from l2i_core.explainers.conventions import CONVENTIONS, PAPER
from l2i_core.explainers.protocol import EXPLAINERS
from l2i_core.files import SPREADSHEET, atomic, write_text
from l2i_core.measure import audit, evaluation, fewest
from l2i_core.measure.explained import Explained
from l2i_core.measure.metrics.registry import METRICS
from l2i_core.report import evidence, timeline_command
from l2i_core.report.report import decision, make_report, score, statement, task_in, warning
from l2i_core.signal import audio, condition
from l2i_core.signal.corrupt import COLOURS, add_at_snr, coloured_noise
from l2i_core.signal.decoding import piped
from l2i_core.signal.spectra import AudioConfig
from l2i_core.words import class_name, logit

DEFAULT_BUNDLE = "esc10"
_EXPLAINER_HELP = "att, max, … (default: the bundle's own choice), or without training "


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m l2i_core",
        description="Hear what a classifier listened to. --trust-code runs the plug-ins in the "
        "folder that L2I_PLUGINS names.",
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)

    interpret = commands.add_parser("interpret", help="explain one clip")
    interpret.add_argument("clip", type=Path)
    _add_model(interpret)
    interpret.add_argument("--target", help="the class to explain (default: f's prediction)")
    interpret.add_argument("--threshold", type=float, default=0.3, help="τ in [0, 1)")
    interpret.add_argument(
        "--fewest",
        action="store_true",
        help="instead of τ: the fewest components with which f still says the class",
    )
    interpret.add_argument("--mask-domain", choices=MASK_DOMAINS, default="log")
    interpret.add_argument("--conventions", choices=CONVENTIONS, default=PAPER.name)
    interpret.add_argument(
        "--window", type=float, nargs=2, metavar=("START", "END"), help="seconds"
    )
    interpret.add_argument("--components", action="store_true", help="write each selected x_k too")
    interpret.add_argument("--out", type=Path, help="folder for the WAV files and report.json")
    interpret.add_argument("--evidence", type=Path, metavar="ZIP", help="sounds, picture, digests")
    interpret.add_argument("--json", action="store_true", help="print the report alone")

    where = commands.add_parser("timeline", help="where in a long recording is what")
    timeline_command.add_options(where)
    _add_model(where)

    evaluate = commands.add_parser("evaluate", help="audit a model on a folder of recordings")
    evaluate.add_argument("folder", help="a folder per class, or files without labels")
    _add_model(evaluate)
    evaluate.add_argument("--threshold", type=float, default=0.3, help="τ of the printed table")
    evaluate.add_argument("--conventions", choices=CONVENTIONS, default=PAPER.name)
    evaluate.add_argument("--out", type=Path, help="folder for the CSV files, the JSON and summary")
    evaluate.add_argument("--json", action="store_true", help="print the whole audit as JSON")

    fit = "learn W, and explainers, from recordings and another model's own answers (no labels)"
    commands.add_parser("fit", help=fit, add_help=False)

    corrupt = commands.add_parser("corrupt", help="add noise at a signal-to-noise ratio")
    corrupt.add_argument("clip", type=Path)
    corrupt.add_argument("--noise", required=True, help=f"{', '.join(COLOURS)} or an audio file")
    corrupt.add_argument("--snr", type=float, required=True, metavar="DB")
    corrupt.add_argument("--seed", type=int, default=0)
    corrupt.add_argument("--out", type=Path, required=True, help="the WAV file to write")

    info = commands.add_parser("info", help="the models at hand, or all about one")
    info.add_argument("--bundle", help="a bundle's name or folder (default: a line on each)")
    info.add_argument("--json", action="store_true")
    return parser


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bundle", help=f"a bundle's name or folder (default: {DEFAULT_BUNDLE})")
    command.add_argument("--interpreter", help=_EXPLAINER_HELP + ", ".join(EXPLAINERS))
    command.add_argument(
        "--dictionary",
        metavar="W",
        help="bundle, clip (each clip's own), or another bundle's folder (default: the bundle's; "
        "clip for search, and where --classifier comes without --bundle)",
    )
    options.add_classifier(command, "another f")


def _model(arguments: argparse.Namespace) -> Bundle:
    """f and W, as asked for; notes on what was assumed go to stderr."""
    said = options.given(arguments)
    f = opened(arguments.classifier, **said) if arguments.classifier else None
    bundle = load_bundle(arguments.bundle or DEFAULT_BUNDLE)
    bundle = bundle.explaining(f) if f else bundle
    options.tell_notes(bundle.classifier)
    name = arguments.interpreter or bundle.default_interpreter
    dictionary = choice.CLIP if f and not arguments.bundle else bundle.explainer(name).dictionary
    return bundle.with_dictionary(arguments.dictionary or dictionary)


def _interpret(arguments: argparse.Namespace) -> None:
    engine = L2I(_model(arguments), arguments.interpreter, arguments.conventions)
    window = tuple(arguments.window) if arguments.window else None
    given = piped(arguments.clip)
    analysis = engine.analyse(*audio.read(given), window=window)
    target, domain = arguments.target, arguments.mask_domain
    if arguments.fewest:
        interpretation = fewest.interpreted(engine, analysis, target, domain)
    else:
        interpretation = engine.interpret(analysis, target, arguments.threshold, domain)
    made = Explained(engine, analysis, interpretation, condition=condition.of_file(given))
    report = make_report(made, arguments.clip.name)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    if arguments.out:
        _folder(arguments.out)
        rate = engine.audio.sample_rate
        for name, sound in made.sounds.items():
            audio.write(arguments.out / f"{name}.wav", sound, rate)
        for k in interpretation.selected if arguments.components else ():
            sound = engine.component_audio(analysis, k, arguments.mask_domain)
            audio.write(arguments.out / f"component-{k:03d}.wav", sound, rate)
        for path in arguments.out.glob("component-[0-9]*.wav"):
            if (
                not arguments.components
                or int(path.stem.split("-")[1]) not in interpretation.selected
            ):
                path.unlink()  # an earlier run's: it would pass for one of this report's
        write_text(arguments.out / "report.json", text + "\n")
    if arguments.evidence:
        _write_evidence(arguments, made, evidence.digest(given))
    print(text if arguments.json else _sentences(report, arguments.out))


def _write_evidence(arguments: argparse.Namespace, made: Explained, digest: str) -> None:
    report = evidence.evidence_report(
        made,
        clip_name=arguments.clip.name,
        input_sha256=digest,
        digests=evidence.bundle_digests(made.engine.bundle),
        random=evidence.random_drops(made),
    )
    data = evidence.evidence_zip(made, report)
    with atomic(arguments.evidence) as part:
        part.write_bytes(data)


def _evaluate(arguments: argparse.Namespace) -> None:
    bundle = _model(arguments)
    name = arguments.interpreter or bundle.default_interpreter
    data = any_folder(arguments.folder, bundle.classes)
    if arguments.out:
        _folder(arguments.out)  # or minutes of measuring would be lost
    left_out: list[str] = []
    ear = audit.Ear()

    def leave_out(clip: Clip, why: str) -> None:
        left_out.append(why)
        print(f"left out: {why}", file=sys.stderr)

    with tqdm(total=2 * len(data.clips), unit="pass", disable=None) as bar:
        result = evaluation.evaluate(
            bundle,
            name,
            data.clips,
            dataclasses.replace(audit.SETTINGS, conventions=arguments.conventions),
            lambda done, total: bar.update(done - bar.n) and None,
            leave_out,
            ear,
        )
    about = audit.about(data.name, bundle.name, name, result, left_out, data.notes, ear.warnings)
    about["conventions"] = arguments.conventions
    threshold = audit.audited_threshold(result.levels, arguments.threshold)
    rows = audit.audit_rows(result.clips, result.levels, threshold)
    text = audit.to_json(about, result.summary, result.clips, result.levels, rows)
    if arguments.out:
        evaluation.write_evaluation([result], arguments.out, about, encoding=SPREADSHEET)
        write_text(arguments.out / "audit.csv", audit.to_csv(rows), SPREADSHEET)
        write_text(arguments.out / "audit.json", text + "\n")
    if arguments.json:
        print(text)
        return
    print(f"{audit.measured(about)} {audit.finding(rows)}")
    print(
        "".join(f"{clip}: {' '.join(told)}\n" for clip, told in about["warnings"].items()), end=""
    )
    print("\n".join(f"{row.clip}: {audit.doubts(row)}" for row in rows))
    if arguments.out:
        print(f"Written to {arguments.out}.")


def _sentences(report: dict[str, Any], out: Path | None) -> str:
    c = report["classes"].index(report["target"])
    top = sorted(zip(report["probabilities"], report["classes"], strict=True), reverse=True)[:3]
    told = ", ".join(f"{name} {p:.2f}" for p, name in top)
    values = [
        logit(score(report, report[k][c]))
        for k in ("logits", "logits_interpretation", "logits_without")
    ]
    verb, f, agreed = "says", told, " and agrees"
    if task_in(report).multi_label:
        verb, f = "hears", f"{decision(report, report['logits'])} (most probable: {told})"
        agreed = f"; it agrees on {class_name(report['target'])}"
    disagreement = warning(report)
    if report["interpreter_logits"] is None:
        follows = f"{report['interpreter']} does not mimic f: there is no agreement to look at."
    else:
        theirs = decision(report, report["interpreter_logits"])
        ending = "" if disagreement else agreed
        follows = f"Interpreter {report['interpreter']} {verb} {theirs}{ending}."
    unsupported = "" if report["supported"] else ", unsupported"
    lines = [
        *(f"{report['clip']}: {told}" for told in report["warnings"]),
        f"{report['clip']}: f {verb} {f}{unsupported}.",
        follows,
        *([disagreement] if disagreement else []),
        f"For {report['target']} at τ = {report['threshold']:g}: {len(report['selected'])} of "
        f"{len(report['relevance'])} components, "
        f"{100 * report['energy_kept']:.0f} % of the sound energy.",
        f"f's {task_in(report).unit.of} {report['target']}: {values[0]} on the input, "
        f"{values[1]} on the interpretation, {values[2]} on the residual.",
        statement(report)[0],
    ]
    if out:
        lines.append(f"Written to {out}.")
    return "\n".join(lines)


def _corrupt(arguments: argparse.Namespace) -> None:
    samples, rate = audio.read(piped(arguments.clip))
    clip = audio.prepare(samples, rate, AudioConfig(sample_rate=rate)).numpy()
    if arguments.noise in COLOURS:
        noise = coloured_noise(arguments.noise, len(clip), arguments.seed, rate)
    elif Path(arguments.noise).exists():
        noise = audio.prepare(*audio.read(arguments.noise), AudioConfig(sample_rate=rate)).numpy()
    else:
        raise ValueError(
            f"unknown noise {arguments.noise!r}; accepted: {', '.join(COLOURS)}, or an audio file."
        )
    if arguments.out.is_dir():
        raise ValueError(f"--out {arguments.out} is a folder; give the WAV file to write.")
    mixed = add_at_snr(clip, noise, arguments.snr)
    _folder(arguments.out.parent)
    audio.write(arguments.out, mixed, rate)
    print(
        f"{arguments.clip.name} with {arguments.noise} at {arguments.snr:g} dB SNR: {arguments.out}"
    )


def _list(as_json: bool) -> None:
    rows = []
    for name, folder in bundle_folders().items():
        try:
            rows.append(_about(load_bundle(folder)) | {"name": name})  # the name that loads it
        except ValueError as error:  # one damaged bundle does not hide the others
            print(f"left out: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        print("\n".join(_line(row) for row in rows) or "No bundles are at hand.")


def _info(arguments: argparse.Namespace) -> None:
    if arguments.bundle is None:
        _list(arguments.json)
        return
    bundle = load_bundle(arguments.bundle)
    about = _about(bundle) | {
        "class_names": list(bundle.classes),
        "interpreters": {name: text for name, (_, text) in bundle.explainers().items()},
        "training": dict(bundle.training),
        "metrics": bundle.summary(),
    }
    if arguments.json:
        print(json.dumps(about, indent=1, ensure_ascii=False))
    else:
        known = f"Classes: {', '.join(bundle.classes)}.\n{_measured(about['metrics'])}"
        print(f"{_line(about)}\n{known}\n\n{bundle.card()}".rstrip())


def _measured(summary: dict[str, Any] | None) -> str:
    if not summary:
        return "Not measured yet: pipelines.evaluate does it."
    first = next(iter(summary.values()))
    of, key, answer = "top-1 fidelity", "top1", f"{first['n']} clips: "
    if "truth" in first:
        of, key = "macro-AUPRC of f's decisions", "macro_auprc"
        answer += f"f's macro-AUPRC {_figure(first['truth'][key])}; "
    elif first["accuracy"] is not None:
        answer += f"f's accuracy {first['accuracy']:.3f}; "
    each = [f"{name} {_figure(block['fidelity'][key])}" for name, block in summary.items()]
    return f"Measured on {answer}{of} {', '.join(each)}."


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _about(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "title": bundle.title,
        "classes": len(bundle.classes),
        "sample_rate": bundle.audio.sample_rate,
        "components": bundle.dictionary.n_components,
        "interpreters": list(bundle.explainers()),
        "baselines": list(bundle.baselines),
        "default_interpreter": bundle.default_interpreter,
        "folder": str(bundle.folder),
    }


def _line(about: dict[str, Any]) -> str:
    baselines = f"; baselines {', '.join(about['baselines'])}" if about["baselines"] else ""
    return (
        f"{about['name']}: {about['title']} ({about['classes']} classes, "
        f"{about['sample_rate']} Hz, K = {about['components']}; "
        f"interpreters {', '.join(about['interpreters'])}{baselines})"
    )


def _fit(argv: list[str]) -> int:
    # Training is no part of the engine: it is imported where it is asked for alone.
    from pipelines import fit

    return fit.run(argv)


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot create the folder {path}: {error.strerror}.") from error


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code (0, or 2 for bad input)."""
    commands = {
        "interpret": _interpret,
        "timeline": lambda given: timeline_command.run(
            given, L2I(_model(given), given.interpreter)
        ),
        "evaluate": _evaluate,
        "corrupt": _corrupt,
        "info": _info,
    }
    given = list(sys.argv[1:] if argv is None else argv)
    if "--trust-code" in given:  # before the registries, which the options' help reads
        given.remove("--trust-code")
        os.environ["L2I_TRUST_CODE"] = "1"
    try:
        for problem in (*CLASSIFIERS.problems, *EXPLAINERS.problems, *METRICS.problems):
            raise ValueError(problem)
        if given[:1] == ["fit"]:
            return _fit(given[1:])
        arguments = _parser().parse_args(given)
        commands[arguments.command](arguments)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
