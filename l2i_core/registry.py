"""Registries: entries of one kind by name, each added by one file.

A file of the registry's package adds its entry with `@REGISTRY.add("name")`, and so does a file
`ROOM/anything.py` of a plug-in folder that the environment variable L2I_PLUGINS names (ROOM is the
package's last name: classifiers, explainers, …). Plug-ins are strangers' code: they run only where
the user says so (`trusted`).
"""

import importlib
import importlib.util
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E")
_lock = threading.RLock()
TRUST = "only with --trust-code or L2I_TRUST_CODE=1, and never on a shared server (L2I_SHARED)"


def trusted() -> bool:
    """Whether strangers' code may run: L2I_TRUST_CODE=1, and never on a shared server."""
    return os.environ.get("L2I_TRUST_CODE") == "1" and not os.environ.get("L2I_SHARED")


def plugin_files(room: str) -> tuple[list[Path], list[str]]:
    """The plug-in files of a room that may run, of the folders that L2I_PLUGINS names, and a
    sentence for each folder whose may not."""
    files: list[Path] = []
    problems = []
    for name in filter(None, os.environ.get("L2I_PLUGINS", "").split(os.pathsep)):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            problems.append(f"L2I_PLUGINS names {folder}, which is no folder; give one that is.")
            continue
        found = sorted((folder / room).glob("*.py"))
        if found and not trusted():
            problems.append(
                f"{folder} holds plug-ins, which are code that is not ours; they run {TRUST}."
            )
            continue
        files += found
    return files, problems


class Registry(Mapping[str, T], Generic[T]):
    """name → entry, in order of names' first appearance, the package's own before plug-ins.

    package: the full name of the package whose modules add entries. what: an entry in words. check
    raises ValueError, in one sentence, for an entry that is not one. `problems` says which plug-ins
    could not be taken, and why.
    """

    def __init__(
        self, package: str, what: str, check: Callable[[str, T], None] = lambda name, entry: None
    ) -> None:
        self.package, self.what, self._check = package, what, check
        self._own: dict[str, T] = {}
        self._plugged: dict[str, T] = {}
        self._problems: list[str] = []
        self._plugging = self._filled = False
        self._seen: tuple[object, ...] | None = None

    def add(self, name: str) -> Callable[[E], E]:
        """A decorator that keeps a class or function under a name; ValueError for one taken."""

        def keep(entry: E) -> E:
            if self._plugging and name in (*self._own, *self._plugged):
                raise ValueError(f"the name {name!r} is taken; give the {self.what} another.")
            self._check(name, entry)  # type: ignore[arg-type]
            (self._plugged if self._plugging else self._own)[name] = entry  # type: ignore[assignment]
            return entry

        return keep

    @property
    def problems(self) -> list[str]:
        """Sentences on the plug-ins that are not used."""
        self._fill()
        return list(self._problems)

    def __getitem__(self, name: str) -> T:
        self._fill()
        try:
            return self._own[name] if name in self._own else self._plugged[name]
        except KeyError:
            known = ", ".join(self)
            raise ValueError(f"unknown {self.what} {name!r}; known: {known}.") from None

    def __contains__(self, name: object) -> bool:
        self._fill()
        return name in self._own or name in self._plugged

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter((*self._own, *self._plugged))

    def __len__(self) -> int:
        self._fill()
        return len(self._own) + len(self._plugged)

    def _fill(self) -> None:
        with _lock:
            if not self._filled:
                self._filled = True
                package = importlib.import_module(self.package)
                for module in pkgutil.iter_modules(package.__path__):
                    if not module.ispkg:
                        importlib.import_module(f"{self.package}.{module.name}")
                # As their files are sorted, whichever was imported first.
                self._own = dict(sorted(self._own.items(), key=lambda item: item[1].__module__))
            room = self.package.rpartition(".")[2]
            files, problems = plugin_files(room)
            seen = (*((path, path.stat().st_mtime_ns) for path in files), *problems)
            if seen == self._seen:
                return
            self._seen, self._problems = seen, problems
            self._plugged.clear()
            for path in files:
                if problem := self._plug(room, path):
                    self._problems.append(problem)

    def _plug(self, room: str, path: Path) -> str:
        before, self._plugging = dict(self._plugged), True
        try:
            run_file(path, f"l2i_plugins.{room}.{path.stem}")
        except Exception as error:  # a stranger's code may raise anything
            self._plugged = before
            reason = str(error) if isinstance(error, ValueError) else f"{error!r}"
            return f"the plug-in {path.name} ({room}) cannot be used: {reason.rstrip('.')}."
        finally:
            self._plugging = False
        return ""


def run_file(path: Path, name: str) -> object:
    """Run a Python file as the module `name`, and return it; whatever it raises passes on."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
