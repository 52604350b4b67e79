"""The recipe `default.v1`: a list of components becomes the graphs for training and prediction."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.recipes.defaults import filled, missing
from buildgraph.trainer.recipes.prediction_graph import CORE_TARGET, NLU_TARGET, predict_schema
from buildgraph.trainer.recipes.recipe import Recipe
from buildgraph.trainer.recipes.registry import ComponentType, Registry
from buildgraph.trainer.recipes.steps import Step, pipeline_steps, policy_steps
from buildgraph.trainer.recipes.training_graph import Parts, train_schema

_PLACEHOLDER: Final = "placeholder_default"  # what new projects have for an assistant_id


class DefaultV1Recipe(Recipe):
    """`pipeline:` and `policies:`, each entry a component by its name, or by the path of its class, and its options."""

    name = "default.v1"
    ComponentType = ComponentType
    registry: ClassVar[Registry] = Registry()  # what the decorator below fills while modules are imported
    register = registry.register

    @staticmethod
    def auto_configure(
        config_file_path: str | Path | None, config: Mapping[str, Any], training_type: TrainingType = TrainingType.BOTH
    ) -> tuple[dict[str, Any], set[str], set[str]]:
        """See `Recipe.auto_configure`; an empty or missing `pipeline:` becomes the default pipeline."""
        del config_file_path
        full, configured = filled(config, training_type)
        return full, missing(config, training_type), configured

    def graph_config_for_recipe(
        self, config: Mapping[str, Any], cli_parameters: Mapping[str, Any], training_type: TrainingType = TrainingType.BOTH, is_finetuning: bool = False
    ) -> GraphModelConfiguration:
        """The graphs for a pipeline and policies. `training_type` of the result is what is really trained.

        Raises InvalidConfigException (BG500, BG531, BG532, BG534 to BG536, BG542, BG543).
        """
        pipeline = [] if training_type is TrainingType.CORE else pipeline_steps(config, self.registry)
        policies = [] if training_type is TrainingType.NLU else policy_steps(config, self.registry)
        kind = _trained(training_type, pipeline, policies)
        parameters = {name: value for name, value in cli_parameters.items() if value is not None}
        language = config.get("language")
        parts = Parts(pipeline, policies, language, parameters, kind is TrainingType.END_TO_END, is_finetuning)
        trained = train_schema(parts)
        return GraphModelConfiguration(
            train_schema=trained,
            predict_schema=predict_schema(parts, trained),
            training_type=kind,
            assistant_id=_assistant(config),
            language=language,
            core_target=CORE_TARGET if policies else None,
            nlu_target=NLU_TARGET,
            spaces=config.get("spaces"),
        )


def _trained(asked: TrainingType, pipeline: list[Step], policies: list[Step]) -> TrainingType:
    """What can be trained of what was asked for. Raises InvalidConfigException (BG535) when nothing can."""
    lacking = {TrainingType.NLU: not pipeline, TrainingType.CORE: not policies}.get(asked, not pipeline and not policies)
    if lacking:
        key = "policies" if asked is TrainingType.CORE else "pipeline"
        raise InvalidConfigException(
            f"there is nothing to train: the configuration has no {key}", code="BG535", where=key,
            why=f"a training of type '{asked.value}' trains what the configuration lists", fix=f"list components below '{key}:'",
        )  # fmt: skip
    if not policies:
        return TrainingType.NLU
    return TrainingType.CORE if not pipeline and asked is TrainingType.BOTH else asked


def _assistant(config: Mapping[str, Any]) -> str | None:
    """The `assistant_id`, with a warning when it does not tell assistants apart."""
    known = config.get("assistant_id")
    if not known or known == _PLACEHOLDER:
        warnings.warn(
            "The configuration has no 'assistant_id' of its own; give it a unique one, so that what this assistant does can be told from what others do.",
            UserWarning, stacklevel=3,
        )  # fmt: skip
    return known or None
