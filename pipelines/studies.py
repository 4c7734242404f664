"""What the commands that measure a bundle's interpreters on its own test set share."""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Collection, Sequence

from l2i_core.arguments import Parser
from l2i_core.bundle import Bundle, load_bundle
from l2i_core.data.clips import Clip
from l2i_core.data.sets import held_out
from l2i_core.dictionary import choice
from l2i_core.engine import L2I
from l2i_core.files import write_text
from l2i_core.measure.records import to_csv
from l2i_core.measure.study import Row, on_disk, rows_on_disk, weights_of
from pipelines.runs import start_log


def options(description: str | None, bundle: str, limit: str = "--limit") -> Parser:
    """A command's parser with what all of them take; `bundle` is the default one."""
    parser = Parser(description=description)
    parser.add_argument("--bundle", default=bundle, help="a bundle's name or folder")
    parser.add_argument(
        "--interpreter",
        nargs="+",
        metavar="NAME",
        help="some of the bundle's (default: all), or without training: gradient, search@clip …",
    )
    parser.add_argument("--data", metavar="FOLDER", help="the data set (default: L2I_ESC50, …)")
    parser.add_argument(limit, dest="limit", type=_count, metavar="N", help="test clips at most")
    return parser


def opened(given: Namespace) -> tuple[Bundle, list[L2I], str, tuple[Clip, ...]]:
    """The bundle, its interpreters that are asked for, and its test set: the data set's name, its
    clips. The log begins."""
    start_log()
    bundle = load_bundle(given.bundle)
    names = given.interpreter or list(bundle.interpreters) or [bundle.default_interpreter]
    engines = [engine_of(bundle, name) for name in names]
    return bundle, engines, *held_out(bundle.training, bundle.name, given.data)


def engine_of(bundle: Bundle, system: str) -> L2I:
    """What explains, by its name in rows and tables (`system_of`): NAME, or NAME@W with another W
    than the bundle's. ValueError for an unknown one."""
    name, _, w = system.partition("@")
    return L2I(bundle.with_dictionary(w or choice.BUNDLE), name)


def keep_rows(
    bundle: Bundle, file: str, texts: Collection[str], name: str, rows: Sequence[Row]
) -> list[Row]:
    """Put an explainer's rows into the bundle's metrics/FILE, beside the others', with the digest
    of what it is; returns them as written, of six digits: a resumed run has no others, and the
    figures are theirs."""
    engine = engine_of(bundle, name)
    weights = weights_of(engine.bundle, engine.interpreter_name)
    mine = [{**row, "weights": weights} for row in rows if "error" not in row]
    others = [row for row in rows_on_disk(bundle, file, texts) if row["interpreter"] != name]
    write_text(on_disk(bundle) / "metrics" / file, to_csv([*others, *mine]))
    return rows_on_disk(bundle, file, texts, interpreter=name)


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise ArgumentTypeError(f"must be at least 1, received {text}")
    return count
