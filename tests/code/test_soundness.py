"""Real packages as first-party code: whatever runs, reading had found it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest

from buildgraph.testing import TemporaryWorkspace

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Package:
    """Modules to take the sources of, where from, and what to do with them."""

    modules: tuple[str, ...]
    targets: str  # functions in `steps`
    steps: str
    least: int  # definitions that run, at least, over all targets: a check of nothing would find nothing
    pip: tuple[str, ...] = ()  # requirements to install aside; none when the modules are installed anyway
    opens: tuple[str, ...] = ()  # files beside its code that it opens under a name that cannot be read
    on_import: tuple[str, ...] = ()  # what only runs on import, for a name that nobody uses: it cannot change a result


PACKAGES = {
    "sqlparse": Package(
        ("sqlparse",),
        targets="layout split kinds",
        pip=("sqlparse==0.5.*",),
        least=60,
        steps='''
            import sqlparse

            def layout():
                return sqlparse.format("select a, b from t where x = 1 order by a", reindent=True, keyword_case="upper")

            def split():
                return sqlparse.split("select 1; insert into t values (1, 2)")

            def kinds():
                return [str(token.ttype) for token in sqlparse.parse("select a from t")[0].flatten()]
        ''',
    ),
    "marshmallow": Package(
        ("marshmallow",),
        targets="load dump errors",
        pip=("marshmallow==4.*",),
        least=40,
        steps='''
            from datetime import date
            from marshmallow import Schema, ValidationError, fields, post_load, validate

            class Person(Schema):
                name = fields.Str(required=True, validate=validate.Length(min=2))
                born = fields.Date()
                tags = fields.List(fields.Str())

                @post_load
                def finish(self, data, **_):
                    return {**data, "known": True}

            def load():
                return str(Person().load({"name": "Ada", "born": "1815-12-10", "tags": ["x"]}))

            def dump():
                return Person(many=True).dumps([{"name": "Ada", "born": date(1815, 12, 10)}])

            def errors():
                try:
                    Person().load({"name": "A"})
                except ValidationError as error:
                    return error.messages
        ''',
    ),
    "markdown-it": Package(
        ("markdown_it", "mdurl"),
        targets="commonmark tables tree",
        least=120,
        steps='''
            from markdown_it import MarkdownIt

            TEXT = "# Title\\n\\n- a\\n- *b* [link](http://example.org)\\n\\n```py\\nx\\n```\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n"

            def commonmark():
                return MarkdownIt().render(TEXT)

            def tables():
                return MarkdownIt("gfm-like", {"linkify": False}).render(TEXT)

            def tree():
                from markdown_it.tree import SyntaxTreeNode
                return SyntaxTreeNode(MarkdownIt().parse(TEXT)).pretty()
        ''',
    ),
    "hassil": Package(
        ("hassil",),
        targets="understood sampled parsed",
        least=60,
        steps='''
            from io import StringIO

            SENTENCES = """
            language: en
            intents:
              Lights:
                data:
                  - sentences: ["turn on [the] {area} lights", "(set|dim) {area} to {level} percent"]
            lists:
              area:
                values: ["living room", "kitchen"]
              level:
                range: {from: 0, to: 10}
            """

            def intents():
                from hassil import Intents
                return Intents.from_yaml(StringIO(SENTENCES))

            def understood():
                from hassil import recognize
                found = recognize("dim kitchen to 5 percent", intents())
                return {name: each.value for name, each in found.entities.items()}

            def sampled():
                from hassil.sample import sample_intents
                return sorted(text for _, text in sample_intents(intents()))

            def parsed():
                from hassil.parse_expression import parse_sentence
                return repr(parse_sentence("a [b] (c|d)"))
        ''',
    ),
    "imbalanced-learn": Package(
        ("imblearn", "sklearn_compat"),
        pip=("imbalanced-learn==0.14.*", "sklearn-compat<0.2"),
        least=60,
        targets="sampling forest report",
        steps='''
            import numpy
            from sklearn.datasets import make_classification
            from sklearn.linear_model import LogisticRegression

            def data():
                return make_classification(120, 4, weights=[0.8], random_state=0)

            def sampling():
                from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
                from imblearn.under_sampling import ClusterCentroids, NearMiss, RandomUnderSampler, TomekLinks
                samplers = [SMOTE(random_state=0), BorderlineSMOTE(random_state=0), ADASYN(random_state=0), NearMiss(), TomekLinks()]
                samplers += [RandomUnderSampler(random_state=0), ClusterCentroids(random_state=0)]
                return [len(each.fit_resample(*data())[1]) for each in samplers]

            def forest():
                from imblearn.ensemble import BalancedRandomForestClassifier
                model = BalancedRandomForestClassifier(n_estimators=3, random_state=0).fit(*data())
                return model.predict(data()[0]).tolist()

            def report():
                from imblearn.metrics import classification_report_imbalanced, geometric_mean_score
                from imblearn.over_sampling import SMOTE
                from imblearn.pipeline import make_pipeline
                inputs, wanted = data()
                found = make_pipeline(SMOTE(random_state=0), LogisticRegression()).fit(inputs, wanted).predict(inputs)
                return [classification_report_imbalanced(wanted, found), float(geometric_mean_score(wanted, found))]
        ''',
    ),
    "lark": Package(
        ("lark",),
        targets="lalr earley ambiguous cyk visitor errors",
        pip=("lark==1.3.*",),
        least=60,
        opens=("lark/grammars/common.lark",),
        steps='''
            from lark import Lark, Transformer, Tree, v_args
            from lark.visitors import Visitor

            SUMS = """
                ?start: sum
                ?sum: product | sum "+" product -> add
                ?product: atom | product "*" atom -> mul
                ?atom: NUMBER -> number | "(" sum ")"
                %import common.NUMBER
                %import common.WS
                %ignore WS
            """

            @v_args(inline=True)
            class Value(Transformer):
                from operator import add, mul
                number = int

            def lalr():
                return Lark(SUMS, parser="lalr", transformer=Value()).parse("1 + 2 * (3 + 4)")

            def earley():
                return Value().transform(Lark(SUMS, parser="earley").parse("2 * 3 + 1"))

            def ambiguous():
                grammar = 'start: word+\\n word: "a" | "a" "a"\\n'
                return len(list(Lark(grammar, ambiguity="explicit").parse("aaa").find_data("word")))

            def cyk():
                return Lark('start: "a" start "b" | "c"', parser="cyk").parse("aacbb").pretty()

            class Count(Visitor):
                def __init__(self):
                    self.seen = 0

                def number(self, tree):
                    self.seen += 1

            def visitor():
                count = Count()
                count.visit(Lark(SUMS).parse("1 + 2 + 3"))
                return count.seen

            def errors():
                from lark.exceptions import UnexpectedInput
                try:
                    Lark(SUMS, parser="lalr").parse("1 + + 2")
                except UnexpectedInput as error:
                    return error.get_context("1 + + 2")
        ''',
    ),
    "pyparsing": Package(
        ("pyparsing",),
        on_import=("pyparsing/__init__.py version_info.__version__",),
        targets="arithmetic named table nested failure",
        least=30,
        steps='''
            import pyparsing as pp

            def arithmetic():
                number = pp.pyparsing_common.integer()
                term = pp.infix_notation(number, [(pp.one_of("* /"), 2, pp.OpAssoc.LEFT), (pp.one_of("+ -"), 2, pp.OpAssoc.LEFT)])
                return term.parse_string("1 + 2 * (3 + 4)", parse_all=True).as_list()

            def named():
                pair = pp.Word(pp.alphas)("key") + pp.Suppress("=") + pp.QuotedString('"')("value")
                return [found.as_dict() for found, _, _ in pair.scan_string('a="1" b="2"')]

            def table():
                row = pp.DelimitedList(pp.Combine(pp.Word(pp.nums) + pp.Opt("." + pp.Word(pp.nums))))
                return pp.OneOrMore(pp.Group(row)).parse_string("1,2.5 3,4").as_list()

            def nested():
                return pp.nested_expr("[", "]").parse_string("[a [b c] d]").as_list()

            def failure():
                try:
                    pp.Literal("x").set_name("an x").parse_string("y")
                except pp.ParseException as error:
                    return error.explain()
        ''',
    ),
    "click": Package(
        ("click",),
        on_import=("click/parser.py __getattr__",),
        targets="greeting helping prompting reading mistakes",
        least=60,
        steps='''
            import click
            from click.testing import CliRunner

            @click.group(invoke_without_command=True)
            @click.option("--loud/--quiet", default=False)
            @click.pass_context
            def cli(ctx, loud):
                """A tool."""
                ctx.obj = loud

            @cli.command()
            @click.argument("name", type=click.Choice(["ada", "grace"]))
            @click.option("--times", type=click.IntRange(1, 3), default=1, show_default=True)
            @click.pass_obj
            def greet(loud, name, times):
                """Say hello."""
                for _ in range(times):
                    click.secho(name.upper() if loud else name, fg="green")

            @cli.command()
            @click.option("--age", prompt=True, type=int)
            @click.confirmation_option()
            def ask(age):
                click.echo(age + 1)

            @cli.command()
            @click.argument("file", type=click.File("r"))
            def count(file):
                with click.progressbar(file.read().split()) as words:
                    click.echo(sum(1 for _ in words))

            def run(*arguments, given=None):
                done = CliRunner().invoke(cli, arguments, input=given)
                return [done.exit_code, done.output]

            def greeting():
                return run("--loud", "greet", "ada", "--times", "2")

            def helping():
                return [run("--help"), run("greet", "--help")]

            def prompting():
                return run("ask", given="41\\ny\\n")

            def reading():
                return run("count", "-", given="one two")

            def mistakes():
                return [run("greet", "nobody"), run("greet", "ada", "--times", "9"), run("nothing"), run("--no-such")]
        ''',
    ),
    "rich": Package(
        ("rich",),
        targets="table tree markdown pretty progress",
        least=60,
        steps='''
            from rich.console import Console
            from rich.table import Table

            def printed(*things):
                console = Console(width=60, record=True, file=open("/dev/null", "w"), force_terminal=True)
                for each in things:
                    console.print(each)
                return console.export_text(styles=True)

            def table():
                made = Table(title="Sums")
                made.add_column("what", style="bold")
                made.add_column("much", justify="right")
                made.add_row("[red]a[/red]", "1")
                return printed(made)

            def tree():
                from rich.tree import Tree
                made = Tree("root")
                made.add("leaf").add("[link=http://example.org]below[/link]")
                return printed(made)

            def markdown():
                from rich.markdown import Markdown
                return printed(Markdown("# Title\\n\\n- one\\n- *two*\\n\\n```python\\nx = 1\\n```\\n"))

            def pretty():
                from rich.panel import Panel
                from rich.pretty import Pretty
                return printed(Panel(Pretty({"a": [1, 2.5, None], "b": "text"}), title="data"))

            def progress():
                from rich.progress import track
                console = Console(width=60, file=open("/dev/null", "w"), force_terminal=True)
                return sum(track(range(3), console=console))
        ''',
    ),
}


@pytest.fixture
def sources(tmp_path: Path, loud_skip: Callable[[str], object]) -> Callable[[Package], dict[str, Path]]:
    """Where the sources of a package's modules are, installed or put aside by pip; else a loud skip."""

    def find(package: Package) -> dict[str, Path]:
        if not package.pip:
            found = {name: find_spec(name) for name in package.modules}
            missing = [name for name, spec in found.items() if spec is None]
            if missing:
                loud_skip(f"{missing[0]} is not installed, so its sources cannot be checked")
            return {name: Path(str(spec.origin)).parent for name, spec in found.items()}  # type: ignore[union-attr]  # checked above
        aside = tmp_path / "aside"
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", aside, *package.pip]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            loud_skip(f"the sources of {package.pip[0]} cannot be had")
        return {name: aside / name for name in package.modules}

    return find


