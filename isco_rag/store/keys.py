"""Keys for programs: scoped, expiring, shown once, kept as a hash."""

import hashlib
import secrets

from sqlalchemy import Connection, select, update

from isco_rag.errors import LoginError, NotFoundError, UsageError
from isco_rag.store import audit, clock, users
from isco_rag.store.database import fields
from isco_rag.store.records import SCOPES, Key, Scope
from isco_rag.store.schema import keys
from isco_rag.store.schema import users as people

PREFIX = "isco_"
LONGEST_DAYS = 730
PER_MINUTE = 6000
# Last use is written at most this often: a program that asks a hundred times a second is no reason to write as often.
USED_EVERY = 60.0
_SHOWN = (
    keys.c.id, keys.c.name, keys.c.hint, people.c.name.label("user"), people.c.role, keys.c.scopes, keys.c.per_minute,
    keys.c.created, keys.c.expires, keys.c.used, keys.c.revoked,
)  # fmt: skip


def create(
    db: Connection, who: str, user: str, name: str, scopes: tuple[Scope, ...], days: int = 365, per_minute: int = PER_MINUTE
) -> tuple[str, Key]:
    """A new key of a user: its secret, which is never shown again, and what is kept. It may do what both its scopes and its user's role allow."""
    owner = users.named(db, user)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise UsageError(f"a key needs scopes out of: {', '.join(SCOPES)}")
    if not 1 <= days <= LONGEST_DAYS or not 1 <= per_minute <= 1_000_000:
        raise UsageError(f"a key lives 1 to {LONGEST_DAYS} days and asks 1 to 1,000,000 times a minute")
    if not 1 <= len(name.strip()) <= 80:
        raise UsageError("a key needs a name of 1 to 80 characters that says which program uses it")
    secret = PREFIX + secrets.token_urlsafe(32)
    values = {
        "name": name.strip().replace("\x00", ""), "hint": secret[:9], "hash": _digest(secret), "user_id": owner.id,
        "scopes": " ".join(sorted(set(scopes))), "per_minute": per_minute, "created": clock.now(), "expires": clock.later(days=days),
        "used": "", "revoked": "",
    }  # fmt: skip
    number = db.execute(keys.insert().values(**values).returning(keys.c.id)).scalar_one()
    key = one(db, number)
    audit.append(
        db, who, "key.create", f"key:{number}", after={"name": key.name, "user": user, "scopes": key.scopes, "expires": key.expires}
    )
    return secret, key


def listed(db: Connection, user: str = "") -> list[Key]:
    """All keys, or those of one user, the newest first."""
    query = select(*_SHOWN).join(people).order_by(keys.c.id.desc())
    return [_key(row) for row in db.execute(query.where(people.c.name == user) if user else query)]


def one(db: Connection, number: int) -> Key:
    """The key of a number; NotFoundError where there is none."""
    row = db.execute(select(*_SHOWN).join(people).where(keys.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no key {number}; see: isco-rag keys list")
    return _key(row)


def revoke(db: Connection, who: str, number: int) -> Key:
    """The key revoked; revoking twice changes nothing."""
    key = one(db, number)
    if not key.revoked:
        db.execute(update(keys).where(keys.c.id == number).values(revoked=clock.now()))
        audit.append(db, who, "key.revoke", f"key:{number}", before={"name": key.name})
    return one(db, number)


def check(db: Connection, secret: str) -> Key:
    """The key of a secret; LoginError where it is unknown, expired, revoked, or its user is disabled."""
    row = db.execute(select(*_SHOWN, people.c.disabled).join(people).where(keys.c.hash == _digest(secret))).first()
    if row is None:
        raise LoginError("the API key is not known; check the header: Authorization: Bearer KEY")
    if row.revoked or row.disabled:
        raise LoginError("the API key was revoked; ask an administrator for a new one")
    if row.expires <= clock.now():
        raise LoginError(f"the API key expired on {row.expires[:10]}; ask an administrator for a new one")
    values = fields(row)
    del values["disabled"]
    return _as_key(values)


def note_use(db: Connection, key: Key) -> None:
    """Writes down that a key was used now."""
    db.execute(update(keys).where(keys.c.id == key.id).values(used=clock.now()))


def stale(key: Key) -> bool:
    """Whether the last use that is written down is so old that it should be written anew."""
    return key.used < clock.later(seconds=-USED_EVERY)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: object) -> Key:
    return _as_key(fields(row))


def _as_key(values: dict[str, object]) -> Key:
    return Key(**{**values, "scopes": tuple(str(values["scopes"]).split())})  # type: ignore[arg-type]
