"""Generates the client with openapi-python-client as a library; every warning is an error."""

import contextlib
import io
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from jinja2 import TemplateError
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from . import name_checks, normalization, originals, view
from .errors import PipelineError
from .jsontext import Document
from .layout import Layout
from .spec import iterate_operations


def generate(document: Document, layout: Layout, output: Path) -> None:
    """Write the client's package into a folder that does not exist yet.

    Args:
        document: The contents of `openapi/nexport.sdk.json`.
        layout: The paths of settings and templates.
        output: The folder, with the name of the package.

    Raises:
        PipelineError: The generator reports anything, even a warning, or an operation would have no method.
    """
    originals.verify(layout)
    config = _load_config(layout, output)
    document = normalization.normalize(document)
    name_checks.check(document, Layout.SDK)
    data = GeneratorData.from_dict(document, config=config)
    if isinstance(data, GeneratorError) or _list_errors(data):
        raise _make_error(_list_errors(data))
    _check_complete(document, data)
    project = Project(openapi=data, config=config, custom_template_path=layout.templates)
    try:
        project.env.globals.update(view.make_template_globals(document, data))
    except ValueError as error:
        raise PipelineError(f"{Layout.SDK}: {error}") from error
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the generator prints the temporary folder's name
            found = project.build()
    except TemplateError as error:
        raise PipelineError(f"openapi/templates: a template cannot be rendered: {error}") from error
    if found:
        raise _make_error(found)
    (output / "py.typed").write_text("", encoding="utf-8")
    _format(layout, output)
    # After formatting, so that the copies are equal; they replace the modules that the generator writes for its own client.
    for file in layout.runtime.glob("*.py"):
        shutil.copyfile(file, output / file.name)


def find_objections(document: Document, layout: Layout) -> list[str]:
    """Return the problems that the generator reports for a document that has passed the checks, without generating anything."""
    data = GeneratorData.from_dict(
        normalization.normalize(document), config=_load_config(layout, layout.root)
    )
    return [
        f"{Layout.SDK}: the generator reports a problem; correct it in {Layout.OVERLAY}: {text}"
        for text in map(_describe, _list_errors(data))
    ]


def _load_config(layout: Layout, output: Path) -> Config:
    try:
        settings = YAML(typ="safe").load(layout.config)
        if unknown := sorted(settings.keys() - ConfigFile.model_fields.keys()):
            raise PipelineError(
                f"{layout.config.name}: unknown key {unknown[0]!r}; the generator would ignore it"
            )
        file = ConfigFile(**settings)
    except (YAMLError, ValueError, AttributeError) as error:
        raise PipelineError(f"{layout.config.name}: {error}") from error
    return Config.from_sources(
        file, MetaType.NONE, layout.root / layout.SDK, "utf-8", overwrite=False, output_path=output
    )


def _list_errors(data: GeneratorData | GeneratorError) -> list[GeneratorError]:
    """Return all errors and warnings of the generator for a document."""
    if isinstance(data, GeneratorError):
        return [data]
    collections = data.endpoint_collections_by_tag.values()
    return [*data.errors, *(error for collection in collections for error in collection.parse_errors)]


def _describe(error: GeneratorError) -> str:
    return f"{error.header.strip()} {error.detail or ''}".strip()


def _check_complete(document: Document, data: GeneratorData) -> None:
    """Raise PipelineError if a part of the document is missing from the output: dropped, or overwritten by another."""
    collections = data.endpoint_collections_by_tag.values()
    made = sum(len(collection.endpoints) for collection in collections)
    if made != len(list(iterate_operations(document))):
        raise PipelineError(f"{Layout.SDK}: only {made} of its operations would become methods")
    classes = [item.class_info for item in (*data.models, *data.enums)]
    _check_distinct((str(item.module_name) for item in classes), "schemas")
    for collection in collections:
        _check_distinct((str(endpoint.name) for endpoint in collection.endpoints), "operations")


def _check_distinct(modules: Iterable[str], what: str) -> None:
    for module, count in Counter(modules).most_common(1):
        if count > 1:
            raise PipelineError(
                f"{Layout.SDK}: {count} {what} would be written into one module, {module}.py; rename one"
            )


def _make_error(errors: Iterable[GeneratorError]) -> PipelineError:
    texts = map(_describe, errors)
    return PipelineError(
        f"{Layout.SDK}: the generator reports a problem; correct it in {Layout.OVERLAY}:\n" + "\n".join(texts)
    )


def _format(layout: Layout, folder: Path) -> None:
    """Sort imports and format by this repository's ruff settings, wherever the folder is."""
    common = ["--config", str(layout.rules), "--no-cache", "--no-respect-gitignore", "--quiet", str(folder)]
    for arguments in (["check", "--select", "I,F", "--fix"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, *common],
            capture_output=True,
            text=True,
            check=False,
            cwd=layout.root,
        )
        if done.returncode:
            raise PipelineError(
                f"ruff {arguments[0]} fails on the generated code:\n{done.stdout}{done.stderr}".strip()
            )
