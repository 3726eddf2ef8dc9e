"""Draws a committee again from its published record: python draw_again.py RECORD.json [SHA256]

RECORD.json is what the portal publishes under /registry/draws/<number>.json; SHA256, if given, is the digest as the
minutes have it, or as it was published on the day of the draw. What is printed is explained in docs/expert-draw.md.
"""

import hashlib
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    record = json.load(file)
sealed = {**record["snapshot"], "seed": record["seed"], "count": record["count"]}
text = json.dumps(sealed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
if {record["sha256"], *sys.argv[2:]} != {hashlib.sha256(text.encode()).hexdigest()}:
    sys.exit("The record was changed: the SHA-256 of its snapshot, seed and count is not the one that was published.")
order = sorted(sealed["pool"], key=lambda number: hashlib.sha256(f"{sealed['seed']}:{number}".encode()).hexdigest())
drawn, waiting = order[: sealed["count"]], order[sealed["count"] :]
if drawn != record["drawn"]:
    sys.exit(f"Not the same people: drawn again {drawn}, on record {record['drawn']}.")
seated, passed = {*drawn}, list[str]()
for change in record["replacements"]:
    gone, by, why = change["number"], change["by"], {one["number"]: one["reason"] for one in change.get("passed", [])}
    over = waiting[: waiting.index(by)] if by in waiting else waiting
    if gone not in seated or by not in (None, *waiting) or {*over} != {*why}:
        sys.exit(f"{by} was not the next of those left who were not passed over for a reason when {gone} was replaced.")
    passed += [f"{number} ({why[number]})" for number in over]
    waiting, seated = waiting[len(over) + 1 :], seated - {gone} | {by}
print("The same people:", ", ".join(drawn))
print("Passed over when their turn came:", ", ".join(passed) or "nobody")
