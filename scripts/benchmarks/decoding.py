"""Benchmark of decoding: one page of 1000 section enrollments, bytes to models."""

import importlib
import json
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import msgspec

from benchmarks.measure import Figures, measure_milliseconds
from nexport_campus._auth.redaction import Scrubber
from nexport_campus._decoding.decoder import Decoder
from nexport_campus._decoding.gc_pause import gc_paused
from nexport_campus._decoding.response import ResponseReader
from nexport_campus._drift import DriftReporter
from nexport_campus._http.attempt import HttpResponse
from nexport_client.api.learning_api.learning_api_get_section_enrollments import OPERATION

__all__ = ["measure_decoding"]


def measure_decoding(page: bytes, runs: int) -> Figures:
    """Return milliseconds to decode a page; peers that are not installed are skipped."""
    return measure_milliseconds(
        {
            "nexport-campus": partial(_ours, page),
            "nexport-campus, a new key in every record": partial(_first_seen, _with_new_keys(page)),
            "nexport-campus, every record irregular": partial(_first_seen, _without_entities(page)),
            "stock client": partial(_stock, page),
            "openapi-generator": partial(_openapi_generator, page),
            "pydantic": partial(_pydantic, page),
            "orjson, the floor": partial(_orjson, page),
            "msgspec to dicts": partial(_msgspec, page),
        },
        runs,
    )


def _ours(page: bytes) -> Callable[[], object]:
    """Read the page as a call does, including the check for errors."""
    decoder = Decoder(DriftReporter(lambda drift: None))
    reader = ResponseReader(decoder, Scrubber())
    response = HttpResponse(200, httpx.Headers(), page)

    def read() -> object:
        with gc_paused():
            return reader.read(OPERATION, response)

    return read


def _first_seen(page: bytes) -> Callable[[], object]:
    """Read a page with a decoder that has observed nothing."""

    def read() -> object:
        return _ours(page)()

    return read


def _with_new_keys(page: bytes) -> bytes:
    items = json.loads(page)
    return json.dumps([item | {"never_seen": number} for number, item in enumerate(items)]).encode()


def _without_entities(page: bytes) -> bytes:
    """Read a page whose records all lack a required field, so that each takes the tolerant path."""
    items = json.loads(page)
    for item in items:
        del item["api_error_entity"]
    return json.dumps(items).encode()


def _stock(page: bytes) -> Callable[[], object]:
    model = importlib.import_module("stock.models").SectionEnrollmentsResponse
    return lambda: [model.from_dict(item) for item in json.loads(page)]


def _openapi_generator(page: bytes) -> Callable[[], object]:
    model = importlib.import_module("generator_httpx").SectionEnrollmentsResponse
    return lambda: [model.from_dict(item) for item in json.loads(page)]


def _pydantic(page: bytes) -> Callable[[], object]:
    model: Any = importlib.import_module("generator_httpx").SectionEnrollmentsResponse
    adapter = importlib.import_module("pydantic").TypeAdapter(types.GenericAlias(list, (model,)))
    return lambda: adapter.validate_json(page)


def _orjson(page: bytes) -> Callable[[], object]:
    orjson = importlib.import_module("orjson")
    return lambda: orjson.loads(page)


def _msgspec(page: bytes) -> Callable[[], object]:
    return lambda: msgspec.json.decode(page)
