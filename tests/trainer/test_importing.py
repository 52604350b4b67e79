"""Projects of YAML files: what is read, what real projects write and mean, and where a mistake is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.errors import Place, UsageError
from buildgraph.trainer.data import TrainingData
from buildgraph.trainer.errors import InvalidConfigException, TrainingDataError
from buildgraph.trainer.importing import TrainingDataImporter, TrainingFileImporter

Write = Callable[..., TrainingFileImporter]

EXAMPLE = Path(__file__).parents[2] / "rules" / "examples" / "assistant"
GREET = 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hi\n    - hello\n'
BYE = "nlu:\n- intent: bye\n  examples: |\n    - see you\n"


def examples(data: TrainingData) -> list[tuple[str, str]]:
    return [(each.get("intent"), each.get("text")) for each in data.training_examples]


def nlu(project: Write, text: str) -> TrainingData:
    return project({"data/nlu.yml": text}).get_nlu_data()


# ---- what is read ---------------------------------------------------------------------------------------------------


def test_the_example_project_is_read_without_a_warning() -> None:
    """All its parts, which say the same of each other."""
    importer = TrainingFileImporter(EXAMPLE / "config.yml", EXAMPLE / "domain.yml", EXAMPLE / "data")
    data, domain = importer.get_nlu_data(), importer.get_domain()
    assert importer.warnings() == []
    assert data.intents == sorted(domain.intents)
    assert data.entities == sorted(domain.entities)
    assert min(sum(each.get("intent") == intent for each in data.training_examples) for intent in data.intents) >= 12
    assert data.entity_synonyms["racer"] == "road bike"
    assert [each["name"] for each in (*data.regex_features, *data.lookup_tables)] == ["ticket", "part"]
    assert importer.get_config()["pipeline"][4] == {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}
    assert [each.name for each in importer.get_conversation_tests().stories] == ["somebody asks for the hours", "somebody wants a new chain"]
    assert "somebody wants a new chain" not in [each.name for each in importer.get_stories().stories]
    assert isinstance(importer, TrainingDataImporter)


def test_examples_bring_entities_and_synonyms(project: Write) -> None:
    """A value that differs from the words is a synonym of them; so is what a synonym's own item lists."""
    data = nlu(project, 'nlu:\n- intent: go\n  examples: |\n    - to [NYC](city:New York)\n    - to [Lyon]{"entity": "city", "role": "to"}\n- synonym: New York\n  examples: |\n    - big apple\n')
    assert data.entity_synonyms == {"NYC": "New York", "big apple": "New York"}
    assert data.training_examples[1].get("entities") == [{"start": 3, "end": 7, "value": "Lyon", "entity": "city", "role": "to"}]


def test_examples_may_be_a_list_with_metadata(project: Write) -> None:
    """Texts over several lines, numbers, and an intent of their own."""
    text = "nlu:\n- intent: greet\n  metadata: {mood: good}\n  examples:\n  - text: |\n      hi\n    metadata: {id: 7}\n  - text: hello\n    intent: hello\n  - 42\n  - yes\n  -\n"
    data = nlu(project, text)
    assert examples(data) == [("greet", "hi"), ("hello", "hello"), ("greet", "42"), ("greet", "yes")]
    assert data.training_examples[0].get("metadata") == {"intent": {"mood": "good"}, "example": {"id": 7}}


def test_text_is_read_as_it_is_written(project: Write) -> None:
    """Whatever else YAML could take it for."""
    data = nlu(project, "nlu:\n- intent: yes\n  examples: |\n    - 1.50\n    - ~\n    - 'quoted' # not a comment\n- intent: 007\n  examples: |\n    - true\n- regex: 12\n  examples: |\n    - \\d+:\n")
    assert examples(data) == [("yes", "1.50"), ("yes", "~"), ("yes", "'quoted' # not a comment"), ("007", "true")]
    assert data.regex_features == [{"name": "12", "pattern": "\\d+:"}]


