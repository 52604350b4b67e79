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
    "BG510": ("a file of the project that is not UTF-8", """
Configurations, domains and training data are text in UTF-8; the message names the first byte that cannot be, and its
line. A file in another encoding would be read as other words than were written. Convert it, and save it as UTF-8."""),
    "BG511": ("a file of the project that cannot be read as YAML", """
Mostly a line is indented by tabs or by another width than its neighbours, a quote is not closed, or a colon needs quotes
around its text. Tags, deep nesting and aliases that repeat without end are refused too; nothing is guessed. Correct the
line that the message names, or the one above it."""),
    "BG512": ("a key that training data does not have", """
Files of a project have the keys `version`, `nlu`, `stories`, `rules`, `responses` and those of a domain; entries have keys
of their own. A key that is not known is mostly a typing mistake, and what lies below it would be lost. Correct it; the
message lists the known ones."""),
    "BG513": ("training data of another format version", """
Versions 3.0 and 3.1 of the format are read, and 2.x as if it were one of them; others mean other things by the same words.
Convert the file, set its `version`, and quote it: `version: "3.1"`."""),
    "BG514": ("an entry of training data that has another type", """
There is text where a list should be, a list where there should be keys, or nothing at all. Often the indentation is to
blame: an entry slipped below its neighbour. Correct the line that the message names."""),
    "BG515": ("an entry of training data that lacks something", """
An example belongs to an intent, a story has steps, a slot has a type: an entry without them says nothing that could be
learnt. Add the key that the message names."""),
    "BG516": ("an entity in an example that is not complete", """
Entities are written [text](entity), [text](entity:value) or [text] with JSON in braces; one that is not closed would
become part of the words that are learnt. Close it. Brackets that nothing in parentheses follows are text, and so are
brackets behind a backslash."""),
    "BG517": ("an entity in an example whose braces are not JSON", """
What stands in braces behind the text of an entity is JSON with `entity` and perhaps `value`, `role` and `group`; keys and
texts are in double quotes. Correct it, for instance: [Lyon]{"entity": "city", "role": "destination"}."""),
    "BG518": ("a file of the project that is not there or cannot be read", """
A configuration, a domain or training data was named, and the system refuses to read it; the message says why. Nothing is
trained on less than was asked for. Correct the path, or create the file."""),
    "BG519": ("a folder without training data", """
A folder was named that holds no file ending in .yml or .yaml, in itself or below. Hidden files and folders do not count.
Name the folder that holds the project's files; convert files of other formats."""),
    "BG520": ("one name in training data with two meanings", """
A key stands twice in one place, or two files of a domain define the same name differently. Files are merged in no
particular order, so neither could win. Remove or rename one of the two that the message places."""),
    "BG521": ("a step that stories do not have", """
A step is one of: what a user means or says (`intent`, `user`, `entities`), `action`, `bot`, `slot_was_set`, `active_loop`,
`checkpoint`, `or`. Correct the key, and begin each step with a dash of its own."""),
    "BG522": ("training data that does not agree with itself", """
A warning: a story names an intent, an action or a slot that the domain lacks, or one text is an example of two intents.
Training goes on, and the assistant may not do what is expected. Add the name to the domain, or correct it."""),
    "BG523": ("something in training data that was left out or is odd", """
A warning: a line among examples has no dash, a file has no known key, something has no examples or steps, or a name stands
twice. Training goes on without it. Correct the place that the message names if it was meant to count."""),
    "BG524": ("training data of an earlier format version", """
A warning: the file says version 2.x, and is read as 3.1. What it says of intents, examples, stories and responses means the
same; slots are filled in other ways since then. Check the slots and forms of the domain, and set `version: "3.1"`."""),

    # recipes and fine-tuning (BG530 to BG544)

    # the components of rules/nlu (BG545 to BG549)

    # validation of a model configuration (BG550 to BG579)

    # models, storage, the training cache (BG580 to BG599)

}
# fmt: on
