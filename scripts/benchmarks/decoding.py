"""One page of 1000 section enrollments, bytes to models."""

import importlib
import json
import types
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.measure import Figures, seconds
from benchmarks.server import section_page
from nexport_campus._decode import NO_MATCH

__all__ = ["decoding"]


def decoding(runs: int) -> Figures:
    """Milliseconds a page takes; peers that are not there are left out."""
    page = section_page()
    contenders: dict[str, Callable[[], object]] = {
        "nexport-campus": _ours(page),
        "nexport-campus, an odd page": _odd(page),
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
    return seconds(contenders, runs)


def _decoder() -> tuple[Any, Any]:
    from nexport_campus._decode import Decoder
    from nexport_campus._drift import DriftReporter
    from nexport_client.api.learning_api.learning_api_get_section_enrollments import OPERATION

    return Decoder(DriftReporter(lambda drift: None)), OPERATION


def _ours(page: bytes) -> Callable[[], object]:
    decoder, operation = _decoder()
    return lambda: decoder.fast(operation.result, page)


def _odd(page: bytes) -> Callable[[], object]:
    """The page with a key in every element that was never seen before: read by a client that has learned nothing."""
    items = json.loads(page)
    odd = json.dumps([item | {"never_seen": number} for number, item in enumerate(items)]).encode()

    def read() -> object:
        decoder, operation = _decoder()
        assert decoder.fast(operation.result, odd) is NO_MATCH
        return decoder.elements(operation.id, operation.result, odd)

    return read


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
