"""The user's own names for components: checked, kept in a file of their own, exchanged as JSON.

A name belongs to one dictionary: files carry a fingerprint of W, so that names never attach to
another one. Folder: the environment variable L2I_HOME, by default ~/.l2i.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from l2i_core.files import home, write_text
from l2i_core.words import one_line

FORMAT = "l2i-component-names/1"
MAX_LENGTH = 60  # characters of a name
MAX_BYTES = 2**20  # of a file that is imported
_FIELDS = {"format", "bundle", "dictionary", "names"}
_turn = threading.Lock()

Names = dict[int, str]


def fingerprint(patterns: Tensor) -> str:
    """64 hexadecimal digits that tell dictionaries apart: SHA-256 of W (F, K) in fp16, as a bundle
    stores it (`Bundle.stored_patterns`)."""
    data = patterns.half().contiguous()
    return hashlib.sha256(repr(tuple(data.shape)).encode() + data.numpy().tobytes()).hexdigest()


def clean(name: str) -> str:
    """A name as it is kept, `one_line` of MAX_LENGTH; ValueError for a longer one."""
    return one_line(name, MAX_LENGTH)


def path_for(bundle_name: str, fingerprint: str) -> Path:
    """Where the names of one dictionary are kept."""
    return home() / "names" / f"{bundle_name}-{fingerprint[:16]}.json"


def load(bundle_name: str, fingerprint: str, components: int) -> Names:
    """The names that are kept, {} where there are none yet; ValueError for a damaged file."""
    path = path_for(bundle_name, fingerprint)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    return decode(data, path.name, fingerprint, components)


def keep(bundle_name: str, fingerprint: str, components: int, changes: Mapping[int, str]) -> Names:
    """Add or replace names, remove those that are "", write the file; returns all names.

    Raises ValueError for a damaged file, which is left as it is, and where writing fails.
    """
    with _turn:
        names = merged(load(bundle_name, fingerprint, components), changes)
        path = path_for(bundle_name, fingerprint)
        write_text(path, encode(bundle_name, fingerprint, names))
    return names


def label(names: Mapping[int, str], component: int) -> str:
    """What a component is called wherever it is listed: "#17 · bark", "#17" without a name."""
    name = names.get(component, "")
    return f"#{component} · {name}" if name else f"#{component}"


def merged(names: Mapping[int, str], changes: Mapping[int, str]) -> Names:
    """`names` with `changes` made; "" removes a name."""
    both = {**names, **changes}
    return {k: both[k] for k in sorted(both) if both[k]}


def encode(bundle_name: str, fingerprint: str, names: Mapping[int, str]) -> str:
    """The JSON text that is kept, exported and imported."""
    content = {
        "format": FORMAT,
        "bundle": bundle_name,
        "dictionary": fingerprint,
        "names": {str(k): names[k] for k in sorted(names)},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def decode(data: bytes, file_name: str, fingerprint: str, components: int) -> Names:
    """Names from a file, checked; ValueError in one sentence: nothing of a wrong file is taken."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{file_name} is larger than 1 MB; a file of names is far smaller.")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"{file_name} is not JSON; choose a file that was exported here."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"{file_name} is JSON but not a file of component names; choose one exported here."
        )
    if set(content) != _FIELDS or not isinstance(content["names"], dict):
        raise ValueError(
            f"{file_name} must hold exactly {', '.join(sorted(_FIELDS))}; export it again."
        )
    if content["dictionary"] != fingerprint:
        raise ValueError(
            f"{file_name} names the components of another dictionary "
            f"(model “{str(content['bundle'])[:40]}”), so its names would be wrong here; "
            "choose that model first."
        )
    return _checked(content["names"], file_name, components)


def _checked(entries: Mapping[str, object], file_name: str, components: int) -> Names:
    found: Names = {}
    for key, name in entries.items():
        if not (key.isascii() and key.isdigit() and len(key) < 7 and int(key) < components):
            raise ValueError(
                f"{file_name} names a component “{key[:20]}”; they are numbered from 0 to "
                f"{components - 1}."
            )
        if not isinstance(name, str):
            raise ValueError(f"{file_name}: the name of component {key} is not text.")
        try:
            found[int(key)] = clean(name)
        except ValueError as error:
            raise ValueError(f"{file_name}, component {key}: {error}") from error
    return merged({}, found)