def test_blocks_may_have_comments_gaps_and_long_examples(project: Write) -> None:
    """A line that is indented further goes on with the one above."""
    importer = project({"data/nlu.yml": "# ours\nnlu:\n# more\n- intent: greet  # often\n  examples: |\n\n    - hi,\n      how are you\n    # - no\n    -hello\n    -\n    and you\n"})
    assert examples(importer.get_nlu_data()) == [("greet", "hi, how are you"), ("greet", "hello")]
    assert importer.warnings() == [("BG523", f"{importer.files[0].path}:12: 'and you' was left out: an example begins with a dash")]


def test_windows_files_are_the_same_files(project: Write) -> None:
    """Line ends and a byte order mark say nothing."""
    plain, windows = project({"data/nlu.yml": GREET}, "one"), project({"data/nlu.yml": b"\xef\xbb\xbf" + GREET.replace("\n", "\r\n").encode()}, "two")
    assert windows.get_nlu_data() == plain.get_nlu_data()
    assert windows.get_nlu_data().fingerprint() == plain.get_nlu_data().fingerprint()


def test_retrieval_intents_keep_their_key_and_find_their_responses(project: Write) -> None:
    """In files of the data as well as in the domain."""
    importer = project({
        "data/faq.yml": "nlu:\n- intent: faq/hours\n  examples: |\n    - when are you open\nresponses:\n  utter_faq/hours:\n  - text: 9 to 5\n  utter_hi:\n  - text: hi\n",
        "domain.yml": "responses:\n  utter_faq/price:\n  - text: 10\n",
    })  # fmt: skip
    data = importer.get_nlu_data()
    assert data.intents == ["faq"]
    assert data.training_examples[0].get("intent_response_key") == "faq/hours"
    assert data.responses == {"utter_faq/hours": [{"text": "9 to 5"}], "utter_faq/price": [{"text": "10"}]}
    assert sorted(importer.get_domain().responses) == ["utter_faq/hours", "utter_faq/price", "utter_hi"]


@pytest.mark.parametrize(("version", "warned"), [('"3.1"', False), ("3.1", False), ("3.0", False), ('"2.0"', True)])
def test_versions_of_the_format_may_be_quoted_or_not(project: Write, version: str, warned: bool) -> None:
    """An earlier one is read, and said to be."""
    importer = project({"data/nlu.yml": f"version: {version}\n" + BYE})
    assert examples(importer.get_nlu_data()) == [("bye", "see you")]
    assert [(code, message.rpartition("/")[2]) for code, message in importer.warnings()] == [("BG524", "nlu.yml:1: format version 2.0 is read as 3.1")] * warned


def test_a_retrieval_intent_has_an_action(project: Write) -> None:
    """Named after it, from its examples or its responses."""
    stories = "stories:\n- story: a\n  steps:\n  - intent: faq\n  - action: utter_faq\n  - intent: chat/joke\n  - action: utter_chat\n"
    importer = project({"domain.yml": "intents: [faq, chat]\nresponses: {utter_chat/joke: [{text: ha}]}\n", "data/a.yml": stories + "nlu: [{intent: faq/a, examples: [b]}]\n"})
    assert importer.warnings() == []


def test_folders_are_read_to_the_bottom(project: Write) -> None:
    """Files of both endings; hidden ones, other ones, and those of a configuration are not ours."""
    importer = project({
        "data/nlu/a.yml": GREET, "data/nlu/deep/b.yaml": BYE, "data/.git/c.yml": ": not yaml [", "data/notes.txt": "x", "data/empty.yml": "# nothing\n",
        "data/config.yml": "version: '3.1'\npipeline: []\n", "data/endpoints.yml": "action_endpoint:\n  url: http://localhost\n",
    })  # fmt: skip
    assert examples(importer.get_nlu_data()) == [("bye", "see you"), ("greet", "hi"), ("greet", "hello")]
    assert [(code, message.partition(": ")[2][:22]) for code, message in importer.warnings()] == [("BG523", "the file was left out:")]


