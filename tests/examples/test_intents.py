"""The intent classifier among the examples: trained, packed, asked, and retrained only as far as an edit needs."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from conftest import Built, Checkout

WORKSPACE = Path(__file__).parents[2] / "rules" / "examples" / "intents"
PACKAGES = ("hassil", "home_assistant_intents", "sklearn", "scipy", "safetensors", "matplotlib")
INTENTS = 42
TRAINING = {"word", "char", "features", "logreg", "linear_svc", "report", "model"}
EVERYTHING = TRAINING | {"dataset", "labels"}
ACCURACY = 0.92  # on templates never trained on; what it reaches is in the README


@dataclass(frozen=True, slots=True)
class First:
    """A checkout in which everything has been built once."""

    checkout: Checkout
    built: Built


@pytest.fixture(scope="module")
def packages(skip_loudly: Callable[[str, str], None]) -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        skip_loudly(", ".join(missing), "pip install 'buildgraph[all]'")


@pytest.fixture(scope="module")
def first(packages: None, check_out: Callable[[str], Checkout]) -> First:
    checkout = check_out("intents")
    return First(checkout, checkout.build())


@pytest.fixture
def checkout(first: First, tmp_path: Path) -> Checkout:
    """A second checkout over the same store, built once."""
    copy = first.checkout.elsewhere(tmp_path / "second")
    assert copy.build().ran == set()
    return copy


def metrics(checkout: Checkout) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(checkout.output("//:report", "metrics.json").read_text(encoding="utf-8"))
    return found


def test_a_cold_build_samples_every_intent_and_runs_every_step_once(first: First) -> None:
    sampled = {target for target in first.built.ran if target.startswith("samples.")}
    assert len(sampled) == INTENTS
    assert first.built.ran - sampled == EVERYTHING
    assert first.built.counts["failed"] == 0


def test_both_models_are_accurate_on_templates_they_never_saw(first: First) -> None:
    figures = metrics(first.checkout)
    assert figures["models"]["logreg"]["accuracy"] > ACCURACY
    assert figures["models"]["linear_svc"]["accuracy"] > ACCURACY
    assert figures["untested_intents"] == []
    assert figures["sentences"]["train"] > 4000
    assert figures["templates"]["test"] > 150


def test_the_confusion_matrix_is_a_picture(first: First) -> None:
    assert first.checkout.output("//:report", "confusion.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    ("sentence", "intent"),
    [
        ("turn on the kitchen lights", "HassTurnOn"),
        ("Switch OFF the porch light, please!", "HassTurnOff"),
        ("set a timer for five minutes", "HassStartTimer"),
        ("what's the weather in berlin", "HassGetWeather"),
    ],
)
@pytest.mark.parametrize("model", ["logreg", "linear_svc"])
def test_the_packed_model_classifies_a_sentence(first: First, model: str, sentence: str, intent: str) -> None:
    done = first.checkout.python("classify.py", "--model", model, sentence)
    assert done.returncode == 0, done.stderr
    said, score = done.stdout.split()
    assert said == intent
    assert float(score) > 0.0


def test_a_second_build_runs_nothing(first: First) -> None:
    assert first.checkout.build().counts["built"] == 0


def test_another_checkout_with_the_same_store_runs_nothing(first: First, tmp_path: Path) -> None:
    copy = first.checkout.elsewhere(tmp_path / "a" / "deeper" / "path")
    built = copy.build()
    assert built.counts["built"] == 0
    assert copy.output_bytes(built) == first.checkout.output_bytes(first.built)


def test_a_deleted_build_folder_comes_back_without_running_anything(first: First, checkout: Checkout) -> None:
    before = checkout.output_bytes(first.built)
    shutil.rmtree(checkout.root / "build")
    built = checkout.build()
    assert built.counts["built"] == 0
    assert checkout.output_bytes(built) == before


def test_comments_docstrings_and_layout_run_nothing(checkout: Checkout) -> None:
    checkout.append("nlu/text.py", "\n\n# A comment teaches a model nothing.\n")
    checkout.edit("nlu/text.py", "Lower case, single spaces, no punctuation, numbers as one token.", "Tidy up.")
    checkout.append("BUILD.py", "\n# Nor does this one.\n")
    assert checkout.build().counts["built"] == 0


def test_an_edit_two_modules_away_retrains_but_samples_nothing_and_reverting_it_is_all_hits(checkout: Checkout) -> None:
    """nlu/train.py imports nlu/features.py, which imports nlu/text.py."""
    checkout.edit("nlu/text.py", "sentence.lower()", "sentence.lower().replace('lights', 'light')")
    built = checkout.build()
    assert built.ran == TRAINING
    checkout.edit("nlu/text.py", "sentence.lower().replace('lights', 'light')", "sentence.lower()")
    assert checkout.build().counts["built"] == 0


def test_a_template_more_samples_one_intent_again(checkout: Checkout) -> None:
    checkout.append("templates/HassBroadcast.txt", "shout [through the house] [that] {message}\n")
    built = checkout.build()
    assert built.ran == {"samples.HassBroadcast"} | EVERYTHING


def test_a_first_template_file_for_an_intent_is_noticed(checkout: Checkout) -> None:
    (checkout.root / "templates" / "HassNevermind.txt").write_text("forget (it|that)\n", encoding="utf-8")
    assert "samples.HassNevermind" in checkout.build().ran


def test_a_setting_of_one_model_retrains_that_one(checkout: Checkout) -> None:
    checkout.edit("BUILD.py", '"C": 20.0', '"C": 15.0')
    assert checkout.build().ran == {"logreg", "report", "model"}


@pytest.fixture(scope="module")
def nlu(packages: None) -> Iterator[None]:
    """The example's own modules are importable."""
    known = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(WORKSPACE))
        yield
    for name in set(sys.modules) - known:
        if name.partition(".")[0] == "nlu":
            del sys.modules[name]