ODD_NAMES = pytest.mark.xfail(strict=True, reason="modules whose names are no identifiers are missed when a package counts as a whole")


@pytest.mark.parametrize("name", [pytest.param(name, marks=ODD_NAMES if name == "rich" else ()) for name in PACKAGES])
def test_nothing_runs_that_reading_had_not_found(name: str, sources: Callable[[Package], dict[str, Path]], tmp_path: Path) -> None:
    """Over-approximation is fine; what runs outside of the closure would be a stale result one day."""
    package = PACKAGES[name]
    targets = package.targets.split()
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    for module, origin in sources(package).items():
        shutil.copytree(origin, workspace.root / module, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    build = [f"python('{target}', fn='steps:{target}')" for target in targets]
    workspace.write({"BUILD.py": "\n".join(["from buildgraph.rules import python", *build]), "steps.py": dedent(package.steps)})

    checks = [workspace.workspace().check_closure(f"//:{target}") for target in targets]

    executed, outside = sum(check.executed for check in checks), [each for check in checks for each in check.outside]
    print(f"{name}: {len(checks)} targets, {executed} definitions executed, {len(outside)} outside the closure")
    assert [f"{each.file}:{each.line}  {each.note()}" for each in outside if not each.importing] == []
    assert {f"{each.file} {each.name}" for each in outside if each.importing} == set(package.on_import)
    assert {path for check in checks for path in check.undeclared} == set(package.opens)
    assert executed >= package.least
