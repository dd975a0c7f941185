"""Draws the figures of the site from what `benchmarks/` has measured: `python -m docs.draw_figures`.

The files are plain SVG. Their colours are variables, which the theme of the site sets when they are a part of its
pages; elsewhere, as in the README, they follow the preference of the reader's system.
"""

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

_ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = _ROOT / "benchmarks" / "results"
FIGURES: Final = _ROOT / "docs" / "figures"

_WIDTH: Final = 480
_STYLE: Final = """\
.fig{font:15px system-ui,sans-serif;\
--fig-1:#6d28d9;--fig-2:#b45309;--fig-3:#64748b;--fig-ink:#334155;--fig-line:#cbd5e1}
@media (prefers-color-scheme:dark){\
.fig{--fig-1:#b794f6;--fig-2:#f6ad55;--fig-3:#94a3b8;--fig-ink:#cbd5e1;--fig-line:#475569}}
.fig .small{font-size:13px}
.fig .line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.fig .grid{stroke:var(--fig-line);stroke-width:1}
.fig .box{fill:none;stroke:var(--fig-line);stroke-width:1.5}
.fig .arrow{fill:none;stroke:var(--fig-ink);stroke-width:1.5}
.fig .head{fill:var(--fig-ink)}"""


def svg(height: float, parts: Sequence[str]) -> str:
    """Return a drawing of this height, with its parts."""
    body = "\n".join(parts)
    return (
        f'<svg class="fig" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}">\n'
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "start", color: str = "ink") -> str:
    """Return words at a place; `color` is ``ink``, or the number of a series."""
    fill = f"fill:var(--fig-{color})"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{fill}">{html.escape(words)}</text>'


