"""Without an extra, its module says what to install, in the same words everywhere."""

import subprocess
import sys
from typing import Any

import pytest

from nexport_campus import ConfigurationError, NexportCampus, PasswordAuth

MODULES = {
    "aiohttp": ["aiohttp", "multidict"],
    "dlt": ["dlt"],
    "fastapi": ["fastapi"],
    "redis": ["redis", "redis.asyncio", "cryptography"],
}
IMPORT = """
import sys
sys.modules[{missing!r}] = None
try:
    import nexport_campus.{module}
except ImportError as error:
    print(error)
"""
CASES = [(module, missing) for module, names in MODULES.items() for missing in names]


@pytest.mark.parametrize(("module", "missing"), CASES, ids=[f"{module}-{name}" for module, name in CASES])
def test_a_module_whose_extra_is_missing(module: str, missing: str) -> None:
    """Importing it raises an ImportError with the command."""
    code = IMPORT.format(missing=missing, module=module)
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout == f'nexport_campus.{module} needs: pip install "nexport-campus[{module}]"\n'


def test_encryption_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting says the same in a ConfigurationError."""
    for name in ("cryptography", "cryptography.fernet"):
        monkeypatch.setitem(sys.modules, name, None)
    settings: dict[str, Any] = {"token_encryption_keys": ["a key"]}
    with pytest.raises(ConfigurationError) as caught:
        NexportCampus(PasswordAuth("ada", "secret"), **settings)
    assert str(caught.value) == 'token_encryption_keys needs: pip install "nexport-campus[redis]"'
