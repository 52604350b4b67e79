"""Recipes: how a configuration file becomes the graphs that train a model and answer with it."""
