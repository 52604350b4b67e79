"""The options of a component: known ones with values of a sensible kind, or an error that names the component and the option."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from buildgraph.errors import nearest
from buildgraph.trainer.errors import InvalidConfigException


def checked(config: Mapping[str, Any], defaults: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`config` over `defaults`. Raises InvalidConfigException (BG545) for an option that the component `name` does not have."""
    for option in config:
        if option not in defaults and option != "name":
            raise InvalidConfigException(
                f"{name} has no option '{option}'", code="BG545", facts=(("options", ", ".join(sorted(defaults)) or "none"),),
                why="an option that does nothing would be taken for one that does", fix=nearest(option, defaults) or "remove it",
            )  # fmt: skip
    return {**defaults, **config}


def number(
    config: Mapping[str, Any], option: str, name: str, *, least: float = 0.0, most: float = sys.float_info.max, whole: bool = False, above: bool = False
) -> Any:
    """The number that is the value of `option`; `whole` allows integers only, `above` not `least` itself.

    Raises InvalidConfigException (BG546) for anything else: text, a truth value, nothing, infinity.
    """
    value = config[option]
    kind = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most or (above and value == least):
        wanted = f"a{' whole' if whole else ''} number {'above' if above else 'of at least'} {least:g}"
        raise unusable(name, option, value, wanted + (f", at most {most:g}" if most != sys.float_info.max else ""))
    return value


def flags(config: Mapping[str, Any], name: str, *options: str) -> None:
    """Raises InvalidConfigException (BG546) when one of `options` is neither true nor false."""
    for option in options:
        if not isinstance(config[option], bool):
            raise unusable(name, option, config[option], "true or false")


def one_of(config: Mapping[str, Any], option: str, name: str, known: Sequence[Any]) -> Any:
    """The value of `option`, which is one of `known`. Raises InvalidConfigException (BG546) for anything else."""
    value = config[option]
    if not any(type(value) is type(each) and value == each for each in known):  # 1 is not true
        raise unusable(name, option, value, " or ".join(map(repr, known)))
    return value


def expression(config: Mapping[str, Any], option: str, name: str) -> re.Pattern[str] | None:
    """The regular expression that is the value of `option`; None for nothing. Raises InvalidConfigException (BG546) for one that is none."""
    pattern = config[option]
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise unusable(name, option, pattern, f"a regular expression ({error})") from None


def texts(config: Mapping[str, Any], option: str, name: str) -> list[str]:
    """The texts that are the value of `option`, or the only one. Raises InvalidConfigException (BG546) for anything else."""
    value = [config[option]] if isinstance(config[option], str) else config[option]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise unusable(name, option, config[option], "a text or a list of texts")
    return value


def unusable(name: str, option: str, value: object, wanted: str) -> InvalidConfigException:
    """The error for a value that an option cannot have."""
    return InvalidConfigException(
        f"{name} cannot use {option}: {value!r}", code="BG546", why=f"'{option}' takes {wanted}", fix="correct the value, or leave the option out",
    )  # fmt: skip