def small_text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Return words in a smaller size."""
    return f'<g class="small">{text(x, y, words, anchor)}</g>'


@attrs.frozen
class Series:
    """A line in a chart."""

    name: str
    points: Sequence[tuple[float, float]]
    color: int


@attrs.frozen
class Axis:
    """One of the two axes of a chart."""

    title: str
    ticks: Sequence[float]

    @property
    def end(self) -> float:
        """The greatest value."""
        return self.ticks[-1]


def line_chart(series: Sequence[Series], x: Axis, y: Axis, limit: float | None = None) -> str:
    """Return a chart of lines, with a legend above; `limit` is a horizontal line."""
    left, right, top, bottom = 52.0, 12.0, 20.0 * len(series) + 36.0, 44.0
    height = top + 190.0 + bottom
    across, down = _WIDTH - left - right, height - top - bottom

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return left + across * point[0] / x.end, top + down * (1 - min(point[1], y.end) / y.end)

    parts = [text(2, 18 + 20 * number, one.name, color=str(one.color)) for number, one in enumerate(series)]
    parts.append(small_text(2, top - 14, y.title))
    for tick in y.ticks:
        _, height_of_tick = at((0, tick))
        parts.append(f'<path class="grid" d="M{left} {height_of_tick:.1f}H{_WIDTH - right}"/>')
        parts.append(small_text(left - 6, height_of_tick + 4, f"{tick:,g}", anchor="end"))
    below = height - bottom + 16
    parts += [small_text(at((tick, 0))[0], below, f"{tick:g}", anchor="middle") for tick in x.ticks]
    parts.append(small_text(left + across / 2, height - 6, x.title, anchor="middle"))
    if limit is not None:
        _, height_of_limit = at((0, limit))
        parts.append(f'<path class="arrow" stroke-dasharray="5 4" d="M{left} {height_of_limit:.1f}H{_WIDTH - right}"/>')
    for one in reversed(series):
        path = "L".join(f"{across_at:.1f} {down_at:.1f}" for across_at, down_at in map(at, one.points))
        parts.append(f'<path class="line" style="stroke:var(--fig-{one.color})" d="M{path}"/>')
    return svg(height, parts)


def bar_chart(bars: Sequence[tuple[str, float]], unit: str) -> str:
    """Return horizontal bars, each below its name; the first one has the colour of this package."""
    longest = max(value for _, value in bars)
    parts: list[str] = []
    for number, (name, value) in enumerate(bars):
        top = 8.0 + 44.0 * number
        length = max(2.0, (_WIDTH - 90) * value / longest)
        color = 1 if number == 0 else 3
        parts += [
            text(2, top + 12, name),
            f'<rect x="2" y="{top + 18:.1f}" width="{length:.1f}" height="14" rx="3" style="fill:var(--fig-{color})"/>',
            small_text(length + 8, top + 29.5, f"{value:,.0f} {unit}"),
        ]
    return svg(8 + 44 * len(bars), parts)


def _read(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return found


def storm() -> str:
    """Draw how many of a thousand registrations were found over time, with the client and by hand."""
    sides = _read("storm.json")
    names = {
        "ultravox-async": "ultravox-async",
        "aiohttp, 4 attempts": "aiohttp, four attempts",
        "aiohttp, no retries": "aiohttp",
    }
    seconds = max(len(side["found"]) * side["step"] for side in sides.values())
    series: list[Series] = []
    for color, (name, title) in enumerate(names.items(), 1):
        found, requests = sides[name]["found"], sides[name]["requests"]
        told = f"{title}: {found[-1]:,} found, {requests:,} requests"
        series.append(Series(told, [*_steps(sides[name]), (seconds, found[-1])], color))
    ticks = [*range(0, int(seconds) + 5, 5)]
    return line_chart(series, Axis("seconds", ticks), Axis("found", [0, 250, 500, 750, 1000]))


def _steps(side: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    for number, found in enumerate(side["found"]):
        yield number * side["step"], found


def fleet() -> str:
    """Draw the requests that were accepted in each second, of four processes that share 200 a second."""
    scenarios = _read("fleet.json")
    names = {"sweeps": "RedisRateBudget", "sweeps-limits": "by hand, with limits"}
    series = [
        Series(f"{name}: {_refused(scenarios[scenario])} times 429", _per_second(scenarios[scenario]), color)
        for color, (scenario, name) in enumerate(names.items(), 1)
    ]
    last = max(second for one in series for second, _ in one.points)
    ticks = [*range(0, int(last) + 10, 10)]
    limit = scenarios["sweeps"]["limit"]
    return line_chart(series, Axis("seconds", ticks), Axis("accepted in a second", [0, 50, 100, 150, 200, 250]), limit)


def _per_second(scenario: Mapping[str, Any]) -> list[tuple[float, float]]:
    clients = [client["accepted"] for client in scenario["rates"].values()]
    steps = round(1 / scenario["step"])
    seconds = max(map(len, clients)) // steps
    return [
        (second, sum(sum(client[second * steps : (second + 1) * steps]) for client in clients))
        for second in range(seconds)
    ]


def _refused(scenario: Mapping[str, Any]) -> int:
    return sum(sum(client["refused"]) for client in scenario["rates"].values())


def cpu() -> str:
    """Draw the CPU time of a request, of this package and of its peers."""
    rows = {row["against"]: row["medians"] for row in _read("cpu.json").values()}
    ours = rows["aiohttp by hand"][0]
    peers = {
        "aiohttp by hand, without types": rows["aiohttp by hand"],
        "the core of openai, a generated SDK on httpx": rows["AsyncOpenAI.get(cast_to=Model)"],
        "httpx by hand, without types": rows["httpx.AsyncClient"],
    }
    return bar_chart([("ultravox-async", ours), *((name, medians[1]) for name, medians in peers.items())], "µs")


def window() -> str:
    """Draw requests that wait for a sliding window of one second, with a rate of five."""
    rate = 5
    arrivals = [0.1, 0.15, 0.2, 0.7, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 2.5, 2.6]
    sends: list[float] = []
    for number, arrival in enumerate(arrivals):
        sends.append(max(arrival, sends[number - rate] + 1.0) if number >= rate else arrival)
    left = 116.0
    scale = (_WIDTH - left - 8) / 2.75

    def at(second: float) -> float:
        return left + scale * second

    parts = [text(2, 28, "requests come"), text(2, 104, "and are sent")]
    for row, moments, color in ((24, arrivals, 3), (100, sends, 1)):
        parts.append(f'<path class="grid" d="M{left} {row}H{_WIDTH - 8}"/>')
        parts += [
            f'<circle cx="{at(moment):.1f}" cy="{row}" r="5" style="fill:var(--fig-{color})"/>' for moment in moments
        ]
    parts += [
        f'<path class="arrow" style="opacity:.4" d="M{at(come):.1f} 30L{at(sent):.1f} 93"/>'
        for come, sent in zip(arrivals, sends, strict=True)
    ]
    for row, start in enumerate((0.05, 0.65, 1.05)):
        inside = sum(start <= sent < start + 1.0 for sent in sends)
        y = 126 + 34 * row
        begin, end = at(start), at(start + 1)
        parts.append(f'<path class="arrow" d="M{begin:.1f} {y - 6}v12M{begin:.1f} {y}H{end:.1f}m0 -6v12"/>')
        parts.append(small_text(at(start + 0.5), y + 16, f"one second: {inside}", anchor="middle"))
    return svg(220, parts)


def request() -> str:
    """Draw the life of a request."""
    steps = [
        ("1  check the arguments", "InvalidRequestError"),
        ("2  wait for a turn", ""),
        ("3  attempt", ""),
        ("4  decide", "an error"),
        ("5  decode", "DecodeError"),
    ]
    left, wide, high, gap = 110.0, 190.0, 36.0, 26.0
    parts: list[str] = []
    for number, (name, failure) in enumerate(steps):
        y = 8 + number * (high + gap)
        parts.append(f'<rect class="box" x="{left}" y="{y}" width="{wide}" height="{high}" rx="8"/>')
        parts.append(text(left + 14, y + 23, name))
        parts.append(_arrow(left + wide / 2, y + high, left + wide / 2, y + high + gap))
        if failure:
            parts.append(_arrow(left + wide, y + high / 2, left + wide + 34, y + high / 2))
            parts.append(small_text(left + wide + 40, y + high / 2 + 4, failure))
    bottom = 8 + len(steps) * (high + gap)
    parts.append(text(left + wide / 2, bottom + 12, "the result", anchor="middle"))
    # The way back of an attempt that failed, from "decide" to "wait for a turn".
    decide, wait = (8 + number * (high + gap) + high / 2 for number in (3, 1))
    parts.append(f'<path class="arrow" d="M{left} {decide}H{left - 46}V{wait}H{left - 8}"/>')
    parts.append(_head(left, wait, "l-8 -4v8z"))
    parts.append(small_text(left - 52, (decide + wait) / 2 + 4, "retry", anchor="end"))
    return svg(bottom + 22, parts)


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    head = _head(to_x, to_y, "l-4 -8h8z" if x == to_x else "l-8 -4v8z")
    return f'<path class="arrow" d="M{x} {y}L{to_x} {to_y}"/>{head}'


def _head(x: float, y: float, shape: str) -> str:
    return f'<path class="head" d="M{x} {y}{shape}"/>'


DRAWINGS: Final[Mapping[str, Callable[[], str]]] = {
    "storm.svg": storm,
    "fleet.svg": fleet,
    "cpu.svg": cpu,
    "window.svg": window,
    "request.svg": request,
}


def main() -> None:
    """Draw all figures."""
    FIGURES.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        (FIGURES / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
