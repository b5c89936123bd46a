"""Users, keys and settings, for administrators."""

from typing import Annotated, Any

from litestar import delete, get, patch, post
from litestar.openapi.spec import Example
from litestar.params import Body, JSONBody, Parameter
from msgspec import Meta, Struct

from isco_api.access import Caller, needs
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.store import keys, settings, users
from isco_rag.store.records import Key, Role, Scope, User
from isco_rag.store.settings import Running

Name = Annotated[str, Parameter(max_length=80, description="The user's name.")]


class NewUser(Struct, forbid_unknown_fields=True):
    """A user to be."""

    name: Annotated[str, Meta(max_length=80)]
    password: Annotated[str, Meta(max_length=256)]
    role: Role = "coder"


class UserChange(Struct, forbid_unknown_fields=True):
    """What is to be different about a user; what is left out stays."""

    role: Role | None = None
    disabled: bool | None = None
    password: Annotated[str, Meta(max_length=256)] | None = None


class NewKey(Struct, forbid_unknown_fields=True):
    """A key to be."""

    user: Annotated[str, Meta(max_length=80)]
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=20)]
    days: Annotated[int, Meta(ge=1, le=730)] = 365
    per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] = keys.PER_MINUTE


class MadeKey(Struct, frozen=True):
    """A new key with its secret, which is told this once."""

    secret: str
    key: Key


@get("/users", operation_id="listUsers", summary="Users", tags=["administration"], sync_to_thread=True, **needs("administrator", "admin"))
def list_users(service: Given) -> list[User]:
    """All users by name."""
    with service.store.read() as db:
        return users.listed(db)


NEW_USER = Body(examples=[Example(summary="A coder", value={"name": "bob", "password": "a long pass phrase", "role": "coder"})])


@post(
    "/users", operation_id="addUser", summary="Add a user", tags=["administration"], sync_to_thread=True, **needs("administrator", "admin")
)
def add_user(service: Given, caller: Asking, data: Annotated[NewUser, NEW_USER]) -> User:
    """The new user."""
    with service.store.write() as db:
        return users.add(db, caller.name, data.name, data.password, data.role)


@patch("/users/{name:str}", operation_id="changeUser", summary="Change a user", tags=["administration"], sync_to_thread=True,
       **needs("administrator", "admin"))  # fmt: skip
def change_user(service: Given, caller: Asking, name: Name, data: JSONBody[UserChange]) -> User:
    """The user, changed; a disabled user's logins end, and its keys are refused."""
    return changed(service, caller, name, data)


def changed(service: Service, caller: Caller, name: str, data: UserChange) -> User:
    """The user with what is to be different."""
    with service.store.write() as db:
        if data.password is not None:
            users.set_password(db, caller.name, name, data.password)
        if data.role is not None or data.disabled is not None:
            return users.change(db, caller.name, name, role=data.role, disabled=data.disabled)
        return users.named(db, name)


@get("/keys", operation_id="listKeys", summary="Keys", tags=["administration"], sync_to_thread=True, **needs("administrator", "admin"))
def list_keys(service: Given) -> list[Key]:
    """All keys without their secrets, the newest first."""
    with service.store.read() as db:
        return keys.listed(db)


NEW_KEY = Body(
    examples=[Example(summary="For a script", value={"user": "bob", "name": "nightly", "scopes": ["classify", "jobs"], "days": 90})]
)


@post(
    "/keys", operation_id="createKey", summary="Make a key", tags=["administration"], sync_to_thread=True, **needs("administrator", "admin")
)
def create_key(service: Given, caller: Asking, data: Annotated[NewKey, NEW_KEY]) -> MadeKey:
    """The key and its secret; the secret is not kept and never told again."""
    with service.store.write() as db:
        return MadeKey(*keys.create(db, caller.name, data.user, data.name, tuple(data.scopes), data.days, data.per_minute))


@delete("/keys/{number:int}", operation_id="revokeKey", summary="Revoke a key", tags=["administration"], status_code=200, sync_to_thread=True,
        **needs("administrator", "admin"))  # fmt: skip
def revoke_key(service: Given, caller: Asking, number: Annotated[int, Parameter(ge=1, le=LARGEST)]) -> Key:
    """The key; the next request with it is refused."""
    with service.store.write() as db:
        return keys.revoke(db, caller.name, number)


@get("/settings", operation_id="getSettings", summary="Settings of the running service", tags=["administration"], sync_to_thread=True,
     **needs("administrator", "admin"))  # fmt: skip
def get_settings(service: Given) -> Running:
    """What is set, with the defaults for what is not."""
    return service.running()


@patch("/settings", operation_id="changeSettings", summary="Change settings", tags=["administration"], sync_to_thread=True,
       **needs("administrator", "admin"))  # fmt: skip
def change_settings(
    service: Given, caller: Asking, data: Annotated[dict[str, Any], Body(examples=[Example(summary="Blind", value={"coders": 2})])]
) -> Running:  # fmt: skip
    """The settings with these values; they hold at once."""
    with service.store.write() as db:
        return settings.change(db, caller.name, data)


HANDLERS = (list_users, add_user, change_user, list_keys, create_key, revoke_key, get_settings, change_settings)
