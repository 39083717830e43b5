# SPDX-License-Identifier: Apache-2.0
"""The reference page of the services and its JSON, for generate.py."""
import json

SPOKEN = {"u32": "32-bit unsigned", "i32": "32-bit signed", "u64": "64-bit unsigned", "i64": "64-bit signed", "handle": "handle",
          "slice": "bytes", "slices": "list of bytes", "cstr": "text", "pairs": "rows"}


def spoken_call(method):
    ins = [a.name for a in method.ins]
    outs = [a.name for a in method.outs]
    return f"{method.name}({', '.join(ins)})" + (f" → {', '.join(outs)}" if outs else "")


def make_page(structs, services):
    o = ["# Services", "",
         "What a plugin may call. The headers' comments are the law; this page is made from the same table as the runner's stubs and the host's",
         "dispatch, so what it lists is what there is. Get a service with `host->query(host, \"qun.store/1\", ...)` in create(), and list it under",
         "`requires` in plugin.yaml. [loop]: on the instance's own thread, in a callback of the modes named. [any]: on any thread.",
         "No call waits for a disk, a network or another tenant. What a call lends is borrowed until the callback returns, unless it says *lasting*:",
         "then until destroy(). What a call is given, it copies before it returns. Every call answers 0 or more, or a negative QUN_E code.", ""]
    for s in services:
        o += [f"## {s.id}", "", s.doc + (f" Since ABI 1.{s.since}." if s.since else ""), "", f"`struct {s.vtable}`, id `{s.macro}`.", ""]
        for m in s.methods:
            marks = ["[any]" if m.any else "[loop]", ", ".join(m.modes)] + (["lasting"] if m.lasting else []) + (["no answer"] if m.oneway else [])
            o += [f"### `{spoken_call(m)}`", "", " · ".join(marks), "", m.doc, ""]
            rows = [(a.name, {"struct": "", "structs": "list of "}[a.kind] + f"`struct {a.struct}`" if hasattr(a, "struct") else SPOKEN[a.kind]) for a in m.ins]
            rows += [(a.name, "out: " + SPOKEN[a.kind]) for a in m.outs]
            o += ["| argument | kind |", "|---|---|"] + [f"| {name} | {kind} |" for name, kind in rows] + [""]
    o += ["## Structs", ""]
    for struct in structs.values():
        o += [f"### `{'' if struct.name == 'qun_slice' else 'struct '}{struct.name}`", "", struct.doc, "",
              ", ".join(f"`{f.name}`" + (f" (since 1.{f.since})" if f.since else "") for f in struct.fields), ""]
    return "\n".join(o)


def make_json(structs, services):
    return json.dumps({
        "services": [{"id": s.id, "since": f"1.{s.since}", "doc": s.doc, "methods": [
            {"name": m.name, "thread": "any" if m.any else "loop", "modes": m.modes, "lasting": m.lasting, "oneway": m.oneway, "doc": m.doc,
             "in": [{"name": a.name, "kind": getattr(a, "struct", a.kind)} for a in m.ins],
             "out": [{"name": a.name, "kind": a.kind} for a in m.outs]} for m in s.methods]} for s in services],
        "structs": [{"name": s.name, "doc": s.doc, "fields": [{"name": f.name, "kind": f.kind, "since": f"1.{f.since}"} for f in s.fields]}
                    for s in structs.values()]}, indent=1, ensure_ascii=False) + "\n"
