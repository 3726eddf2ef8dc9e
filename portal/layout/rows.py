"""Which row each node stands in: a chain keeps its row, its branches stand below, notes above what they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from portal.layout.graph import Flow, Graph
from portal.layout.ranks import Ranks
from portal.layout.sizes import Size

COLUMN_PITCH, ROW_PITCH = 160, 108  # px, about; so many an event subprocess covers with each column and row


@dataclass(frozen=True)
class Rows:
    """The row of each node that flows reach, counted within its band, and how many rows each band has.

    Chains, by their first node, are `lowered` out of the way of later ones; `blocking` are those that could be.
    """

    of: Mapping[str, int]
    counts: tuple[int, ...]
    lowered: frozenset[str] = frozenset()
    blocking: tuple[str, ...] = ()

    def others(self, graph: Graph, ranks: Ranks) -> Iterator[Rows]:
        """What might be better: a chain out of another's way, or two neighbouring rows of a band exchanged."""
        for chain in self.blocking:
            yield rows_of(graph, ranks, self.lowered | {chain})
        for band, count in enumerate(self.counts):
            for row in range(count - 1):
                turned = {row: row + 1, row + 1: row}
                of = {key: turned.get(at, at) if graph.nodes[key].band == band else at for key, at in self.of.items()}
                yield replace(self, of=of)


@dataclass(frozen=True)
class Cell:
    """Where a node stands, counted from the top left; how many columns and rows it covers."""

    column: int
    row: int
    across: int = 1
    down: int = 1


@dataclass(frozen=True)
class Cells:
    """The place of each standing node, and the band of each row from the top."""

    at: Mapping[str, Cell]
    bands: tuple[int, ...]
    columns: int


@dataclass
class _Band:
    """What is taken in each row of a band: columns from, to, and by which chain."""

    rows: list[list[tuple[int, int, str]]] = field(default_factory=list)

    def blocking(self, row: int, first: int, last: int) -> list[str]:
        """The chains that stand in the way in a row."""
        return [chain for a, b, chain in (self.rows[row] if row < len(self.rows) else ()) if a <= last and first <= b]

    def take(self, row: int, first: int, last: int, chain: str) -> int:
        """The first free row from the wished one on."""
        while self.blocking(row, first, last):
            row += 1
        self.rows += [[] for _ in range(row + 1 - len(self.rows))]
        self.rows[row].append((first, last, chain))
        return row


def rows_of(graph: Graph, ranks: Ranks, lowered: frozenset[str] = frozenset()) -> Rows:
    """A row for each chain, below that which it branches from; one further down for those to be lowered."""
    ahead = [flow for flow in graph.flows if not flow.quiet and flow.id not in ranks.back]
    chains = _straight(graph, ranks, ahead)
    number = {flow.id: place for place, flow in enumerate(ahead)}
    into: dict[str, list[Flow]] = {}
    for flow in ahead:
        into.setdefault(graph.stand(flow.target), []).append(flow)
    chains.sort(key=lambda c: (ranks.column[c[0]], min((number[f.id] for f in into.get(c[0], ())), default=0)))
    bands = [_Band() for _ in graph.bands or ("",)]
    rows: dict[str, int] = {}
    blocking: dict[str, None] = {}
    for chain in chains:
        band = graph.nodes[chain[0]].band
        before = [graph.stand(flow.source) for flow in into.get(chain[0], ())]
        beside = [rows[node] + 1 for node in before if graph.nodes[node].band == band and node in rows]
        wish = min(beside, default=0) + (chain[0] in lowered)
        first, last = _reach(graph, ranks, chain, before, ahead)
        blocking |= dict.fromkeys(bands[band].blocking(wish, first, last))
        rows |= dict.fromkeys(chain, bands[band].take(wish, first, last, chain[0]))
    counts = tuple(max(len(band.rows), 1) for band in bands)
    return Rows(rows, counts, lowered, tuple(chain for chain in blocking if chain not in lowered))


def _reach(
    graph: Graph, ranks: Ranks, chain: Sequence[str], before: Sequence[str], ahead: Sequence[Flow]
) -> tuple[int, int]:
    """The columns that a chain needs in its row, with the lines that lead to it and on from it."""
    column, band = ranks.column, graph.nodes[chain[0]].band
    first, last = column[chain[0]], column[chain[-1]]
    for node in before:
        first = min(first, column[node] + (graph.nodes[node].band != band))
    for flow in ahead:
        target = graph.stand(flow.target)
        if graph.stand(flow.source) == chain[-1] and graph.nodes[target].band == band:
            last = max(last, column[target] - 1)
    return first, last


