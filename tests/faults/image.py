# SPDX-License-Identifier: Apache-2.0
"""The disk as a power cut could have left it: what powercut.c noted, page by page and name by name.

Promised is only what was synced: the bytes of a file by fsync, fdatasync or O_DSYNC, a name by fsync of its folder. Of the rest
each 4 KiB page may be old or new, a file's size may be old or new, and of a folder's later changes only the first few may be there.
A rename is there as a whole or not at all."""
import os
import random
import shutil
import struct

PAGE = 4096
HEAD = struct.Struct("<qq")  # struct notes of powercut.c: size, mapped
BITS = 4096


class Folder:
    def __init__(self):
        self.names = {}  # name: Folder, or a file's inode as int
        self.synced = 0  # operations that are promised
        self.last = 0    # the last operation in it
        self.kept = 0    # operations that the cut kept


class Notes:
    """One run of the daemon between two cuts."""

    def __init__(self, notes, roots):
        self.dir, self.roots = notes, [os.path.realpath(r) for r in roots]

    def path(self, *names):
        return os.path.join(self.dir, *(str(n) for n in names))

    # ---- before the daemon starts: all that is there is on the disk

    def begin(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        for name in "keep", "synced", "dirty":
            os.makedirs(self.path(name))
        self.numbers = {}
        self.tops = [self.take(root) for root in self.roots]

    def take(self, at):
        folder = Folder()
        self.numbers[os.stat(at).st_ino] = folder
        for entry in os.scandir(at):
            if entry.is_dir(follow_symlinks=False):
                folder.names[entry.name] = self.take(entry.path)
            elif entry.is_file(follow_symlinks=False):
                folder.names[entry.name] = self.pin(entry)
        return folder

    def pin(self, entry):
        number = entry.inode()
        if os.path.exists(self.path("keep", number)):
            return number
        os.link(entry.path, self.path("keep", number))
        shutil.copyfile(entry.path, self.path("synced", number))
        with open(self.path("dirty", number), "wb") as f:
            f.write(HEAD.pack(entry.stat().st_size, 0))
        return number

    # ---- after the cut

    def read_ops(self):
        """A list of (number, kind, fields) with folders in place of their inodes; and what each folder promises."""
        ops, numbers = [], dict(self.numbers)
        try:
            with open(self.path("ops"), encoding="utf-8") as f:
                lines = f.read().split("\n")[:-1]
        except FileNotFoundError:
            lines = []
        for number, line in enumerate(lines, 1):
            kind, *fields = line.split("\t")
            if kind == "S":
                folder = numbers.get(int(fields[0]))
                if folder:
                    folder.synced = number
                continue
            folders = [numbers[int(fields[0])]]
            if kind == "R":
                folders.append(numbers[int(fields[2])])
            if kind == "D":
                numbers[int(fields[1])] = fields[1] = Folder()
            elif kind == "C":
                fields[1] = int(fields[1])
            for folder in folders:
                folder.last = number
            ops.append((number, kind, folders, fields))
        return ops

    @staticmethod
    def move(fields, folders):
        thing = folders[0].names.pop(fields[1], None)
        if thing is not None:
            folders[1].names[fields[3]] = thing

    def replay(self, ops, rng):
        for folders in (op[2] for op in ops):
            for folder in folders:
                if not folder.kept:
                    folder.kept = max(folder.synced, rng.randint(folder.synced, max(folder.synced, folder.last)))
        for number, kind, folders, fields in ops:
            if not any(number <= folder.kept for folder in folders):
                continue
            if kind in "CD":
                folders[0].names[fields[2]] = fields[1]
            elif kind == "R":
                self.move(fields, folders)
            else:
                folders[0].names.pop(fields[1], None)

    def build(self, rng):
        """Puts the disk after a cut in the place of the folders. Answers counts of what was lost."""
        lost = {"pages": 0, "kept": 0, "names": 0}
        ops = self.read_ops()
        self.replay(ops, rng)
        lost["names"] = sum(1 for number, _, folders, _ in ops if not any(number <= f.kept for f in folders))
        for root, top in zip(self.roots, self.tops):
            new = root + ".image"
            self.write_folder(new, top, rng, lost)
            shutil.rmtree(root)
            os.rename(new, root)
        return lost

    def write_folder(self, at, folder, rng, lost):
        os.mkdir(at, 0o700)
        for name, thing in folder.names.items():
            path = os.path.join(at, name)
            if isinstance(thing, Folder):
                self.write_folder(path, thing, rng, lost)
            elif os.path.exists(self.path("keep", thing)):
                self.write_file(path, thing, rng, lost)

    def write_file(self, path, number, rng, lost):
        with open(self.path("dirty", number), "rb") as f:
            head = f.read()
        synced_size, mapped = HEAD.unpack(head[:HEAD.size])
        bits = head[BITS:]
        live_size = os.stat(self.path("keep", number)).st_size
        size = rng.choice((synced_size, live_size))
        chance = rng.choice((0.1, 0.5, 0.9))  # that a page had reached the disk
        with open(self.path("keep", number), "rb") as live, open(self.path("synced", number), "rb") as synced, \
                open(path, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            shutil.copyfileobj(synced, out)
            out.truncate(size)
            for page in dirty_pages(bits, live_size, mapped):
                if page * PAGE >= size:
                    break
                if rng.random() >= chance:
                    lost["pages"] += 1
                    continue
                lost["kept"] += 1
                live.seek(page * PAGE)
                out.seek(page * PAGE)
                out.write(live.read(min(PAGE, size - page * PAGE)))


def dirty_pages(bits, size, mapped):
    pages = (size + PAGE - 1) // PAGE
    if mapped:
        yield from range(pages)
        return
    for at in range((pages + 7) // 8):
        byte = bits[at] if at < len(bits) else 0
        if byte:
            yield from (at * 8 + bit for bit in range(8) if byte >> bit & 1)


def self_check():
    """A folder's changes are kept from the first; a promise is kept whole."""
    ops = [(1, "C", None, ["", 7, "a"]), (2, "C", None, ["", 8, "b"]), (3, "U", None, ["", "a"])]
    for seed in range(50):
        folder = Folder()
        folder.synced, folder.last = 2, 3
        Notes("", []).replay([(n, k, [folder], f) for n, k, _, f in ops], random.Random(seed))
        assert folder.names in ({"a": 7, "b": 8}, {"b": 8}), folder.names


if __name__ == "__main__":
    self_check()
