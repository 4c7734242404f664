"""Settings read strictly: a mapping of YAML or JSON → a frozen dataclass, or one sentence."""

import contextlib
import math
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar

Record = TypeVar("Record")


def build(kind: type[Record], values: Any, where: str = "") -> Record:
    """An instance of the dataclass `kind`, and of those that its fields hold, from a mapping.

    Where a field may hold one of several dataclasses, their fields `kind` tell which. Raises
    ValueError, which begins with `where`, for an unknown key, one that is missing, a value of
    another type, a number that is not finite, and what a dataclass itself refuses.
    """
    try:
        return _record(kind, values, "")
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error


def at_least(settings: object, least: float, *names: str) -> None:
    """ValueError for the first of these settings that is smaller."""
    for name in names:
        if getattr(settings, name) < least:
            value = getattr(settings, name)
            raise ValueError(f"{name} must be at least {least}, received {value}.")


def _record(kind: Any, values: Any, where: str) -> Any:
    values = _mapping(values, where)
    known, prefix = {f.name: f for f in fields(kind)}, f"{where}." if where else ""
    if unknown := sorted(set(values) - set(known)):
        accepted = ", ".join(known)
        raise ValueError(
            f"unknown config key {prefix + str(unknown[0])!r}; accepted here: {accepted}."
        )
    for name, field in known.items():
        if field.default is field.default_factory is MISSING and name not in values:
            raise ValueError(f"config key {prefix + name!r} is missing.")
    hints = typing.get_type_hints(kind)
    return kind(**{key: _value(hints[key], value, prefix + key) for key, value in values.items()})


def _mapping(values: Any, where: str) -> dict[Any, Any]:
    if not isinstance(values, dict):
        raise ValueError(
            f"config key {where!r} must hold keys and values, received {values!r:.60}."
        )
    return values


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if is_dataclass(hint):
        return _record(hint, value or {}, where)
    if origin is dict:
        entries = _mapping(value, where).items()
        return {str(key): _value(arguments[1], entry, f"{where}.{key}") for key, entry in entries}
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"config key {where!r} must be a list, received {value!r}.")
        return tuple(_value(arguments[0], entry, where) for entry in value)
    if kinds := {_default(a, "kind"): a for a in arguments if is_dataclass(a)}:
        if (named := _mapping(value or {}, where).get("kind")) not in kinds:
            known = " or ".join(kinds)
            raise ValueError(f"config key '{where}.kind' must be {known}, received {named!r}.")
        return _record(kinds[named], value, where)
    accepted = [a for a in arguments or (hint,) if isinstance(a, type)]
    if float in accepted and isinstance(value, str) and not value.isdecimal():
        with contextlib.suppress(ValueError):  # YAML 1.1 reads 1e-3 as a string
            value = float(value)
    if float in accepted and type(value) in (int, float):
        if not math.isfinite(value):
            raise ValueError(f"config key {where!r} must be a finite number, received {value!r}.")
        return float(value)
    if type(value) not in accepted:
        names = " or ".join("null" if a is type(None) else a.__name__ for a in accepted)
        raise ValueError(f"config key {where!r} must be {names}, received {value!r}.")
    return value


def _default(kind: Any, name: str) -> Any:
    return next(field.default for field in fields(kind) if field.name == name)
