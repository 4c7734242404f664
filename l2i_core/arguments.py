"""Command-line parsing that speaks like every other error, one sentence, no usage text, and on
every console: what one cannot print is spelled in ASCII."""

import argparse
import codecs
import io
import json
import sys
from typing import Any, NoReturn

_SPELLED = {"τ": "tau", "−": "-", "\u202f": " ", "→": "->", "…": "...", "‖": "||", "θ": "theta"}


class Parser(argparse.ArgumentParser):
    """Raises ValueError where argparse would print its usage and exit."""

    def parse_args(self, *given: Any, **more: Any) -> Any:
        """The command's first step, so all that it prints passes here: its own help, too."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_spell.__name__)
        return super().parse_args(*given, **more)

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}. See {self.prog} --help.")


def _spell(error: UnicodeError) -> tuple[str, int]:
    # JSON's escapes, so that JSON stays readable by machines.
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_SPELLED.get(c, json.dumps(c)[1:-1]) for c in lacking), error.end


codecs.register_error(_spell.__name__, _spell)
