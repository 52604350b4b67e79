"""The options of a component: known ones with values of a sensible kind, or an error that names the component and the option."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from buildgraph.errors import nearest
from buildgraph.trainer.errors import InvalidConfigException

_logger = logging.getLogger(__name__)


def checked(config: Mapping[str, Any], defaults: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`config` over `defaults`. Raises InvalidConfigException (BG545) for an option that the component `name` does not have."""
    for option in config:
        if option not in defaults and option != "name":
            raise InvalidConfigException(
                f"{name} has no option '{option}'", code="BG545", facts=(("options", ", ".join(sorted(defaults)) or "none"),),
                why="an option that does nothing would be taken for one that does", fix=nearest(option, defaults) or "remove it",
            )  # fmt: skip
    return {**defaults, **config}


def number(config: Mapping[str, Any], option: str, name: str, *, least: float = 0.0, most: float = float("inf")) -> Any:
    """The number that is the value of `option`. Raises InvalidConfigException (BG546) for anything else."""
    value = config[option]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise unusable(name, option, value, f"a number of at least {least:g}" + (f", at most {most:g}" if most != float("inf") else ""))
    return value


def one_of(config: Mapping[str, Any], option: str, name: str, known: Sequence[Any]) -> Any:
    """The value of `option`, which is one of `known`. Raises InvalidConfigException (BG546) for anything else."""
    value = config[option]
    if value not in known:
        raise unusable(name, option, value, " or ".join(map(repr, known)))
    return value


def refused(name: str, error: Exception) -> InvalidConfigException:
    """The error for a value that scikit-learn itself refuses."""
    return InvalidConfigException(
        f"scikit-learn refuses the options of {name}: {error}", code="BG546", why="these options are handed on to it as they are", fix="correct the value that it names",
    )  # fmt: skip


def pattern(config: Mapping[str, Any], option: str, name: str) -> re.Pattern[str] | None:
    """The regular expression that is the value of `option`, if it has one. Raises InvalidConfigException (BG546) for anything else."""
    try:
        return re.compile(config[option]) if config[option] else None
    except (re.error, TypeError) as error:
        raise unusable(name, option, config[option], f"a regular expression ({error})") from None


def ignored(config: Mapping[str, Any], defaults: Mapping[str, Any], name: str, *options: str) -> None:
    """Log those of `options`, which configurations of the field have and which do nothing here, that are not left at their default."""
    for option in options:
        if config[option] != defaults[option]:
            _logger.info("%s takes no account of '%s'", name, option)


def unusable(name: str, option: str, value: object, wanted: str) -> InvalidConfigException:
    """The error for a value that an option cannot have."""
    return InvalidConfigException(
        f"{name} cannot use {option}: {value!r}", code="BG546", why=f"'{option}' takes {wanted}", fix="correct the value, or leave the option out",
    )  # fmt: skip
