"""Pages of the errors of the graph trainer: components, recipes, training data, models (BG5xx)."""

from __future__ import annotations

from typing import Final

# fmt: off
PAGES: Final[dict[str, tuple[str, str]]] = {
    # graphs, components, runs (BG500 to BG509)
    "BG500": ("a configuration that cannot be right", """
A component or a recipe refused the configuration it was given: an unknown option, a value it cannot take, or a
combination that makes no sense. Nothing was trained. Correct the entry that the message names."""),

    "BG501": ("what a component says of itself cannot be used", """
`fingerprint_addon` and `required_packages` are asked on every run, because their answers are part of the node's
fingerprint. One of them raised, or answered something else than text. Correct the method; it may use nothing but the
config."""),
    "BG502": ("the class of a node does not exist", """
`uses` of a schema node names a component class as `package.module:Name`, or is the class. There is no such module, or it
has no such name. Correct the name, or install the package."""),
    "BG503": ("a hook raised", """
Hooks are called before and after each node that runs, and belong to its run: what they raise fails the node. Correct the
hook, or leave it out."""),
    "BG504": ("a node lacks an input", """
Each entry of a node's `needs` names another node, or a placeholder that the caller of the run fills. This one was filled
by nobody. Give it among the inputs of the run, or correct its name."""),
    "BG505": ("a runner cannot execute single actions", """
A trainer's scheduler decides which nodes run and when, so it needs a runner class that executes one action at a time:
its `execution`. Use InlineRunner or ProcessPoolRunner, or define that method."""),
    "BG506": ("an input of a run is called like a node", """
Inputs of a run fill placeholders. One is named like a node, or its value is the name of one, and nobody could tell which
of the two was meant. Rename it, or need the node itself."""),
    "BG507": ("a run is asked for a node that does not exist", """
The targets of a run are nodes of its schema, and only what they need is run. One was asked for that the schema does not
have. Correct the name, or add the node."""),
    "BG508": ("a component that only this process knows", """
The code of a component is part of its node's fingerprint, and runs in other processes. Both find it by the name of its
module, so a class of the script that is being run, or one defined inside a function, cannot be used. Define it at the
top level of a module and import it from there."""),

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
    "BG530": ("a recipe that does not exist", """
`recipe:` in a configuration says how the graphs are made: `default.v1` makes them of a pipeline, `graph.v1` takes them as they
are written. Another name cannot be read. Write one of these two."""),
    "BG531": ("a component or policy that is not known", """
An entry of the pipeline names a component that is shipped or registered, or a class of your own by its path. The message lists
what is known. No dialogue policies are shipped; the well-known ones are warned of and left out, any other name is taken for a
mistake. Correct the name, or write the path: `name: my_package.my_module.MyClass`."""),
    "BG532": ("a class that cannot be a component", """
A component named by its path is imported, has to be a subclass of GraphComponent, and is registered or has methods that say
what it is for: `process_training_data` prepares messages, `process` alone finds something in them, `provide` loads a model,
`predict_action_probabilities` makes it a policy, and `train` means that it learns. Correct the path or the class."""),
    "BG533": ("a configuration that is not used as it is", """
A warning: something in the configuration is assumed, such as the recipe of a file that does not name one, or left out, such as
dialogue policies that are not shipped, or missing, such as an `assistant_id` of its own. Training goes on. Correct what the
message names if it was meant otherwise."""),
    "BG534": ("a component in the wrong list", """
Components of the pipeline understand what an assistant is told, policies choose what it does next; their nodes need different
things. Move the entry to the list that the message names."""),
    "BG535": ("nothing to train", """
A training of understanding needs a pipeline, one of dialogues needs policies, and one of both needs at least one of them; the
configuration has none. Add the list, or ask for another training."""),
    "BG536": ("a pipeline or a list of policies in another shape", """
Both are lists, and each entry has a `name` beside its options; without it nobody can say what is to be trained. Write an entry
as `- name: RegexFeaturizer` and indent its options to the same depth as the name."""),
    "BG537": ("a registered class that is no component", """
A recipe builds graphs of components, which the engine constructs and calls in known ways. A registered class has to be a
subclass of GraphComponent: derive it from that one, or remove the decorator."""),
    "BG538": ("a graph recipe without a graph or a target", """
The recipe `graph.v1` adds nothing: `train_schema` and `predict_schema` hold the nodes, `nlu_target` and `core_target` name those
that answer. Only a training of understanding alone can do without a `core_target`. Add the key that the message names."""),
    "BG539": ("a node whose class does not exist", """
`uses` is the path of a class, as in package.module.Class. No module of that name is found, or it defines no such class. Correct
the path, install the package, or run where the module can be imported."""),
    "BG540": ("a model that cannot be fine-tuned", """
A fine-tuning goes on with what a model learnt. That works if the model is to tell apart what it could tell apart before, by the
same components with the same options; only the number of epochs may change. Take back the change that the message names, or train
from the beginning."""),
    "BG541": ("no model at a place", """
A prediction, a look at a model and a fine-tuning begin with the archive that was named, or with the newest *.tar.gz of a folder.
There is none. Train a model first, or name the place where one is."""),
    "BG542": ("a parameter that no node fills", """
What a method of a component takes is filled by name: `training_data` and `messages` by what comes before, a parameter `x` by the
node `x_provider`. There is no such node. Rename the parameter, give it a default, or put the loader of its model before it."""),
    "BG543": ("a pipeline with more than one tokenizer", """
Featurizers and extractors work on the tokens of a message, and these are of one kind: a second tokenizer would replace what the
first one made. Keep one of them."""),
    "BG544": ("stories that set slots nobody declared", """
What an assistant remembers in a conversation is declared under `slots:` of the domain, with a type. A story sets a slot that is
not there. Add it to the domain, or correct its name in the story."""),

    # the components of rules/nlu (BG545 to BG549)
    "BG545": ("an option that the component does not have", """
A component of a pipeline takes the options that its page names, and no others: an option that does nothing would be
taken for one that does. The message lists them. Correct the name, or remove the entry."""),
    "BG546": ("a value that an option of a component cannot have", """
The option exists and takes values of another kind, or in another range. Nothing was trained. Correct the value, or leave
the option out: every option has a default."""),
    "BG547": ("a regular expression of the training data is none", """
Patterns under `regex:` in the training data are Python's regular expressions. This one cannot be compiled. Correct it
there; in YAML write patterns with a backslash after `- ` without quotes, or in single quotes."""),
    "BG548": ("features that have another width than in training", """
A classifier weighs the columns that featurizers made in training. A featurizer made another number of them for this text, so
nobody could say what they mean. A featurizer of your own has to make equally many for every text; then train again."""),

    # validation of a model configuration (BG550 to BG579)
    "BG550": ("a node that does not use a component", """
The nodes of a trainer's graph use classes derived from GraphComponent, with all of its methods defined, and name the
method that constructs them. The trainer asks such a class for its defaults, its packages and its languages. Derive the
class from buildgraph.GraphComponent."""),
    "BG551": ("a component for another language", """
The configuration sets a language, and a component says that it cannot handle it; or a component gives both a list of
languages that it supports and one of those that it does not, so that nobody knows about all others. Set another language,
use another component, or let the component give one list."""),
    "BG552": ("a component whose packages are not installed", """
A component lists in required_packages what it imports only when it works. They are looked for before anything is trained,
because otherwise a training would end when it comes to that node. Install them, or use another component."""),
    "BG553": ("a component that lacks a method", """
A node names the method that constructs its component, mostly `create` or `load`, and the one that it runs. Its class has no
such method. Correct `constructor_name` or `fn` of the node, or define the method."""),
    "BG554": ("an annotation that leads nowhere", """
What nodes return and take is compared before anything is trained, so annotations are looked up where they stand. A name
that is imported only for type checkers, or defined only inside of a function, is not there. Import it at the top of the
module."""),
    "BG555": ("a parameter of the trainer with another type", """
The parameters `config`, `model_storage`, `resource` and `execution_context` are filled by the trainer: with a dict, a
ModelStorage, a Resource and an ExecutionContext. One of them is annotated as something else, so it was meant for something
else. Rename it, or correct the annotation."""),
    "BG556": ("a method that does not say what it returns", """
Nodes are fitted to each other by the annotations of what they return and take; without one, a mistake would show only
after hours of training. Annotate the return value of the method that the node runs."""),
    "BG557": ("a result that cannot be kept", """
A training compares what nodes return with the last time, to find out what has to run again, and stores it. Plain data,
arrays, tables, paths and resources can be stored, and so can classes with to_cache and from_cache. Return one of these,
define both methods, or name a codec in the node's policy. It is found by the annotation of the return value; nodes of a
predict graph and input nodes may return anything."""),
    "BG558": ("a parameter that nobody fills", """
A parameter without a default is filled by what the node's `needs` names for it. An eager component is constructed before
there is anything to give, and what a lazy one's constructor takes does not reach its method. Add the parameter to
`needs`, give it a default, or rename it when constructor and method need values of their own."""),
    "BG559": ("a need that no parameter takes", """
`needs` maps the names of parameters to nodes. Neither the method nor, for a node that is not eager, the constructor has a
parameter of that name; `**kwargs` of the constructor take nothing. Correct the name, or drop the need."""),
    "BG560": ("a node that returns another type than is wanted", """
The annotation of what a node returns does not fit the annotation of the parameter that it fills. Mostly another node was
meant. Name that one, or correct the annotation that is wrong. Any fits everything."""),
    "BG561": ("components that have to come before others", """
A component lists in required_components what it builds on, such as a tokenizer. None of the nodes before it uses such a
class or a subclass. Add one above it: in a pipeline of a configuration file, that is earlier in the list."""),
    "BG562": ("a model without a node to predict with", """
The value of the node that nlu_target names is what a model says of a message; core_target names the one that decides what
to do next. One of them is not set or is no node of the predict schema. Set it to a node's name."""),
    "BG563": ("a target of predictions that other nodes use", """
The NLU and Core targets are the ends of a predict graph. A node after them would never be asked for, and what it does
would be missing without a word. Make that node the target, or give it another input."""),
    "BG564": ("a target of predictions that returns something else", """
The NLU target returns messages, so its method is annotated with list[Message]; the Core target returns a PolicyPrediction
or a subclass of it. Any does not say it. Name another node as the target, or correct the annotation of its method."""),
    "BG565": ("a config that cannot be written down", """
A node's config is part of its fingerprint and of the model's metadata, which is JSON. Objects, sets, arrays, paths, bytes,
infinities and keys that are not text have no place there; this is said before anything is trained. Use text, numbers,
booleans, None, lists and dicts, and convert in the component."""),
    "BG566": ("a node with the name of a placeholder", """
`__importer__`, `__message__` and `__tracker__` stand for values that come from outside. A node of that name would hide the
value from whatever needs it. Rename the node."""),
    "BG567": ("a component that cannot be asked about itself", """
Languages, packages and required components are asked for before anything is trained, from the class alone. One of these
methods raised an exception. Correct it; it should do no more than return a list."""),

    # models, storage, the training cache (BG580 to BG599)
    "BG580": ("a model that this version cannot read", """
The archive is not a model of buildgraph, or was written in a format that this version does not know. Models are never
guessed at. Train it again with this version, or name another file."""),
    "BG581": ("a model is unpacked into a folder that is in use", """
Each model has a storage of its own, so that the resources of two models never mix. Name a folder that is empty or does
not exist."""),
    "BG582": ("a resource of a model holds a link", """
A model has to mean the same wherever it is unpacked, and a link may point to something else there. Let the component
write a copy of the file instead."""),
    "BG583": ("an archive is no whole model", """
What the archive says of itself does not fit together: its identity, its metadata or its list of files. It was changed or
damaged after it was written. Get it again from where it came from, or train again."""),
    "BG584": ("a training cache without a store", """
A trainer works on the engine's store, where results are known by their content. A cache class of one's own has to be a
subclass of LocalTrainingCache, or to define `opened`. Use LocalTrainingCache."""),
    "BG585": ("a size that a cache cannot have", """
`max_size` and BUILDGRAPH_MAX_CACHE_SIZE are in MiB: a number of at least 0, where 0 means no cache at all. Write a number
such as 1000, or nothing for no limit."""),
    "BG586": ("a model names code that is not trusted", """
A model is data. It can name components that are registered, installed, or imported by whoever loads it, but it cannot
make a module be imported from wherever one of that name lies. Import the module first (`--components` on the command
line), or install its package."""),
    "BG587": ("a model that reads no texts", """
Texts go through a model's predict graph to the node that is its nlu_target. This model has none, so nothing of it could
answer a text. Name one in the configuration, and train again."""),
    "BG588": ("a module of components cannot be imported", """
--components names modules of one's own, found from the working folder and among installed packages. Correct the name, or
install what the module needs."""),
    "BG589": ("a name that a model cannot have", """
`--name` is the name of one file in the output folder, with or without `.tar.gz`: it holds no '/', does not begin with a dot, and
is no longer than file names can be. This is said before anything is trained. Choose a plain name, and the folder with `--out`."""),

}
# fmt: on
