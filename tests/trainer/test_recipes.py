"""The recipe `default.v1`: which graphs a pipeline becomes, and what is said of a configuration that cannot be one."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from buildgraph.component import GraphComponent
from buildgraph.schema import GraphSchema, Resource, SchemaNode
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.dialogue import PolicyPrediction
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import DefaultV1RecipeRegisterException, InvalidConfigException, InvalidRecipeException
from buildgraph.trainer.recipes import ComponentType, DefaultV1Recipe, GraphV1Recipe, Recipe
from buildgraph.trainer.recipes.registry import Registry
from buildgraph.trainer.stories import StoryGraph
from buildgraph.trainer.validation import validate

INTO = "buildgraph.trainer.providers:"
BOTH, NLU, CORE, END_TO_END = TrainingType.BOTH, TrainingType.NLU, TrainingType.CORE, TrainingType.END_TO_END


class Words(GraphComponent):
    def process_training_data(self, training_data: TrainingData) -> TrainingData: ...
    def process(self, messages: list[Message]) -> list[Message]: ...


class Counts(Words):
    def train(self, training_data: TrainingData) -> Resource: ...


class Guess(GraphComponent):
    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"epochs": 10, "rate": 0.5}

    def train(self, training_data: TrainingData) -> Resource: ...
    def process(self, messages: list[Message]) -> list[Message]: ...


class SklearnIntentClassifier(Guess):
    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"num_threads": 1}


class Threshold(GraphComponent):
    def process(self, messages: list[Message]) -> list[Message]: ...


class Vectors(GraphComponent):
    def provide(self) -> Resource: ...


class WithVectors(GraphComponent):
    def train(self, training_data: TrainingData, model: Resource) -> Resource: ...
    def process(self, messages: list[Message], model: Resource) -> list[Message]: ...


class Wants(GraphComponent):
    """Takes more than examples."""

    def train(self, training_data: TrainingData, domain: Domain, story_graph: StoryGraph, extra: Any = None, **kwargs: Any) -> Resource: ...
    def process(self, messages: list[Message], domain: Domain) -> list[Message]: ...


class Oracle(GraphComponent):
    def train(self, training_trackers: StoryGraph, domain: Domain, precomputations: Any = None) -> Resource: ...
    def predict_action_probabilities(self, tracker: Any, domain: Domain, precomputations: Any = None) -> PolicyPrediction: ...


class Table(Oracle):
    """A policy that does not learn from texts."""


KINDS: dict[type, tuple[Any, bool]] = {
    Words: (ComponentType.MESSAGE_TOKENIZER, False),
    Counts: (ComponentType.MESSAGE_FEATURIZER, True),
    Guess: (ComponentType.INTENT_CLASSIFIER, True),
    SklearnIntentClassifier: (ComponentType.INTENT_CLASSIFIER, True),
    Threshold: ([ComponentType.INTENT_CLASSIFIER, ComponentType.ENTITY_EXTRACTOR], False),
    Vectors: (ComponentType.MODEL_LOADER, False),
    Wants: (ComponentType.INTENT_CLASSIFIER, True),
    Oracle: (ComponentType.POLICY_WITH_END_TO_END_SUPPORT, True),
    Table: (ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, True),
}


class Own(DefaultV1Recipe):
    """The recipe with components of the tests, registered for them alone."""

    registry = Registry()


for clazz, (types, is_trainable) in KINDS.items():
    Own.registry.register(types, is_trainable)(clazz)
Own.registry.register(ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="Vectors")(WithVectors)


def configured(
    pipeline: list[Any] | None = None, policies: list[Any] | None = None, training_type: TrainingType = BOTH, *,
    finetuning: bool = False, parameters: dict[str, Any] | None = None, **more: Any,
) -> GraphModelConfiguration:  # fmt: skip
    """The graphs of a pipeline written short: a name, or a dict."""
    config: dict[str, Any] = {"assistant_id": "a", **more}
    for key, entries in (("pipeline", pipeline), ("policies", policies)):
        if entries is not None:
            config[key] = [{"name": each} if isinstance(each, str) else each for each in entries]
    return Own().graph_config_for_recipe(config, parameters or {}, training_type, finetuning)


def drawn(schema: GraphSchema) -> dict[str, str]:
    """For each node what it needs, what it calls and what it is."""
    found = {}
    for name, node in schema.nodes.items():
        flags = [flag for flag in ("eager", "is_target", "is_input") if getattr(node, flag)]
        needs = ", ".join(f"{parameter}={parent}" for parameter, parent in node.needs.items())
        resource = [f"@{node.resource.name}"] if node.resource else []
        called = node.entry_point.rpartition(":")[2].rpartition(".")[2]
        found[name] = " ".join([f"{called}.{node.constructor_name}.{node.fn}({needs})", *flags, *resource])
    return found


# ---- which recipe ---------------------------------------------------------------------------------------------------


def test_recipes_have_names() -> None:
    assert isinstance(Recipe.recipe_for_name("default.v1"), DefaultV1Recipe)
    assert isinstance(Recipe.recipe_for_name("graph.v1"), GraphV1Recipe)


def test_no_recipe_is_the_default_one_for_now() -> None:
    with pytest.warns(FutureWarning, match="recipe: default.v1"):
        assert isinstance(Recipe.recipe_for_name(None), DefaultV1Recipe)


def test_an_unknown_recipe_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InvalidRecipeException, match=r"'default\.v2'") as caught:
        Recipe.recipe_for_name("default.v2")
    assert (caught.value.code, caught.value.fix) == ("BG530", "did you mean 'default.v1'?")


# ---- the graphs -----------------------------------------------------------------------------------------------------

DATA = {
    "schema_validator": "SchemaValidator.create.validate(importer=__importer__) is_input",
    "finetuning_validator": "FinetuningValidator.create.validate(importer=schema_validator) is_input",
}
EXAMPLES = {"nlu_training_data_provider": "NLUTrainingDataProvider.create.provide(importer=finetuning_validator) is_input"}
STORIES = {
    "domain_provider": "DomainProvider.create.provide_train(importer=finetuning_validator) is_target is_input",
    "stories_provider": "StoriesProvider.create.provide(importer=finetuning_validator) is_input",
    "training_tracker_provider": "TrainingTrackerProvider.create.provide(story_graph=stories_provider)",
}
PIPELINE = {
    "run_Words0": "Words.load.process_training_data(training_data=nlu_training_data_provider)",
    "train_Counts1": "Counts.create.train(training_data=run_Words0) is_target",
    "run_Counts1": "Counts.load.process_training_data(training_data=run_Words0, resource=train_Counts1)",
    "train_Guess2": "Guess.create.train(training_data=run_Counts1) is_target",
}
POLICIES = {"train_Table0": "Table.create.train(training_trackers=training_tracker_provider, domain=domain_provider) is_target"}
UNDERSTAND = {
    "nlu_message_converter": "NLUMessageConverter.load.convert_user_message(messages=__message__) eager",
    "run_Words0": "Words.load.process(messages=nlu_message_converter) eager",
    "run_Counts1": "Counts.load.process(messages=run_Words0) eager @train_Counts1",
    "run_Guess2": "Guess.load.process(messages=run_Counts1) eager @train_Guess2",
    "run_Threshold3": "Threshold.load.process(messages=run_Guess2) eager",
}
CHOOSE = {
    "run_Table0": "Table.load.predict_action_probabilities(tracker=__tracker__, domain=domain_provider) eager @train_Table0",
    "select_prediction": "PolicyPredictionEnsemble.load.combine_predictions_from_kwargs(policy0=run_Table0, domain=domain_provider, tracker=__tracker__) eager",
}
LISTED = ["Words", "Counts", "Guess", "Threshold"]
KEPT_DOMAIN = {"domain_provider": "DomainProvider.load.provide_inference() eager @domain_provider"}


def test_a_pipeline_becomes_a_chain_of_what_prepares_and_targets_of_what_learns() -> None:
    made = configured(LISTED)
    assert drawn(made.train_schema) == {**DATA, **EXAMPLES, **PIPELINE}
    assert drawn(made.predict_schema) == {**UNDERSTAND, "run_RegexMessageHandler": "RegexMessageHandler.load.process(messages=run_Threshold3) eager"}
    assert (made.nlu_target, made.core_target, made.training_type) == ("run_RegexMessageHandler", None, NLU)


def test_with_policies_stories_and_the_domain_come_in_and_one_prediction_is_chosen() -> None:
    made = configured(LISTED, ["Table"])
    handler = {"run_RegexMessageHandler": "RegexMessageHandler.load.process(messages=run_Threshold3, domain=domain_provider) eager"}
    assert drawn(made.train_schema) == {**DATA, **EXAMPLES, **PIPELINE, **STORIES, **POLICIES}
    assert drawn(made.predict_schema) == {**UNDERSTAND, **KEPT_DOMAIN, **handler, **CHOOSE}
    assert (made.nlu_target, made.core_target, made.training_type) == ("run_RegexMessageHandler", "select_prediction", BOTH)


@pytest.mark.parametrize("finetuning", [False, True])
@pytest.mark.parametrize(
    ("pipeline", "policies", "training_type"),
    [(LISTED, None, NLU), (LISTED, ["Table"], BOTH), (LISTED, ["Table", "Oracle"], END_TO_END), (None, ["Table"], CORE), (["Vectors", "WithVectors"], None, BOTH), (["Wants"], ["Oracle"], BOTH)],
)
def test_every_graph_is_valid(pipeline: Any, policies: Any, training_type: TrainingType, finetuning: bool) -> None:
    validate(configured(pipeline, policies, training_type, finetuning=finetuning, parameters={"persist_nlu_training_data": True}))


def test_nodes_stand_after_what_they_need() -> None:
    made = configured(LISTED, ["Table"])
    for schema in (made.train_schema, made.predict_schema):
        seen = {"__importer__", "__message__", "__tracker__"}
        for name, node in schema.nodes.items():
            assert set(node.needs.values()) <= seen, name
            seen.add(name)


def test_a_training_of_understanding_leaves_policies_out() -> None:
    """It does not even look at them."""
    assert configured(LISTED, ["no.such.Policy"], NLU) == configured(LISTED)


def test_a_training_of_dialogues_leaves_the_pipeline_out() -> None:
    made = configured(["no.such.Component"], ["Table"], CORE)
    assert drawn(made.train_schema) == {**DATA, **STORIES, **POLICIES}
    assert drawn(made.predict_schema) == {
        "nlu_message_converter": UNDERSTAND["nlu_message_converter"],
        **KEPT_DOMAIN,
        "run_RegexMessageHandler": "RegexMessageHandler.load.process(messages=nlu_message_converter, domain=domain_provider) eager",
        **CHOOSE,
    }
    assert made.training_type is CORE
    assert configured(None, ["Table"]).training_type is CORE


def test_texts_in_stories_take_the_pipelines_way_once_more() -> None:
    """Only for a policy that learns from them, and through what prepares messages."""
    made = configured(LISTED, ["Table", "Oracle"], END_TO_END)
    again = {
        "story_to_nlu_training_data_converter": "StoryTextConverter.create.convert_for_training(story_graph=stories_provider)",
        "e2e_run_Words0": "Words.load.process_training_data(training_data=story_to_nlu_training_data_converter)",
        "e2e_run_Counts1": "Counts.load.process_training_data(training_data=e2e_run_Words0, resource=train_Counts1)",
        "train_Oracle1": "Oracle.create.train(training_trackers=training_tracker_provider, domain=domain_provider, precomputations=e2e_run_Counts1) is_target",
    }
    assert drawn(made.train_schema) == {**DATA, **EXAMPLES, **PIPELINE, **STORIES, **POLICIES, **again}
    predicted = drawn(made.predict_schema)
    assert predicted["e2e_run_Words0"] == "Words.load.process(messages=tracker_to_message_converter) eager"
    assert predicted["e2e_run_Counts1"] == "Counts.load.process(messages=e2e_run_Words0) eager @train_Counts1"
    assert predicted["run_Oracle1"].startswith("Oracle.load.predict_action_probabilities(tracker=__tracker__, domain=domain_provider, precomputations=e2e_run_Counts1)")
    assert "precomputations" not in predicted["run_Table0"]
    assert made.training_type is END_TO_END


def test_without_such_a_policy_texts_in_stories_change_nothing() -> None:
    with_texts, without = (configured(LISTED, ["Table"], kind) for kind in (END_TO_END, BOTH))
    assert (with_texts.train_schema, with_texts.predict_schema) == (without.train_schema, without.predict_schema)


def test_the_same_component_may_come_twice() -> None:
    made = configured(["Words", {"name": "Counts", "n": 1}, {"name": "Counts", "n": 4}])
    assert [(name, dict(node.config)) for name, node in made.train_schema.nodes.items() if node.is_target] == [("train_Counts1", {"n": 1}), ("train_Counts2", {"n": 4})]
    assert made.predict_schema.nodes["run_Counts2"].resource == Resource("train_Counts2")


def test_a_loader_gives_its_model_to_those_that_take_it() -> None:
    made = configured(["Vectors", "WithVectors"])
    assert drawn(made.train_schema)["provide_Vectors0"] == "Vectors.create.provide()"
    assert drawn(made.train_schema)["train_WithVectors1"] == "WithVectors.create.train(training_data=nlu_training_data_provider, model=provide_Vectors0) is_target"
    assert drawn(made.predict_schema)["run_WithVectors1"] == "WithVectors.load.process(messages=nlu_message_converter, model=provide_Vectors0) eager @train_WithVectors1"


def test_a_model_without_its_loader_is_refused() -> None:
    with pytest.raises(InvalidConfigException, match="nothing fills the parameter 'model'") as caught:
        configured(["WithVectors", "Vectors"])
    assert caught.value.fix == "put 'Vectors' before it in the pipeline"


def test_parameters_are_filled_by_their_names() -> None:
    """A provider comes in because something asks for it; a default stands for what there is not."""
    made = configured(["Wants"])
    assert drawn(made.train_schema)["train_Wants0"] == (
        "Wants.create.train(training_data=nlu_training_data_provider, domain=domain_provider, story_graph=stories_provider) is_target"
    )
    assert drawn(made.predict_schema)["run_Wants0"] == "Wants.load.process(messages=nlu_message_converter, domain=domain_provider) eager @train_Wants0"
    assert "domain_provider" in made.predict_schema.nodes
    assert "training_tracker_provider" not in made.train_schema.nodes


def test_what_a_method_does_not_take_is_not_given() -> None:
    class Domains(GraphComponent):
        def train(self, domain: Domain) -> Resource: ...
        def process(self, messages: list[Message]) -> list[Message]: ...

    Own.registry.register(ComponentType.INTENT_CLASSIFIER, is_trainable=True)(Domains)
    assert configured(["Domains"]).train_schema.nodes["train_Domains0"].needs == {"domain": "domain_provider"}


def test_a_parameter_that_nothing_fills_is_refused(tmp_path: Path) -> None:
    class Odd(GraphComponent):
        def train(self, training_data: TrainingData, weather: str) -> Resource: ...
        def process(self, messages: list[Message]) -> list[Message]: ...

    Own.registry.register(ComponentType.INTENT_CLASSIFIER, is_trainable=True)(Odd)
    with pytest.raises(InvalidConfigException, match=r"nothing fills the parameter 'weather' of 'Odd\.train'") as caught:
        configured(["Odd"])
    assert caught.value.code == "BG542"
    assert "domain" in caught.value.fix


# ---- what of the configuration and the command line reaches which node -----------------------------------------------


def configs(schema: GraphSchema) -> dict[str, dict[str, Any]]:
    return {name: dict(node.config) for name, node in schema.nodes.items() if node.config and not name.endswith("_validator")}


def test_nodes_hold_what_was_written_for_them_and_nothing_else() -> None:
    made = configured(["Words", {"name": "Counts", "n": 2}, "Guess"])
    assert configs(made.train_schema) == {"train_Counts1": {"n": 2}, "run_Counts1": {"n": 2}}
    assert configs(made.predict_schema) == {"run_Counts1": {"n": 2}}


def test_an_edit_of_one_component_changes_its_nodes_alone() -> None:
    first, second = (configured(["Words", "Counts", {"name": "Guess", "rate": rate}], ["Table"]).train_schema.nodes for rate in (1, 2))
    assert [name for name in first if first[name] != second[name]] == ["train_Guess2"]


def test_the_order_of_keys_and_other_sections_mean_nothing() -> None:
    first = Own().graph_config_for_recipe({"assistant_id": "a", "pipeline": [{"name": "Counts", "n": 1, "m": 2}], "importers": []}, {}, NLU)
    second = Own().graph_config_for_recipe({"pipeline": [{"m": 2, "name": "Counts", "n": 1}], "assistant_id": "a"}, {}, NLU)
    assert first == second


def test_a_configuration_is_left_as_it_was() -> None:
    config = {"assistant_id": "a", "pipeline": [{"name": "Counts", "n": {"x": 1}}]}
    Own().graph_config_for_recipe(config, {"num_threads": 2}, NLU, True)
    assert config == {"assistant_id": "a", "pipeline": [{"name": "Counts", "n": {"x": 1}}]}


def test_threads_reach_only_components_that_take_them() -> None:
    made = configured(["Words", "Guess", {"name": "SklearnIntentClassifier", "num_threads": 2}], parameters={"num_threads": 4})
    assert configs(made.train_schema) == {"train_SklearnIntentClassifier2": {"num_threads": 4}}
    assert configs(made.predict_schema) == {"run_SklearnIntentClassifier2": {"num_threads": 4}}


def test_a_parameter_without_a_value_overrides_nothing() -> None:
    parameters = dict.fromkeys(["num_threads", "augmentation_factor", "debug_plots", "exclusion_percentage", "persist_nlu_training_data"])
    made = configured([{"name": "SklearnIntentClassifier", "num_threads": 2}], ["Table"], parameters=parameters)
    assert configs(made.train_schema) == {"train_SklearnIntentClassifier0": {"num_threads": 2}}


def test_parameters_for_stories_reach_their_providers() -> None:
    parameters = {"augmentation_factor": 20, "debug_plots": True, "exclusion_percentage": 25}
    assert configs(configured(None, ["Table"], parameters=parameters).train_schema) == {
        "stories_provider": {"exclusion_percentage": 25},
        "training_tracker_provider": {"augmentation_factor": 20, "debug_plots": True},
    }


def test_examples_that_are_to_be_kept_are_a_target() -> None:
    node = configured(["Words"], parameters={"persist_nlu_training_data": True}).train_schema.nodes["nlu_training_data_provider"]
    assert node.is_target
    assert node.config == {"persist": True}


def test_the_language_reaches_the_configuration_and_the_examples() -> None:
    made = configured(["Words"], language="de")
    assert made.language == "de"
    assert configs(made.train_schema) == {"nlu_training_data_provider": {"language": "de"}}


def test_spaces_and_the_assistant_reach_the_configuration() -> None:
    made = configured(["Words"], assistant_id="hotel", spaces=[{"name": "x"}])
    assert (made.assistant_id, made.spaces) == ("hotel", [{"name": "x"}])


@pytest.mark.parametrize("written", [{}, {"assistant_id": None}, {"assistant_id": "placeholder_default"}])
def test_an_assistant_without_a_name_of_its_own_is_warned_of(written: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="assistant_id"):
        Own().graph_config_for_recipe({"pipeline": [{"name": "Words"}], **written}, {})


# ---- fine-tuning ----------------------------------------------------------------------------------------------------


def test_a_fine_tuning_loads_what_learns() -> None:
    scratch, tuned = (configured(LISTED, ["Table"], finetuning=each).train_schema.nodes for each in (False, True))
    assert {name for name in tuned if tuned[name].constructor_name != scratch[name].constructor_name} == {"train_Counts1", "train_Guess2", "train_Table0"}
    assert {tuned[name].constructor_name for name in tuned if name.startswith("train_")} == {"load"}


@pytest.mark.parametrize(
    ("written", "fraction", "epochs", "used"),
    [({}, 0.25, 3, 0.25), ({"epochs": 100}, 0.5, 50, 0.5), ({"epochs": 7}, None, 7, 1.0), ({}, 2, 20, 2.0), ({"epochs": 3}, "0.1", 1, 0.1)],
)
def test_epochs_are_a_fraction_of_all_rounded_up(written: dict[str, Any], fraction: Any, epochs: int, used: float) -> None:
    """Only of components that have epochs; both figures are in their config, and so in their keys."""
    made = configured(["Words", "Counts", {"name": "Guess", **written}], finetuning=True, parameters={"finetuning_epoch_fraction": fraction})
    assert configs(made.train_schema) == {"train_Guess2": {"epochs": epochs, "finetuning_epoch_fraction": used}}


def test_no_fraction_is_all_epochs() -> None:
    assert configs(configured(["Guess"], finetuning=True).train_schema)["train_Guess0"] == {"epochs": 10, "finetuning_epoch_fraction": 1.0}


def test_without_fine_tuning_a_fraction_changes_nothing() -> None:
    assert configured(["Guess"], parameters={"finetuning_epoch_fraction": 0.5}) == configured(["Guess"])


@pytest.mark.parametrize("fraction", [0, -1, "nan"])
def test_a_fraction_is_above_nothing(fraction: Any) -> None:
    with pytest.raises(InvalidConfigException, match="fraction of epochs"):
        configured(["Guess"], finetuning=True, parameters={"finetuning_epoch_fraction": fraction})


# ---- configurations that cannot be ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipeline", "policies", "training_type"), [(None, ["Table"], NLU), ([], ["Table"], NLU), (["Words"], None, CORE), (["Words"], [], CORE), ([], [], BOTH), (None, None, END_TO_END)]
)
def test_nothing_to_train_is_refused(pipeline: Any, policies: Any, training_type: TrainingType) -> None:
    with pytest.raises(InvalidConfigException, match="nothing to train") as caught:
        configured(pipeline, policies, training_type)
    assert caught.value.code == "BG535"


def test_a_policy_in_the_pipeline_is_refused() -> None:
    with pytest.raises(InvalidConfigException, match="'Table' is a policy and cannot be in 'pipeline'"):
        configured(["Words", "Table"])
    with pytest.raises(InvalidConfigException, match="'RulePolicy' is a policy and cannot be in 'pipeline'"):
        configured(["RulePolicy"])


def test_a_component_among_the_policies_is_refused() -> None:
    with pytest.raises(InvalidConfigException, match="'Words' is a component of the pipeline"):
        configured(["Words"], ["Words"])


def test_an_unknown_component_is_refused_with_what_there_is() -> None:
    with pytest.raises(InvalidConfigException, match="there is no component 'Countz'") as caught:
        configured(["Words", "Countz"])
    error = caught.value
    assert (error.code, error.where) == ("BG531", ("pipeline, entry 2",))
    assert "did you mean 'Counts'?" in error.fix
    assert "name: my_package.my_module.Countz" in error.fix
    assert {"Words", "Counts", "Guess"} <= set(dict(error.facts)["shipped or registered"].split(", "))
    assert "Table" not in dict(error.facts)["shipped or registered"]


def test_for_a_component_known_elsewhere_the_message_names_one_that_does_its_work() -> None:
    with pytest.raises(InvalidConfigException, match="DIETClassifier") as caught:
        configured(["DIETClassifier"])
    assert "LogisticRegressionClassifier" in caught.value.fix


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [("supervised", "'pipeline' is a str, not a list"), ({"name": "Words"}, "'pipeline' is a dict"), (["Words"], "entry 1 of 'pipeline' has no name"), ([{"n": 1}], "has no name"), ([{"name": 3}], "has no name"), ([None], "has no name")],
)
def test_a_pipeline_is_a_list_of_named_entries(pipeline: Any, said: str) -> None:
    with pytest.raises(InvalidConfigException, match=said) as caught:
        Own().graph_config_for_recipe({"pipeline": pipeline}, {})
    assert caught.value.code == "BG536"


def test_one_tokenizer_is_enough() -> None:
    with pytest.raises(InvalidConfigException, match="2 tokenizers") as caught:
        configured(["Words", "Counts", "Words"])
    assert dict(caught.value.facts) == {"tokenizers": "Words0, Words2"}


def test_well_known_policies_are_warned_of_and_left_out() -> None:
    with pytest.warns(UserWarning, match="MemoizationPolicy, rasa.core.policies.ted_policy.TEDPolicy: the dialogue part is not trained"):
        made = configured(["Words"], ["MemoizationPolicy", "rasa.core.policies.ted_policy.TEDPolicy"], END_TO_END)
    assert made == configured(["Words"], training_type=NLU)


def test_ones_own_policy_beside_well_known_ones_is_trained() -> None:
    with pytest.warns(UserWarning, match="RulePolicy: they are left out"):
        made = configured(["Words"], ["RulePolicy", "Table"])
    assert "train_Table1" in made.train_schema.nodes
    assert made.training_type is BOTH


def test_well_known_policies_alone_are_nothing_to_train() -> None:
    with pytest.warns(UserWarning, match="RulePolicy"), pytest.raises(InvalidConfigException, match="nothing to train"):
        configured(["Words"], ["RulePolicy"], CORE)


def test_ones_own_policy_may_have_a_well_known_name() -> None:
    class Recipe2(DefaultV1Recipe):
        registry = Registry()

    Recipe2.registry.register(ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)(type("RulePolicy", (Table,), {}))
    made = Recipe2().graph_config_for_recipe({"assistant_id": "a", "policies": [{"name": "RulePolicy"}]}, {})
    assert "train_RulePolicy0" in made.train_schema.nodes


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(InvalidConfigException, match="there is no policy 'Tabel'") as caught:
        configured(["Words"], ["Tabel"])
    assert caught.value.code == "BG531"


# ---- components: registered, named by path, shipped -----------------------------------------------------------------


def test_registering_returns_the_class_and_a_later_one_of_the_name_counts() -> None:
    class Own2(DefaultV1Recipe):
        registry = Registry()

    def classes() -> type:
        class Twice(GraphComponent):
            def process(self, messages: list[Message]) -> list[Message]: ...

        return Twice

    first, second = classes(), classes()
    assert Own2.registry.register(ComponentType.INTENT_CLASSIFIER, is_trainable=False)(first) is first
    Own2.registry.register([ComponentType.INTENT_CLASSIFIER], False)(second)
    made = Own2().graph_config_for_recipe({"assistant_id": "a", "pipeline": [{"name": "Twice"}]}, {})
    assert made.predict_schema.nodes["run_Twice0"].uses is second


@pytest.mark.parametrize("odd", [int, object, "Words", len])
def test_registering_what_is_no_component_is_refused(odd: Any) -> None:
    with pytest.raises(DefaultV1RecipeRegisterException) as caught:
        DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)(odd)
    assert caught.value.code == "BG537"


MODULE = """
from buildgraph.component import GraphComponent
from buildgraph.trainer.recipes import ComponentType, DefaultV1Recipe

