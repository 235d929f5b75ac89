"""Models: conversion to and from JSON, pickling, copying, comparing, and the names that users import."""

import copy
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_campus.models as models
from nexport_client.types import Model
from tests.support.examples import FEW
from tests.support.spec import SCHEMAS, example, model_named
from tests.support.spec_strategies import valid

OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
EVERY = pytest.mark.parametrize("name", OBJECTS)


def model_class(name: str) -> type[Model]:
    """Return the model of that name, as users import it."""
    found: type[Model] = getattr(models, name)
    return found


def test_every_schema_is_exported() -> None:
    """`nexport_campus.models` has every schema of the spec under the vendor's name, and nothing else."""
    assert set(models.__all__) >= set(SCHEMAS)
    assert sorted(dir(models)) == sorted(models.__all__)
    with pytest.raises(AttributeError, match="NoSuchModel"):
        _ = models.NoSuchModel


@pytest.mark.sampled(30)
@EVERY
@FEW
@given(data=st.data())
def test_json_round_trip(name: str, data: st.DataObject) -> None:
    """`from_dict` reads back an equal model from `to_dict`, which leaves None out."""
    value = data.draw(valid({"$ref": f"#/{name}"}))
    made = model_class(name).from_dict(value)
    written = made.to_dict()
    assert model_class(name).from_dict(written) == made
    assert None not in (written[key] for key in SCHEMAS[name]["properties"] if key in written)
    assert {key for key in value if key not in SCHEMAS[name]["properties"]} == set(made.additional_properties)


@EVERY
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_models_pickle_under_their_public_path(name: str, protocol: int) -> None:
    """Every model pickles under the path that users import it from."""
    made = model_class(name).from_dict(example({"$ref": f"#/{name}"}) | {"newer": [1]})
    pickled = pickle.dumps(made, protocol)
    assert pickle.loads(pickled) == made
    assert b"nexport_campus.models" in pickled
    assert b"nexport_client" not in pickled


@EVERY
def test_copy_and_compare(name: str) -> None:
    """Copies are equal and independent; a model with another value or of another class isn't equal."""
    made: Any = model_class(name).from_dict(example({"$ref": f"#/{name}"}))
    shallow, deep = copy.copy(made), copy.deepcopy(made)
    assert made == shallow == deep
    deep.additional_properties["newer"] = 1
    assert made != deep
    assert made != made.to_dict()
    field = attrs.fields(type(made))[0].name
    assert attrs.evolve(made, **{field: "another"}) != made


@EVERY
def test_evolved_models_keep_unknown_fields(name: str) -> None:
    """`attrs.evolve` and `copy.replace` change the given fields and keep the unknown ones."""
    made: Any = model_class(name).from_dict(example({"$ref": f"#/{name}"}) | {"newer": [1]})
    field = attrs.fields(type(made))[0].name
    changes = {field: "another"}
    ways = (
        attrs.evolve,
        lambda model, **other: model.__replace__(**other),
        getattr(copy, "replace", attrs.evolve),
    )
    for changed in (way(made, **changes) for way in ways):
        assert getattr(changed, field) == "another"
        assert changed.additional_properties == {"newer": [1]}
        assert type(changed).from_dict(made.to_dict()) == made
    assert attrs.evolve(made, additional_properties={}).additional_properties == {}


@EVERY
def test_copies_keep_unknown_fields(name: str) -> None:
    """Every way to copy a model keeps them."""
    made: Any = model_class(name).from_dict(example({"$ref": f"#/{name}"}) | {"newer": {"a": [1]}})
    for copied in (
        copy.copy(made),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
        attrs.evolve(made),
    ):
        assert copied == made
        assert copied.additional_properties == {"newer": {"a": [1]}}


@EVERY
def test_models_have_public_names(name: str) -> None:
    """A model's module is `nexport_campus.models`, and its repr has the vendor's name."""
    model = model_class(name)
    assert (model.__module__, model.__qualname__) == ("nexport_campus.models", name)
    assert repr(model.from_dict(example({"$ref": f"#/{name}"}))).startswith(f"{name}(")


def test_a_token_is_in_no_repr() -> None:
    """The repr of a login response hides the token, and that of a login request the password."""
    response = model_named("AuthenticationTokenResponse").from_dict(
        example({"$ref": "#/AuthenticationTokenResponse"})
    )
    assert "access_token" not in repr(response)
    question = example({"$ref": "#/AuthenticationTokenRequest"}) | {"password": "hunter2"}
    assert "hunter2" not in repr(model_named("AuthenticationTokenRequest").from_dict(question))


def test_from_dict_names_the_path() -> None:
    """`from_dict` of an invalid value is a ValueError with its path."""
    with pytest.raises(ValueError, match=r"api_error_entity\.error_code"):
        models.ApiResponseBase.from_dict({"api_error_entity": {"error_code": "4"}})
