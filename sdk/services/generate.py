#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes of sdk/services.def what both sides of a service call share: generate.py services.def OUT_DIR

  services.h    numbers, the table, the hash of the table file, and what the files below offer
  table.c       the table
  structs.c     structs to msgpack and back, every length and kind checked
  stubs.c       the runner's side: vtables whose slots send calls
  dispatch.c    the host's side: hostile bytes to a call of the same vtable that an in-process plugin has
  layout.c      asserts of the size and every offset of every public struct
  services.md   the reference page          services.json   the same for programs
"""
import hashlib
import os
import sys

sys.dont_write_bytecode = True
from reference import make_json, make_page  # noqa: E402
from table import INTEGERS, LISTS, layout, parse  # noqa: E402

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made from sdk/services.def by sdk/services/generate.py. */\n"


# ---------------------------------------------------------------- names

def short(struct):
    return struct.removeprefix("qun_")


def crossing(struct):
    """The fields that cross."""
    return [f for f in struct.fields if f.kind != "pointer" and f.name not in ("struct_size", "reserved")]


def crosses(struct):
    return struct.name not in ("qun_slice", "qun_pair", "qun_host", "qun_plugin", "qun_magic")


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parameters(method):
    out = ["const struct qun_host *host"]
    for a in method.ins:
        struct = f"const struct {getattr(a, 'struct', '')} *"
        kind = {"slice": "qun_slice ", "slices": "const qun_slice *", "cstr": "const char *", "struct": struct, "structs": struct}.get(a.kind)
        out.append((kind or INTEGERS[a.kind] + " ") + a.name)
        if a.kind in LISTS:
            out.append("uint32_t count")
    for a in method.outs:
        if a.kind == "pairs":
            out += [f"struct qun_pair *{a.name}", "uint32_t cap", "uint32_t *count"]
        else:
            out.append(("qun_slice" if a.kind in ("slice", "slices") else INTEGERS[a.kind]) + f" *{a.name}")
    return ", ".join(out)


def result(method):
    return "void" if method.oneway else "int"


def number_of(service, method=None):
    return f"QUN__{service.name.upper()}" + (f"_{method.name.upper()}" if method else "")


# ---------------------------------------------------------------- services.h, table.c

def make_header(structs, services, digest):
    o = [HEAD, "#ifndef QUN_SERVICES_SERVICES_H\n#define QUN_SERVICES_SERVICES_H\n", '#include "services/wire.h"\n']
    o.append(f'#define QUN__SERVICES_HASH "{digest}" /* of services.def: both sides must have the same */\n')
    o.append("enum {")
    for s in services:
        o.append(f"  {number_of(s)},")
    o.append("  QUN__SERVICES\n};\n")
    for s in services:
        o.append("enum { " + ", ".join(number_of(s, m) for m in s.methods) + " };")
    o.append("\nextern const struct qun__service qun__services[QUN__SERVICES];\n")
    o.append("/* The number of a service id, or -1. */\nint qun__service_number(const char *id);\n")
    o.append("/* ---- structs: `get` takes one out of an array of the very fields, and lends its slices from the input */\n")
    for struct in structs.values():
        if crosses(struct):
            o.append(f"void qun__wire_put_{short(struct.name)}(struct qun_pack *p, const struct {struct.name} *v);")
            o.append(f"bool qun__wire_get_{short(struct.name)}(struct qun_unpack *u, struct {struct.name} *v);")
    o.append("\n/* ---- the runner's side: the vtable of stubs of a service id. QUN_EUNSUPPORTED. */")
    o.append("int qun__stub_find(const char *id, const void **out);")
    for s in services:
        for m in s.methods:
            o.append(f"{result(m)} qun__stub_{s.name}_{m.name}({parameters(m)});")
    o.append("""
/* ---- the host's side: takes a call apart and makes it through the vtable that host->query gives (so that a service which is not granted is QUN_EDENIED), then
   appends what comes back to `answer` (oneway: nothing). On the thread of `host`. QUN_EINVAL: the bytes are no such call, and
   nothing was called; QUN_EFAIL: out of memory. */
int qun__dispatch(const struct qun_host *host, uint32_t service, uint32_t method, qun_slice args, struct qun_pack *answer);

#endif""")
    return "\n".join(o) + "\n"


