"""Pages of the errors of the graph trainer: components, recipes, training data, models (BG5xx)."""

from __future__ import annotations

from typing import Final

# fmt: off
PAGES: Final[dict[str, tuple[str, str]]] = {
    # graphs, components, runs (BG500 to BG509)
    "BG500": ("a configuration that cannot be right", """
A component or a recipe refused the configuration it was given: an unknown option, a value it cannot take, or a
combination that makes no sense. Nothing was trained. Correct the entry that the message names."""),

    # training data and domains (BG510 to BG529)

    # recipes and fine-tuning (BG530 to BG544)

    # the components of rules/nlu (BG545 to BG549)

    # validation of a model configuration (BG550 to BG579)

    # models, storage, the training cache (BG580 to BG599)

}
# fmt: on
