"""What is known of a model: as it stands in an archive, without a clock, and as its users see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from buildgraph.schema import GraphSchema
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.errors import UnsupportedModelVersionError
from buildgraph.version import VERSION

if TYPE_CHECKING:
    from buildgraph.trainer.domain import Domain

FORMAT: Final = "buildgraph.model"
VERSIONS: Final = (1,)  # of the format; those that this version reads


@dataclass(frozen=True)
class ModelMetadata:
    """What is known of a trained model.

    `model_id` follows from the content. `trained_at` (UTC) is when its youngest part was trained; an archive does not
    hold it, so for a loaded one it is the time of the file. `lineage` gives each node's fingerprint (key of its action,
    empty for inputs and for what is never kept) and the digest of its output. `resources` are the persisted resources, each with its digest.
    """

    trained_at: datetime
    model_id: str
    domain: Domain
    train_schema: GraphSchema
    predict_schema: GraphSchema
    training_type: TrainingType = TrainingType.BOTH
    assistant_id: str | None = None
    core_target: str | None = None
    nlu_target: str | None = None
    language: str | None = None
    spaces: list[dict[str, Any]] | None = None
    buildgraph_version: str = VERSION
    lineage: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, all keys present; `from_dict` turns it into an equal value."""
        return {**portable(self), "trained_at": self.trained_at.isoformat(), "model_id": self.model_id}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelMetadata:
        """The metadata in `data`. Raises UnsupportedModelVersionError (BG580) and KeyError for what is missing."""
        from buildgraph.trainer.domain import Domain

        check_version(data)
        return cls(
            trained_at=datetime.fromisoformat(data["trained_at"]), model_id=data["model_id"], domain=Domain.from_dict(data["domain"]),
            train_schema=GraphSchema.from_dict(data["train_schema"]), predict_schema=GraphSchema.from_dict(data["predict_schema"]),
            training_type=TrainingType(data["training_type"]), assistant_id=data.get("assistant_id"), core_target=data["core_target"],
            nlu_target=data["nlu_target"], language=data["language"], spaces=data.get("spaces"), buildgraph_version=data["buildgraph_version"],
            lineage=data["lineage"], resources=data["resources"],
        )  # fmt: skip


def of_configuration(configuration: GraphModelConfiguration, domain: Domain, when: datetime) -> ModelMetadata:
    """The metadata of a model that is being packed; its identity is still missing."""
    return ModelMetadata(
        when, "", domain, configuration.train_schema, configuration.predict_schema, configuration.training_type, configuration.assistant_id,
        configuration.core_target, configuration.nlu_target, configuration.language, configuration.spaces,
    )  # fmt: skip


def portable(metadata: ModelMetadata) -> dict[str, Any]:
    """What an archive says of its model, but for the identity: nothing of when or where."""
    return {
        "format": FORMAT, "format_version": VERSIONS[-1], "buildgraph_version": metadata.buildgraph_version,
        "domain": metadata.domain.as_dict(), "train_schema": metadata.train_schema.as_dict(), "predict_schema": metadata.predict_schema.as_dict(),
        "training_type": metadata.training_type.value, "assistant_id": metadata.assistant_id, "core_target": metadata.core_target,
        "nlu_target": metadata.nlu_target, "language": metadata.language, "spaces": metadata.spaces,
        "lineage": {name: dict(each) for name, each in sorted(metadata.lineage.items())}, "resources": dict(sorted(metadata.resources.items())),
    }  # fmt: skip


def identified(metadata: ModelMetadata, model_id: str) -> ModelMetadata:
    return replace(metadata, model_id=model_id)


def check_version(data: Mapping[str, Any], where: str = "") -> None:
    """Raises UnsupportedModelVersionError (BG580) unless `data` describes a model that this version reads."""
    found, version = data.get("format"), data.get("format_version")
    if found != FORMAT:
        raise UnsupportedModelVersionError(
            "this is not a model of buildgraph", code="BG580", where=where or (), facts=(("its format", str(found)),),
            why=f"a model says of itself that its format is {FORMAT}", fix="train it with buildgraph, or name another file",
        )  # fmt: skip
    if version not in VERSIONS:
        raise UnsupportedModelVersionError(
            f"the model was written by buildgraph {data.get('buildgraph_version')} in format {version}", code="BG580", where=where or (),
            why=f"buildgraph {VERSION} reads format {', '.join(map(str, VERSIONS))}", fix="train it again with this version",
        )  # fmt: skip