def make_table(services):
    o = [HEAD, '#include "services/services.h"\n']
    for s in services:
        o.append(f"static const struct qun__method {s.name}_methods[] = {{")
        for m in s.methods:
            modes = " | ".join(f"QUN__IN_{w.upper()}" for w in m.modes)
            marks = "".join(f", .{name} = true" for name, is_set in (("any_thread", m.any), ("lasting", m.lasting), ("oneway", m.oneway)) if is_set)
            o.append(f"    {{.name = {quoted(m.name)}, .doc = {quoted(m.doc)}, .modes = {modes}{marks}}},")
        o.append("};\n")
    o.append("const struct qun__service qun__services[QUN__SERVICES] = {")
    for s in services:
        o.append(f"    {{.name = {quoted(s.name)}, .id = {quoted(s.id)}, .doc = {quoted(s.doc)}, .since = {s.since}, "
                 f".count = {len(s.methods)}, .methods = {s.name}_methods}},")
    o.append("};\n")
    o.append("""int qun__service_number(const char *id) {
  for (int i = 0; i < QUN__SERVICES; i++) {
    if (strcmp(qun__services[i].id, id) == 0) return i;
  }
  return -1;
}""")
    return "\n".join(o) + "\n"


# ---------------------------------------------------------------- structs.c

def put_value(kind, value):
    if kind in ("u64", "handle"):
        return f"qun__wire_put_u64(p, {value});"
    if kind == "slice":
        return f"qun_pack_bin(p, {value});"
    return f"qun_pack_int(p, {value});"


def get_value(kind, into):
    if kind == "slice":
        return f"qun_unpack_bin(u, &{into})"
    return f"qun__wire_{'u64' if kind == 'handle' else kind}(u, &{into})"


def make_structs(structs):
    o = [HEAD, '#include "services/services.h"\n']
    for struct in structs.values():
        if not crosses(struct):
            continue
        fields = crossing(struct)
        o.append(f"void qun__wire_put_{short(struct.name)}(struct qun_pack *p, const struct {struct.name} *v) {{")
        o.append(f"  qun_pack_array(p, {len(fields)});")
        for f in fields:
            o.append("  " + put_value(f.kind, f"v->{f.name}"))
        o.append("}\n")
        o.append(f"bool qun__wire_get_{short(struct.name)}(struct qun_unpack *u, struct {struct.name} *v) {{")
        o.append("  uint32_t n;")
        o.append("  memset(v, 0, sizeof *v);" + ("\n  v->struct_size = sizeof *v;" if struct.fields[0].name == "struct_size" else ""))
        tests = [f"qun_unpack_array(u, &n) && n == {len(fields)}"] + [get_value(f.kind, f"v->{f.name}") for f in fields]
        o.append("  return " + " &&\n         ".join(tests) + ";\n}\n")
    return "\n".join(o) + "\n"


# ---------------------------------------------------------------- stubs.c

def checks(method, structs):
    """What must hold of the arguments before they cross."""
    out = []
    for a in method.ins:
        if a.kind == "slice":
            out.append(f"!qun__stub_fits({a.name})")
        elif a.kind == "cstr":
            out.append(f"!qun__stub_fits_text({a.name})")
        elif a.kind == "slices":
            out.append(f"!qun__stub_fits_all({a.name}, count)")
        elif a.kind == "structs":
            out.append("count > QUN__LIST_MAX")
        elif a.kind == "struct":
            out += [f"!qun__stub_fits({a.name}->{f.name})" for f in crossing(structs[a.struct]) if f.kind == "slice" and not f.since]
            out += [f"!qun__stub_fits({a.name}_now.{f.name})" for f in crossing(structs[a.struct]) if f.kind == "slice" and f.since]
    return out


def grown(method, structs):
    return [a for a in method.ins if a.kind == "struct" and any(f.since for f in structs[a.struct].fields)]


def copy_grown(arg, structs):
    """A struct may come from a plugin that was built when it was shorter: what it does not have is 0."""
    fields = structs[arg.struct].fields
    old = [f for f in fields if not f.since][-1]
    return [f"  struct {arg.struct} {arg.name}_now;",
            f"  size_t {arg.name}_least = offsetof(struct {arg.struct}, {old.name}) + sizeof {arg.name}->{old.name};",
            f"  size_t {arg.name}_size = {arg.name}->struct_size < {arg.name}_least ? {arg.name}_least : {arg.name}->struct_size;",
            f"  memset(&{arg.name}_now, 0, sizeof {arg.name}_now);",
            f"  memcpy(&{arg.name}_now, {arg.name}, {arg.name}_size < sizeof {arg.name}_now ? {arg.name}_size : sizeof {arg.name}_now);"]


