"""Calls steps through a cache of function calls; run by the interpreter of the peers, never imported.

Standard input is a JSON list of (package, path of its input); the last line of output lists the packages whose
function was called. Every tool gets the path as its users pass it, and a cache folder for each project.
"""

import functools
import inspect
import json
import os
import sys
import threading
from importlib import import_module


def with_diskcache(package, function, path):
    from diskcache import Cache

    return Cache(f"../cache/{package}").memoize()(function)(path)


def with_joblib(package, function, path):
    from joblib import Memory

    return Memory(f"../cache/{package}", verbose=0).cache(function)(path)


def with_hamilton(package, function, path):
    from hamilton import ad_hoc_utils, driver

    for name in [*inspect.signature(function).parameters, "return"]:
        function.__annotations__[name] = object  # its users annotate; the source that is hashed stays the same
    module = ad_hoc_utils.create_temporary_module(function, module_name=f"{package}_flow")
    built = driver.Builder().with_modules(module).with_cache(path=f"../cache/{package}").build()
    return built.execute(["answer"], inputs={"path": path})


def with_redun(package, function, path):
    from redun import task

    return scheduler().run(task(namespace=package)(function)(Input(path)))


@functools.cache
def scheduler():
    """One database for all projects, as its users have it: names are told apart by their namespace."""
    from redun import Scheduler
    from redun.config import Config

    made = Scheduler(config=Config({"backend": {"db_uri": "sqlite:///../cache/redun.db"}}))
    made.load()
    return made


if sys.argv[1] == "redun":
    from redun import File

    class Input(File):
        """A redun file that `open` accepts, so that the step is the same for all tools."""

        type_basename = "Input"

        def __fspath__(self):
            return self.path


def main(tool, steps):
    os.makedirs("../cache", exist_ok=True)
    called = set()
    codes = {}

    def watch(frame, event, _):
        if event == "call" and frame.f_code in codes:
            called.add(codes[frame.f_code])

    for package, path in steps:
        function = import_module(f"{package}.step").answer
        codes[function.__code__] = package
        threading.setprofile(watch)
        sys.setprofile(watch)
        try:
            globals()[f"with_{tool}"](package, function, path)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    print()
    print(json.dumps(sorted(called)))


main(sys.argv[1], json.load(sys.stdin))