DRAW = """
from pathlib import Path
from nlu.sampling import sample
own = {"own.txt": Path("templates/HassBroadcast.txt")}
print(sample(home=Path("data/home.json"), own=own, intent="HassBroadcast", per_intent=100, per_template=40, seed=SEED))
"""


def test_every_process_draws_the_same_sentences_from_the_same_seed(first: First) -> None:
    """Each process has a hash seed of its own."""
    drawn = [first.checkout.python("-c", DRAW.replace("SEED", seed)).stdout for seed in ("1", "1", "2")]
    assert "dinner is ready" in drawn[0]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_an_intent_without_any_template_is_named(nlu: None) -> None:
    from nlu.templates import templates

    with pytest.raises(ValueError, match="HassFlyAway has no template"):
        templates("en", "HassFlyAway", {})


def test_a_template_that_refers_to_an_unknown_list_is_named(nlu: None, tmp_path: Path) -> None:
    from nlu.sampling import sample

    home, own = tmp_path / "home.json", tmp_path / "own.txt"
    home.write_text('{"lists": {}, "names": {}}', encoding="utf-8")
    own.write_text("sing {song}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"the list \{song\}"):
        sample(home=home, own={"own.txt": own}, intent="Sing", per_intent=10, per_template=10, seed=1)


samples = st.lists(st.integers(0, 8).map(lambda n: {"template": f"t{n}", "text": f"text {n}"}), min_size=1, max_size=20)


@given(drawn=st.dictionaries(st.sampled_from("abc"), samples, min_size=1), share=st.floats(0.0, 0.5))
def test_the_two_parts_of_a_dataset_share_no_template(nlu: None, drawn: dict[str, Any], share: float) -> None:
    from nlu.dataset import labels, split

    named = {
        intent: [{"template": f"{intent}.{each['template']}", "text": f"{intent} {each['text']}"} for each in some]
        for intent, some in drawn.items()
    }
    dataset = split(test_share=share, seed=1, **named)
    train, test = ({sample["template"] for sample in dataset[part]} for part in ("train", "test"))
    assert not train & test
    assert train | test == {sample["template"] for some in named.values() for sample in some}
    assert labels(dataset) == sorted(named)
