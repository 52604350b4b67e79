"""What a trainer is asked to make: the schemas for training and prediction, and what belongs to them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from buildgraph.schema import GraphSchema


class TrainingType(enum.Enum):
    """Which parts of a model are trained."""

    NLU = "nlu"
    CORE = "core"
    BOTH = "both"
    END_TO_END = "end-to-end"


@dataclass(frozen=True)
class GraphModelConfiguration:
    """Everything that is needed to train, package and load a model."""

    train_schema: GraphSchema
    predict_schema: GraphSchema
    training_type: TrainingType
    assistant_id: str | None
    language: str | None
    core_target: str | None
    nlu_target: str | None
    spaces: list[dict[str, Any]] | None = None
