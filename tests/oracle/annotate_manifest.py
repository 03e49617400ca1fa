#!/usr/bin/env python3
"""Writes a copy of a real project's manifest in which its nodes declare access.

    annotate_manifest.py MANIFEST CONFIG_DIR OUT [--every K]

Manifests of other people's projects say nothing to Rolecall, and nobody can add a `meta` to their
sources here; this adds `meta.rolecall` to every K-th node (all without `--every`), as dbt would have
written it there: at the place, or places, where that manifest's version keeps `meta`.

CONFIG_DIR has the `rolecall.yml` that the copy is for. A product whose `outputs` is `path:FOLDER`
or `fqn:A.B` takes the nodes that it selects, whose blocks then name no product; all other nodes get
`product:` the one product without `outputs`. Only the root project's nodes are taken, and those of
the packages that `packages:` lists. What is granted rotates through PATTERNS by the order of
`unique_id`, so that the same manifest always gives the same copy.

Prints what was done, as JSON: {"nodes": N, "by_product": {...}}. The copy is not pretty: dbt's own
values are written back as they were read.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import yaml

RESOURCE_TYPES = {"model", "seed", "snapshot", "source"}
PATTERNS = [
    {"analyst": ["read"]},
    {"analyst": ["read"], "engineer": ["read", "write"]},
    {"owner": ["admin"]},
    {"engineer": ["SELECT"], "owner": ["read"]},
    {"other.analyst": ["read"], "analyst": ["read"]},
]


def schema_version(manifest: dict) -> int:
    return int(re.search(r"/v(\d+)\.json$", manifest["metadata"]["dbt_schema_version"]).group(1))


def has_relation(node: dict) -> bool:
    if node.get("resource_type") not in RESOURCE_TYPES:
        return False
    return (node.get("config") or {}).get("materialized") != "ephemeral"


def root_package(manifest: dict, config: dict) -> str:
    """Before dbt 1.6 the manifest does not say: then the configuration's `deployment` must."""
    return manifest["metadata"].get("project_name") or config["deployment"]


def put_meta(node: dict, version: int, block: dict) -> None:
    """Where dbt writes it: node.meta (v1, v2, sources), config.meta (v3, v20), else both."""
    config = node.get("config")
    in_config = version >= 3 and isinstance(config, dict)
    if node["resource_type"] == "source":
        in_config = in_config and "meta" in config
    if in_config:
        config["meta"] = {**(config.get("meta") or {}), "rolecall": block}
    if not in_config or ("meta" in node and version not in (3, 20)):
        node["meta"] = {**(node.get("meta") or {}), "rolecall": block}


def selects(outputs: str, node: dict) -> bool:
    """The two kinds of selection that these configurations use; `fqn:` knows no sources in dbt."""
    method, _, value = outputs.partition(":")
    if method == "path":
        return node["original_file_path"].startswith(value.rstrip("/") + "/")
    if method == "fqn":
        parts = value.split(".")
        return node["resource_type"] != "source" and node["fqn"][: len(parts)] == parts
    raise ValueError(f"outputs: {outputs}")


def annotate(manifest: dict, config: dict, every: int) -> dict:
    version = schema_version(manifest)
    selecting, rest = {}, []
    for name, product in config["products"].items():
        outputs = (product or {}).get("outputs")
        if outputs:
            selecting[name] = outputs
        else:
            rest.append(name)
    (rest,) = rest
    packages = {root_package(manifest, config), *config.get("packages", [])}
    nodes = {**manifest["nodes"], **manifest.get("sources", {})}
    chosen = [
        node
        for _, node in sorted(nodes.items())
        if has_relation(node) and node["package_name"] in packages
    ][::every]
    by_product: dict = {}
    for index, node in enumerate(chosen):
        product = next((p for p, outputs in selecting.items() if selects(outputs, node)), None)
        other = rest if product else next(iter(selecting), rest)
        grants = PATTERNS[index % len(PATTERNS)]
        grants = {role.replace("other.", f"{other}."): list(what) for role, what in grants.items()}
        block = {"grants": grants} if product else {"product": rest, "grants": grants}
        put_meta(node, version, block)
        by_product[product or rest] = by_product.get(product or rest, 0) + 1
    return {"nodes": len(chosen), "by_product": by_product}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("config_dir", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="K")
    arguments = parser.parse_args()
    manifest = json.loads(arguments.manifest.read_text())
    config = yaml.safe_load((arguments.config_dir / "rolecall.yml").read_text())
    done = annotate(manifest, config, arguments.every)
    arguments.out.write_text(json.dumps(manifest))
    print(json.dumps(done))
    return 0 if done["nodes"] else 1


if __name__ == "__main__":
    sys.exit(main())