def pack_arguments(method, structs, changed):
    o = [f"  qun_pack_array(&args, {len(method.ins) + sum(o.kind == 'pairs' for o in method.outs)});"]
    of_now = {a.name for a in grown(method, structs)}
    for a in method.ins:
        name = changed.get(a.name, a.name)
        if a.kind == "struct":
            o.append(f"  qun__wire_put_{short(a.struct)}(&args, {'&' + a.name + '_now' if a.name in of_now else a.name});")
        elif a.kind == "cstr":
            o.append(f"  qun_pack_bin(&args, qun_str({name}));")
        elif a.kind == "slices":
            o.append(f"  qun_pack_array(&args, count);\n  for (uint32_t i = 0; i < count; i++) qun_pack_bin(&args, {name}[i]);")
        elif a.kind == "structs":
            tests = " || ".join(f"!qun__stub_fits({name}[i].{f.name})" for f in crossing(structs[a.struct]) if f.kind == "slice")
            o.append(f"  qun_pack_array(&args, count);\n  for (uint32_t i = 0; i < count; i++) {{\n    if ({tests}) {{\n"
                     f"      qun_pack_fini(&args);\n      return QUN_EINVAL;\n    }}\n    qun__wire_put_{short(a.struct)}(&args, &{name}[i]);\n  }}")
        else:
            o.append("  " + put_value(a.kind, name).replace("(p,", "(&args,"))
    return o


def stub_scan(service, method, structs):
    """A scan is asked for in parts: an answer has a bound."""
    (out,) = method.outs
    bad = checks(method, structs)
    o = [f"int qun__stub_{service.name}_{method.name}({parameters(method)}) {{",
         f"  uint32_t n = 0;\n  int more = 1;\n  if ({' || '.join(bad)}) return QUN_EINVAL;",
         "  while (more && n < cap) {",
         "    struct qun_pack args;\n    struct qun_unpack lent;\n    uint32_t rows;",
         f"    qun_slice from = n ? {out.name}[n - 1].key : after;",
         "    qun_pack_init(&args);"]
    o += ["  " + line for line in pack_arguments(method, structs, {"after": "from"})]
    o += ["    qun_pack_int(&args, cap - n);",
          f"    int rc = qun__stub_send(host, {number_of(service)}, {number_of(service, method)}, &args, 2, &lent);",
          "    if (rc < 0) return rc;",
          "    if (!qun_unpack_bool(&lent, &more) || !qun_unpack_array(&lent, &rows) || rows % 2 || rows / 2 > cap - n) return QUN_EFAIL;",
          "    if (rows == 0) more = 0;",
          "    for (; rows > 0; rows -= 2, n++) {",
          f"      if (!qun_unpack_bin(&lent, &{out.name}[n].key) || !qun_unpack_bin(&lent, &{out.name}[n].value)) return QUN_EFAIL;",
          "    }\n  }\n  *count = n;\n  return 0;\n}\n"]
    return o


def stub_many(service, method, structs):
    """A list of lookups is answered in parts for the same reason. The outs are set when all are there."""
    (out,) = method.outs
    (keys,) = [a for a in method.ins if a.kind == "slices"]
    o = [f"int qun__stub_{service.name}_{method.name}({parameters(method)}) {{",
         f"  const qun_slice *all = {keys.name};\n  uint32_t whole = count, done = 0;",
         f"  if ({' || '.join(checks(method, structs))}) return QUN_EINVAL;",
         "  qun_slice *found = (qun_slice *)calloc(whole ? whole : 1, sizeof *found);\n  int rc = found ? 0 : QUN_EFAIL;",
         "  while (rc == 0 && done < whole) {",
         "    struct qun_pack args;\n    struct qun_unpack lent;\n    uint32_t part;",
         f"    {keys.name} = all + done;\n    count = whole - done;",
         "    qun_pack_init(&args);"]
    o += ["  " + line.replace("\n", "\n  ") for line in pack_arguments(method, structs, {})]
    o += [f"    rc = qun__stub_send(host, {number_of(service)}, {number_of(service, method)}, &args, 1, &lent);",
          "    if (rc < 0) break;",
          "    rc = qun_unpack_array(&lent, &part) && part > 0 && part <= count ? 0 : QUN_EFAIL;",
          "    for (uint32_t i = 0; rc == 0 && i < part; i++) {",
          "      if (!qun_unpack_nil(&lent) && !qun_unpack_bin(&lent, &found[done + i])) rc = QUN_EFAIL;",
          "    }", "    if (rc == 0) done += part;", "  }",
          f"  if (rc == 0 && whole) memcpy({out.name}, found, whole * sizeof *found);",
          "  free(found);\n  return rc;\n}\n"]
    return o


