"""The data of the templates: the spec as plain records, so that templates only print.

The generator's own templates don't get to see an operation's id, its marks or the descriptions of references;
these records come from the document itself, under the names that the generator chose.
"""

import attrs
from openapi_python_client.parser import GeneratorData

from pipeline.areas_view import AreaView, make_area_views
from pipeline.jsontext import Document
from pipeline.models_view import EnumView, ModelView, make_enum_view, make_model_view
from pipeline.operations_view import OperationView
from pipeline.reachable import find_request_schemas

__all__ = ["SdkView", "make_template_globals"]

_PUBLIC_MODELS = "nexport_campus.models"
"""The module that users import models and enums from, which their reprs and pickles name."""


@attrs.frozen
class SdkView:
    """The whole spec: models and enums by name, operations by module, areas in order."""

    models: dict[str, ModelView]
    enums: dict[str, EnumView]
    model_modules: dict[str, str]
    operations: dict[str, OperationView]
    areas: list[AreaView]
    models_module: str

    def area(self, package: str) -> AreaView:
        """Return the area that is generated into a package."""
        return next(area for area in self.areas if area.package == package)


def make_template_globals(document: Document, data: GeneratorData) -> dict[str, object]:
    """Return the templates' additional globals: `sdk`, the view of the document.

    Takes out of `data` the models that the generator invents for inline maps: users are given mappings.
    Raises ValueError, naming the place, for what can't become a model or a method.
    """
    schemas = document["components"]["schemas"]
    parsed = [model for model in data.models if str(model.class_info.name) in schemas]
    data.models = parsed
    classes = [item.class_info for item in (*parsed, *data.enums)]
    modules = {str(info.name): str(info.module_name) for info in classes}
    if missing := sorted(schemas.keys() - modules.keys()):
        raise ValueError(f"the schema {missing[0]} would have no class, or one of another name")
    requested = find_request_schemas(document)
    models = {
        name: make_model_view(name, schemas, modules, in_requests=name in requested)
        for name in modules
        if "enum" not in schemas[name]
    }
    areas = make_area_views(document)
    view = SdkView(
        models=models,
        enums={name: make_enum_view(name, schemas[name]) for name in modules if "enum" in schemas[name]},
        model_modules=modules,
        operations={operation.module: operation for area in areas for operation in area.operations},
        areas=areas,
        models_module=_PUBLIC_MODELS,
    )
    return {"sdk": view}
