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

from buildgraph.soundness import ClosureCheck
from buildgraph.testing import TemporaryWorkspace

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Package:
    """Modules to take the sources of, where from, and what to do with them: each function in `steps` is a target."""

    modules: tuple[str, ...]
    steps: str
    least: int  # definitions that run, at least, over all targets: a check of nothing would find nothing
    pip: tuple[str, ...] = ()  # requirements to install aside; none when the modules are installed anyway
    data: tuple[str, ...] = ()  # files beside the code that it opens, declared as inputs


PACKAGES = {
    "imbalanced-learn": Package(
        ("imblearn", "sklearn_compat"),
        pip=("imbalanced-learn==0.14.*", "sklearn-compat<0.2"),
        least=60,
        steps='''
            import numpy
            from sklearn.datasets import make_classification
            from sklearn.linear_model import LogisticRegression

            def data():
                return make_classification(120, 4, weights=[0.8], random_state=0)

            def oversampling():
                from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
                return [len(each(random_state=0).fit_resample(*data())[1]) for each in (SMOTE, BorderlineSMOTE, ADASYN)]

            def undersampling():
                from imblearn.under_sampling import ClusterCentroids, NearMiss, RandomUnderSampler, TomekLinks
                samplers = [RandomUnderSampler(random_state=0), NearMiss(), TomekLinks(), ClusterCentroids(random_state=0)]
                return [len(each.fit_resample(*data())[1]) for each in samplers]

            def both():
                from imblearn.combine import SMOTEENN
                return len(SMOTEENN(random_state=0).fit_resample(*data())[1])

            def forest():
                from imblearn.ensemble import BalancedRandomForestClassifier
                model = BalancedRandomForestClassifier(n_estimators=3, random_state=0).fit(*data())
                return model.predict(data()[0]).tolist()

            def bagging():
                from imblearn.ensemble import EasyEnsembleClassifier
                return EasyEnsembleClassifier(n_estimators=2, random_state=0).fit(*data()).predict(data()[0]).tolist()

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
        pip=("lark==1.3.*",),
        least=60,
        data=("lark/grammars/common.lark",),
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

            def lalr(grammars):
                return Lark(SUMS, parser="lalr", transformer=Value()).parse("1 + 2 * (3 + 4)")

            def earley(grammars):
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

            def visitor(grammars):
                count = Count()
                count.visit(Lark(SUMS).parse("1 + 2 + 3"))
                return count.seen

            def errors(grammars):
                from lark.exceptions import UnexpectedInput
                try:
                    Lark(SUMS, parser="lalr").parse("1 + + 2")
                except UnexpectedInput as error:
                    return error.get_context("1 + + 2")
        ''',
    ),
    "pyparsing": Package(
        ("pyparsing",),
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


def functions(steps: str) -> list[str]:
    """The names of those functions that are targets: the ones whose parameters are inputs, or none."""
    found = [line for line in steps.splitlines() if line.startswith("def ")]
    return [line for line in found if line.endswith(("():", "(grammars):"))]


@pytest.mark.parametrize("name", PACKAGES)
def test_nothing_runs_that_reading_had_not_found(name: str, sources: Callable[[Package], dict[str, Path]], tmp_path: Path) -> None:
    """Over-approximation is fine; what runs outside of the closure would be a stale result one day."""
    package = PACKAGES[name]
    steps = dedent(package.steps)
    build = "from buildgraph.rules import files, python\n" + f"files('grammars', srcs={list(package.data)})\n" * bool(package.data)
    for line in functions(steps):
        step = line.removeprefix("def ").partition("(")[0]
        build += f"python('{step}', fn='steps:{step}', needs={{'grammars': ':grammars'}})\n" if "grammars" in line else f"python('{step}', fn='steps:{step}')\n"
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    for module, origin in sources(package).items():
        shutil.copytree(origin, workspace.root / module, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    workspace.write({"BUILD.py": build, "steps.py": steps})

    checks = {line: workspace.workspace().check_closure(f"//:{line.split('(')[0].removeprefix('def ')}") for line in functions(steps)}

    print(summary(name, list(checks.values())))
    assert [found(check) for check in checks.values() if not check.ok] == []
    assert sum(check.executed for check in checks.values()) >= package.least


def summary(name: str, checks: list[ClosureCheck]) -> str:
    """The numbers of one package."""
    executed, outside = sum(check.executed for check in checks), sum(len(check.outside) for check in checks)
    return f"{name}: {len(checks)} targets, {executed} definitions executed, {outside} outside the closure"


def found(check: ClosureCheck) -> str:
    return check.error().render()
