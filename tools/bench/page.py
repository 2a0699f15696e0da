# SPDX-License-Identifier: Apache-2.0
"""Writes docs/benchmarks.md and its plots from the JSON of streambench: page.py REPORT.json DOCS."""
import json
import math
import pathlib
import sys

WHO = ["ours", "line", "futex", "iceoryx", "zeromq", "nng", "socket", "pipe", "gstreamer", "gstreamer-shm", "bare",
       "default", "precise"]
COLOURS = {"ours": "#1f77b4", "line": "#444444", "futex": "#777777", "iceoryx": "#d62728",
           "zeromq": "#ff7f0e", "nng": "#9467bd", "socket": "#8c564b", "pipe": "#bcbd22",
           "gstreamer": "#2ca02c", "gstreamer-shm": "#98df8a"}
PERCENTILES = ["p50", "p99", "p999", "max"]


def number(value):
    """Three digits, with a thousands prefix."""
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def time_text(ns):
    for limit, suffix in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if abs(ns) >= limit:
            return f"{ns / limit:.3g} {suffix}"
    return f"{ns:.3g} ns"


def value_text(figure):
    text = time_text if figure["unit"] == "ns" else number
    unit = "" if figure["unit"] in ("ns", "") else f" {figure['unit']}"
    return text(figure["median"]) + unit


def split(figures, row, last):
    """{shape: {who: figure}} of the keys row.SHAPE.WHO.last."""
    shapes = {}
    for key, figure in figures.items():
        words = key.split(".")
        if words[0] == row and words[-1] == last and words[-2] in WHO:
            shapes.setdefault(".".join(words[1:-2]), {})[words[-2]] = figure
    return shapes


def latency_table(figures):
    lines = ["| shape | who | p50 | p99 | p99.9 | max |", "|---|---|---|---|---|---|"]
    for shape, people in split(figures, "latency", "p50").items():
        for who in people:
            cells = [figures.get(f"latency.{shape}.{who}.{p}", {"missing": ""}) for p in PERCENTILES]
            if "missing" in cells[0]:
                lines.append(f"| {shape} | {who} | {cells[0]['missing']} | | | |")
            else:
                texts = [value_text(c) if "missing" not in c else "" for c in cells]
                lines.append(f"| {shape} | {who} | " + " | ".join(texts) + " |")
    return lines


def rate_table(figures, row):
    shapes = split(figures, row, "rate")
    people = [who for who in WHO if any(who in shape for shape in shapes.values())]
    lines = ["| shape | " + " | ".join(people) + " |", "|---" * (len(people) + 1) + "|"]
    for shape, by_who in shapes.items():
        cells = []
        for who in people:
            figure = by_who.get(who, {"missing": ""})
            cells.append(figure["missing"] if "missing" in figure else value_text(figure))
        lines.append(f"| {shape} | " + " | ".join(cells) + " |")
    return lines


def other_table(figures, row):
    lines = ["| figure | median | rounds |", "|---|---|---|"]
    for key, figure in figures.items():
        if key.split(".")[0] == row:
            name = key.split(".", 1)[1]
            if "missing" in figure:
                lines.append(f"| {name} | not available: {figure['missing']} | |")
            else:
                values = figure["rounds"]
                spread = f"{number(min(values))} to {number(max(values))}"
                lines.append(f"| {name} | {value_text(figure)} | {spread} |")
    return lines


def goal_table(goals):
    lines = ["| goal | what | reached | wanted | |", "|---|---|---|---|---|"]
    for goal in goals:
        wanted = f"{goal['comparison']} {goal['goal']:.4g}"
        if "missing" in goal:
            lines.append(f"| {goal['id']} | {goal['text']} | | {wanted} | {goal['missing']} |")
        else:
            why = f": {goal['why']}" if goal.get("why") else ""
            verdict = "reached" if goal["reached"] else f"**missed**{why}"
            lines.append(f"| {goal['id']} | {goal['text']} | {goal['ratio']:.3g} | {wanted} | {verdict} |")
    return lines