def test_a_project_without_data_is_empty(project: Write) -> None:
    """An importer of nothing, and one of a file that holds nothing."""
    for importer in (TrainingFileImporter(), project({"data/nlu.yml": "", "config.yml": "", "domain.yml": "version: '3.1'\n"})):
        assert importer.get_nlu_data().is_empty
        assert importer.get_stories().is_empty
        assert importer.get_domain().is_empty
        assert importer.get_conversation_tests().is_empty
        assert importer.get_config() == {}
        assert importer.warnings() == []


def test_configurations_are_plain_data(project: Write) -> None:
    """By the rules of YAML 1.2, with the merging of mappings that is shared."""
    config = project({"config.yml": "base: &base {a: 1, b: no}\nx:\n  <<: *base\n  a: 2.5\nday: 2024-01-01\nquoted: '1'\nnone:\n"}).get_config()
    assert config["x"] == {"a": 2.5, "b": "no"}
    assert (config["day"], config["quoted"], config["none"]) == ("2024-01-01", "1", None)


# ---- what counts ----------------------------------------------------------------------------------------------------


def test_names_of_files_comments_and_formatting_do_not_count(project: Write) -> None:
    """Only what the files say together."""
    one = project({"data/a.yml": GREET, "data/b.yml": BYE}, "one")
    other = project({"data/z.yml": "# moved\n" + GREET, "data/c/y.yml": "nlu:\n  - intent: 'bye'\n    examples:\n    - text: see you\n"}, "two")
    assert one.get_nlu_data() == other.get_nlu_data()
    assert one.get_nlu_data().fingerprint() == other.get_nlu_data().fingerprint()


def test_files_that_begin_alike_have_one_order(project: Write) -> None:
    """Whatever they are called."""
    longer = GREET + "    - good day\n"
    one, other = project({"data/a.yml": GREET, "data/b.yml": longer}, "one"), project({"data/a.yml": longer, "data/b.yml": GREET}, "two")
    assert one.get_nlu_data().fingerprint() == other.get_nlu_data().fingerprint()


def test_a_story_does_not_count_for_nlu_and_an_example_does(project: Write) -> None:
    files: dict[str, str | bytes] = {"data/nlu.yml": GREET, "data/stories.yml": "stories:\n- story: a\n  steps:\n  - intent: greet\n"}
    before = project(files, "one")
    story = project({**files, "data/stories.yml": "stories:\n- story: b\n  steps:\n  - intent: greet\n"}, "two")
    example = project({**files, "data/nlu.yml": GREET + "    - good day\n"}, "three")
    nlu_prints = [each.get_nlu_data().fingerprint() for each in (before, story, example)]
    story_prints = [each.get_stories().fingerprint() for each in (before, story, example)]
    assert nlu_prints[0] == nlu_prints[1] != nlu_prints[2]
    assert story_prints[0] == story_prints[2] != story_prints[1]


def test_an_importer_is_identified_by_the_content_of_all_its_files(project: Write) -> None:
    """Every role counts, names and places do not."""
    files: dict[str, str | bytes] = {"config.yml": "a: 1\n", "domain.yml": "intents: [greet]\n", "data/nlu.yml": GREET, "tests/test_it.yml": "stories: []\n"}
    prints = {project(files, "one").fingerprint(), project({**{k: v for k, v in files.items() if k != "data/nlu.yml"}, "data/other.yml": GREET}, "moved").fingerprint()}
    assert len(prints) == 1
    for number, name in enumerate(files):
        prints.add(project({**files, name: str(files[name]) + "# x\n"}, f"edit-{number}").fingerprint())
    assert len(prints) == 5


def test_an_importer_travels_with_its_files(project: Write, tmp_path: Path) -> None:
    """Into a folder with the same bytes wherever the project lay, and out of it when the project has gone."""
    files: dict[str, str | bytes] = {"config.yml": "a: 1\n", "domain/a.yml": "intents: [greet]\n", "data/nlu.yml": GREET, "data/test_a.yml": "stories:\n- story: t\n  steps: [{intent: greet}]\n"}
    kept = []
    for name in ("one", "two"):
        (tmp_path / f"kept-{name}").mkdir()
        importer = project(files, name)
        importer.to_cache(tmp_path / f"kept-{name}", None)  # type: ignore[arg-type]  # its own folder is all it needs
        kept.append({path.name: path.read_bytes() for path in (tmp_path / f"kept-{name}").iterdir()})
    assert kept[0] == kept[1]
    for path in (tmp_path / "two").rglob("*.yml"):
        path.unlink()
    back = TrainingFileImporter.from_cache("node", tmp_path / "kept-two", None, "")  # type: ignore[arg-type]  # as above
    assert back.fingerprint() == importer.fingerprint()
    assert (back.get_config(), back.get_domain(), back.get_nlu_data()) == (importer.get_config(), importer.get_domain(), importer.get_nlu_data())
    assert back.get_conversation_tests().intents == ["greet"]


