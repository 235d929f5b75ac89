"""Signatures as users need them: those that attrs generates, without private parameters, with values for constants."""

from collections.abc import Iterator
from typing import Any

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    ExprName,
    Extension,
    Function,
    GriffeLoader,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)

__all__ = ["AsCalled"]

_MADE_BY_ATTRS = "attrs.frozen"


class AsCalled(Extension):
    """Adds the `__init__` that attrs generates, hides private parameters, and shows the values of the client's constants."""

    def on_class(self, *, cls: Class, loader: GriffeLoader, **_: Any) -> None:
        """Add the signature of an attrs class."""
        if any(decorator.callable_path == _MADE_BY_ATTRS for decorator in cls.decorators):
            made = Parameters(Parameter("self"), *_list_parameters(cls))
            cls.set_member("__init__", Function("__init__", parameters=made))

    def on_function(self, *, func: Function, loader: GriffeLoader, **_: Any) -> None:
        """Leave out parameters that only tests use, such as a clock."""
        func.parameters = Parameters(*(each for each in func.parameters if not each.name.startswith("_")))

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **_: Any) -> None:
        """Show the values of the client's defaults."""
        if pkg.name == "nexport_campus":
            for parameter in pkg["_client.NexportCampus.__init__"].parameters:
                if isinstance(parameter.default, ExprName):
                    constant = loader.modules_collection[parameter.default.canonical_path]
                    parameter.default = constant.value


def _list_parameters(cls: Class) -> Iterator[Parameter]:
    for attribute in cls.members.values():
        if isinstance(attribute, Attribute) and attribute.annotation and not attribute.is_private:
            options = _read_options(attribute.value)
            if options.get("init") != "False":
                yield Parameter(
                    attribute.name,
                    annotation=attribute.annotation,
                    kind=ParameterKind.positional_or_keyword,
                    default=options.get("default"),
                )


def _read_options(value: str | Expr | None) -> dict[str, Any]:
    """Return the options of a field: those of `attrs.field(...)`, or the default if there is any other value."""
    if isinstance(value, ExprCall) and value.canonical_path == "attrs.field":
        return {each.name: each.value for each in value.arguments if isinstance(each, ExprKeyword)}
    return {} if value is None else {"default": value}
