"""Pages of the errors of actions, values and outputs (BG2xx)."""

from __future__ import annotations

from typing import Final

# fmt: off
PAGES: Final[dict[str, tuple[str, str]]] = {
    # worker processes
    "BG200": ("the process that starts workers did not come up", """
Actions run in worker processes that are forked from one helper process. That one could not be started, or ended before
it was ready; the message has its last line. `buildgraph doctor` tells more; --runner inline does without."""),
    "BG201": ("no worker process can be started", """
The system refuses to make another process, for want of memory or because a limit on processes or open files is
reached. Without a single worker nothing can run. Free memory, use fewer --jobs, or raise the limits with ulimit."""),
    "BG202": ("an action is too large to be sent to a worker", """
A request and the values inside it travel to the worker as one message of less than 4 GiB. Hand over large inputs as
files: return a Path, or write them to declared outputs; files are passed by name."""),

    # actions that fail
    "BG210": ("a target ran longer than its time-out", """
The action was stopped, together with every process it had started, because it took longer than the `timeout` of its
target or of the settings. Nothing was cached. Make it faster, or raise the time-out."""),
    "BG211": ("a target's process was killed or crashed", """
A signal ended the worker while it ran this action, on the second attempt as well. SIGKILL usually means that
memory ran out; other signals are crashes in native code. Use fewer --jobs or less memory; debug a crash with
--runner inline."""),
    "BG212": ("a declared output is missing", """
Every declared output must exist when the action ends, because a later hit restores exactly these. The action ended
well, but one was not there, so nothing was cached. The message shows what was found instead. Write the output where it
belongs, or correct `outs`."""),
    "BG213": ("an undeclared output was written", """
Only declared outputs are stored. If others were tolerated, they would be there after a run and missing after a hit, so
nothing was cached. Declare the file in `outs`, or write it to a temporary folder."""),
    "BG214": ("an output is neither a file nor a folder", """
Pipes, sockets and devices have no content that could be stored and restored. Remove it before the action ends, or
write it somewhere else than into the output folder."""),
    "BG215": ("an output is a link that leads out of its folder", """
A stored tree must mean the same on every machine, and what an absolute or outward link points to may be different or
absent there. Copy the file, or link to a path inside the output folder."""),
    "BG216": ("a returned path does not exist", """
A Path that a function returns stands for the file or folder there, which is stored as the target's value. Nothing is
there. Create it before returning; relative paths start from the action's private working folder."""),
    "BG217": ("a target ended its own process", """
The action left its worker process, for example by os._exit, without returning anything. Even with status 0 that is no
success: there is no value to store. Return instead."""),
    "BG218": ("a command failed", """
The program exited with another status than 0, or was ended by a signal. Outputs it wrote until then are not stored.
`buildgraph log LABEL` shows all it printed, and the message the exact command to try by hand."""),
    "BG219": ("a command cannot be run as written", """
The program could not be started, or a substitution in it does not stand for exactly one file. Nothing was run. Make
the program executable, correct its name, or use $(in) for several files."""),
    "BG220": ("the code of a target raised an exception", """
An exception ends a target, and nothing is cached. The message shows your own lines that led to it, the innermost last;
`buildgraph log LABEL` shows the whole traceback and all that was printed. Correct the code and build again."""),
    "BG221": ("a component has no such method", """
A component is made by the classmethod that `constructor_name` names, then its method `fn` is called. The class has no
method of that name. Correct the name in the build file, or define the method."""),
    "BG222": ("the code of a target imports what is not there", """
The module is neither in the workspace nor installed in the environment that buildgraph runs in. Install the
distribution that holds it there, or correct the import."""),
    "BG223": ("several files where one is wanted", """
A parameter annotated str or bytes receives the content of exactly one file, and the input is none or several. Annotate
it as Path for the folder, or as dict[str, Path] for each file, or need a target with one file."""),
    "BG224": ("an entry point is not of the kind its rule uses", """
`python` calls a function; `component` constructs a class, all of whose methods are defined, and calls one of them. The
entry point names something else, such as a constant, a function for a class, or an abstract class. Name the right
thing, or use the other rule."""),
    "BG225": ("an argument is given twice", """
The entries of `needs` and of `config` are handed over as keyword arguments, so a name in both would mean two values
for one argument. Rename one of them."""),
    "BG226": ("a component reads a resource that it was not given", """
A component can read the resources that the nodes it needs have returned, and no others, because only those are in its
fingerprint. Add the node that writes the resource to `needs`, and use the resource that it returns."""),
    "BG227": ("a name that a resource cannot have", """
A resource is a folder called by its name, so the name has to be a plain one that cannot lead anywhere else. Use
letters, digits, _ and - ."""),
    "BG228": ("a component needs a package that is not installed", """
The component lists it in required_packages. It is looked for before the component is constructed, so that the failure
is quick and says what to do. Install the package in the environment that buildgraph runs in."""),
    "BG229": ("a stored value needs a class that was not imported", """
Some values write themselves to a folder and are read back by their own class. A class that only stored data names is
never imported, because that would let a store run code. Import its module in the module of the target that uses the
value."""),
    "BG230": ("there is no such codec", """
A codec says how a target's value becomes bytes. The message lists those there are. Leave `codec` out to have it chosen
by the type of the value, or correct its name."""),
    "BG231": ("an optional package is missing", """
Values of this kind are handled by a package that a plain installation leaves out, so that it stays small. The message
names the extra that brings it: install that in the environment that buildgraph runs in."""),
    "BG232": ("a returned value cannot be stored", """
A result is kept as data that every process can read again without running code. Generators, open files, locks and
functions only live in one process. The message leads to the place inside the value. Return plain data, bytes, an
array, a table or a Path, or give your class to_cache and from_cache; codec="pickle" keeps it on this machine only."""),
    "BG233": ("an array of Python objects", """
Arrays are stored as numbers or text of fixed width. One of dtype object holds references to arbitrary objects, which
only pickle could store. Convert it, for example with .astype(str), .astype(float) or .tolist()."""),
    "BG234": ("a stored estimator names a foreign type", """
Estimators are read back without running code that the data names: only types of scikit-learn, scipy and numpy are
made. Return plain arrays, or give your own class to_cache and from_cache."""),
    "BG235": ("a value that an input node cannot have", """
Input nodes run in the coordinator on every build and describe what comes from outside: plain data, or files of the
workspace. They cannot write resources or return folders. Set is_input=False, or use `files` for files."""),
    "BG236": ("two files would have one name in an archive", """
Names in an archive are unique, otherwise one file would hide the other. Give `srcs` of the pack as {path: label} to
say where each one goes."""),
    "BG237": ("the arguments do not fit the function", """
The entries of `needs` and `config` are handed over as keyword arguments of their own names. One that the function does
not take, or one that it takes and nobody gives, stops the target before its code runs. The message shows what was
given and what is taken. Correct the names, or give a default."""),
    "BG240": ("a stored folder has a damaged listing", """
A stored folder is described by a manifest of names and digests. These bytes are not one, although their digest is
right, so they were written by something else. Build again: the target that makes the folder runs anew."""),
    "BG241": ("a stored file is damaged", """
Every stored byte is checked against its digest when it is read. This file has changed since it was written, because of
the disk or because somebody edited it. The next build makes it again; if it happens often, test the disk."""),
    "BG250": ("outputs cannot be written", """
The results are in the store, but they could not be copied into the output folder, because of permissions or a full
disk. Make room or correct the permissions and build again; nothing has to run a second time."""),
    "BG251": ("something is in the way of outputs", """
Each target has a folder of its own inside the output folder, and a file of yours is where a folder has to be. It is
not removed for you. Move it away, or choose another output folder with the setting `outputs`; results are in the store
already."""),
    "BG260": ("a target uses what its fingerprint does not cover", """
`check-closure` ran the target and saw functions, modules or files that reading had not found, because their names are
made at run time, or they are not declared: their changes go unnoticed. Name them in `extra_code` or as inputs."""),
    "BG261": ("a target whose closure cannot be checked", """
`check-closure` observes Python code of the workspace. A group does no work, inputs are examined in every build, and
`command` and `pack` do their work with code of buildgraph and other programs. Name a python or component target."""),
}
# fmt: on
