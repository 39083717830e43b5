# SPDX-License-Identifier: Apache-2.0
"""Reads sdk/services.def, for generate.py: its form is told at its head."""
INTEGERS = {"u32": "uint32_t", "i32": "int32_t", "u64": "uint64_t", "i64": "int64_t", "handle": "qun_handle"}
SIZES = {"u32": 4, "i32": 4, "u64": 8, "i64": 8, "handle": 8, "pointer": 8, "slice": 16, "text32": 32}
ALIGN = {"u32": 4, "i32": 4, "text32": 1}
LISTS = ("slices", "structs")
MODES = ["create", "event", "timer", "request", "pure", "tenant"]


class Bad(Exception):
    pass


class Item:
    def __init__(self, **fields):
        self.doc = ""
        self.since = 0
        self.__dict__.update(fields)


def take_since(words):
    """The words without a trailing "since N", and N."""
    if len(words) > 2 and words[-2] == "since":
        return words[:-2], int(words[-1])
    return words, 0


def parse_struct(words):
    return Item(name=words[1], callback="callback" in words[2:], fields=[])


def parse_service(words):
    words, since = take_since(words)
    _, name, ident, macro, vtable = words
    return Item(name=name, id=ident, macro=macro, vtable=vtable, since=since, methods=[])


def parse_method(words, service):
    words, since = take_since(words)
    _, name, thread, modes, *marks = words
    if thread not in ("loop", "any"):
        raise Bad(f"thread {thread}")
    modes = modes.split(",")
    for word in modes:
        if word not in MODES:
            raise Bad(f"mode {word}")
    for word in marks:
        if word not in ("lasting", "oneway"):
            raise Bad(f"mark {word}")
    return Item(name=name, service=service, any="any" == thread, modes=modes, lasting="lasting" in marks, oneway="oneway" in marks,
                since=since, ins=[], outs=[])


def parse_line(words, at, structs):
    """A field of a struct or an argument of a method."""
    words, since = take_since(words)
    if hasattr(at, "fields"):
        kind, name = words
        if kind not in SIZES:
            raise Bad(f"kind {kind}")
        at.fields.append(Item(kind=kind, name=name, since=since))
    elif words[0] == "out":
        _, kind, name = words
        if kind not in ("u32", "i32", "u64", "i64", "slice", "slices", "pairs"):
            raise Bad(f"out kind {kind}")
        if at.oneway:
            raise Bad("what is oneway lends nothing")
        at.outs.append(Item(kind=kind, name=name))
    elif words[0] in ("struct", "structs"):
        kind, struct, name = words
        if struct not in structs:
            raise Bad(f"no struct {struct}")
        at.ins.append(Item(kind=kind, struct=struct, name=name))
    else:
        kind, name = words
        if kind not in INTEGERS and kind not in ("slice", "slices", "cstr"):
            raise Bad(f"kind {kind}")
        at.ins.append(Item(kind=kind, name=name))


def parse(text):
    structs, services, at = {}, [], None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip() if not line.strip().startswith('"') else line.strip()
        if not line:
            continue
        words = line.split()
        try:
            if words[0] == "struct" and (at is None or not line_is_argument(words, at)):
                at = parse_struct(words)
                structs[at.name] = at
            elif words[0] == "service":
                at = parse_service(words)
                services.append(at)
            elif words[0] == "method":
                at = parse_method(words, services[-1])
                services[-1].methods.append(at)
            elif line.startswith('"'):
                at.doc = line.strip('"')
            else:
                parse_line(words, at, structs)
        except (Bad, ValueError, AttributeError, IndexError) as error:
            raise SystemExit(f"services.def:{number}: {line}: {error}")
    for item in list(structs.values()) + services + [m for s in services for m in s.methods]:
        if not item.doc:
            raise SystemExit(f"services.def: {item.name} has no sentence")
    return structs, services


def line_is_argument(words, at):
    return isinstance(at, Item) and hasattr(at, "ins") and len(words) == 3 and words[2] != "callback"


def layout(fields):
    """Offsets and size on a machine of 64-bit pointers."""
    at, most, out = 0, 1, []
    for kind, name in fields:
        align = ALIGN.get(kind, 8)
        at = (at + align - 1) // align * align
        out.append((name, at))
        at += SIZES[kind]
        most = max(most, align)
    return out, (at + most - 1) // most * most
