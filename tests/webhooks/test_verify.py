"""Verification of webhooks: the secret, the size and the format."""

import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_campus as sdk
from nexport_campus import ConfigurationError, WebhookError, WebhookFormatError, WebhookSecretError
from nexport_campus.testing import webhook_request
from nexport_campus.webhooks import WebhookEvent, verify

SECRET = "a shared secret"
ENROLLMENT, USER = uuid4(), uuid4()


def body_of(**fields: object) -> bytes:
    """Return a body without a secret."""
    return json.dumps({"event": "Complete Enrollment", **fields}).encode()


@pytest.mark.parametrize("secret_in", ["header", "body"])
def test_the_ids_of_an_event(secret_in: str) -> None:
    """A webhook with the right secret, in its header or its body, gives its event and ids."""
    headers, body = webhook_request(
        "Enrollment Created",
        secret=SECRET,
        secret_in=secret_in,  # type: ignore[arg-type]  # parametrized
        enrollment_id=ENROLLMENT,
        user_id=str(USER),
    )
    event = verify(body, headers, secret=SECRET)
    assert event == WebhookEvent("Enrollment Created", enrollment_id=ENROLLMENT, user_id=USER)
    assert (event.assignment_id, event.subscription_id) == (None, None)
    assert SECRET not in repr(event)


IDS = ("enrollment_id", "user_id", "assignment_id", "subscription_id")


@pytest.mark.parametrize("name", IDS)
def test_each_id_has_its_own_field(name: str) -> None:
    """An id of the body is the attribute of the same name, and the others are None."""
    event = verify(body_of(secret=SECRET, **{name: str(USER)}), secret=SECRET)
    assert {each: getattr(event, each) for each in IDS} == dict.fromkeys(IDS) | {name: USER}


@pytest.mark.parametrize("name", IDS)
def test_each_id_of_a_webhook_request_is_in_its_own_field(name: str) -> None:
    """`webhook_request` puts an id into the field of the argument's name, and leaves out the others."""
    ids: dict[str, UUID] = {name: USER}
    _, body = webhook_request(secret=SECRET, **ids)  # type: ignore[arg-type]  # only ids
    assert json.loads(body) == {"event": "Complete Enrollment", name: str(USER)}


@pytest.mark.parametrize("name", ["X-Nexport-Secret", "x-nexport-secret", "X-NEXPORT-SECRET"])
def test_header_names_have_any_case(name: str) -> None:
    """The header is found in any case, in any mapping."""
    assert verify(body_of(), {"Accept": "*/*", name: SECRET}, secret=SECRET).event == "Complete Enrollment"


def test_a_body_may_be_a_string() -> None:
    """The body is bytes or a string."""
    assert verify(body_of(secret=SECRET).decode(), secret=SECRET) == verify(
        body_of(secret=SECRET), secret=SECRET
    )


@pytest.mark.parametrize(
    "given_secret", ["", "a shared secre", "a shared secret ", "A shared secret", "ü", "\ud800"]
)
def test_wrong_secrets(given_secret: str) -> None:
    """A wrong secret is refused with 401, wherever it is; a right one in the body doesn't make up for the header's."""
    for body, headers in (
        (body_of(), {"X-Nexport-Secret": given_secret}),
        (body_of(secret=given_secret), {}),
        (body_of(secret=SECRET), {"X-Nexport-Secret": given_secret}),
    ):
        with pytest.raises(WebhookSecretError) as caught:
            verify(body, headers, secret=SECRET)
        assert caught.value.status_code == 401
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("given_secret", [None, 1, True, [SECRET], {"secret": SECRET}], ids=repr)
def test_secrets_that_are_not_strings(given_secret: object) -> None:
    """A missing secret, and one of another type, are refused."""
    with pytest.raises(WebhookSecretError):
        verify(body_of(secret=given_secret), secret=SECRET)
    with pytest.raises(WebhookSecretError):
        verify(body_of(), None, secret=SECRET)


def test_several_secrets() -> None:
    """During a rotation each of several secrets is accepted, and no other."""
    for accepted in ("old", "new"):
        verify(body_of(secret=accepted), secret=["old", "new"])
    with pytest.raises(WebhookSecretError):
        verify(body_of(secret="older"), secret=("old", "new"))
    with pytest.raises(WebhookSecretError):
        verify(body_of(), {"X-Nexport-Secret": "old, new"}, secret=("old", "new"))


