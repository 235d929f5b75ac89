"""Converts the vendor's names to Python: attributes, arguments, methods, namespaces."""

import re
from collections.abc import Mapping

from openapi_python_client.strings import PythonIdentifier, snake_case

__all__ = [
    "TAKEN_AREAS",
    "TAKEN_CLASSES",
    "area_name",
    "argument_name",
    "attribute_name",
    "method_name",
    "property_name",
]

# Names that generated class and method bodies use; the generator adds an underscore to keywords and builtins.
_TAKEN_ATTRIBUTES = {
    *("additional_properties", "columns", "define", "field", "from_dict", "to_dict", "to_row", "wire"),
}
_TAKEN_ARGUMENTS = {"conceal"}
_TAKEN_METHODS = {"deprecated"}
# Attributes of the client besides the namespaces.
TAKEN_AREAS = {
    "aclose",
    "enrollment_changes",
    "ensure_enrollment",
    "from_env",
    "get_enrollments_by_id",
    "get_sections_by_id",
    "raw",
    "request",
    "request_pages",
    "with_options",
}
# Imports of the generated modules besides models and enums.
TAKEN_CLASSES = {
    *(
        "Any",
        "Array",
        "AsyncPager",
        "Caller",
        "EnumOf",
        "FailureSign",
        "Final",
        "Iterable",
        "MapOf",
        "Mapping",
        "Model",
        "ModelOf",
        "Nullable",
        "OpenIntEnum",
    ),
    *("Operation", "Paging", "Parameter", "RawResponse", "Sequence", "UUID", "Unset"),
}


def attribute_name(key: str) -> str:
    """Return the attribute name of a field: `creditHours` is `credit_hours`, `class` is `class_`."""
    return _free(_identifier(key), _TAKEN_ATTRIBUTES)


def property_name(key: str, schema: object) -> str:
    """Return the attribute name of a field: the overlay's (`x-nexport-name`), or one made of the key."""
    given = schema.get("x-nexport-name") if isinstance(schema, Mapping) else None
    return str(given) if given else attribute_name(key)


def argument_name(key: str) -> str:
    """Return the argument name of a parameter or of a field of the body."""
    return _free(_identifier(key), _TAKEN_ARGUMENTS)


def method_name(operation_id: str) -> str:
    """Return the method name of an operation: `LearningApi_GetSection` is `get_section`."""
    name = str(PythonIdentifier(str(snake_case(operation_id.split("_", 1)[1])), "operation_"))
    return _free(name, _TAKEN_METHODS)


def area_name(tag: str) -> str:
    """Return the namespace of a tag: `PointOfSaleApi` is `point_of_sale`."""
    return str(PythonIdentifier(tag.removesuffix("Api"), "area_"))


def _identifier(key: str) -> str:
    """Return the identifier of a key such as `$type`, `cmi.core.score` or `ids[]`."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_")
    return str(PythonIdentifier(words or key, "field_"))


def _free(name: str, taken: set[str]) -> str:
    return f"{name}_" if name in taken else name
