"""The trainer's errors, by the names that users of graph trainers know; each is one of the engine's kinds of error."""

from __future__ import annotations

from buildgraph.errors import ConfigError, TargetError, UsageError, VerificationError


class GraphSchemaException(UsageError):  # noqa: N818 - the name that users of graph trainers know
    """A graph schema cannot be right: an unknown class, a missing constructor or method."""


class GraphSchemaValidationException(GraphSchemaException):
    """A model configuration breaks a rule of `validate`."""


class GraphRunError(UsageError):
    """A graph cannot be run with the inputs or targets that were given."""


class GraphComponentException(TargetError):  # noqa: N818 - see above
    """A component raised while it was constructed or run, or a hook did."""


class InvalidConfigException(ConfigError):  # noqa: N818 - see above
    """A configuration file, or the config of a component, cannot be right. Components raise it themselves, too."""

    def __init__(self, headline: str, *, code: str = "BG500", **parts: object) -> None:
        super().__init__(headline, code=code, **parts)  # type: ignore[arg-type]  # where, facts, why and fix as they are


class InvalidRecipeException(UsageError):  # noqa: N818 - see above
    """There is no recipe of that name."""


class DefaultV1RecipeRegisterException(UsageError):  # noqa: N818 - see above
    """Something that is no component was to be registered."""


class UnsupportedModelVersionError(VerificationError):
    """A model was written by a version of buildgraph, or by another program, that this one cannot read."""


class TrainingDataError(UsageError):
    """A file of training data or a domain file cannot be right; `where` says the line."""
