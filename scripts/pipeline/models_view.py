"""Template records of models and enums."""

from collections.abc import Mapping
from typing import Any

import attrs

from pipeline.arguments_view import find_request_constant
from pipeline.docstrings import to_one_line
from pipeline.python_names import property_name
from pipeline.schema_kinds import choose_kind, is_nullable

__all__ = ["EnumView", "FieldView", "ModelView", "Reference", "make_enum_view", "make_model_view"]


@attrs.frozen
class Reference:
    """A reference to a model or an enum, with its module."""

    name: str
    module: str


@attrs.frozen
class FieldView:
    """One attribute of a model."""

    attribute: str
    annotation: str
    doc: str
    required: bool
    secret: bool
    wire: str
    constant: object = None
    """The value that a request must have there, as a JSON object."""
    model: str = ""

    @property
    def default(self) -> str:
        """The first arguments of attrs' `field`: the default, if there is one."""
        if self.constant is not None:
            return f"factory=lambda: load_class({self.model!r}).from_dict({self.constant!r}), "
        return "" if self.required else "default=None, "


@attrs.frozen
class ModelView:
    """One model."""

    name: str
    doc: str
    fields: list[FieldView]
    imports: list[str]
    kind_imports: list[str]
    references: list[Reference]

    @property
    def description(self) -> str:
        """The description as a Python literal."""
        return repr(self.doc)

    @property
    def needs_registry(self) -> bool:
        """Whether a default is a model, found by its name."""
        return any(field.constant is not None for field in self.fields)


@attrs.frozen
class Label:
    """The vendor's name of an enum value, as a Python literal."""

    value: int
    text: str


@attrs.frozen
class EnumView:
    """One enum."""

    name: str
    doc: str
    labels: list[Label]

    @property
    def description(self) -> str:
        """The description as a Python literal."""
        return repr(self.doc)


def make_enum_view(name: str, schema: Mapping[str, Any]) -> EnumView:
    """Return the record of an enum schema."""
    texts = schema.get("x-enum-labels") or schema.get("x-enum-varnames") or schema["enum"]
    labels = [Label(value, repr(str(text))) for value, text in zip(schema["enum"], texts, strict=True)]
    return EnumView(name, to_one_line(schema.get("description")), labels)


def make_model_view(
    name: str, schemas: Mapping[str, Any], modules: Mapping[str, str], *, in_requests: bool
) -> ModelView:
    """Return the record of an object schema; `modules` maps models and enums to their modules."""
    schema = schemas[name]
    fields, imports = [], {"from typing import Any"}
    kinds: set[str] = set()
    references: set[str] = set()
    for key, value in schema.get("properties", {}).items():
        try:
            kind = choose_kind(value, schemas)
        except ValueError as error:
            raise ValueError(f"#/components/schemas/{name}/properties/{key}: {error}") from error
        required = key in schema.get("required", [])
        nullable = is_nullable(value)
        optional = " | None" if (nullable or not required) and kind.annotation != "Any" else ""
        marks = ", required=True" * required + ", nullable=True" * nullable
        if described := to_one_line(value.get("description"), otherwise=""):
            marks += f", description={described!r}"
        fields.append(
            FieldView(
                attribute=property_name(key, value),
                annotation=kind.annotation + optional,
                doc=to_one_line(value.get("description")),
                required=required,
                secret=value.get("x-nexport-secret", False),
                wire=f"wire({key!r}, {kind.code}{marks})",
                constant=find_request_constant(value, schemas) if in_requests and required else None,
                model=kind.annotation,
            )
        )
        imports |= {line for line in kind.imports if "collections" not in line}
        kinds |= kind.kinds
        references |= kind.references - {name}
    if references:
        imports.add("from typing import TYPE_CHECKING")
    return ModelView(
        name=name,
        doc=to_one_line(schema.get("description"), otherwise=f"The vendor's {name}."),
        fields=fields,
        imports=sorted(imports),
        kind_imports=sorted(kinds),
        references=[Reference(item, modules[item]) for item in sorted(references)],
    )
