"""What dbt makes of profiles: one JSON list of cases on stdin, one of results on stdout.

A case: {"profiles": text of profiles.yml, "project": value of `profile:`, "profile": --profile,
"target": -t, "vars": text of --vars, "env": variables}. A result: {"error": ...} or what the
connection would be made with.
"""
import json
import os
import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from dbt.cli.option_types import YAML
from dbt.config.profile import Profile
from dbt.config.renderer import ProfileRenderer
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context


def made(case, folder):
    Path(folder, "profiles.yml").write_text(case["profiles"])
    set_invocation_context(case.get("env", {}))
    set_from_args(Namespace(PROFILES_DIR=folder), None)
    variables = YAML().convert(case.get("vars", "{}"), None, None) if "vars" in case else {}
    renderer = ProfileRenderer(variables)
    name = renderer.render_value(case.get("project"))
    profile = Profile.render(renderer, name, case.get("profile"), case.get("target"))
    credentials = profile.credentials.to_dict(omit_none=True)
    for alias in profile.credentials._ALIASES:
        credentials.pop(alias, None)
    return {
        "profile": profile.profile_name,
        "target": profile.target_name,
        "type": profile.credentials.type,
        "credentials": credentials,
    }


def main():
    results = []
    for case in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as folder:
            try:
                results.append(made(case, folder))
            except BaseException as error:  # click's and dbt's own among them
                results.append({"error": f"{type(error).__name__}: {error}"[:300]})
    os.dup2(1, 2)
    json.dump(results, sys.stdout)


main()
