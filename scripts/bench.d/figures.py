"""Numbers of a row, made from the reports of its rounds.

A report is a dictionary: what the load client printed, and `round`. Reports of different variants are compared within
a round, because absolute times drift with the machine and the ratio of neighbours does not.
"""

import math
import statistics

CONFIDENCE = 0.95


def figure(value):
    """Three significant digits, or whole numbers from 100 on."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def median(reports, name):
    return statistics.median(report[name] for report in reports)


def ratios(own, reference, name):
    """Of the rounds that both have."""
    there = {report["round"]: report[name] for report in reference}
    pairs = [(report[name], there[report["round"]]) for report in own if report["round"] in there]
    return [a / b for a, b in pairs if b > 0]


def interval(values):
    """The 95 % interval of the median that assumes no distribution: between two order statistics.

    The number of values below the median is binomial (n, 1/2); the k-th value from below and from above enclose the
    median unless fewer than k values lie on one side. With fewer than six values nothing encloses it with 95 %: then
    it is the range of them all.
    """
    ordered = sorted(values)
    count = len(ordered)
    outside, k = 0.0, 0
    while k < count // 2 and 2 * (outside + math.comb(count, k) / 2**count) <= 1 - CONFIDENCE:
        outside += math.comb(count, k) / 2**count
        k += 1
    at = max(k, 1) - 1
    return ordered[at], ordered[count - 1 - at]


def with_interval(values, show="{:.2f}".format):
    if not values:
        return ""
    low, high = interval(values)
    middle = show(statistics.median(values))
    return middle if len(values) < 2 else f"{middle} ({show(low)}–{show(high)})"


def verdict(values, target, show="{:g}".format):
    """The target, and on which side of it the interval lies."""
    if target is None or not values:
        return ""
    low, high = interval(values)
    side = "met" if high <= target else "missed" if low > target else "straddles"
    return f"{show(target)}: {side}"