def stub(service, method, structs):
    if any(a.kind == "pairs" for a in method.outs):
        return stub_scan(service, method, structs)
    if any(a.kind == "slices" for a in method.outs):
        return stub_many(service, method, structs)
    o = [f"{result(method)} qun__stub_{service.name}_{method.name}({parameters(method)}) {{", "  struct qun_pack args;"]
    if method.outs:
        o.append("  struct qun_unpack lent;")
    for a in method.outs:
        o.append(f"  {'qun_slice' if a.kind == 'slice' else INTEGERS[a.kind]} {a.name}_lent;")
    for a in grown(method, structs):
        o += copy_grown(a, structs)
    bad = checks(method, structs)
    if bad:
        o.append(f"  if ({' || '.join(bad)}) return{'' if method.oneway else ' QUN_EINVAL'};")
    o.append("  qun_pack_init(&args);")
    o += pack_arguments(method, structs, {})
    send = f"qun__stub_send(host, {number_of(service)}, {number_of(service, method)}, &args, {len(method.outs)}, "
    if method.oneway:
        o.append(f"  (void){send}NULL);")
    elif not method.outs:
        o.append(f"  struct qun_unpack lent;\n  return {send}&lent);")
    else:
        o.append(f"  int rc = {send}&lent);\n  if (rc < 0) return rc;")
        tests = [get_value(a.kind, a.name + "_lent").replace("(u,", "(&lent,") for a in method.outs]
        o.append(f"  if (!({' && '.join(tests)})) return QUN_EFAIL;")
        o += [f"  *{a.name} = {a.name}_lent;" for a in method.outs]
        o.append("  return rc;")
    o.append("}\n")
    return o


def make_stubs(structs, services):
    o = [HEAD, '#include "services/services.h"\n']
    for s in services:
        for m in s.methods:
            o += stub(s, m, structs)
        slots = ", ".join(f".{m.name} = qun__stub_{s.name}_{m.name}" for m in s.methods)
        o.append(f"static const struct {s.vtable} {s.name}_stubs = {{.struct_size = sizeof {s.name}_stubs, {slots}}};\n")
    o.append("int qun__stub_find(const char *id, const void **out) {")
    o.append("  static const void *const stubs[QUN__SERVICES] = {" + ", ".join(f"&{s.name}_stubs" for s in services) + "};")
    o.append("  int n = qun__service_number(id);\n  if (n < 0) return QUN_EUNSUPPORTED;\n  *out = stubs[n];\n  return 0;\n}")
    return "\n".join(o) + "\n"


# ---------------------------------------------------------------- dispatch.c

def dispatch_locals(method):
    o, tests, call = [], [], ["host"]
    for a in method.ins:
        if a.kind in LISTS:
            continue
        if a.kind == "struct":
            o.append(f"  struct {a.struct} {a.name};")
            tests.append(f"qun__wire_get_{short(a.struct)}(u, &{a.name})")
            call.append("&" + a.name)
        elif a.kind == "cstr":
            o.append(f"  char {a.name}[QUN__TEXT_MAX + 1];")
            tests.append(f"qun__wire_text(u, {a.name})")
            call.append(a.name)
        else:
            o.append(f"  {'qun_slice' if a.kind == 'slice' else INTEGERS[a.kind]} {a.name};")
            tests.append(get_value(a.kind, a.name))
            call.append(a.name)
    return o, tests, call


def dispatch_scan(method, o, tests, call):
    (out,) = method.outs
    o += ["  uint32_t cap, count = 0, most;", f"  struct qun_pair *{out.name};"]
    tests.append("qun__wire_u32(u, &cap)")
    o += [f"  if (!({' && '.join(tests)}) || u->at != u->end) return QUN_EINVAL;",
          "  most = cap < QUN__PAIRS_MAX ? cap : QUN__PAIRS_MAX;",
          f"  {out.name} = (struct qun_pair *)calloc(most ? most : 1, sizeof *{out.name});",
          f"  if (!{out.name}) return QUN_EFAIL;",
          f"  int rc = vtable->{method.name}({', '.join(call + [out.name, 'most', '&count'])});",
          f"  qun__dispatch_pairs(answer, rc, {out.name}, count, most < cap && count == most);",
          f"  free({out.name});\n  return 0;\n}}\n"]
    return o