class Marks(GraphComponent):
    def train(self, training_data): ...
    def process_training_data(self, training_data): ...
    def process(self, messages): ...

class Words(Marks): ...

class Outer:
    class Inner(Marks): ...

@DefaultV1Recipe.register(ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class Decorated(Marks): ...

class Loader(GraphComponent):
    def provide(self): ...

class Rule(GraphComponent):
    def train(self, training_trackers): ...
    def predict_action_probabilities(self, tracker): ...

class Nothing(GraphComponent): ...
class Alien: ...
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a user's module that can be imported."""
    (tmp_path / "their_parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "their_parts"
    sys.modules.pop("their_parts", None)


def test_a_class_of_ones_own_is_named_by_its_path_and_its_methods_say_what_it_is(module: str) -> None:
    made = configured([f"{module}.Marks", f"{module}.Loader", f"{module}:Outer.Inner"], [f"{module}.Rule"])
    names = set(made.train_schema.nodes)
    assert {"train_Marks0", "run_Marks0", "provide_Loader1", "train_Inner2", "run_Inner2", "train_Rule0"} <= names
    assert made.train_schema.nodes["train_Inner2"].entry_point == f"{module}:Outer.Inner"
    assert GraphSchema.from_dict(made.train_schema.as_dict()).nodes["train_Inner2"].entry_point == f"{module}:Outer.Inner"


def test_a_class_is_not_taken_for_another_of_its_name(module: str) -> None:
    """The registered tokenizer of that name does not learn; this one does."""
    assert configured([f"{module}.Words"]).train_schema.nodes["train_Words0"].entry_point == f"{module}:Words"


def test_what_was_registered_for_a_class_counts_more_than_its_methods(module: str) -> None:
    made = configured([f"{module}.Marks", f"{module}.Decorated"])
    assert "train_Decorated1" in made.train_schema.nodes  # the registration went to another registry than this recipe's
    made = DefaultV1Recipe().graph_config_for_recipe({"assistant_id": "a", "pipeline": [{"name": f"{module}.Decorated"}]}, {})
    assert not [name for name in made.train_schema.nodes if "Decorated" in name]
    assert "run_Decorated0" in made.predict_schema.nodes


@pytest.mark.parametrize(
    ("path", "why"),
    [("{}.Missing", "has no 'Missing'"), ("{}.Alien", "not a subclass"), ("{}.Nothing", "none of its methods"), ("no_such_package.mod.Marks", "No module named 'no_such_package'"), ("{}.Marks.process", "importing")],
)  # fmt: skip
def test_a_path_that_leads_to_no_component_is_refused(module: str, path: str, why: str) -> None:
    with pytest.raises(InvalidConfigException, match="cannot be used as a component") as caught:
        configured(["Words", path.format(module)])
    assert caught.value.code == "BG532"
    assert why in caught.value.why
    assert "pipeline, entry 2" in caught.value.where


def test_an_import_that_fails_is_the_cause(module: str) -> None:
    with pytest.raises(InvalidConfigException) as caught:
        configured(["no_such_package.mod.Marks"])
    assert isinstance(caught.value.__cause__, ImportError)


def test_a_foreign_path_to_a_known_component_gets_its_short_name() -> None:
    with pytest.raises(InvalidConfigException) as caught:
        configured(["rasa.nlu.words.Words"])
    assert caught.value.fix.startswith("write 'name: Words'")


def test_a_shipped_component_is_known_by_a_table_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class has to be there only when it runs."""
    (tmp_path / "their_table.py").write_text(
        'GRAMMAR = {"uses": "no_such_module:Grammar", "types": ["MESSAGE_FEATURIZER"], "is_trainable": True}\n'
        'COMPONENTS = {"Grammar": GRAMMAR, "Words": GRAMMAR}\n'
    )
    info = tmp_path / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[buildgraph.components]\ntheirs = their_table:COMPONENTS\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = configured(["Words", {"name": "Grammar", "depth": 2}])
    expected = SchemaNode({"training_data": "run_Words0"}, "no_such_module:Grammar", "create", "train", {"depth": 2}, is_target=True)
    assert made.train_schema.nodes["train_Grammar1"] == expected
    assert made.train_schema.nodes["run_Words0"].uses is Words  # what is registered counts more
    sys.modules.pop("their_table", None)


def test_names_that_are_known_raise_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        configured(LISTED, ["Table"])
