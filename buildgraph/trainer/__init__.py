"""The graph trainer: a model is trained from a graph schema, packed, and loaded for prediction, by the engine's own means."""
