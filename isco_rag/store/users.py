"""People: who they are, what their role is, their passwords (argon2) and their logins."""

import hashlib
import hmac
import re
import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, func, select, update

from isco_rag.errors import ConflictError, LoginError, NotFoundError, UsageError
from isco_rag.store import audit, clock
from isco_rag.store.database import fields
from isco_rag.store.records import ROLES, Role, Session, User
from isco_rag.store.schema import sessions, users

# OWASP's second choice for argon2id (19 MiB, 2 passes, 1 lane): a login costs about 30 ms and does not exhaust a small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
SHORTEST, LONGEST = 12, 256
SESSION_HOURS = 12
_NAME = re.compile(r"[\w.@+-]{1,80}")
_SHOWN = (users.c.id, users.c.name, users.c.role, users.c.disabled, users.c.created, users.c.seen)


def add(db: Connection, who: str, name: str, password: str, role: Role) -> User:
    """A new user; UsageError for a name or password that can't be, ConflictError where the name is taken."""
    if not _NAME.fullmatch(name):
        raise UsageError("a user's name has 1 to 80 letters, digits and . _ @ + -; choose another")
    if role not in ROLES:
        raise UsageError(f"there is no role '{role}'; the roles are {', '.join(ROLES)}")
    _check(password, name)
    if db.execute(select(users.c.id).where(users.c.name == name)).first():
        raise ConflictError(f"there is already a user '{name}'; choose another name")
    values = {"name": name, "role": role, "password": _hasher.hash(password), "disabled": False, "created": clock.now(), "seen": ""}
    number = db.execute(users.insert().values(**values).returning(users.c.id)).scalar_one()
    audit.append(db, who, "user.add", f"user:{name}", after={"role": role})
    return User(number, name, role, False, values["created"], "")  # type: ignore[arg-type]


def _check(password: str, name: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters; choose another")
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise UsageError("the password is too easy to guess: it holds the name or hardly any different characters; choose another")


def listed(db: Connection) -> list[User]:
    """All users by name."""
    return [User(**fields(row)) for row in db.execute(select(*_SHOWN).order_by(users.c.name))]


def named(db: Connection, name: str) -> User:
    """The user of a name; NotFoundError where there is none."""
    row = db.execute(select(*_SHOWN).where(users.c.name == name)).first()
    if row is None:
        raise NotFoundError(f"there is no user '{name[:80]}'; see: isco-rag users list")
    return User(**fields(row))


def exist(db: Connection) -> bool:
    """Whether there is any user; where there is none, a service on loopback needs no login."""
    return db.execute(select(users.c.id).limit(1)).first() is not None


def has_administrator(db: Connection) -> bool:
    """Whether an administrator can log in."""
    return db.execute(select(users.c.id).where(users.c.role == "administrator", ~users.c.disabled).limit(1)).first() is not None


def change(db: Connection, who: str, name: str, *, role: Role | None = None, disabled: bool | None = None) -> User:
    """The user with another role, or disabled or enabled; the last administrator can be neither degraded nor disabled.

    A disabled user's logins end at once, and its keys are refused as long as it is disabled.
    """
    user = named(db, name)
    new_role, off = role or user.role, user.disabled if disabled is None else disabled
    if new_role not in ROLES:
        raise UsageError(f"there is no role '{new_role}'; the roles are {', '.join(ROLES)}")
    audit.lock_head(db)
    others = select(func.count()).where(users.c.role == "administrator", ~users.c.disabled, users.c.name != name)
    if user.role == "administrator" and (new_role != "administrator" or off) and not db.execute(others).scalar_one():
        raise ConflictError(f"'{name}' is the last administrator; make another one first")
    db.execute(update(users).where(users.c.id == user.id).values(role=new_role, disabled=off))
    if off:
        db.execute(delete(sessions).where(sessions.c.user_id == user.id))
    audit.append(
        db, who, "user.change", f"user:{name}",
        before={"role": user.role, "disabled": user.disabled}, after={"role": new_role, "disabled": off},
    )  # fmt: skip
    return named(db, name)


def set_password(db: Connection, who: str, name: str, password: str) -> None:
    """Gives a user another password and ends its logins."""
    user = named(db, name)
    _check(password, name)
    db.execute(update(users).where(users.c.id == user.id).values(password=_hasher.hash(password)))
    db.execute(delete(sessions).where(sessions.c.user_id == user.id))
    audit.append(db, who, "user.password", f"user:{name}")


@lru_cache(maxsize=1)
def _nobody() -> str:
    """The hash that a password is compared with where there is no such user, so that both answers take as long."""
    return _hasher.hash(secrets.token_hex(16))


def check_password(db: Connection, name: str, password: str) -> User:
    """The user whose name and password these are; one LoginError for every way to be wrong. Takes about 30 ms either way."""
    row = db.execute(select(users).where(users.c.name == name)).first()
    try:
        _hasher.verify(row.password if row is not None else _nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        row = None
    if row is None or row.disabled:
        raise LoginError("name or password is not right; try again, or ask an administrator")
    return named(db, name)


def log_in(db: Connection, user: User) -> tuple[str, Session]:
    """A new login: the token for the cookie, of which only the hash is kept, and the session."""
    token, csrf, expires = secrets.token_urlsafe(32), secrets.token_urlsafe(32), clock.later(hours=SESSION_HOURS)
    db.execute(delete(sessions).where(sessions.c.expires < clock.now()))
    db.execute(sessions.insert().values(token=_digest(token), user_id=user.id, csrf=csrf, created=clock.now(), expires=expires))
    db.execute(update(users).where(users.c.id == user.id).values(seen=clock.now()))
    audit.append(db, user.name, "session.begin", f"user:{user.name}")
    return token, Session(user, csrf, expires)


def session_of(db: Connection, token: str) -> Session | None:
    """The login of a cookie's token, unless it has ended."""
    query = (
        select(*_SHOWN, sessions.c.csrf, sessions.c.expires)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token == _digest(token), sessions.c.expires > clock.now(), ~users.c.disabled)
    )
    row = db.execute(query).first()
    if row is None:
        return None
    values = fields(row)
    csrf, expires = values.pop("csrf"), values.pop("expires")
    return Session(User(**values), csrf, expires)


def log_out(db: Connection, token: str) -> None:
    """Ends a login."""
    found = session_of(db, token)
    if found is not None:
        db.execute(delete(sessions).where(sessions.c.token == _digest(token)))
        audit.append(db, found.user.name, "session.end", f"user:{found.user.name}")


def _digest(token: str) -> str:
    """What is kept of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(a: str, b: str) -> bool:
    """Whether two secrets are equal, in time that does not tell where they differ."""
    return hmac.compare_digest(a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))
