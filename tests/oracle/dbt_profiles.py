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

from dbt.config.profile import Profile
from dbt.config.renderer import ProfileRenderer
from dbt.config.utils import parse_cli_vars
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context


def made(case, folder):
    Path(folder, "profiles.yml").write_text(case["profiles"])
    set_invocation_context(case.get("env", {}))
    set_from_args(Namespace(PROFILES_DIR=folder), None)
    variables = parse_cli_vars(case.get("vars", "{}"))
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
    # What dbt prints on its way is not the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    results = []
    for case in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as folder:
            try:
                results.append(made(case, folder))
            except BaseException as error:  # click's and dbt's own among them
                results.append({"error": f"{type(error).__name__}: {error}"[:300]})
    json.dump(results, answer)
    answer.flush()


main()
