#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published schema and the loader agree: the same keys, the same needed ones; every manifest of the tree passes, broken ones do not."""
import glob
import json
import os
import re
import sys

import jsonschema
import yaml

FIELD = re.compile(r'(MUST|MAY|MANY|TEXTS|CYAML_FIELD_MAPPING)\("(\w+)", (?:(\w+), )?struct (qun__yaml\w*)')


def loader_keys(root):
    """{struct: ({keys}, {needed})} from the tables of host/plugins/manifest_yaml.c."""
    with open(os.path.join(root, "host/plugins/manifest_yaml.c"), encoding="utf-8") as file:
        text = re.sub(r"\s+", " ", file.read().replace("\\\n", ""))
    keys = {}
    for how, key, flag, struct in FIELD.findall(text):
        every, needed = keys.setdefault(struct.replace("qun__yaml", "").lstrip("_"), (set(), set()))
        every.add(key)
        if how in ("MUST", "TEXTS"):
            needed.add(key)
    return keys


def compare(schema, keys):
    bad = []
    for name, (every, needed) in keys.items():
        part = schema if name == "" else schema["$defs"][name]
        if set(part["properties"]) != every:
            bad.append(f"keys of {name or 'the manifest'} differ: {set(part['properties']) ^ every}")
        if set(part.get("required", [])) != needed:
            bad.append(f"needed keys of {name or 'the manifest'} differ: {set(part.get('required', [])) ^ needed}")
        if part.get("additionalProperties") is not False:
            bad.append(f"{name or 'the manifest'} takes any key")
    return bad


LEAST = {"id": "a", "version": "1.0.0", "abi": 1, "library": "a.so", "title": {"en": "A", "zh": "甲"}, "summary": {"en": "A", "zh": "甲"}}
BROKEN = [{"id": "A"}, {"version": "1.0"}, {"abi": 2}, {"library": "../a.so"}, {"title": {"en": "A"}}, {"colour": "red"}, {"requires": ["store"]},
          {"events": {"types": [{"name": "a.x"}]}}, {"services": [{"name": "a.b", "role": "guest", "doc": {"en": "A", "zh": "甲"}}]},
          {"settings": [{"name": "s", "kind": "float", "doc": {"en": "A", "zh": "甲"}}]}, {"files": ["/etc/passwd"]}, {"limits": {"store_bytes": "64MB"}}]


def main():
    root = sys.argv[1]
    with open(os.path.join(root, "sdk/docs/plugin.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    keys = loader_keys(root)
    bad = compare(schema, keys)
    if len(keys) < 9:
        bad.append(f"only {sorted(keys)} found in the loader")
    manifests = glob.glob(os.path.join(root, "plugins/*/plugin.yaml")) + glob.glob(os.path.join(root, "sdk/examples/*/plugin.yaml")) + \
        [os.path.join(root, "sdk/template/plugin.yaml")]
    for path in manifests:
        with open(path, encoding="utf-8") as file:
            bad += [f"{os.path.relpath(path, root)}: {'/'.join(map(str, e.path))}: {e.message}" for e in judge.iter_errors(yaml.safe_load(file))]
    with open(os.path.join(root, "sdk/docs/manifest.md"), encoding="utf-8") as file:
        page = yaml.safe_load(re.search(r"```yaml\n(.*?)```", file.read(), re.S).group(1))
    bad += [f"manifest.md: {'/'.join(map(str, e.path))}: {e.message}" for e in judge.iter_errors(page)]
    if set(page) != set(schema["properties"]):
        bad.append(f"manifest.md does not show {set(schema['properties']) - set(page)}")
    if not judge.is_valid(LEAST):
        bad.append("the least manifest is refused")
    bad += [f"{change} passes" for change in BROKEN if judge.is_valid({**LEAST, **change})]
    for line in bad:
        print(line)
    print(f"{len(manifests)} manifests, {len(bad)} wrong")
    return 1 if bad or not manifests else 0


sys.exit(main())