def test_what_a_caller_does_to_the_data_stays_with_the_caller(project: Write) -> None:
    importer = project({"data/nlu.yml": GREET})
    importer.get_nlu_data().training_examples[0].set("intent", "other")
    assert importer.get_nlu_data().intents == ["greet"]


def test_a_file_is_read_once(project: Write) -> None:
    """Also when it is training data and domain, and when it is gone afterwards."""
    importer = project({"data/all.yml": "intents: [greet]\n" + GREET})
    path = importer.files[0].path
    both = TrainingFileImporter(None, path, [path, Path(path).parent])
    assert len(both.files) == 2
    Path(path).unlink()
    assert both.get_domain().intents.keys() == {"greet"}
    assert len(both.get_nlu_data().training_examples) == 2


# ---- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "line", "said"),
    [
        ("nlu:\n- intent: a\n  examples: |\n    - ok\nstory: x\n", "BG512", 5, "did you mean 'stories'?"),
        ("nlu:\n- intent: a\n  exmaples: |\n    - ok\n", "BG512", 3, "did you mean 'examples'?"),
        ("nlu:\n- intent: a\n  examples: |\n  - ok\n", "BG511", 4, "indent with spaces"),
        ("nlu:\n- intent: a\n   examples: |\n    - ok\n", "BG511", 3, "indent with spaces"),
        ("nlu:\n- intent: a\n\texamples: x\n", "BG511", 3, "indent with spaces"),
        ("nlu:\n- intent: a\n  examples: 'x\n", "BG511", 4, ""),
        ("nlu:\n- intent: a\x01\n", "BG511", 2, "control character"),
        (b"nlu:\n- intent: a\n# caf\xe9\n", "BG510", 3, "UTF-8"),
        ('# old\nversion: "1.0"\nnlu: []\n', "BG513", 2, '"3.1"'),
        ('version: "4.0"\n', "BG513", 1, '"3.1"'),
        ("nlu:\n  intent: a\n", "BG514", 2, "indentation"),
        ("nlu:\n- intent: [a]\n", "BG514", 2, ""),
        ("nlu:\n- intent:\n  examples: |\n    - a\n", "BG514", 2, ""),
        ("nlu:\n- just text\n", "BG514", 2, "intent: name"),
        ("- nlu\n", "BG514", 1, ""),
        ("nlu:\n- intent: a\n  examples: |\n    - b\n- examples: |\n    - c\n", "BG515", 5, "intent: name"),
        ("nlu:\n- intent: a\n  synonym: b\n", "BG515", 2, ""),
        ("nlu:\n- intent: a\n  examples:\n  - metadata: 1\n", "BG515", 4, "text"),
        ("nlu:\n- intent: a\n  examples: |\n    - ok\n\n    - to [Lyon](city\n", "BG516", 6, "[text](entity)"),
        ("nlu:\n- intent: a\n  examples: |\n    # why\n    - to [Lyon]{entity: city}\n", "BG517", 5, "double quotes"),
        ("nlu:\n- intent: a\n  examples:\n  - text: |\n      [x](\n", "BG516", 5, ""),
        ("nlu: []\nrules: []\nnlu: []\n", "BG520", 3, ""),
        ("nlu: [!!python/name:os.system x]\n", "BG514", 1, ""),
    ],
)
def test_a_mistake_has_a_place_and_a_way_out(project: Write, text: str | bytes, code: str, line: int, said: str) -> None:
    """The file, the line and its text."""
    importer = project({"data/nlu.yml": text})
    with pytest.raises(TrainingDataError) as caught:
        importer.get_nlu_data()
    place, *_ = caught.value.where
    assert (caught.value.code, place.line) == (code, line)
    assert place.file == importer.files[0].path
    assert said in caught.value.fix
    assert caught.value.why


