from pathlib import Path

import pytest

from tests.dlt_source.warehouse import Warehouse


@pytest.fixture(autouse=True)
def quiet_dlt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep dlt from reporting to its makers, and from reading this machine's configuration."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_PROJECT_DIR", str(tmp_path))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Warehouse:
    """An empty DuckDB."""
    return Warehouse(tmp_path, "duckdb", str(tmp_path / "warehouse.duckdb"))


@pytest.fixture
def postgres_warehouse(tmp_path: Path, postgres_url: str) -> Warehouse:
    """An empty PostgreSQL database."""
    # dlt insists on a password; this server accepts any.
    return Warehouse(tmp_path, "postgres", postgres_url.replace("postgres@", "postgres:unused@", 1))
