"""Pages of the errors of stores and archives, and of mistakes of our own (BG3xx, BG4xx, BG9xx)."""

from __future__ import annotations

from typing import Final

# fmt: off
PAGES: Final[dict[str, tuple[str, str]]] = {
    # the store
    "BG300": ("the store cannot be used", """
Results are kept in one folder between builds. It cannot be made or opened: a file has its name, its parent cannot be
written, or the machine is not able to use it. Name a folder that can be written with --store."""),
    "BG301": ("others can write to the store", """
Whoever can write to a store decides what your builds produce, so it must belong to you and be writable by nobody else.
Correct its permissions with chmod 700, or name a folder of your own. To share results between people, use a remote
instead of a common folder."""),
    "BG302": ("the folder is not a store", """
A store is a folder of its own. This one holds other files, and mixing them in would put them at risk when results are
collected. Name a new or empty folder, or a store."""),
    "BG303": ("a store was used across a fork", """
The database of the store must not be used in a process that was forked while it was open: it would damage what it
writes. Start such processes with spawn or forkserver, and pass them bytes or paths."""),
    "BG304": ("the index of the store is damaged", """
The index did not pass its own checks. It is moved aside, so that nothing is lost, and a new one is begun; results that
it knew are made again when they are needed. If it happens again, test the disk."""),
    "BG305": ("the disk of the store is full", """
Less than one percent of the disk that holds the store is free, and writing to it failed. The build goes on and keeps
no more results. Make room, or move the store to another disk with --store."""),
    "BG306": ("the disk of the store fails", """
The system refused to read or write the store, although there is room. The build goes on without it, and what it makes
is not kept. Check the permissions and the disk."""),
    "BG307": ("a file changed while it was handed to the store", """
A file is stored under the digest that its writer computed, and is checked when it arrives. It was different by then,
so something went on writing to it. Close all files and end all programs before returning."""),
    "BG308": ("the store is busy", """
This is a warning. Another process is writing to the store, and only one can at a time. The build waits for a while and
then goes on without writing. If the process named in the message hangs, end it."""),
    "BG309": ("the store is open for reading only", """
One process can open a store only once, and it has it open for reading already. Close it first, or open it for writing
at once."""),
    "BG310": ("somebody else holds the lock", """
Two builds of one workspace would write to the same output folder, so the second waits for the first, or ends with code
4 when told not to wait. The message names the process. Wait for it, or end it."""),
    "BG311": ("the lock file cannot be opened", """
A lock keeps two processes from writing to one folder at once. Its file cannot be made or opened. Check the permissions
of the folder and the room on its disk."""),
    "BG312": ("the store stayed busy", """
This is a warning. Another process kept the store for so long that this build went on without writing to it. What
it makes is kept in memory, or not at all, and may run again in the next build. See what the process named in it
is doing."""),

    # archives
    "BG400": ("the kind of archive is unknown", """
The suffix of `out`, or `format`, chooses between tar, tar.gz, tar.zst and zip. Use one of these suffixes."""),
    "BG401": ("a path that no archive may hold", """
Paths in an archive are relative, plain and distinct on every file system, even those that ignore case, so that
everybody unpacks the same files. Rename the member, or leave it out."""),
    "BG402": ("a file to be packed cannot be read", """
The file went away while it was being packed, or may not be read. The archive was not made. Build again, and leave its
inputs alone meanwhile."""),
    "BG403": ("the metadata of an archive is not plain data", """
Metadata stands at the beginning of an archive as JSON, for people and for other programs. Use None, bool, int, finite
float, str, list and dict with str keys only."""),
    "BG404": ("a file changed while it was packed", """
The manifest of an archive promises the digest of each member. A file was different from what had been hashed, so the
archive was not made. Build again, and leave the file alone meanwhile."""),
    "BG405": ("the archive cannot be written", """
An archive appears whole or not at all. Writing it failed for the reason in the message. Make room on the disk, or
correct the permissions of the folder."""),
    "BG406": ("a .tar.zst archive needs zstandard", """
This compression comes with an optional package that is not installed. Install it with pip install 'buildgraph[zstd]',
or pack as .tar.gz."""),
    "BG407": ("the archive cannot be read", """
The file does not exist, may not be read, or its disk failed, so nothing can be said about the archive. Check the path,
which starts from the folder you work in, and its permissions."""),
    "BG408": ("the folder to unpack into exists already", """
An archive is unpacked into a folder of its own, so that it can never overwrite anything. Name a folder that does not
exist yet, or an empty one."""),
    "BG409": ("the archive cannot be unpacked there", """
Writing below the folder failed, for want of room or permission. What was written is removed. Make room, or choose
another place."""),
    "BG410": ("the file is not an archive of ours", """
Only archives in exactly the form that buildgraph writes are read: a tar, tar.gz, tar.zst or zip with metadata and a
manifest in front. General archives can do many surprising things to the machine that unpacks them. Use tar or unzip
for those of others."""),
    "BG411": ("an archive breaks off, or its data is damaged", """
The bytes end too early or do not unpack to what they declare. It was cut off while being copied, or damaged. Nothing
was unpacked. Get it again, or build it again."""),
    "BG412": ("the members of an archive are not those of its manifest", """
The manifest in front lists every member in order, and the archive has another one, or one more. Somebody changed it
after it was made, so nothing was unpacked. Get it again from where it was built."""),
    "BG413": ("a manifest names a dangerous path", """
Paths that are absolute, climb with .. , or are not plain names could write outside of the folder. Our own writer never
makes them, so the archive was tampered with. Do not use it."""),
    "BG414": ("a manifest names paths that clash", """
A path that comes twice, out of order, or is the same as another one on some machines could make one file replace
another after it was checked. Nothing was unpacked. Get the archive again from where it was built."""),
    "BG415": ("a member has another content than promised", """
The digest of the bytes is not the one in the manifest: the archive was damaged or changed. Everything unpacked until
then is removed. Get it again from where it was built."""),
    "BG416": ("an archive exceeds the limits", """
Size, number of members and the ratio of compression are bounded, so that a small file cannot fill a disk. If you trust
where the archive comes from, raise the limits in the Python API; else leave it alone. When packing, make several
archives."""),
    "BG417": ("an archive has bytes after its end", """
Hidden data behind the end or in the padding is read by some programs and not by others, so two people could see
different contents. Nothing was unpacked. Get the archive again from where it was built."""),
    "BG418": ("the manifest of an archive is misshapen", """
The manifest is not in the one form that buildgraph writes. It was damaged, or written by something else. Get the
archive again, or build it again."""),
    "BG419": ("an archive of a newer format", """
The archive was made by a later version of buildgraph, whose format this one does not know and does not guess. Update
buildgraph here, or build the archive with the older one."""),
    "BG420": ("an archive has no such member", """
The manifest does not list a file of that name. The message names the nearest one, or some that are there. Correct the
name; paths have no leading / or ./ ."""),

    "BG999": ("buildgraph itself failed", """
Something happened that buildgraph did not foresee. It is our mistake, not yours, and nothing that was stored is
harmed. Run the command again with --debug and report what it prints, with the version from `buildgraph --version`."""),
}
# fmt: on