def test_an_error_is_said_whole(project: Write) -> None:
    """As users read it."""
    importer = project({"data/nlu.yml": "nlu:\n- intent: go\n  examples: |\n    - to [Lyon](city\n"})
    with pytest.raises(TrainingDataError) as caught:
        importer.get_nlu_data()
    assert caught.value.render().replace(importer.files[0].path, "data/nlu.yml") == r"""
error[BG516]: 'data/nlu.yml' has an example that cannot be read: '](' is never closed
  where: data/nlu.yml:4
    | - to [Lyon](city
    | ^^^^^^^^^^^^^^^^
  why: the name of an entity stands in parentheses
  fix: write [text](entity), [text](entity:value) or [text]{"entity": "name", "role": "name"}; a bracket that is text is \[ or \]
  more: buildgraph explain BG516
""".strip()


def test_what_is_never_closed_has_the_place_where_it_began(project: Write) -> None:
    """Beside the end of the file, where that is noticed."""
    with pytest.raises(TrainingDataError) as caught:
        nlu(project, "nlu:\n- intent: 'a\n  examples: |\n    - b\n")
    assert [place.line for place in caught.value.where] == [5, 2]
    assert caught.value.where[1].text == "- intent: 'a"


def test_the_line_is_that_of_the_file_with_any_line_ends(project: Write) -> None:
    with pytest.raises(TrainingDataError) as caught:
        nlu(project, "nlu:\r\n- intent: a\r\n  examples: |\r\n    - ok\r\n    - [x](\r\n")
    assert (caught.value.where[0].line, caught.value.where[0].text) == (5, "- [x](")


@pytest.mark.parametrize("part", range(3))
def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, part: int) -> None:
    """Whichever part it was to be."""
    paths = [None, None, None]
    paths[part] = tmp_path / "no.yml"  # type: ignore[call-overload]  # one of three paths
    with pytest.raises(InvalidConfigException if part == 0 else TrainingDataError) as caught:
        TrainingFileImporter(*paths).fingerprint()
    assert caught.value.code == "BG518"
    assert "No such file" in caught.value.why


def test_a_folder_without_data_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{}")
    with pytest.raises(TrainingDataError, match="no data file lies in") as caught:
        TrainingFileImporter(training_data_paths=tmp_path).get_nlu_data()
    assert caught.value.code == "BG519"


def test_a_file_that_was_named_has_to_be_one_of_ours(project: Write, tmp_path: Path) -> None:
    project({"other.yml": "services: {}\n"})
    with pytest.raises(TrainingDataError, match="unknown key 'services'"):
        TrainingFileImporter(training_data_paths=tmp_path / "other.yml").get_nlu_data()


@pytest.mark.parametrize("config", ["- a\n", "a: [\n", "a: 1\na: 2\n", "a: !!python/name:os.system x\n"])
def test_mistakes_in_a_configuration_are_its_own_kind_of_error(project: Write, config: str) -> None:
    with pytest.raises(InvalidConfigException) as caught:
        project({"config.yml": config}).get_config()
    assert caught.value.where[0].file.endswith("config.yml")


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]\n", "a: " + "[" * 5000, "a: &a [" + "x," * 400 + "]\nb: &b [" + "*a," * 400 + "]\nc: &c [" + "*b," * 400 + "]\nd: [" + "*c," * 400 + "]\n"],
    ids=["itself", "deep", "billion"],
)  # fmt: skip
def test_files_that_are_made_to_hurt_are_refused(project: Write, text: str) -> None:
    """At once."""
    with pytest.raises(UsageError) as caught:
        project({"config.yml": text}).get_config()
    assert caught.value.code == "BG511"


PIECES = ("[", "]", "{", ":", "- ", "\n", "  ", "|", ">", "'", '"', "&a ", "*a", "#", "null", "~", "!!str ", "<<: ", "...", "---\n", "\t", "\r\n", "\u2028", "\x00")


