"""A recipe turns a configuration file into the graphs of a model; `recipe:` in the file says which one."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildgraph.errors import nearest
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.errors import InvalidRecipeException


class Recipe(ABC):
    """Makes a model configuration of a configuration file's content."""

    name: str

    @staticmethod
    def recipe_for_name(name: str | None) -> Recipe:
        """The recipe called `name`; for None the default one, with a FutureWarning. Raises InvalidRecipeException (BG530)."""
        from buildgraph.trainer.recipes.default_recipe import DefaultV1Recipe
        from buildgraph.trainer.recipes.graph_recipe import GraphV1Recipe

        recipes: dict[str, type[Recipe]] = {each.name: each for each in (DefaultV1Recipe, GraphV1Recipe)}
        if name is None:
            warnings.warn(
                f"The configuration does not name its recipe; '{DefaultV1Recipe.name}' is assumed. Write 'recipe: {DefaultV1Recipe.name}' to say so.",
                FutureWarning, stacklevel=2,
            )  # fmt: skip
            return DefaultV1Recipe()
        if name not in recipes:
            raise InvalidRecipeException(
                f"there is no recipe '{name}'", code="BG530", where="recipe", why=f"known recipes: {', '.join(recipes)}",
                fix=nearest(name, recipes) or f"write 'recipe: {DefaultV1Recipe.name}'",
            )  # fmt: skip
        return recipes[name]()

    @staticmethod
    def auto_configure(
        config_file_path: str | Path | None, config: Mapping[str, Any], training_type: TrainingType = TrainingType.BOTH
    ) -> tuple[dict[str, Any], set[str], set[str]]:
        """The configuration with what it leaves open filled in, the keys it does not have, and the keys that were filled.

        Nothing is written; a recipe that fills something can write it back with `dump_config`.
        """
        del config_file_path, training_type
        return dict(config), set(), set()

    @abstractmethod
    def graph_config_for_recipe(
        self, config: Mapping[str, Any], cli_parameters: Mapping[str, Any], training_type: TrainingType = TrainingType.BOTH, is_finetuning: bool = False
    ) -> GraphModelConfiguration:
        """The graphs for a configuration. `config` is left as it is. Raises InvalidConfigException and what a recipe says."""
