"""Pages of the errors in what was asked for and declared: the command line, labels, graphs, build files, settings, code (BG0xx, BG1xx)."""

from __future__ import annotations

from typing import Final

# fmt: off
PAGES: Final[dict[str, tuple[str, str]]] = {
    # the command line
    "BG001": ("there is no such option", """
The command does not know an option of that name. Options are never guessed from a part of their name, so that a script
goes on meaning the same when new ones appear. Correct the spelling; `--help` lists what the command knows."""),
    "BG002": ("there is no such command", """
The first word behind `buildgraph` is none of its commands. Labels come after a command, so to build one write
`buildgraph build LABEL`. `buildgraph --help` lists the commands."""),
    "BG003": ("an option has a value that it cannot take", """
Each option takes values of one kind, such as a whole number from 1 to 1024 for --jobs. Values outside of it are
refused, because a build with another meaning than the one asked for is worse than none. Correct the value."""),
    "BG004": ("the command line is incomplete, or goes on too long", """
An option lacks its value, or a command got fewer or more words than it takes. Nothing is assumed for what is missing
and nothing extra is ignored. See `--help` of the command for its form."""),
    "BG005": ("the folder to work in does not exist", """
-C names the folder that a command works in, by default the current one. There is no such folder, it is a file, or the
current one was removed after the shell had gone into it. Correct the path, or go into a folder that exists."""),
    "BG006": ("the event log cannot be written", """
--events names a file that takes every event of the build, one JSON object a line. It is opened before anything runs,
so that no build goes unrecorded unnoticed. Name a file in a folder that exists and that you may write to."""),
    "BG007": ("there is no such error code", """
Every error and warning shows its code in brackets, such as error[BG021], and `buildgraph explain BG021` tells more
about it. The code asked for is none of them. Copy it from the message."""),

    # labels, packages, workspaces, graphs
    "BG010": ("a name that a target cannot have", """
A target's name is part of its label and of the path of its outputs, so it has to mean the same in a shell, in a file
system and in a pattern: letters, digits and _.,=@+~-/ , no part that is empty or only dots, and none of the words that
patterns use. Choose a plain name."""),
    "BG011": ("text that is not a label", """
A target is named //package:name from anywhere and :name in its own package; //package is short for the target called
like the package's folder. Labels that begin with @ belong to tools and are built when something needs them. Write the
label in one of these forms."""),
    "BG012": ("there is no workspace here", """
Labels and paths start from the root of a workspace: the nearest folder upwards with a buildgraph.toml or a
[tool.buildgraph] table in its pyproject.toml, else the topmost of the folders around you that have a build file. None
was found. Go into a workspace, name one with -C, or make one with `buildgraph init`."""),
    "BG013": ("there is no such package", """
A package is a folder of the workspace with a BUILD.py or a graph.yml. The folder named has neither, is skipped (its
name begins with a dot, or it is the output folder), or belongs to a workspace of its own. Correct the label, or write
one."""),
    "BG014": ("there is no such target", """
The package exists and its build file ran, but declared no target of that name. `buildgraph list` shows all that are
declared. Correct the name, or declare the target."""),
    "BG015": ("there is nothing to build", """
The workspace has no build file in any of its folders, or the graph has no nodes. Doing nothing would look like
success, so it is an error. Write a BUILD.py, or let `buildgraph init` write one to start from."""),
    "BG016": ("a pattern matches no targets", """
A pattern such as //app/... stands for all targets below a folder. This one stands for none, which is nearly always a
spelling mistake, and silence would hide it. Correct the pattern; those tagged `manual` match no pattern."""),
    "BG017": ("a package has two build files", """
A folder with both a BUILD.py and a graph.yml would have its targets described in two places, and nobody could tell
which one counts. Keep one of them, or move the graph.yml into a folder of its own."""),
    "BG018": ("--force names nothing that is being built", """
--force runs targets although nothing they rely on has changed. It can only reach what is asked for and what that
needs. Name the target among the labels to build as well, or correct the label behind --force."""),
    "BG019": ("several errors", """
All mistakes that can be found without running anything are told together, in the order of their places, so that they
can be corrected in one go. Each of them has a code and a page of its own."""),
    "BG020": ("a node is not written as nodes are", """
A node of a graph is a mapping with known keys and types; `uses` is required. An unknown key is refused, because a
misspelt one would silently do nothing. Correct the key that the message names."""),
    "BG021": ("targets need each other in a circle", """
A target can run only after everything it needs, so a circle of needs can never start. The message lists the edges of
the circle with the lines that declare them. Drop one of these needs, or split a target in two."""),
    "BG022": ("a target needs itself", """
What a target needs has to be finished before it starts, so it cannot be the target itself. Most often a label was
copied. Remove it, or name the target that was meant."""),
    "BG023": ("a target needs one that does not exist", """
Everything that a target needs has to be declared somewhere, because its result is part of the fingerprint. Correct the
label, or declare the target that is missing."""),
    "BG024": ("a name is declared twice", """
A label names exactly one target, otherwise it would depend on the order of lines which of them is built. Rename one of
the two, or remove the one that is not wanted."""),
    "BG025": ("two names differ only in case or Unicode form", """
On many machines `Model` and `model`, or two spellings of an accented letter, are the same folder, and the outputs of
one target would overwrite those of the other. Give one of them a clearly different name."""),
    "BG026": ("a tool is declared in two different ways", """
A label that begins with @ means the same everywhere in a workspace, so all declarations of it have to be equal. Make
them equal, or give the second one another name."""),
    "BG030": ("a rule was called outside of a build file", """
A rule declares targets in the package that is being evaluated. When no build file is running there is none. Call the
rule in a BUILD.py, in a function that a BUILD.py calls, or in tests inside `with Package.evaluating(...)`."""),
    "BG031": ("a rule was called with other arguments than it takes", """
Arguments of rules are named, and a name that the rule does not know would have no effect, so it is refused. The
message lists those it takes. Correct the name, add the one that is missing, or remove the one too many."""),
    "BG032": ("an argument of a rule has the wrong type", """
A rule checks its arguments when it is called, where the line can still be shown. The usual case is one text where a
list of texts belongs, which Python would take apart into letters. Pass a value of the type that the message names."""),
    "BG033": ("a rule did not return its own node", """
A rule returns a mapping from target names to schema nodes, and the `name` it was called with must be among them,
because that is what the caller refers to. This is a mistake in the rule, not in the build file that calls it. Correct
what the rule returns."""),
    "BG034": ("a build file raised an error", """
A build file is a Python program that declares targets. It has to run to its end: half of the targets would be as good
as none. The message shows the line, and the user's own functions below it. Correct that line."""),
    "BG035": ("a build file is not valid Python", """
The build file, or a module of the workspace that it imports, cannot be compiled, so none of its targets is known.
Correct the line that the message shows; the mistake is sometimes in the line before."""),
    "BG036": ("a build file cannot be read", """
The system does not let us read the build file: it is a folder, a broken link, or lacks permission. A package whose
build file is unreadable is not the same as one without targets, so this is an error. Make it a readable file."""),
    "BG037": ("a group is needed as a value", """
A group names several targets and has no value of its own, so it cannot fill one parameter of a function or component.
Commands and packs take groups, as files. Need the members, each under a parameter of its own."""),

    # values and digests
    "BG040": ("a value has no canonical form", """
Whatever is hashed needs one exact form that is the same in every process and on every machine. Functions, open files,
objects with an address, NaN and values nested without end have none. The message leads to the place inside the value.
Use plain data instead: None, bool, int, float, str, bytes, list, tuple, dict with str keys, set, Path or array."""),
    "BG041": ("text that is not a digest", """
A digest is written b3: and 64 lower-case hexadecimal digits, and in no other way, so that equal digests are equal
texts. Copy the whole digest, for example from `buildgraph show LABEL`."""),
    "BG042": ("bytes that are not an encoded value", """
Stored values are read only if they are in exactly the form that buildgraph writes. These bytes are not: they were
damaged, cut off, or written by something else. Remove the file or record that they came from and build again."""),
    "BG043": ("a stored array needs numpy", """
The value holds a numpy array, and numpy is not installed here, so it cannot be read. Arrays are an optional extra:
install it with pip install 'buildgraph[numpy]'."""),

    # sources, rules, workspaces
    "BG050": ("a source file does not exist", """
A path without a wildcard names one file, and it must be there when the build starts; a link must lead to a file. If it
is made by another target, need that target by its label instead of the path. Else create the file."""),
    "BG051": ("a source is not a regular file", """
Sources are identified by their content. Pipes, sockets and devices have none that stays, and reading one could wait
for ever, so they are never opened. Name a regular file, or a glob such as 'folder/**' for all files of a folder."""),
    "BG052": ("a source cannot be read", """
Every source is hashed by content, and folders are listed to find them. The system does not permit it here. Leaving the
file out would make a result that looks complete and is not. Correct the permissions."""),
    "BG053": ("a source leads out of its package", """
Sources are written relative to the folder of their build file and stay inside it, so that a workspace can be checked
out anywhere and a package owns what it builds from. Move the file, or declare `files` in its own package."""),
    "BG054": ("a label among source files", """
`files` is a set of sources of its own package, given as paths and globs. Labels name targets, which are not sources.
Use `group` to name several targets at once, or list the label where the sources are used."""),
    "BG055": ("a glob matches no files", """
A glob that matches nothing is usually misspelt, or the files are in another package's folder, which globs do not
enter. Correct it; if it may be empty, say so with allow_empty=True."""),
    "BG056": ("text that is not an entry point", """
Code is named by its module and its name in it, package.module:name, so that it can be found and hashed without running
anything. Put a colon between module and name, and write the module as it is imported from the workspace root."""),
    "BG057": ("an output that cannot be declared", """
Outputs are paths inside the target's own output folder, written without a leading / and without .. , and each is
declared once: a file inside a declared folder belongs to that folder already. Correct `outs`."""),
    "BG058": ("a command has no single command line", """
`command` runs either `cmd`, one line for the shell, or `argv`, a program and its arguments without a shell. With both
it would be unclear which one runs, with neither there is nothing to run. Give exactly one of them."""),
    "BG059": ("a substitution in a command that cannot work", """
$(in), $(out), $(outs), $(outdir) and $(location LABEL) stand for the paths of declared inputs and outputs. One that is
unknown, or stands for something that the command did not declare, would run with a wrong or empty path. Declare it,
use another, or write $$( to hand it to the shell."""),
    "BG060": ("a program does not exist", """
The first word of a command is a program. It is looked up on a fixed list of folders, not on your own PATH, so that
everybody runs the same one; its content is part of the fingerprint. Install it, correct its name, or let the command
see your PATH with env_inherit=["PATH"]."""),
    "BG061": ("the workspace's own folder cannot be written", """
Builds keep what they learnt, and logs of failures, in the folder .buildgraph of the workspace. It cannot be made or
written, so nothing could be remembered. Correct its permissions, or make room on the disk."""),
    "BG062": ("an input keeps changing while it is used", """
Inputs are looked at again after each action, so that a result is never stored under the digest of another content.
This one changed each time. Stop what writes to it, or leave the file out of the inputs."""),
    "BG063": ("a group has no fingerprint", """
A group only names other targets. It does no work, so there is nothing to be stale or to be stored. Ask for one of its
members; `buildgraph graph` shows which those are."""),
    "BG064": ("a target has no stored result", """
`show` and `log` tell about the result that belongs to the target as it is now. There is none: it was never built,
something it relies on has changed, or the result was removed from the store. Build it first."""),
    "BG065": ("the folder is a workspace already", """
`init` makes a workspace and never touches what exists. The folder has a buildgraph.toml, so there is nothing to do.
Run `buildgraph build` in it, or name another folder."""),
    "BG066": ("an input node needs one that is not an input", """
Input nodes are examined by the coordinator before anything runs, to find out what has changed. They can use only what
is known by then, which is other input nodes. Set is_input=True on what it needs, or is_input=False on it."""),
    "BG067": ("a time-out or a number of retries that makes no sense", """
A time-out is a number of seconds, more than 0 and less than four months; `retries` counts further attempts, 0 or more.
A value outside of that would stop the target at once or never. Correct it, or leave it out."""),
    "BG068": ("a path that cannot be used in an archive", """
An archive is unpacked into a folder of its own, so the paths inside are relative and never climb out of it. Ours could
not be unpacked by our own reader otherwise. Write the path without / in front and without .. ."""),
    "BG069": ("the outputs of two targets would lie inside each other", """
The outputs of a target are written to build/<package>/<name>, and that folder holds nothing else. A target named like a
package below its own, or a name that continues another one after a slash, would share a folder with it, and each would
remove what the other wrote. Rename one of the two.
"""),
    "BG090": ("the build was interrupted", """
Ctrl-C, or a signal to end, stopped the build. Everything it had started was ended too, and what had finished by then
is stored. Build again to go on from there."""),
    "BG092": ("the system refused to use a file", """
Reading or writing the file failed for a reason that the message gives in the system's own words, most often a missing
permission or a full disk. Check the path, its permissions and the room on its disk, then try again."""),

    # code behind targets
    "BG100": ("there is no such module", """
The code of a target is found by importing its module from the workspace root, else from the installed packages.
Neither has it. Correct the name, write the module, or install the distribution that has it."""),
    "BG101": ("a module of the workspace is not valid Python", """
The code of every module that a target reaches is part of its fingerprint, and code that does not parse has none.
Correct the line that the message shows."""),
    "BG102": ("a module does not define the name", """
The name behind the colon of an entry point must be defined, assigned or imported at the top level of its module, or
inside the class named before it. Correct the name, or define it."""),
    "BG103": ("an entry point names neither a function nor a class", """
Code is found by reading, not by running, so it has to be named as package.module:name. Write it in that form."""),
    "BG104": ("a module cannot be read", """
The content of each module that a target reaches is part of the fingerprint, and this file could not be read. Correct
its permissions; if it was being replaced at that moment, build again."""),
    "BG105": ("code cannot be resolved by reading, and strict is on", """
A name known only at run time may lead to any code, so without strict its whole module or package counts. Use a literal
name, list what it leads to in `extra_code`, or leave strict out."""),
    "BG106": ("code does not count that way", """
Granularity is how far code counts: the target's own `source`, every `definition` that it reaches (the default), every
`module`, or its whole `package`. Write one of these words."""),

    # graph.yml and settings
    "BG120": ("a graph file is not valid YAML", """
The file could not be read as UTF-8 text in YAML. The reader is strict: what different YAML readers understand
differently, it refuses or warns of. Correct the line; indent with spaces, and quote what is meant as text."""),
    "BG121": ("a key is written twice", """
In a mapping each key means one thing. Many readers silently keep the last one, which hides a mistake, so a second one
is refused. Remove or rename one of the two."""),
    "BG122": ("a graph file uses a part of YAML that is not read", """
A graph file is one document of plain data. Tags could name code to run, and several documents or unfinished aliases
have no clear meaning. Remove the tag or the line ---, and write the value out."""),
    "BG123": ("a graph file is too large or too deep", """
Reading is bounded in size, depth and the number of values that aliases repeat, so that no file can use up the machine.
A graph that is too large to write by hand is easier to declare in a BUILD.py, with a loop. Split or flatten it."""),
    "BG124": ("a graph file does not have the form of a graph", """
At its top a graph file has `nodes:` with one entry for each node, or the graph trainer's own keys. Unknown keys are
refused, because a misspelt one would do nothing. Correct what the message names."""),
    "BG125": ("a value in YAML that other readers see differently", """
This is a warning. Words such as yes and 012 and 12:30 mean truth values, octal numbers or minutes to some YAML
readers; here they are the text as written. Put the value in quotes to make it the same for everybody."""),
    "BG126": ("a build file is evaluated on every build", """
This is a warning. What a build file reads is noted, so that it is evaluated again only when that has changed. One that
runs a program or uses the network relies on more than can be noted. Move that work into a target, and builds with
nothing to do become faster."""),
    "BG127": ("what a build file declares cannot be remembered", """
This is a warning. Declarations are kept between builds as plain data. A config with a value that cannot be rebuilt
from data makes its build file run on every build. Use plain data in the config."""),
    "BG130": ("an unknown setting", """
A file of settings has a key that buildgraph does not know. It would have no effect, so it is refused rather than
ignored. Correct the spelling, or remove it."""),
    "BG131": ("a setting has a value that it cannot take", """
Each setting takes values of one type and range; the message gives an example. The same setting can come from a flag,
the environment, the workspace's file and the user's file, in this order; the message says which of them is wrong.
Correct it there."""),
    "BG132": ("a file of settings cannot be read", """
buildgraph.toml, pyproject.toml or your own config.toml is not valid TOML, or may not be read. Building with other
settings than you wrote would be a surprise. Correct the line or the permissions."""),
    "BG133": ("an unknown setting in the environment", """
A variable begins with BUILDGRAPH_ and is nearly the name of a setting. It would have no effect, so it is taken for a
spelling mistake. Correct its name, or unset it."""),
}
# fmt: on
