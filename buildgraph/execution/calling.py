"""How a function or a component's method is called with a node's inputs and config, in a worker or in the coordinator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from buildgraph.component import ExecutionContext, Files, ModelStorage, Resource
from buildgraph.errors import MachineError, TargetError, UsageError, nearest


class Call(NamedTuple):
    """What to call: an entry point, for a component also its constructor and method, and the node's config."""

    target: str
    entry_point: str
    constructor: str
    fn: str
    eager: bool
    config: Mapping[str, Any]
    resource: Resource | None
    services: Mapping[str, Callable[[], Any]]  # what makes arguments such as `out_dir`, for whoever names them


def entry(entry_point: str) -> Any:
    """The object at `package.module:Qualified.Name`. Raises UsageError (BG100, BG102); errors of the import pass through."""
    module_name, _, path = entry_point.partition(":")
    module = sys.modules.get(module_name)
    if module is None:
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not (module_name + ".").startswith(error.name + "."):
                raise  # something that the module itself imports
            raise UsageError(
                f"there is no module '{module_name}'", code="BG100", why="modules are found from the workspace root and among installed packages",
                fix="correct the name, or install its package",
            ) from None  # fmt: skip
    found: Any = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageError(
                f"module '{module_name}' has no '{path}'", code="BG102", why=f"'{entry_point}' must name something in it",
                fix=nearest(part, dir(found)) or "define it, or correct the name",
            ) from None  # fmt: skip
    return found


def call(what: Call, inputs: Mapping[str, Any], storage: Callable[[], ModelStorage]) -> Any:
    """Call `what` with `inputs` (values and `Files` by parameter). Whatever it raises passes through."""
    used = entry(what.entry_point)
    if not what.constructor:
        if not callable(used):
            raise UsageError(
                f"'{what.entry_point}' is not a function",
                code="BG224",
                why="a python target calls what `fn` names",
                fix="name a function",
            )
        return _fitted(what, used, _function_arguments(what, used, inputs))
    method, left = construct(what, used, inputs, storage())
    return invoke(what, method, left)


def _function_arguments(what: Call, function: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    arguments = _wanted(inputs, function, what)
    if not arguments.keys().isdisjoint(what.config):
        twice = sorted(arguments.keys() & what.config.keys())[0]
        raise UsageError(
            f"target '{what.target}' gives '{twice}' both in needs and in config",
            code="BG225",
            why="each is one keyword argument",
            fix="rename one of them",
        )
    arguments.update(what.config)
    arguments.update(_accepted(function, what.services))
    return arguments


def _accepted(function: Any, services: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Those of the engine's services that the function names among its parameters."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None or not services:
        return {}
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: services[name]() for name in named if name in services}


def _wanted(inputs: Mapping[str, Any], function: Any, what: Call) -> dict[str, Any]:
    """The inputs of a function, those that are files in the form that it asks for."""
    return {
        name: as_wanted(value, name, function, what.target) if type(value) is Files else value
        for name, value in inputs.items()
    }


def as_wanted(files: Files, parameter: str, function: Any, target: str) -> Any:
    """Files in the form that the parameter's annotation asks for: Path (default), str, bytes, dict[str, Path] or Files.

    Raises TargetError (BG223) when one file is wanted and there are more.
    """
    wanted = _annotation(function, parameter)
    if wanted == "Files":
        return files
    if wanted in ("str", "bytes"):
        if len(files.paths) != 1:
            raise TargetError(
                f"target '{target}': '{parameter}' is {len(files.paths)} files and wanted as {wanted}", code="BG223",
                why=f"a parameter annotated {wanted} takes the content of exactly one file", fix="annotate it as Path or dict[str, Path]",
            )  # fmt: skip
        return files.path().read_text("utf-8") if wanted == "str" else files.path().read_bytes()
    return files.by_name() if wanted.startswith("dict") else files.path()


def _annotation(function: Any, parameter: str) -> str:
    """The annotation of a parameter as bare text, `Path` for none; without evaluating anything."""
    annotations = getattr(function, "__annotations__", {})
    code = getattr(function, "__code__", None)
    if parameter not in annotations and code is not None and code.co_flags & 0x08:  # collected by **kwargs
        parameter = code.co_varnames[code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)]
    found = annotations.get(parameter, "Path")
    if isinstance(found, str) and found in ("Path", "Files", "str", "bytes"):
        return found
    text = (
        found
        if isinstance(found, str)
        else getattr(found, "__name__", str(found))
        if isinstance(found, type) and not hasattr(found, "__origin__")
        else str(found)
    )
    return (
        text.replace("typing.", "")
        .replace("pathlib.", "")
        .replace("component.", "")
        .replace("buildgraph.", "")
        .lower()
        .replace("path", "Path")
        .replace("files", "Files")
    )


