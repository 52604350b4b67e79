"""What a component says of itself that counts beside its code: `fingerprint_addon`, and the versions it requires."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from buildgraph.component import GraphComponent
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.execution.calling import merged_config
from buildgraph.schema import SchemaNode
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphComponentException


def addon_of(node: SchemaNode, name: str, known: MutableMapping[str, str]) -> str | None:
    """One digest over both, in hex; None when there is neither. Raises GraphComponentException (BG501).

    `known` are the versions of packages that were looked up before, in the same run.
    """
    if not node.constructor_name:
        return None
    used = component_class(node, name)
    versions = {each: _version(each, known) for each in sorted(_said(used, "required_packages", name, []))}
    addon = _said(used, "fingerprint_addon", name, None, merged_config(_said(used, "get_default_config", name, {}), node.config)) if _defines(used, "fingerprint_addon") else None
    if not versions and addon is None:
        return None
    if not isinstance(addon, str | None):
        raise _odd(name, "fingerprint_addon", f"it returned a {type(addon).__name__}")
    return Digest.of(encode(["buildgraph.addon", addon, versions])).hex()


def _defines(used: type[Any], method: str) -> bool:
    return hasattr(used, method) and getattr(getattr(used, method), "__func__", None) is not getattr(GraphComponent, method).__func__


def _said(used: type[Any], method: str, name: str, default: Any, *arguments: Mapping[str, Any]) -> Any:
    ask = getattr(used, method, None)
    if ask is None:
        return default
    try:
        return ask(*arguments)
    except Exception as error:
        raise _odd(name, method, f"it raised {type(error).__name__}: {error}") from error


def _odd(name: str, method: str, problem: str) -> GraphComponentException:
    return GraphComponentException(
        f"node '{name}': {problem} in `{method}`", code="BG501", why="it is asked on every run, because its answer is part of the node's fingerprint",
        fix=f"correct `{method}`: it may use nothing but the config",
    )  # fmt: skip


_OTHERWISE_CALLED: Final = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow", "pycrfsuite": "python-crfsuite"}


def _version(package: str, known: MutableMapping[str, str]) -> str:
    found = known.get(package)
    if found is None:
        found = known[package] = _installed_version(package)
    return found


def _installed_version(package: str) -> str:
    """The installed version of the distribution behind a package, empty when there is none."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    top = package.partition(".")[0]
    try:
        return version(_OTHERWISE_CALLED.get(top, top))
    except PackageNotFoundError:  # it is called otherwise: all that is installed has to be looked through
        return ", ".join(f"{each} {version(each)}" for each in sorted(set(packages_distributions().get(top, ()))))