def dispatch_list(method, o, tests, call):
    """A list is taken out of the bytes after everything else was: it comes last among the arguments, and its memory is given back here."""
    (items,) = [a for a in method.ins if a.kind in LISTS]
    if items is not method.ins[-1]:
        raise SystemExit(f"services.def: {method.name}: a list must be the last argument")
    kind = "qun_slice" if items.kind == "slices" else f"struct {items.struct}"
    get = f"qun_unpack_bin(u, &{items.name}[i])" if items.kind == "slices" else f"qun__wire_get_{short(items.struct)}(u, &{items.name}[i])"
    many = bool(method.outs)
    o += [f"  {kind} *{items.name} = NULL;\n  uint32_t count = 0;\n  int rc;"]
    if many:
        o.append(f"  qun_slice *{method.outs[0].name} = NULL;")
    o += [f"  if (!({' && '.join(tests + ['qun_unpack_array(u, &count)'])}) || count > QUN__LIST_MAX) return QUN_EINVAL;",
          f"  {items.name} = ({kind} *)calloc(count ? count : 1, sizeof *{items.name});"]
    if many:
        o.append(f"  {method.outs[0].name} = (qun_slice *)calloc(count ? count : 1, sizeof *{method.outs[0].name});")
    o += [f"  rc = {items.name}" + (f" && {method.outs[0].name}" if many else "") + " ? 0 : QUN_EFAIL;",
          f"  for (uint32_t i = 0; rc == 0 && i < count; i++) {{\n    if (!{get}) rc = QUN_EINVAL;\n  }}",
          "  if (rc == 0 && u->at != u->end) rc = QUN_EINVAL;", "  if (rc == 0) {",
          f"    int code = vtable->{method.name}({', '.join(call + [items.name, 'count'] + ([method.outs[0].name] if many else []))});"]
    o.append(f"    qun__dispatch_values(answer, code, {method.outs[0].name}, count);" if many else
             "    qun_pack_array(answer, 1);\n    qun_pack_int(answer, code);")
    o += ["  }", f"  free({items.name});"] + ([f"  free({method.outs[0].name});"] if many else []) + ["  return rc;\n}\n"]
    return o


def dispatch(service, method):
    o = [f"static int {service.name}_{method.name}(const struct qun_host *host, const void *slots, struct qun_unpack *u, struct qun_pack *answer) {{",
         f"  const struct {service.vtable} *vtable = (const struct {service.vtable} *)slots;"]
    more, tests, call = dispatch_locals(method)
    o += more
    if any(a.kind == "pairs" for a in method.outs):
        return dispatch_scan(method, o, tests, call)
    if any(a.kind in LISTS for a in method.ins):
        return dispatch_list(method, o, tests, call)
    for a in method.outs:
        o.append("  qun_slice %s = {NULL, 0};" % a.name if a.kind == "slice" else f"  {INTEGERS[a.kind]} {a.name} = 0;")
        call.append("&" + a.name)
    o.append(f"  if (!({' && '.join(tests)}) || u->at != u->end) return QUN_EINVAL;")
    if method.oneway:
        o += [f"  (void)answer;\n  vtable->{method.name}({', '.join(call)});", "  return 0;\n}\n"]
        return o
    o.append(f"  int rc = vtable->{method.name}({', '.join(call)});")
    o.append(f"  qun_pack_array(answer, rc < 0 ? 1 : {len(method.outs) + 1});\n  qun_pack_int(answer, rc);")
    if method.outs:
        o.append("  if (rc < 0) return 0;")
    o += ["  " + put_value(a.kind, a.name).replace("(p,", "(answer,") for a in method.outs]
    o.append("  return 0;\n}\n")
    return o


PAIRS = """/* Rows until the bound; `more`: there may be others. A single row always goes, be it as large as it may. */
static void qun__dispatch_pairs(struct qun_pack *answer, int rc, const struct qun_pair *pairs, uint32_t count, int more) {
  size_t bytes = 0;
  uint32_t n = 0;
  if (rc < 0) {
    qun_pack_array(answer, 1);
    qun_pack_int(answer, rc);
    return;
  }
  while (n < count && bytes < QUN__PAIRS_BYTES) {
    bytes += (size_t)(pairs[n].key.len + pairs[n].value.len);
    n++;
  }
  qun_pack_array(answer, 3);
  qun_pack_int(answer, 0);
  qun_pack_bool(answer, more || n < count);
  qun_pack_array(answer, 2 * n);
  for (uint32_t i = 0; i < n; i++) {
    qun_pack_bin(answer, pairs[i].key);
    qun_pack_bin(answer, pairs[i].value);
  }
}
"""

