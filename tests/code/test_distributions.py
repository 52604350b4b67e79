"""How installed code counts: by distribution and version, unless its source lies somewhere it can be edited."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.code import CodeDigest, CodeIndex, explain
from buildgraph.digest import Digest
from buildgraph.errors import UsageError

Closure = Callable[..., CodeDigest]
MAIN = {"main.py": "import lib\ndef run(): pass\n"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "env/site-packages"
    folder.mkdir(parents=True)
    return folder


def install(
    site: Path,
    name: str,
    version: str = "1.0",
    requires: tuple[str, ...] = (),
    files: tuple[str, ...] | None = None,
    **extra: object,
) -> None:
    """Writes what an installer leaves: the files, their list, and the metadata."""
    files = (f"{name}/__init__.py",) if files is None else files
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(f"version = {version!r}\n")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requires)]
    (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n\nRequires-Dist: prose\n")
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in (*files, f"{info.name}/METADATA")))
    if extra:
        (info / "direct_url.json").write_text(json.dumps(extra))


def uninstall(site: Path, name: str, version: str = "1.0") -> None:
    (site / f"{name}-{version}.dist-info").rename(site.parent / f"removed-{name}-{version}")


def versions(code: CodeDigest) -> dict[str, str]:
    return dict(explain(code.manifest)["distributions"])


def test_an_upgrade_of_an_imported_package_changes_the_digest(closure: Closure, site: Path) -> None:
    install(site, "lib")
    install(site, "other")
    before = closure(MAIN, search=(site,))
    assert versions(before) == {"lib": "1.0"} and before.preload == ("lib",) and before.notes == ()
    uninstall(site, "other")
    install(site, "other", "2.0")
    assert closure(MAIN, search=(site,)) == before, "a package that is not imported does not count"
    uninstall(site, "lib")
    install(site, "lib", "2.0")
    after = closure(MAIN, search=(site,))
    assert versions(after) == {"lib": "2.0"} and after.digest != before.digest


def test_what_an_imported_package_requires_counts_too(closure: Closure, site: Path) -> None:
    install(
        site, "lib", requires=("Needed_Thing>=1", "absent", 'fast; extra == "speed"', 'checker; extra == "test-all"')
    )
    install(site, "needed_thing", requires=("lib", "Deep.One (>=2)"))
    install(site, "deep-one", "7", files=("deep.py",))
    install(site, "fast")
    install(site, "checker")
    assert versions(closure(MAIN, search=(site,))) == {
        "deep-one": "7",
        "fast": "1.0",
        "lib": "1.0",
        "needed-thing": "1.0",
    }


def test_modules_are_found_under_other_names_than_their_distribution(closure: Closure, site: Path) -> None:
    install(site, "Some_Dist", files=("lib.py", "_lib.abi3.so"))
    install(site, "listed", files=())
    (site / "listed-1.0.dist-info/top_level.txt").write_text("old\n")
    (site / "old.py").write_text("")
    code = closure({"main.py": "import lib, _lib, old\ndef run(): pass"}, search=(site,))
    assert versions(code) == {"some-dist": "1.0", "listed": "1.0"} and code.notes == ()


def test_every_distribution_of_a_shared_namespace_counts(closure: Closure, site: Path) -> None:
    install(site, "space-one", files=("space/one.py",))
    install(site, "space-two", files=("space/two.py",))
    code = closure({"main.py": "import space.one\ndef run(): pass", "space/own.py": ""}, search=(site,))
    assert set(versions(code)) == {"space-one", "space-two"} and code.preload == ("space.one",)
    own = closure({"main.py": "import space.own\ndef run(): pass"}, search=(site,))
    assert set(explain(own.manifest)["modules"]) == {"main", "space.own"} and versions(own) == {}


def test_modules_to_preload_are_those_that_exist(closure: Closure, site: Path) -> None:
    install(site, "lib", files=("lib/__init__.py", "lib/linear.py", "lib/deep/__init__.py", "lib/deep/x.py"))
    source = (
        "from lib.linear import Model\nfrom lib import deep, thing\nimport lib.deep.x, lib.lazy.part\ndef run(): pass"
    )
    assert closure({"main.py": source}, search=(site,)).preload == ("lib", "lib.deep", "lib.deep.x", "lib.linear")


def test_the_workspace_comes_before_what_is_installed(closure: Closure, site: Path) -> None:
    install(site, "lib")
    (site / "pkg").mkdir()
    (site / "pkg/__init__.py").write_text("")
    code = closure({**MAIN, "lib.py": ""}, search=(site,))
    assert versions(code) == {} and set(explain(code.manifest)["modules"]) == {"main", "lib"}


def test_an_installed_package_comes_before_a_folder_of_data_with_its_name(closure: Closure, site: Path) -> None:
    install(site, "lib")
    assert versions(closure({**MAIN, "lib/table.csv": ""}, search=(site,))) == {"lib": "1.0"}


def test_packages_in_an_environment_inside_the_workspace_are_still_installed_ones(
    closure: Closure, tmp_path: Path
) -> None:
    site = tmp_path / "workspace/.venv/lib/python3/site-packages"
    site.mkdir(parents=True)
    install(site, "lib")
    code = closure(MAIN, search=(site,))
    assert versions(code) == {"lib": "1.0"} and set(explain(code.manifest)["modules"]) == {"main"}


def test_an_installed_entry_point_counts_by_its_distribution(closure: Closure, site: Path) -> None:
    install(site, "lib", files=("lib/__init__.py", "lib/tools.py"))
    code = closure({"notes.txt": ""}, "lib.tools:run", (site,))
    with pytest.raises(UsageError, match=r"there is no module 'lib\.tool'") as caught:
        closure({}, "lib.tool:run", (site,))
    assert caught.value.fix == "did you mean 'lib.tools'?"
    assert explain(code.manifest)["distributions"] == {"lib": "1.0"} and explain(code.manifest)["modules"] == {}
    assert explain(closure({}, "json:dumps", (site,)).manifest)["distributions"] == {}


def test_a_module_without_a_distribution_counts_by_its_file_and_is_noted(closure: Closure, site: Path) -> None:
    (site / "lib.py").write_text("a = 1\n")
    before = closure(MAIN, search=(site,))
    assert before.notes == ("lib belongs to no installed distribution: only its top-level file counts",)
    assert f"{site}/lib.py" in before.files
    (site / "lib.py").write_text("a = 2\n")
    assert closure(MAIN, search=(site,)).digest != before.digest


def test_the_commit_or_archive_that_a_package_was_installed_from_pins_it(closure: Closure, site: Path) -> None:
    install(site, "lib", url="https://host/lib", vcs_info={"vcs": "git", "commit_id": "abc"})
    install(site, "arch", url="file:///tmp/a.whl", archive_info={"hashes": {"sha256": "def"}})
    code = closure({"main.py": "import lib, arch\ndef run(): pass"}, search=(site,))
    assert versions(code) == {"arch": "1.0 (def)", "lib": "1.0 (abc)"}


def in_folder(kind: str, site: Path, source: Path) -> None:
    """Makes `source`, which holds the package `lib`, importable in one of the ways of installing in place."""
    if kind == "path file":
        (site / "lib.pth").write_text(f"# a note\nimport sys\n{source}\n")
    elif kind == "generated finder":
        text = (
            f"from x import y\nMAPPING: dict[str, str] = {{'lib': {str(source / 'lib')!r}}}\nNAMESPACES: dict = {{}}\n"
        )
        (site / "__editable___lib_1_0_finder.py").write_text(text)


@pytest.mark.parametrize("kind", ["path file", "generated finder", "only its address"])
def test_a_package_installed_in_place_is_first_party(closure: Closure, site: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "else where/src"
    source.joinpath("lib").mkdir(parents=True)
    source.joinpath("lib/__init__.py").write_text("from .inner import x\n")
    source.joinpath("lib/inner.py").write_text("x = 1\n")
    in_folder(kind, site, source)
    url = f"file://{tmp_path}/else%20where"
    install(site, "lib", files=(), url=url, dir_info={"editable": True})
    before = closure(MAIN, search=(site,))
    assert set(explain(before.manifest)["modules"]) == {"main", "lib", "lib.inner"} and versions(before) == {}
    assert f"{source}/lib/inner.py" in before.files and before.preload == ()
    source.joinpath("lib/inner.py").write_text("x = 2\n")
    assert closure(MAIN, search=(site,)).digest != before.digest
    assert str(tmp_path) not in before.manifest.decode("latin-1")


def test_a_generated_finder_may_map_one_module_of_a_package_and_a_namespace(
    closure: Closure, site: Path, tmp_path: Path
) -> None:
    for file in ("a/__init__.py", "rules/__init__.py", "rules/r.py", "ns/part.py"):
        (tmp_path / "src" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / file).write_text("")
    src = tmp_path / "src"
    mapping = {"lib": f"{src}/a", "lib.rules": f"{src}/rules"}
    (site / "__editable___x_finder.py").write_text(f"MAPPING = {mapping}\nNAMESPACES = {{'ns': ['{src}/ns']}}\n")
    code = closure({"main.py": "import lib.rules.r\nfrom ns import part\ndef run(): pass"}, search=(site,))
    assert set(explain(code.manifest)["modules"]) == {"main", "lib", "lib.rules", "lib.rules.r", "ns.part"}


def test_a_package_copied_from_a_folder_is_first_party_where_it_was_copied_to(closure: Closure, site: Path) -> None:
    install(site, "lib", url="file:///home/somebody/lib", dir_info={})
    before = closure(MAIN, search=(site,))
    assert set(explain(before.manifest)["modules"]) == {"main", "lib"} and versions(before) == {}
    (site / "lib/__init__.py").write_text("changed = 1\n")
    assert closure(MAIN, search=(site,)).digest != before.digest


def test_the_engine_that_code_imports_is_no_part_of_it_and_its_own_entry_points_count_by_file(closure: Closure) -> None:
    code = closure({"main.py": "from buildgraph.component import GraphComponent\ndef run(): pass"})
    fields = explain(code.manifest)
    assert set(fields["modules"]) == {"main"} and fields["distributions"] == {} and code.preload == ()
    own = closure({}, "buildgraph.component:GraphComponent")
    assert set(explain(own.manifest)["modules"]) == {"buildgraph.component"} and set(versions(own)) == {"buildgraph"}


@pytest.mark.parametrize("beside", ["README", "lib.egg-info/PKG-INFO"])
def test_a_folder_of_sources_on_the_path_is_first_party(closure: Closure, tmp_path: Path, beside: str) -> None:
    (tmp_path / "sources" / beside).parent.mkdir(parents=True)
    (tmp_path / "sources" / beside).write_text("Name: lib\nVersion: 1.0\n")
    (tmp_path / "sources/lib.py").write_text("x = 1\n")
    code = closure(MAIN, search=(tmp_path / "sources",))
    assert set(explain(code.manifest)["modules"]) == {"main", "lib"} and versions(code) == {}


def test_the_scan_of_a_folder_is_remembered_until_the_folder_changes(
    closure: Closure, site: Path, tmp_path: Path
) -> None:
    closure(MAIN)
    install(site, "lib")
    memo: dict[bytes, bytes] = {}

    def versions_now() -> dict[str, str]:
        read = lambda path: (data := Path(path).read_bytes(), Digest.of(data))  # noqa: E731 - shorter than its name
        return versions(CodeIndex(str(tmp_path / "workspace"), search=[str(site)], read=read, memo=memo).of("main:run"))

    assert versions_now() == {"lib": "1.0"}
    kept = len(memo)
    (site / "lib-1.0.dist-info/METADATA").write_text("Name: lib\nVersion: 9\n\n")
    assert versions_now() == {"lib": "1.0"} and len(memo) == kept, "nothing was read again"
    stat = os.stat(site)
    os.utime(site, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert versions_now() == {"lib": "9"} and len(memo) > kept


def test_no_installed_package_is_looked_at_before_one_is_imported(closure: Closure, site: Path) -> None:
    index = CodeIndex(str(site.parent), search=[str(site)], read=lambda path: (b"import json\nrun = 1", Digest.of(b"")))
    (site.parent / "main.py").write_text("")
    index.of("main:run")
    assert str(site) not in index.listed()
