"""XML from strangers, read without anything that XML can do to a server."""

from __future__ import annotations

from lxml import etree

from portal.errors import ContentFaults, Fault

MAX_BYTES = 2_000_000
MAX_NODES = 20_000


def safe_xml(data: bytes, *, most: int = MAX_NODES) -> etree._Element:
    """The root element of a document of at most 2 MB and `most` elements; raises ContentFaults."""
    if len(data) > MAX_BYTES:
        raise _refused("文件过大（超过 2 MB）", "请删去文件中的图片等无关内容，或拆成几个文件")
    # As UTF-16 a file may look to us other than to the parser.
    if b"\0" in data:
        raise _refused("文件不是 UTF-8 编码", "另存为 UTF-8", 1)
    # A parser of our own each time: what lxml allows by default is its business, and parsers keep error logs.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.position[0] or None
        if not _is_utf8(data):
            raise _refused("文件不是 UTF-8 编码", "另存为 UTF-8", line) from error
        raise _refused(f"不是有效的 XML：{error.msg}", "请用图形编辑器重新导出文件", line) from error
    if root.getroottree().docinfo.doctype:
        raise _refused("文件含有 DOCTYPE 声明", "请删去 <!DOCTYPE …> 一行", 1)
    if sum(1 for _ in root.iter()) > most:
        raise _refused(f"文件中的元素过多（超过 {most} 个）", "请拆成几个文件")
    return root


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def local(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(element).localname)


def _refused(what: str, mend: str, line: int | None = None) -> ContentFaults:
    return ContentFaults([Fault(what, mend, line=line)])