def construct(what: Call, used: Any, inputs: Mapping[str, Any], storage: ModelStorage) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The method `fn` of a new instance of the component class `used`, and the inputs that its constructor left for it."""
    if not isinstance(used, type):
        raise UsageError(
            f"'{what.entry_point}' is not a class",
            code="BG224",
            why="a component target uses a class",
            fix="name a class, or use the python rule for a function",
        )
    lacking = sorted(getattr(used, "__abstractmethods__", ()))
    if lacking:
        raise UsageError(
            f"'{what.entry_point}' is an abstract class", code="BG224", facts=(("without", ", ".join(lacking)),),
            why="only a class whose methods are all defined can be constructed", fix="define them, or name a class that does",
        )  # fmt: skip
    missing = missing_packages(used)
    if missing:
        raise MachineError(
            f"component '{what.entry_point}' needs the package '{missing[0]}', which is not installed", code="BG228",
            why="it is listed in the component's required_packages", fix=f"pip install {missing[0]}",
        )  # fmt: skip
    constructor, inputs = _attribute(used, what.constructor, what), dict(inputs)
    defaults = used.get_default_config() if hasattr(used, "get_default_config") else {}
    given = inputs.pop("resource") if isinstance(inputs.get("resource"), Resource) else None
    arguments: dict[str, Any] = {
        "config": merged_config(defaults, what.config),
        "model_storage": storage,
        "resource": given or what.resource or Resource(what.target),
        "execution_context": what.services["execution_context"](),
    }
    if not what.eager:
        code = getattr(getattr(constructor, "__func__", constructor), "__code__", None)
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
        arguments.update(_wanted({name: inputs.pop(name) for name in list(inputs) if name in named}, constructor, what))
    return _attribute(_fitted(what, constructor, arguments), what.fn, what), inputs


def invoke(what: Call, method: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    """Call a component's method with `inputs` and those of the engine's services that it names."""
    wanted = _wanted(inputs, method, what)
    services = {name: value for name, value in what.services.items() if name not in wanted}
    return _fitted(what, method, {**wanted, **_accepted(method, services)})


def _fitted(what: Call, function: Any, arguments: Mapping[str, Any]) -> Any:
    """Call `function`. Raises UsageError (BG237) when it takes other arguments."""
    try:
        return function(**arguments)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # from inside of it
        from inspect import signature  # slow to import, and only needed on the way out

        try:
            known = signature(function)
        except (ValueError, TypeError):
            raise error from None  # it cannot be looked at, or is nothing that can be called
        try:
            known.bind(**arguments)
        except TypeError as misfit:
            names = [name for name, each in known.parameters.items() if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
            extra = next((name for name in arguments if name not in names), "")
            fix = nearest(extra, names) or f"take '{extra}' as a parameter, or remove it from needs or config"
            raise UsageError(
                f"target '{what.target}' does not fit '{getattr(function, '__qualname__', what.entry_point)}': {misfit}", code="BG237",
                where=_defined(function), facts=(("given", ", ".join(arguments) or "nothing"), ("taken", ", ".join(names) or "nothing")),
                why="the entries of `needs` and `config` are handed over as keyword arguments of their own names",
                fix=fix if extra else "add what is missing to needs or config, or give it a default",
            ) from None  # fmt: skip
        raise


def _defined(function: Any) -> tuple[str, ...]:
    """Where `function` is defined: its file and line."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return (f"{code.co_filename}:{code.co_firstlineno}",) if code is not None else ()


def _attribute(owner: Any, name: str, what: Call) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        raise UsageError(
            f"'{what.entry_point}' has no method '{name}'", code="BG221", why=f"target '{what.target}' names it",
            fix=nearest(name, [n for n in dir(owner) if not n.startswith("_")]) or "correct the name",
        ) from None  # fmt: skip


def context(target: str, schema: Any, surroundings: Mapping[str, Any] | None = None) -> ExecutionContext:
    """What a component may know: its node, and what of its `surroundings` is not the default."""
    return ExecutionContext(graph_schema=schema, node_name=target, **(surroundings or {}))


def merged_config(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A component's defaults with the node's config over them; where a default is a dict, merged one level deep. The caller's own."""
    merged = dict(defaults)
    for key, value in config.items():
        default = merged.get(key)
        merged[key] = {**default, **value} if isinstance(default, dict) and isinstance(value, Mapping) else value
    return {key: _own(value) for key, value in merged.items()}


def _own(value: Any) -> Any:
    """A copy of a setting: what a component does to it, no other one sees."""
    if type(value) is dict:
        return {key: _own(item) for key, item in value.items()}
    return [_own(item) for item in value] if type(value) is list else value


def missing_packages(component: Any) -> Sequence[str]:
    """The packages that `component` requires and that cannot be found."""
    from importlib.util import find_spec

    required: Sequence[str] = getattr(component, "required_packages", list)()
    return [name for name in required if find_spec(name.partition(".")[0]) is None]
