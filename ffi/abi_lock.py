#!/usr/bin/env python3
"""abi_lock.py TOLD CHECK: what safer-ffi tells of the ABI (TOLD), against the lock and against the header.

Compares TOLD, without its comments, with abi.lock.json: in CI a difference fails, elsewhere the lock is rewritten, for its
diff to be reviewed. Writes CHECK, a C file that compiles if wool.h declares the same: layouts, prototypes, constants.
"""

import json
import os
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("abi.lock.json")
SCALARS = {
    "void": "void", "usize": "size_t", "f64": "double", "i8": "int8_t", "u8": "uint8_t", "i16": "int16_t", "u16": "uint16_t",
    "i32": "int32_t", "u32": "uint32_t", "i64": "int64_t", "u64": "uint64_t", "char": "char",
}  # fmt: skip


def without_comments(told):
    """The same without what may change freely, and with C's names where Rust's are keywords."""
    if isinstance(told, list):
        return [without_comments(part) for part in told]
    if isinstance(told, str):
        return told.removeprefix("r#")
    if isinstance(told, dict):
        return {key: without_comments(part) for key, part in told.items() if key not in ("comment", "backingTypeName", "cName")}
    return told


def declare(kind, name):
    """A C declaration of `name` with a type of the metadata."""
    match kind["kind"]:
        case "Pointer":
            const, target = "" if kind["isMutable"] else "const ", kind["type"]
            # const binds to what is pointed at: left of a type's name, right of another pointer's star.
            if target["kind"] == "Pointer":
                return declare(target, f"{const}*{name}")
            return const + declare(target, f"*{name}")
        case "Optional":
            return declare(kind["type"], name)
        case "Function":
            return declare(kind["returnType"], f"(*{name})({parameters(kind['valueParameters'])})")
        case "StaticArray":
            return declare(kind["type"], f"{name}[{kind['size']}]")
        case "Struct" | "Opaque" | "Enum":
            return f"{kind['name']} {name}"
        case scalar:
            return f"{SCALARS[scalar]} {name}"


def parameters(kinds):
    """A parameter list; metadata wraps the parameters of functions with their names, those of callbacks not."""
    return ", ".join(declare(kind.get("type", kind) if "name" in kind and "type" in kind else kind, "") for kind in kinds) or "void"


def check(told):
    """The C file."""
    lines = ["#include <stddef.h>", '#include "wool.h"', ""]
    for item in told:
        name = item["name"]
        if item["kind"] == "Struct":
            lines.append(f"struct lock_{name} {{")
            lines += [f"  {declare(field['type'], field['name'])};" for field in item["fields"]]
            lines.append("};")
            lines.append(f'_Static_assert(sizeof({name}) == sizeof(struct lock_{name}), "size of {name}");')
            for field in item["fields"]:
                at = f"{name}, {field['name']}"
                lines.append(f'_Static_assert(offsetof({at}) == offsetof(struct lock_{at}), "place of {at}");')
                mine, locked = f"&(({name} *)0)->{field['name']}", f"&((struct lock_{name} *)0)->{field['name']}"
                lines.append(f'_Static_assert(_Generic({mine}, __typeof__({locked}): 1, default: 0), "type of {at}");')
        elif item["kind"] == "Enum":
            lines += [f'_Static_assert({case["rustName"]} == {case["value"]}, "{case["rustName"]}");' for case in item["cases"]]
        elif item["kind"] == "Function" and name.startswith("abi_wool_"):
            lines.append(declare(item["returnType"], f"{name.removeprefix('abi_')}({parameters(item['valueParameters'])})") + ";")
    return "\n".join(lines) + "\n"


def main():
    told, target = sys.argv[1:]
    items = [item for item in without_comments(json.loads(Path(told).read_text())) if item["kind"] != "Comment"]
    items.sort(key=lambda item: (item["kind"], item["name"]))
    Path(target).write_text(check(items))
    lock = "[\n" + ",\n".join(json.dumps(item) for item in items) + "\n]\n"
    if LOCK.exists() and LOCK.read_text() == lock:
        return 0
    if os.environ.get("CI") == "true":
        print("ffi/abi.lock.json is stale: run ffi/check-abi.sh, review what changed, and commit it", file=sys.stderr)
        return 1
    LOCK.write_text(lock)
    print("ffi/abi.lock.json was rewritten: review what changed in the ABI")
    return 0


if __name__ == "__main__":
    sys.exit(main())