def bars(shapes, title, unit, text):
    """An SVG of horizontal bars on a logarithmic axis, one group per shape."""
    rows = [(shape, who, figure["median"]) for shape, people in shapes.items()
            for who, figure in people.items() if "missing" not in figure and figure["median"] > 0]
    if not rows:
        return None
    low = 10 ** math.floor(math.log10(min(value for _, _, value in rows)))
    high = 10 ** math.ceil(math.log10(max(value for _, _, value in rows)))
    span = max(1, math.log10(high / low))
    height = 60 + 16 * len(rows) + 10 * len(shapes)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{height}" '
             'font-family="sans-serif" font-size="11">',
             f'<rect width="860" height="{height}" fill="white"/>',
             f'<text x="10" y="20" font-size="14">{title}, {unit}, logarithmic</text>']
    for step in range(int(span) + 1):
        x = 240 + 520 * step / span
        parts.append(f'<line x1="{x:.0f}" y1="36" x2="{x:.0f}" y2="{height - 10}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.0f}" y="34" fill="#555">{text(low * 10 ** step)}</text>')
    y, last = 40, None
    for shape, who, value in rows:
        if shape != last:
            y += 10
            parts.append(f'<text x="10" y="{y + 11}">{shape}</text>')
            last = shape
        width = 520 * math.log10(value / low) / span
        parts.append(f'<text x="234" y="{y + 11}" text-anchor="end">{who}</text>')
        parts.append(f'<rect x="240" y="{y}" width="{max(1, width):.1f}" height="13" '
                     f'fill="{COLOURS.get(who, "#999")}"/>')
        parts.append(f'<text x="{244 + width:.1f}" y="{y + 11}">{text(value)}</text>')
        y += 16
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


PLOTS = [("latency", "p50", "One way", "median", time_text),
         ("throughput", "rate", "One source, one sink", "frames per second", number),
         ("fanout", "rate", "One source, several sinks", "frames per second", number),
         ("media", "rate", "Video", "frames per second", number)]

OTHERS = [("limits", "Limits of the machine"), ("chain", "Filters in a row"),
          ("syscalls", "System calls"), ("copies", "Copies"), ("cpu", "CPU time"), ("idle", "At rest"),
          ("memory", "Memory"), ("start", "Start"), ("stop", "Stop"), ("recovery", "Recovery"),
          ("isolation", "Isolation"), ("transport", "Ring and iceoryx as transports"),
          ("clock", "Clock")]


def write_plots(figures, docs):
    written = {}
    for row, last, title, unit, text in PLOTS:
        plot = bars(split(figures, row, last), title, unit, text)
        if plot:
            name = f"benchmarks-{row}.svg"
            (docs / name).write_text(plot)
            written[row] = name
    return written


def busy(machine):
    load = float(machine.get("load", "0").split()[0])
    if load <= machine["cpus"] + 2:
        return []
    return [f"**The machine was not at rest before this run** (load {load:g} on {machine['cpus']} CPUs):",
            "rates and tails are far",
            "below what it can do, and what needs both CPUs at once suffers most. Medians of latencies and ratios",
            "within a round are what can be read from it.", ""]


def head(report):
    machine, run = report["machine"], report["run"]
    cpu = machine.get("lscpu", {})
    caches = ", ".join(f"{name} {cpu[name]}" for name in ("L1d cache", "L2 cache", "L3 cache") if name in cpu)
    return ["# Benchmarks", "",
            "Written by `./dev bench page` from one run of `streambench`; do not edit. Every figure of ours goes",
            "through a real broker, a real graph file and real worker processes; limits of the machine and other",
            "transports are measured by the same program within a second or two of it. Ratios are medians of the",
            "ratios within each round. Absolute figures hold for this machine at that moment only.", "",
            f"- {cpu.get('Model name', '?')}, {machine['cpus']} CPUs, {caches}; "
            f"{cpu.get('Hypervisor vendor', 'no')} hypervisor",
            f"- {machine['kernel']}; {machine.get('memory', '')}; load before {machine.get('load', '?')}",
            f"- streambroker {machine['streambroker']}, {machine['time']}, {run['rounds']} rounds of {run['seconds']} s"
            f" per figure, pinned rows on CPUs {run['cpus'][0]} and {run['cpus'][1]}", ""] + busy(machine)


def page(report, plots):
    figures = report["figures"]
    rows = {key.split(".")[0] for key in figures}
    lines = head(report) + ["## Goals", ""] + goal_table(report["goals"]) + [""]
    if "latency" in rows:
        lines += ["## Latency", "",
                  "One way: half a round trip of a peer; ours is a round trip that comes back over one bare",
                  "cache line (or futex, where the reader sleeps), whose time is taken off.", ""]
        lines += latency_table(figures) + [""]
        if "latency" in plots:
            lines += [f"![Latency]({plots['latency']})", ""]
    for row, title in (("throughput", "Throughput"), ("fanout", "Fan-out"), ("media", "Media")):
        if row in rows:
            lines += [f"## {title}", ""] + rate_table(figures, row) + [""]
            if row in plots:
                lines += [f"![{title}]({plots[row]})", ""]
    for row, title in OTHERS:
        if row in rows:
            lines += [f"## {title}", ""] + other_table(figures, row) + [""]
    return "\n".join(lines).rstrip() + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    docs = pathlib.Path(sys.argv[2])
    plots = write_plots(report["figures"], docs)
    (docs / "benchmarks.md").write_text(page(report, plots))


if __name__ == "__main__":
    main()