def _straight(graph: Graph, ranks: Ranks, ahead: Sequence[Flow]) -> list[list[str]]:
    """The nodes as chains: from each its first flow that leads on within the band to a node of no other chain."""
    out: dict[str, list[str]] = {}
    for flow in ahead:
        if graph.nodes[flow.target].band == graph.nodes[flow.source].band and not graph.nodes[flow.source].host:
            out.setdefault(flow.source, []).append(flow.target)
    chains: list[list[str]] = []
    taken: set[str] = set()
    reached = (node for node in graph.standing if not node.apart and not node.is_note)
    for node in sorted(reached, key=lambda node: ranks.column[node.id]):
        here: str | None = node.id
        chain: list[str] = []
        while here is not None and here not in taken:
            taken.add(here)
            chain.append(here)
            here = next((target for target in out.get(here, ()) if target not in taken), None)
        if chain:
            chains.append(chain)
    return chains


def place(graph: Graph, ranks: Ranks, rows: Rows, sizes: Mapping[str, Size]) -> Cells:
    """The cells of a graph: its chains, notes above what they speak of, event subprocesses in the lowest rows."""
    columns = {key: ranks.column[key] for key in rows.of}
    notes = _notes(graph, columns, rows.of)
    columns |= {key: column for key, (column, _) in notes.items()}
    total = max(columns.values(), default=0) + 1
    counts = list(rows.counts)
    apart = _apart(graph, rows.of, columns, counts, sizes, total)
    noted = {(graph.nodes[key].band, row) for key, (_, row) in notes.items()}
    bands: list[int] = []
    numbers: dict[tuple[int, int], int] = {}
    for band, count in enumerate(counts):
        for row in range(count):
            bands += [band] * (1 + ((band, row) in noted))
            numbers[band, row] = len(bands) - 1
    at: dict[str, Cell] = {}
    for node in graph.standing:
        if node.id in apart:
            cell = apart[node.id]
            first, last = (numbers[node.band, row] for row in (cell.row, cell.row + cell.down - 1))
            at[node.id] = Cell(cell.column, first, cell.across, last - first + 1)
        elif node.id in notes:
            at[node.id] = Cell(columns[node.id], numbers[node.band, notes[node.id][1]] - 1)
        else:
            at[node.id] = Cell(columns[node.id], numbers[node.band, rows.of[node.id]])
    return Cells(at, tuple(bands), total)


def _notes(graph: Graph, columns: Mapping[str, int], rows: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The column of each note, and the row of its band that it stands above."""
    about: dict[str, str] = {}
    for flow in graph.flows:
        if flow.quiet:
            about.setdefault(flow.source, graph.stand(flow.target))
            about.setdefault(flow.target, graph.stand(flow.source))
    taken: set[tuple[int, int, int]] = set()
    notes: dict[str, tuple[int, int]] = {}
    for note in graph.standing:
        if note.is_note:
            subject = about.get(note.id, "")
            column, row = columns.get(subject, 0), rows.get(subject, 0)
            while (note.band, column, row) in taken:
                column += 1
            taken.add((note.band, column, row))
            notes[note.id] = (column, row)
    return notes


def _apart(
    graph: Graph,
    rows: Mapping[str, int],
    columns: Mapping[str, int],
    counts: list[int],
    sizes: Mapping[str, Size],
    total: int,
) -> dict[str, Cell]:
    """Event subprocesses, from the left in the lowest rows of their band, or in a new row below them."""
    taken = {(graph.nodes[key].band, row, columns[key]) for key, row in rows.items()}
    found: dict[str, Cell] = {}
    for node in (node for node in graph.standing if node.apart):
        across = min(-(-sizes[node.id].width // COLUMN_PITCH), total)
        down = -(-(sizes[node.id].height + 36) // ROW_PITCH)
        first = counts[node.band] - down
        start = next((c for c in range(total) if not _covered(node.band, first, down, c, across + 1) & taken), total)
        if first < 0 or start + across > total:
            counts[node.band] += 1
            start, first, down = 0, counts[node.band] - 1, 1
        taken |= _covered(node.band, first, down, start, across)
        found[node.id] = Cell(start, first, across, down)
    return found


def _covered(band: int, row: int, down: int, column: int, across: int) -> set[tuple[int, int, int]]:
    return {(band, r, c) for r in range(row, row + down) for c in range(column, column + across)}
