"""A separate environment for the peers, with the clients that other generators produce from the same spec."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["PEERS", "ROOT", "generate", "make_environment"]

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".benchmark"
_LOCK = ROOT / "requirements-benchmark.txt"
_FLAVOURS = {"asyncio": "generator_aiohttp", "httpx": "generator_httpx"}


def make_environment() -> Path:
    """Return the Python of the peers' environment, which is created if it is missing or out of date."""
    home = PEERS / "venv"
    stamp, wanted = home / "stamp", hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        print("Installing the peers into .benchmark (once; about a minute) ...", file=sys.stderr)
        _run(sys.executable, "-m", "venv", "--clear", str(home))
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--no-deps", "--require-hashes", "--requirement", str(_LOCK))
        _run(*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def generate(python: Path) -> list[str]:
    """Generate the peers' clients into `.benchmark/clients`; return a message for each that failed."""
    clients = PEERS / "clients"
    spec = PEERS / "spec.json"
    clients.mkdir(parents=True, exist_ok=True)
    spec.write_text(
        json.dumps(_readable(json.loads((ROOT / "openapi/nexport.json").read_text()))), encoding="utf-8"
    )
    missing = []
    for name, command in _commands(python.parent, spec, clients).items():
        if not (clients / name).exists():
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PEERS)
            if done.returncode:
                missing.append(f"{name}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return missing


def _commands(bin_folder: Path, spec: Path, clients: Path) -> dict[str, list[str]]:
    config = PEERS / "stock.yaml"
    config.write_text("package_name_override: stock\npost_hooks: []\n", encoding="utf-8")
    stock = [str(bin_folder / "openapi-python-client"), "generate", "--path", str(spec), "--meta", "none"]
    commands = {"stock": [*stock, "--output-path", str(clients / "stock"), "--config", str(config)]}
    for library, package in _FLAVOURS.items():
        tool = [str(bin_folder / "openapi-generator-cli"), "generate", "-i", str(spec), "-g", "python"]
        options = ["--library", library, "--package-name", package, "--skip-validate-spec"]
        commands[package] = [*tool, *options, "-o", str(clients / package)]
    return commands


def _readable(node: Any) -> Any:
    """Return the vendor's spec without the parts that other generators fail on: second media types, titles, examples."""
    if isinstance(node, list):
        return [_readable(item) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = {"text/json"} | ({"title", "default"} if "properties" in node else set())
    return {key: _readable(value) for key, value in node.items() if key not in dropped}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT)
