"""Writes manifest.json and expected.json as real dbt 1.11 (with dbt-postgres) gives them.

    python record.py

needs no warehouse. The manifest is kept without what no selection looks at.
"""
import json
import pathlib
import sys

from dbt.cli.main import dbtRunner

here = pathlib.Path(__file__).parent.resolve()
where = ["--project-dir", str(here), "--profiles-dir", str(here), "--quiet"]


def run(*args, manifest=None):
    result = dbtRunner(manifest=manifest).invoke([*args, *where])
    if not result.success:
        sys.exit(f"{args}: {result.exception or 'failed'}")
    return result.result


run("deps")
manifest = run("parse", "--no-partial-parse")
types = [f"--resource-type={kind}" for kind in ("model", "seed", "snapshot", "source")]
expected = {}
for expression in (here / "expressions.txt").read_text().splitlines():
    lines = run("ls", "--select", expression, *types, "--output", "json",
                "--output-keys", "unique_id", manifest=manifest)
    expected[expression] = sorted(json.loads(line)["unique_id"] for line in lines or [])
written = json.loads((here / "target" / "manifest.json").read_text())
for key in list(written):
    if key not in ("metadata", "nodes", "sources"):
        written[key] = {} if isinstance(written[key], dict) else None
for node in [*written["nodes"].values(), *written["sources"].values()]:
    node.pop("root_path", None)
for key in ("generated_at", "invocation_id", "invocation_started_at", "user_id", "run_started_at"):
    written["metadata"].pop(key, None)
text = json.dumps(written, indent=1, sort_keys=True)
assert str(here) not in text
(here / "manifest.json").write_text(text + "\n")
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
print(len(expected), "expressions,", sum(map(bool, expected.values())), "select something")
