"""Benchmark of decoding: one page of 1000 section enrollments, bytes to models."""

import importlib
import json
import types
from collections.abc import Callable
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
    contenders = {
        "nexport-campus": _ours(page, _decoder()),
        "nexport-campus, a new key in every record": _first_seen(_with_new_keys(page)),
        "nexport-campus, every record irregular": _first_seen(_without_entities(page)),
    }
    for name, make in {
        "stock client": _stock,
        "openapi-generator": _openapi_generator,
        "pydantic": _pydantic,
        "orjson, the floor": _orjson,
    }.items():
        try:
            contenders[name] = make(page)
        except ImportError:
            continue
    contenders["msgspec to dicts"] = lambda: msgspec.json.decode(page)
    return measure_milliseconds(contenders, runs)


def _decoder() -> Decoder:
    """Return a decoder that has observed nothing yet."""
    return Decoder(DriftReporter(lambda drift: None))


def _ours(page: bytes, decoder: Decoder) -> Callable[[], object]:
    """Read the page as a call does, including the check for errors."""
    reader = ResponseReader(decoder, Scrubber())
    response = HttpResponse(200, httpx.Headers(), page)

    def read() -> object:
        with gc_paused():
            return reader.read(OPERATION, response)

    return read


def _first_seen(page: bytes) -> Callable[[], object]:
    """Read a page with a decoder that has observed nothing."""

    def read() -> object:
        return _ours(page, _decoder())()

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