@pytest.mark.parametrize("secret", ["", " ", [], (), [""], ["good", ""], None, [None], 7], ids=repr)
def test_secrets_that_protect_nothing(secret: object) -> None:
    """No secret, or an empty one, is a mistake of the application, even for a call without one."""
    for body in (body_of(secret=""), body_of(), b"not JSON"):
        with pytest.raises(ConfigurationError):
            verify(body, {"X-Nexport-Secret": ""}, secret=secret)  # type: ignore[arg-type]  # deliberately wrong


def test_a_secret_beyond_ascii() -> None:
    """A header with a secret in UTF-8 matches, whether the framework decodes headers as UTF-8 or as Latin-1."""
    secret = "geheim für uns"
    for value in (secret, secret.encode().decode("latin-1")):
        verify(body_of(), {"X-Nexport-Secret": value}, secret=secret)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
        pytest.param(b"[" * 60_000, id="nested too deeply"),
        pytest.param(b"1" * 60_000, id="a long number"),
        pytest.param(b"<enrollment/>", id="XML"),
        pytest.param(b"{}", id="no event"),
        pytest.param(b'{"event": ""}', id="an empty event"),
        pytest.param(b'{"event": 7}', id="an event that is not a string"),
        pytest.param(b'{"event": "a\\nb"}', id="an event of two lines"),
        pytest.param(b'{"event": "\\ud800"}', id="an event with half a character"),
        pytest.param(b'{"event": "' + b"x" * 201 + b'"}', id="a long event"),
        pytest.param(body_of(enrollment_id="$enrollment.id"), id="a variable that has no value"),
        pytest.param(body_of(user_id=7), id="an id that is not a string"),
        pytest.param(body_of(assignment_id=[str(USER)]), id="a list of ids"),
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    """A body that the template doesn't promise is refused with 400, and not quoted in the error."""
    with pytest.raises(WebhookFormatError) as caught:
        verify(body, {"X-Nexport-Secret": SECRET}, secret=SECRET)
    assert caught.value.status_code == 400
    assert not caught.value.transient
    assert "$enrollment" not in str(caught.value)


def test_oversized_bodies() -> None:
    """64 KiB are accepted, one byte more is refused with 413, before anything else is looked at."""
    body = body_of(secret=SECRET, padding="")
    full = body_of(secret=SECRET, padding="x" * (65536 - len(body)))
    assert len(full) == 65536
    verify(full, secret=SECRET)
    for larger in (full + b" ", b"[" * 1_000_000):
        with pytest.raises(WebhookFormatError) as caught:
            verify(larger, {"X-Nexport-Secret": "wrong"}, secret=SECRET)
        assert caught.value.status_code == 413


def test_an_oversized_string() -> None:
    """The limit of a string counts its bytes in UTF-8, not its characters."""
    frame = '{"event": "x", "padding": ""}'
    full = frame.replace('""}', f'"{"é" * ((65536 - len(frame)) // 2)}{"x" * (len(frame) % 2)}"}}')
    assert len(full.encode()) == 65536
    verify(full, {"X-Nexport-Secret": SECRET}, secret=SECRET)
    with pytest.raises(WebhookFormatError) as caught:
        verify(full + " ", {"X-Nexport-Secret": SECRET}, secret=SECRET)
    assert caught.value.status_code == 413


@pytest.mark.parametrize("unset", [None, "", str(UUID(int=0))], ids=repr)
def test_ids_that_an_event_does_not_have(unset: str | None) -> None:
    """Null, an empty string and .NET's empty id stand for no id."""
    event = verify(body_of(secret=SECRET, enrollment_id=unset, assignment_id=unset), secret=SECRET)
    assert (event.enrollment_id, event.assignment_id) == (None, None)


def test_public_names() -> None:
    """The errors are in the SDK's tree, and importable from the package itself."""
    assert issubclass(WebhookSecretError, WebhookError)
    assert issubclass(WebhookFormatError, WebhookError)
    assert issubclass(WebhookError, sdk.NexportError)
    with pytest.raises(AttributeError):
        verify(body_of(secret=SECRET), secret=SECRET).event = "x"  # type: ignore[misc]  # it is frozen


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(st.sampled_from(["event", "secret", "user_id", "x"]), each, max_size=4)
        ),
    ).map(lambda each: json.dumps(each).encode()),
    st.dictionaries(
        st.sampled_from(["X-Nexport-Secret", "x-nexport-secret", "Accept"]), st.text(max_size=20), max_size=3
    ),
)
def test_nothing_passes_without_the_secret(body: bytes, headers: dict[str, str]) -> None:
    """Whatever arrives without the secret raises a WebhookError, and nothing else."""
    with pytest.raises(WebhookError):
        verify(body, headers, secret="c4f0-a secret that no strategy makes")
