# SPDX-License-Identifier: Apache-2.0
"""What sums, means, variances and regressions are exactly: computed in whole numbers, rounded once.

In: the values of one group or one frame, None for NULL. Out: a float (or None), to the last bit. Nothing here knows of the engine but
where it has NULL: no rows, one row of a sample, a column without variance.

A float is a whole number of units of 2^-1074, its product with another one of 2^-2148: sums of both are whole numbers of Python, which
are as long as they need to be. The division of two whole numbers in Python is rounded correctly, subnormal results included.
"""

import decimal
import math

UNIT_BITS = 1074
SINGLE = ("sum", "avg", "var_samp", "var_pop", "stddev_samp", "stddev_pop")
#: Of (y, x), as the standard writes them.
PAIRED = ("covar_samp", "covar_pop", "corr", "regr_slope", "regr_intercept", "regr_count", "regr_r2", "regr_avgx", "regr_avgy", "regr_sxx",
          "regr_syy", "regr_sxy")


def units(value: float) -> int:
    """A finite float in units of 2^-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (UNIT_BITS + 1 - denominator.bit_length())


def quotient(numerator: int, denominator: int) -> float:
    """The nearest float; infinite beyond the range. Zero is +0.0, what is rounded to zero keeps its sign."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if (numerator < 0) == (denominator < 0) else -math.inf


def root(numerator: int, denominator: int) -> float:
    """The float nearest to the square root of a quotient. REQUIRES: numerator ≥ 0, denominator > 0."""
    # At least 70 bits of the root, then one bit that says whether anything follows: no bound between two floats lies in between.
    shift = max(0, (140 - numerator.bit_length() + denominator.bit_length()) // 2 + 1)
    scaled, rest = divmod(numerator << (2 * shift), denominator)
    whole = math.isqrt(scaled)
    followed = rest != 0 or whole * whole != scaled
    return quotient(2 * whole + followed, 1 << (shift + 1))


class Series:
    """The values of one argument: a sum of units, a sum of squares, and what is no number."""

    def __init__(self, values):
        self.nan = any(value != value for value in values)
        self.plus, self.minus = math.inf in values, -math.inf in values
        self.finite = not (self.nan or self.plus or self.minus)
        self.units = [units(value) for value in values] if self.finite else []
        self.sum = sum(self.units)

    def rounded_sum(self, divisor: int = 1) -> float:
        if self.nan or (self.plus and self.minus):
            return math.nan
        if self.plus or self.minus:
            return math.inf if self.plus else -math.inf
        return quotient(self.sum, divisor << UNIT_BITS)


def centred(one: Series, other: Series) -> int:
    """n·Σxy − Σx·Σy, in units of 2^-2148."""
    return len(one.units) * sum(x * y for x, y in zip(one.units, other.units)) - one.sum * other.sum


def of_one(function: str, values) -> float | None:
    """`function` of SINGLE over floats."""
    values = [value for value in values if value is not None]
    count = len(values)
    if count == 0:
        return None
    series = Series(values)
    if function == "sum":
        return series.rounded_sum()
    if function == "avg":
        return series.rounded_sum(count)
    divisor = count if function.endswith("_pop") else count - 1
    if divisor == 0:
        return None
    if not series.finite:
        return math.nan
    division = root if function.startswith("stddev") else quotient
    return division(centred(series, series), count * divisor << (2 * UNIT_BITS))


def of_two(function: str, pairs) -> float | int | None:
    """`function` of PAIRED over pairs (y, x); one with NULL on a side does not count."""
    pairs = [pair for pair in pairs if None not in pair]
    count = len(pairs)
    if function == "regr_count":
        return count
    if count == 0:
        return None
    y, x = (Series(side) for side in zip(*pairs))
    if function in ("regr_avgx", "regr_avgy"):
        return (x if function == "regr_avgx" else y).rounded_sum(count)
    if function in ("covar_samp", "covar_pop", "regr_sxx", "regr_syy", "regr_sxy"):
        one, other = {"regr_sxx": (x, x), "regr_syy": (y, y)}.get(function, (x, y))
        divisor = {"covar_samp": count - 1, "covar_pop": count}.get(function, 1)  # n·Σ(x−x̄)(y−ȳ) is what is centred
        if divisor == 0:
            return None
        if not (one.finite and other.finite):
            return math.nan
        return quotient(centred(one, other), count * divisor << (2 * UNIT_BITS))
    finite = x.finite and y.finite
    if count < 2:
        return math.nan if function == "corr" and not finite else None
    if not finite:
        return math.nan
    xx, yy, xy = centred(x, x), centred(y, y), centred(x, y)
    # A column without variance gives NULL; an intercept and a slope ask for that of x only.
    if xx == 0 or (yy == 0 and function in ("corr", "regr_r2")):
        return None
    if function == "regr_slope":
        return quotient(xy, xx)
    if function == "regr_intercept":
        return quotient(y.sum * xx - xy * x.sum, count * xx << UNIT_BITS)
    if function == "regr_r2":
        return quotient(xy * xy, xx * yy)
    assert function == "corr", function
    size = root(xy * xy, xx * yy)
    return -size if xy < 0 else size


def of_whole(function: str, values):
    """`sum` of whole numbers or decimals, which stays what they are; all else of them is of floats."""
    values = [value for value in values if value is not None]
    if function != "sum" or not values:
        return of_one(function, [float(value) for value in values])
    if isinstance(values[0], decimal.Decimal):
        with decimal.localcontext(prec=80):
            return sum(values, decimal.Decimal(0))
    return sum(values)
