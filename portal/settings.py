"""What the environment says about this installation; the only reader of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from portal.errors import PortalError

T = TypeVar("T")
Security = Literal["plain", "starttls", "tls"]
_MAIL_SCHEMES: Mapping[str, tuple[Security, int]] = {
    "smtp": ("plain", 25),
    "starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
"""The scheme of a mail server's address -> how it is spoken to, and the usual port."""
YES, NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class WrongSetting(PortalError):
    """An environment variable has a value that cannot be used, or one is missing beside others."""

    zh = "环境变量 {name} 的值“{value}”无效：{wanted}。"
    en = "The environment variable {name}={value!r} cannot be used: {wanted}."


@dataclass(frozen=True)
class S3Settings:
    """How to reach the object store."""

    endpoint: str
    """Host and port, without a scheme."""
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str = "portal"
    secure: bool = True
    """Whether to speak TLS."""
    region: str = "us-east-1"


@dataclass(frozen=True)
class MailSettings:
    """How to reach the mail server that takes the portal's mail, and whom that is from."""

    host: str
    port: int
    security: Security
    """plain; starttls: encrypted after a greeting, else nothing is sent; tls: encrypted from the start."""
    sender: str
    """A plain address, or one with a name before it: 市生态环境局 <no-reply@example.gov.cn>."""
    user: str | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class ScannerSettings:
    """How to reach the virus scanner (clamd): by host and port, or by the path of its socket."""

    host: str = ""
    port: int = 0
    path: str | None = None


@dataclass(frozen=True)
class Settings:
    """One installation of the portal."""

    home: Path
    """Where embedded servers and generated secrets are kept."""
    port: int
    public_url: str
    """What letters and QR codes point to, without a slash at the end."""
    database_url: str | None = field(repr=False)
    """None: the embedded PostgreSQL."""
    s3: S3Settings | None
    """None: the embedded object store."""
    secret_key: str | None = field(repr=False)
    """Signs cookies and forms; None: the launcher generates one and keeps it in the home."""
    demo: bool
    """Demo accounts exist and the clock can be moved; in production neither."""
    upload_megabytes: int
    """Largest single file."""
    web_workers: int
    mail: MailSettings | None = None
    """None: this portal sends no mail."""
    letter_pdf: bool = True
    """Whether letters are made as PDF too, where LibreOffice is installed."""
    content: Path | None = None
    """The folder with the content that is published; None: the content that ships with the portal."""
    scanner: ScannerSettings | None = None
    """None: uploaded files are not looked at for viruses."""
    orphans_after_hours: int = 24
    """Uploads that nobody has handed in and files without a row are swept when they are so old."""
    idle_minutes: int = 30
    """After so many minutes in which somebody asks for nothing he has to sign in again."""
    official_idle_minutes: int = 15
    """The same for officials and administrators."""
    api_per_minute: int = 600
    """How many requests a program may make in a minute with one token."""
    kept_answers_hours: int = 24
    """So long the answer to a request with an Idempotency-Key is given again."""
    proxies: int = 0
    """How many proxies of ours stand before the pages, each of which adds the address it was asked from."""
    metrics_token: str | None = field(default=None, repr=False)
    """Who asks for the metrics with it gets them; None: only this machine itself does."""

    @property
    def https(self) -> bool:
        """Whether people reach the portal over https."""
        return self.public_url.startswith("https://")

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read them from environment variables; a WrongSetting names the one that cannot be used."""
        port = _number(environ, "PORT", 8000, at_most=65535)
        return cls(
            home=Path(environ.get("PORTAL_HOME") or ".portal"),
            port=port,
            public_url=_url(environ, f"http://127.0.0.1:{port}"),
            database_url=_database(environ),
            s3=_s3(environ),
            secret_key=environ.get("SECRET_KEY") or None,
            demo=_flag(environ, "PORTAL_DEMO", default=False),
            upload_megabytes=_number(environ, "UPLOAD_MEGABYTES", 50, at_most=1024),
            web_workers=_number(environ, "WEB_WORKERS", 2, at_most=64),
            mail=_mail(environ),
            letter_pdf=_flag(environ, "LETTER_PDF", default=True),
            content=Path(environ["PORTAL_CONTENT"]) if environ.get("PORTAL_CONTENT") else None,
            scanner=_scanner(environ),
            orphans_after_hours=_number(environ, "ORPHANS_AFTER_HOURS", 24, at_most=8760),
            idle_minutes=_number(environ, "IDLE_MINUTES", 30, at_most=480),
            official_idle_minutes=_number(environ, "OFFICIAL_IDLE_MINUTES", 15, at_most=480),
            api_per_minute=_number(environ, "API_PER_MINUTE", 600, at_most=1_000_000),
            kept_answers_hours=_number(environ, "KEPT_ANSWERS_HOURS", 24, at_most=24 * 90),
            proxies=_number(environ, "PROXIES", 0, at_least=0, at_most=9),
            metrics_token=_token(environ),
        )


def _s3(environ: Mapping[str, str]) -> S3Settings | None:
    endpoint = environ.get("S3_ENDPOINT")
    if not endpoint:
        return None
    scheme, _, host = endpoint.rpartition("://")
    return S3Settings(
        endpoint=host.rstrip("/"),
        access_key=_needed(environ, "S3_ACCESS_KEY"),
        secret_key=_needed(environ, "S3_SECRET_KEY"),
        bucket=environ.get("S3_BUCKET") or "portal",
        secure=_flag(environ, "S3_SECURE", default=scheme != "http"),
        region=environ.get("S3_REGION") or "us-east-1",
    )


def _database(environ: Mapping[str, str]) -> str | None:
    given, wanted = environ.get("DATABASE_URL"), "postgresql://user:password@host:port/database"
    schemes = ("postgresql://", "postgres://")
    if not given:
        return None
    return _converted(given, "DATABASE_URL", str, lambda url: url.startswith(schemes), wanted, secret=True)


def _mail(environ: Mapping[str, str]) -> MailSettings | None:
    """The mail server of `SMTP_URL`, smtp://user:password@host:port; user and password may be left out."""
    given = environ.get("SMTP_URL")
    if not given:
        return None
    wanted = "smtp://user:password@host:port, or the same with starttls:// or smtps://"
    address, port = _converted(given, "SMTP_URL", _server, bool, wanted, secret=True)
    security, usual = _MAIL_SCHEMES[address.scheme]
    return MailSettings(
        host=address.hostname or "",
        port=port or usual,
        security=security,
        sender=_converted(environ.get("MAIL_FROM", ""), "MAIL_FROM", str.strip, _is_sender, "name <user@host>"),
        user=unquote(address.username) if address.username else None,
        password=unquote(address.password or ""),
    )


