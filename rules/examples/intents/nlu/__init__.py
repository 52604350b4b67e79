"""An intent classifier in small steps: templates, samples, split, features, models, evaluation."""
