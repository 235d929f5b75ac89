"""FastAPI support for the SDK's classes as request bodies, and as results without a response model."""

import warnings
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import attrs
from fastapi.dependencies import utils
from fastapi.encoders import ENCODERS_BY_TYPE, jsonable_encoder

from nexport_client.results import JSONResult
from nexport_client.types import Model

__all__ = ["encode_results", "take_models_from_the_body"]

_DECIDES: Final = "field_annotation_is_scalar"


def take_models_from_the_body() -> None:
    """Make FastAPI read arguments of the SDK's classes from the request's body, as it does for pydantic's models.

    FastAPI decides by the class only: pydantic models, dataclasses, mappings and sequences come from the body,
    anything else from the query, whatever its schema. Registering the models as mappings would affect every library
    in the process; wrapping the deciding function changes nothing for other classes.
    """
    decides = getattr(utils, _DECIDES, None)
    if decides is None:
        warnings.warn(
            "this version of FastAPI is unknown to nexport_campus.fastapi: declare models in request bodies as "
            "Annotated[Model, Body()]",
            RuntimeWarning,
            stacklevel=3,
        )
    elif not hasattr(decides, "__wrapped__"):

        def is_scalar(annotation: Any) -> bool:
            return bool(decides(annotation=annotation)) and not _is_sdk_class(annotation)

        is_scalar.__wrapped__ = decides  # type: ignore[attr-defined]  # marks it as patched
        setattr(utils, _DECIDES, is_scalar)


def _is_sdk_class(annotation: Any) -> bool:
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(map(_is_sdk_class, get_args(annotation)))
    return isinstance(annotation, type) and issubclass(annotation, Model | JSONResult)


def encode_results() -> None:
    """Allow path operations without a response model to return the SDK's own classes."""
    for cls in JSONResult.__subclasses__():
        ENCODERS_BY_TYPE[cls] = lambda result: jsonable_encoder(attrs.asdict(result, recurse=False))
