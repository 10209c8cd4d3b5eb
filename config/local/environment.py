"""The environment of one's own machine: what the person gave, and a working value for everything else.

Sets nothing in this process and never imports the settings: the children get the result and read it themselves.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import environ

from config.local import ROOT, CannotGoOn

TESTS = {
    "ENV_FILE": os.devnull,
    "DEBUG": "false",
    "SECRET_KEY": "test-secret-key-that-is-long-enough-and-signs-nothing-of-value",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost,agents.example",
    "SECURE_SSL_REDIRECT": "false",
    "META_APP_ID": "111222333",
    "META_APP_SECRET": "test_app_secret",
    "META_CONFIG_ID": "444555666",
    "META_REDIRECT_URI": "https://agents.example/oauth/meta/callback",
    "META_WEBHOOK_VERIFY_TOKEN": "test_verify_token",
    "ANTHROPIC_API_KEY": "test_key",
    "ANSWER_WAIT_SECONDS": "0",
    "ENCRYPTION_KEYS": f"test:{base64.b64encode(b'thirty-two bytes, for tests only').decode()}",
}


def local_environment(given: Mapping[str, str], *, port: int, sandbox_port: int, root: Path = ROOT) -> dict[str, str]:
    """What is given wins over `.env`, and both over the defaults. An empty value counts as not given."""
    own = {name: value for name, value in (read_env_file(root / ".env") | dict(given)).items() if value}
    refuse_production(own)
    return {**_defaults(port, sandbox_port, root), **_model(own, sandbox_port), **kept_secrets(root / ".local"), **own}


def environment_of_tests(given: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """The same on every machine: nothing of `.env`, nor of any variable that `.env.example` explains, gets in."""
    explained = re.findall(r"^#? ?([A-Z0-9_]+)=", (root / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    ours = set(explained) - {"DATABASE_URL"}
    return {name: value for name, value in given.items() if name not in ours} | TESTS


def deployed_environment(tests: Mapping[str, str]) -> dict[str, str]:
    """What a production would set, for Django's own list of questions before a deployment."""
    changed = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECURE_SSL_REDIRECT": "true",
        "ALLOWED_HOSTS": "agents.example",
    }
    return {**tests, **_new_secrets(), **changed}


def read_env_file(path: Path) -> dict[str, str]:
    """Read as the settings read it, but into a dictionary of its own instead of this process's environment."""
    values: dict[str, str] = {}
    if path.exists():
        reader: Any = type("Reader", (environ.Env,), {"ENVIRON": values})
        reader.read_env(path)
    return values


def refuse_production(own: Mapping[str, str]) -> None:
    if own.get("DEBUG", "true").lower() not in environ.Env.BOOLEAN_TRUE_STRINGS:
        raise CannotGoOn(
            "./run is for one's own machine: its database, secrets and demo data are no production,\n"
            'so it refuses DEBUG=false. Unset DEBUG, or see "Production" in README.md.'
        )


def kept_secrets(directory: Path) -> dict[str, str]:
    """Made once, by whoever comes first, and kept: another key could not open what the database holds."""
    path = directory / "secrets.json"
    if not path.exists():
        directory.mkdir(exist_ok=True)
        _write_once(path, json.dumps(_new_secrets(), indent=2) + "\n")
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CannotGoOn(f"{path} is damaged ({error}). Remove .local to begin anew, its database too.") from error
    return kept


def _new_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "META_APP_SECRET": secrets.token_hex(16),
        "META_WEBHOOK_VERIFY_TOKEN": secrets.token_urlsafe(24),
    }


def _write_once(path: Path, content: str) -> None:
    """Whole or not at all, and never over a file that somebody else was quicker to write."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _defaults(port: int, sandbox_port: int, root: Path) -> dict[str, str]:
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    return {
        "DEBUG": "true",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "META_APP_ID": "111222333",
        "META_CONFIG_ID": "444555666",
        "META_REDIRECT_URI": f"http://127.0.0.1:{port}/oauth/meta/callback",
        "META_GRAPH_API_URL": f"{sandbox}/graph",
        "META_DIALOG_URL": sandbox,
        "MEDIA_ROOT": str(root / ".local" / "media"),
        "PYTHONUNBUFFERED": "1",
    }


def _model(own: Mapping[str, str], sandbox_port: int) -> dict[str, str]:
    """The make-believe model, unless there is a key for the real one."""
    if "ANTHROPIC_API_KEY" in own:
        return {}
    return {"ANTHROPIC_API_KEY": "sandbox", "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{sandbox_port}/anthropic"}
