"""Recipes: how a configuration file becomes the graphs that train a model and answer with it."""

from __future__ import annotations

from buildgraph.trainer.recipes.default_recipe import DefaultV1Recipe
from buildgraph.trainer.recipes.graph_recipe import GraphV1Recipe
from buildgraph.trainer.recipes.recipe import Recipe
from buildgraph.trainer.recipes.registry import ComponentType

__all__ = ["ComponentType", "DefaultV1Recipe", "GraphV1Recipe", "Recipe"]
