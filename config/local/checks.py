"""`./run test`: every check one after another, then the tests, and a summary.

Knows which tools there are, and nothing of what they check.
"""

import difflib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping

from config.local import ROOT
from config.local.environment import deployed_environment, environment_of_tests
from config.local.running import LOCAL, embedded

Environment = Mapping[str, str]

PYTHON = sys.executable
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
OURS = ("config", "tenants", "whatsapp", "conversations", "agent")
TOOLS = {
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "ruff check": ["-m", "ruff", "check", "."],
    "import contracts": ["-c", LINT_IMPORTS],
    "mypy": ["-m", "mypy", *OURS, "benchmarks", "tests", "manage.py"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
}


def check(pytest_arguments: list[str]) -> bool:
    """True when everything passed. With arguments only pytest runs, with these."""
    environment = environment_of_tests(os.environ)
    with embedded(environment, LOCAL / "postgres-test", forgetful=True):
        if pytest_arguments:
            return pytest(environment, *pytest_arguments)
        return everything(environment)


def everything(environment: Environment) -> bool:
    """All of it, even after a failure: one run says all there is to mend."""
    deployed = deployed_environment(environment)
    results = {name: step(name, environment, *command) for name, command in TOOLS.items()}
    results["deployment"] = step("deployment", deployed, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    results["openapi.yaml"] = openapi(environment)
    results["browser"] = browser(environment)
    results["tests"] = pytest(environment, "-n", "2")
    failed = [name for name, passed in results.items() if not passed]
    print(f"\nFAILED: {', '.join(failed)}" if failed else "\nEverything passed.", flush=True)
    return not failed


def step(name: str, environment: Environment, *command: str) -> bool:
    started = time.monotonic()
    done = _python(environment, *command)
    return report(name, started, done.returncode == 0, done.stdout + done.stderr)


def openapi(environment: Environment) -> bool:
    """openapi.yaml is generated; a hand on it, or a forgotten step, shows here."""
    started = time.monotonic()
    made = _python(environment, "manage.py", "spectacular", "--validate", "--fail-on-warn")
    if made.returncode != 0:
        return report("openapi.yaml", started, passed=False, output=made.stdout + made.stderr)
    path = ROOT / "openapi.yaml"
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    drift = list(
        difflib.unified_diff(kept.splitlines(), made.stdout.splitlines(), "openapi.yaml", "the code", "", "", 1)
    )
    advice = ["Mend it with: ./run manage spectacular --file openapi.yaml"]
    return report("openapi.yaml", started, not drift, "\n".join(drift[:40] + advice))


def browser(environment: Environment) -> bool:
    """Without one its tests are skipped, which is said, and which CI does not accept."""
    if any(shutil.which(name) for name in BROWSERS):
        return True
    print("no Chromium found: browser tests will be skipped (apt install chromium)", flush=True)
    return environment.get("CI", "").lower() not in {"true", "1"}


def pytest(environment: Environment, *arguments: str) -> bool:
    command = [PYTHON, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def report(name: str, started: float, passed: bool, output: str) -> bool:
    print(f"{name:<18}{time.monotonic() - started:5.1f} s  {'ok' if passed else 'FAILED'}", flush=True)
    if not passed:
        print(output.rstrip(), "\n", flush=True)
    return passed


def _python(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PYTHON, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