PAIRS += """
/* Values until the bound, at least one; the caller asks again for the rest. No ptr: nil. */
static void qun__dispatch_values(struct qun_pack *answer, int code, const qun_slice *values, uint32_t count) {
  size_t bytes = 0;
  uint32_t n = 0;
  qun_pack_array(answer, code < 0 ? 1 : 2);
  qun_pack_int(answer, code);
  if (code < 0) return;
  while (n < count && bytes < QUN__PAIRS_BYTES) bytes += (size_t)values[n++].len;
  qun_pack_array(answer, n);
  for (uint32_t i = 0; i < n; i++) {
    if (values[i].ptr)
      qun_pack_bin(answer, values[i]);
    else
      qun_pack_nil(answer);
  }
}
"""

DISPATCH = """int qun__dispatch(const struct qun_host *host, uint32_t service, uint32_t method, qun_slice args, struct qun_pack *answer) {
  const void *slots = NULL;
  struct qun_unpack u;
  uint32_t count;
  if (service >= QUN__SERVICES || method >= qun__services[service].count) return QUN_EINVAL;
  qun_unpack_init(&u, args);
  if (!qun_unpack_array(&u, &count) || count != methods[service][method].count) return QUN_EINVAL;
  int rc = host->query(host, qun__services[service].id, &slots);
  if (rc == 0) {
    rc = methods[service][method].call(host, slots, &u, answer);
    return rc == 0 && answer->failed ? QUN_EFAIL : rc;
  }
  if (!qun__services[service].methods[method].oneway) {
    qun_pack_array(answer, 1);
    qun_pack_int(answer, rc);
  }
  return answer->failed ? QUN_EFAIL : 0;
}"""


def make_dispatch(services):
    o = [HEAD, '#include "services/services.h"\n', PAIRS]
    for s in services:
        for m in s.methods:
            o += dispatch(s, m)
    o.append("""struct step {
  uint32_t count; /* of arguments */
  int (*call)(const struct qun_host *host, const void *slots, struct qun_unpack *u, struct qun_pack *answer);
};
""")
    for s in services:
        rows = ", ".join(f"{{{len(m.ins) + sum(a.kind == 'pairs' for a in m.outs)}, {s.name}_{m.name}}}" for m in s.methods)
        o.append(f"static const struct step {s.name}_steps[] = {{{rows}}};")
    o.append("static const struct step *const methods[QUN__SERVICES] = {" + ", ".join(f"{s.name}_steps" for s in services) + "};\n")
    o.append(DISPATCH)
    return "\n".join(o) + "\n"


# ---------------------------------------------------------------- layout.c

def make_layout(structs, services):
    o = [HEAD, "#include <qun/plugin.h>\n", "#if UINTPTR_MAX == 0xffffffffffffffffu"]
    known = [(s.name, [(f.kind, f.name) for f in s.fields]) for s in structs.values()]
    known += [(s.vtable, [("u32", "struct_size"), ("u32", "reserved")] + [("pointer", m.name) for m in s.methods]) for s in services]
    for name, fields in known:
        offsets, size = layout(fields)
        what = "qun_slice" if name == "qun_slice" else f"struct {name}"
        for field, at in offsets:
            o.append(f'_Static_assert(offsetof({what}, {field}) == {at}, "{name}.{field} has moved");')
        o.append(f'_Static_assert(sizeof({what}) == {size}, "{name} is not what services.def says");')
    o.append("#endif\n\nextern const char qun__layout_holds;\nconst char qun__layout_holds = 1;")
    return "\n".join(o) + "\n"


def main():
    source, out = sys.argv[1:3]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    structs, services = parse(text)
    made = {"services.h": make_header(structs, services, hashlib.sha256(text.encode()).hexdigest()[:16]),
            "table.c": make_table(services), "structs.c": make_structs(structs), "stubs.c": make_stubs(structs, services),
            "dispatch.c": make_dispatch(services), "layout.c": make_layout(structs, services),
            "services.md": make_page(structs, services), "services.json": make_json(structs, services)}
    os.makedirs(out, exist_ok=True)
    for name, content in made.items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(content)


main()