def _server(given: str) -> tuple[SplitResult, int | None]:
    """The parts of a mail server's address; ValueError."""
    address = urlsplit(given)
    if address.scheme not in _MAIL_SCHEMES or not address.hostname:
        raise ValueError(given)
    return address, address.port


def _scanner(environ: Mapping[str, str]) -> ScannerSettings | None:
    """The clamd of `SCANNER`, tcp://host:port or unix:///path."""
    given = environ.get("SCANNER")
    wanted = "tcp://host:port or unix:///path"
    return _converted(given, "SCANNER", _clamd, bool, wanted) if given else None


def _clamd(given: str) -> ScannerSettings:
    """The parts of a scanner's address; ValueError."""
    address = urlsplit(given)
    if address.scheme == "unix" and not address.netloc and address.path.startswith("/"):
        return ScannerSettings(path=unquote(address.path))
    if address.scheme != "tcp" or not address.hostname or not address.port or address.path.strip("/"):
        raise ValueError(given)
    return ScannerSettings(address.hostname, address.port)


def _is_sender(text: str) -> bool:
    name, address = parseaddr(text)
    user, _, host = address.rpartition("@")
    return text.isprintable() and bool(user and host) and (name + address).isprintable()


def _token(environ: Mapping[str, str]) -> str | None:
    """Short ones could be guessed, and blanks would be lost on the way."""
    given = environ.get("METRICS_TOKEN")
    if not given:
        return None
    wanted = "at least 16 letters, digits, - or _"
    return _converted(given, "METRICS_TOKEN", str, _is_token, wanted, secret=True)


def _is_token(text: str) -> bool:
    return len(text) >= 16 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def _needed(environ: Mapping[str, str], name: str) -> str:
    return _converted(environ.get(name, ""), name, str.strip, bool, "S3_ENDPOINT needs it")


def _url(environ: Mapping[str, str], default: str) -> str:
    wanted = "an address that begins with http:// or https://"
    given = environ.get("PUBLIC_URL") or default
    return _converted(
        given,
        "PUBLIC_URL",
        lambda url: url.rstrip("/"),
        lambda url: url.startswith(("http://", "https://")),
        wanted,
    )


def _number(environ: Mapping[str, str], name: str, default: int, *, at_least: int = 1, at_most: int) -> int:
    given, wanted = environ.get(name) or str(default), f"a whole number from {at_least} to {at_most}"
    return _converted(given, name, int, lambda number: at_least <= number <= at_most, wanted)


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    given = environ.get(name)
    if given is None:
        return default
    word = _converted(given, name, str.lower, lambda word: word in YES | NO, "1 or 0")
    return word in YES


def _converted(
    given: str, name: str, convert: Callable[[str], T], fits: Callable[[T], bool], wanted: str, *, secret: bool = False
) -> T:
    """The converted value; WrongSetting, which does not show a `secret` one, when it cannot be converted or does not
    fit."""
    shown = "…" if secret else given
    try:
        value = convert(given)
    except ValueError as error:
        raise WrongSetting(name=name, value=shown, wanted=wanted) from (None if secret else error)
    if not fits(value):
        raise WrongSetting(name=name, value=shown, wanted=wanted)
    return value
