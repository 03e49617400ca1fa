"""Writes what real dbt 1.11 (with dbt-postgres) selects, for many expressions.

    python record.py [--check]

writes, without a warehouse, `manifest.json` (of the project here), `expected.json` (of it) and
`sales_analytics.json` (of the project beside, whose manifest `../regenerate` writes). `--check`
writes nothing and exits 1 where a file would change.

Expressions are those of expressions.txt, the selectors of selectors.yml, and many made up here
from a fixed seed. All of them are asked of dbt's own `ls` task in one process; some of them once
more by whole `dbt ls` commands, so that the short way is seen to be the same. The manifest is kept
without what no selection looks at.
"""
import contextlib
import io
import json
import pathlib
import random
import sys
import tempfile

from dbt.cli.main import dbtRunner
from dbt.graph import parse_difference
from dbt.task.list import ListTask
from dbt_common.events.contextvars import task_contextvars

here = pathlib.Path(__file__).parent.resolve()
check = "--check" in sys.argv[1:]
KINDS = ("model", "seed", "snapshot", "source")
TYPES = [f"--resource-type={kind}" for kind in KINDS]


class Project:
    """A dbt project, parsed once."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.out = tempfile.mkdtemp()
        self.where = [*arguments, "--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet",
                      "--log-path", self.out, "--no-send-anonymous-usage-stats"]
        self.manifest = None
        if (folder / "packages.yml").exists():
            self.run("deps")
        self.where += ["--target-path", self.out]
        self.manifest = self.run("parse", "--no-partial-parse")

    def run(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            result = dbtRunner(manifest=self.manifest).invoke([*arguments, *self.where])
        if not result.success:
            raise RuntimeError(f"{arguments}: {result.exception or said.getvalue()}")
        return result.result

    def written(self):
        return json.loads((pathlib.Path(self.out) / "manifest.json").read_text())

    def ls(self, case):
        """By the whole command."""
        said = []
        for flag in ("select", "exclude", "selector"):
            if case.get(flag):
                said += ["--" + flag, case[flag]]
        lines = self.run("ls", *said, *TYPES, "--output", "json", "--output-keys", "unique_id")
        return sorted(json.loads(line)["unique_id"] for line in lines or [])

    def ask(self, cases):
        """By the task of one command, which dbt has set up."""
        answers = []

        def run(task):
            with task_contextvars(project_root=task.config.project_root):
                task.compile_manifest()
                selector = task.get_node_selector()
                for case in cases:
                    answers.append(self.answer(task, selector, case))
            return []

        ours, ListTask.run = ListTask.run, run
        try:
            self.run("ls", *TYPES, "--select", "*")
        finally:
            ListTask.run = ours
        return answers

    @staticmethod
    def answer(task, selector, case):
        words = lambda flag: tuple(case[flag].split(" ")) if case.get(flag) else None
        try:
            if case.get("selector"):
                spec = task.config.get_selector(case["selector"])
            else:
                spec = parse_difference(words("select"), words("exclude"))
            return sorted(selector.get_selected(spec))
        except Exception:
            return None


class Maker:
    """Makes expressions up from what a manifest has."""

    def __init__(self, manifest, seed):
        self.random = random.Random(seed)
        nodes = list(manifest["nodes"].values())
        self.models = sorted(n["name"] for n in nodes if n["resource_type"] in KINDS)
        self.atoms = sorted(set(self.all_atoms(manifest, nodes)))

    def all_atoms(self, manifest, nodes):
        for node in nodes:
            fqn = node["fqn"]
            for end in range(1, len(fqn) + 1):
                yield ".".join(fqn[:end])
                yield ".".join(fqn[1:end]) or "*"
            yield ".".join([*fqn[:-1], "*"])
            for tag in node.get("tags", []):
                yield f"tag:{tag}"
                yield f"tag:{tag[:2]}*"
            path = node["original_file_path"]
            yield f"path:{path}"
            yield f"path:{path.rsplit('/', 1)[0]}"
            yield f"path:{path.split('/')[0]}/*"
            yield f"file:{path.rsplit('/', 1)[1]}"
            yield f"resource_type:{node['resource_type']}"
            yield f"package:{node['package_name']}"
            config = node["config"]
            if config.get("group"):
                yield f"group:{config['group']}"
            if node.get("access"):
                yield f"access:{node['access']}"
            yield from self.config("config", {k: v for k, v in config.items() if "-" not in k})
        for source in manifest["sources"].values():
            yield f"source:{source['source_name']}"
            yield f"source:{source['source_name']}.{source['name']}"
            yield f"source:*.{source['name']}"
            yield from self.config("config", source["config"])
        for exposure in manifest["exposures"].values():
            yield f"exposure:{exposure['name']}"
        yield from ("version:latest", "version:old", "version:prerelease", "version:none", "package:this")

    def config(self, path, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from self.config(f"{path}.{key}", inner)
        elif isinstance(value, list):
            for inner in value:
                if isinstance(inner, (str, int)):
                    yield f"{path}:{inner}"
        elif isinstance(value, (str, int)) and " " not in str(value) and "," not in str(value):
            yield f"{path}:{value}"

    def wildcard(self, text):
        at = self.random.randrange(len(text))
        return text[:at] + self.random.choice(["*", "?", "*" + text[at + 1:], "[!x]" + text[at + 1:]])

    def one(self):
        draw = self.random
        text = self.wildcard(draw.choice(self.models)) if draw.random() < 0.25 else draw.choice(self.atoms)
        kind = draw.random()
        if kind < 0.12:
            return "@" + text
        if kind < 0.62:
            before = draw.choice(["", "", "+", "1+", "2+", "3+"])
            after = draw.choice(["", "", "+", "+1", "+2"])
            return before + text + after
        return text

    def union(self):
        draw = self.random
        parts = [",".join(self.one() for _ in range(draw.choice([1, 1, 1, 2, 2, 3])))
                 for _ in range(draw.choice([1, 1, 2, 3]))]
        return " ".join(parts)

    def case(self):
        kind = self.random.random()
        if kind < 0.6:
            return {"select": self.union()}
        if kind < 0.9:
            return {"select": self.union(), "exclude": self.union()}
        return {"exclude": self.union()}


def record(project, cases):
    """What dbt answers to each case, once; null where it answers with an error."""
    once = {json.dumps(case, sort_keys=True): case for case in cases}
    cases = [once[key] for key in once]
    answers = project.ask(cases)
    for at in range(0, len(cases), 40):
        if answers[at] is not None and project.ls(cases[at]) != answers[at]:
            sys.exit(f"dbt ls says something else: {cases[at]}")
    return [{**case, "nodes": nodes} for case, nodes in zip(cases, answers)]


def lean(written):
    """The manifest without what selections do not look at, and without times and places."""
    keep = ("metadata", "nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries",
            "unit_tests", "functions")
    for key in list(written):
        if key not in keep:
            written[key] = {} if isinstance(written[key], dict) else None
    drop = ("root_path", "created_at", "raw_code", "checksum", "language", "docs", "doc_blocks",
            "unrendered_config", "build_path", "compiled_path", "contract", "primary_key", "schema_",
            "extra_ctes", "extra_ctes_injected", "compiled", "compiled_code", "refs", "sources", "metrics")
    for section in keep[1:]:
        for node in written.get(section, {}).values():
            for key in drop:
                node.pop(key, None)
    for key in ("generated_at", "invocation_id", "invocation_started_at", "user_id", "run_started_at"):
        written["metadata"].pop(key, None)
    text = json.dumps(written, indent=1, sort_keys=True)
    assert str(here) not in text
    return text + "\n"


def lines(cases):
    """One case on a line, so that a change is seen where it is."""
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"


def keep(name, text, changed):
    path = here / name
    same = path.exists() and path.read_text() == text
    print("unchanged " if same else "differs   " if check else "written   ", f"dbt_fixtures/{here.name}/{name}")
    if not same:
        changed.append(name)
        if not check:
            path.write_text(text)


def main():
    changed = []
    project = Project(here)
    written = project.written()
    selectors = [line.split("name: ")[1] for line in (here / "selectors.yml").read_text().splitlines()
                 if line.startswith("  - name: ")]
    cases = [{"select": line} for line in (here / "expressions.txt").read_text().splitlines()]
    cases += [{"selector": name} for name in selectors]
    maker = Maker(written, 20261101)
    cases += [maker.case() for _ in range(300)]
    keep("expected.json", lines(record(project, cases)), changed)
    keep("manifest.json", lean(written), changed)

    beside = Project(here.parent / "sales_analytics", "--target", "prod")
    maker = Maker(beside.written(), 7)
    keep("sales_analytics.json", lines(record(beside, [maker.case() for _ in range(200)])), changed)
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