@given(st.sampled_from(["domain.yml", "data/nlu.yml", "data/stories.yml", "data/rules.yml"]), st.data())
def test_no_typing_mistake_is_worse_than_an_error(name: str, data: st.DataObject) -> None:
    """Whatever is put into a file of a good project, or taken out: it is read, or refused at a place with a way out."""
    text = (EXAMPLE / name).read_text()
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + data.draw(st.sampled_from([0, 1, 3, 20])) :]
    with TemporaryDirectory() as folder:
        path = Path(folder, Path(name).name)
        path.write_bytes(text.encode())
        importer = TrainingFileImporter(None, path if name == "domain.yml" else None, path)
        try:
            importer.warnings()
            importer.get_nlu_data().fingerprint()
            importer.get_stories().fingerprint()
            importer.get_domain().fingerprint()
        except TrainingDataError as error:
            assert isinstance(error.where[0], Place)
            assert error.where[0].line
            assert error.why
            assert error.fix


# ---- warnings -------------------------------------------------------------------------------------------------------


def test_what_does_not_agree_is_warned_of(project: Write) -> None:
    """And training goes on."""
    importer = project({
        "domain.yml": "intents: [greet, greet]\nactions: [utter_hi]\nslots: {mood: {type: text}}\n",
        "data/nlu.yml": GREET + "- intent: bye\n  examples: |\n    - hi\n- intent: none\n- synonym: x\n  examples: |\n    - s\n- synonym: y\n  examples: |\n    - s\n",
        "data/stories.yml": "stories:\n- story: a\n  steps:\n  - intent: gret\n  - action: utter_hi\n  - action: action_listen\n  - slot_was_set:\n    - mod: 1\n- story: b\n  steps: []\n",
    })  # fmt: skip
    folder = str(Path(importer.files[-1].path).parent)
    said = [(code, message.replace(f"{folder}/", "").rpartition("/")[2]) for code, message in importer.warnings()]
    assert sorted(said) == sorted([
        ("BG522", "nlu.yml:9: 'hi' is an example of 'bye', and in nlu.yml:5 of 'greet'"),
        ("BG522", "nlu.yml:7: the intent 'bye' is not in the domain"),
        ("BG522", "nlu.yml:10: the intent 'none' is not in the domain"),
        ("BG522", "stories.yml:4: the intent 'gret' is not in the domain; did you mean 'greet'?"),
        ("BG522", "stories.yml:8: the slot 'mod' is not in the domain; did you mean 'mood'?"),
        ("BG523", "domain.yml:1: 'greet' is in 'intents' twice, first in line 1"),
        ("BG523", "nlu.yml:10: intent 'none' has no examples"),
        ("BG523", "nlu.yml:16: 's' is a synonym of 'y' and of 'x'; the former counts"),
        ("BG523", "stories.yml:10: the story 'b' has no steps"),
    ])  # fmt: skip
    assert importer.get_nlu_data().entity_synonyms == {"s": "y"}


def test_without_a_domain_nothing_is_missing_in_it(project: Write) -> None:
    """Responses among the data are no domain file."""
    assert project({"data/all.yml": BYE + "responses:\n  utter_hi:\n  - text: hi\n"}).warnings() == []


def test_lines_that_are_folded_into_one_are_warned_of(project: Write) -> None:
    importer = project({"data/nlu.yml": "nlu:\n- intent: a\n  examples: >\n    - b\n    - c\n"})
    assert [message.rpartition("/")[2] for _, message in importer.warnings()] == ["nlu.yml:3: '>' makes one line, and so one example, of all that follow; write '|'"]


def test_a_domain_among_the_data_is_said_to_be_left_out(project: Write) -> None:
    """Unless the same file was given as a domain, too."""
    importer = project({"data/all.yml": BYE + "intents: [bye]\n"})
    path = importer.files[0].path
    assert importer.warnings() == [("BG523", f"{path}:5: 'intents' was left out: the file is training data, and was not given as a domain")]
    assert TrainingFileImporter(None, path, path).warnings() == []
