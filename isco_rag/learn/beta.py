"""Quantiles of the beta distribution, which exact intervals of shares are made of."""

from math import exp, lgamma, log, log1p

# Steps of the continued fraction; it needs about the square root of the larger parameter.
STEPS = 2000
TINY = 1e-300


def beta_below(x: float, a: float, b: float) -> float:
    """The probability that a beta variable with parameters a and b is at most x (the regularised incomplete beta function).

    >>> round(beta_below(0.3, 2, 5), 6)
    0.579825
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The fraction converges fast on this side of the mean only.
    return front * _fraction(x, a, b) / a if x < (a + 1) / (a + b + 2) else 1.0 - front * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (Press and others, Numerical Recipes, 6.4)."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, STEPS):
        for term in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            found *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return found


def _away(value: float) -> float:
    return value if abs(value) > TINY else TINY


def beta_quantile(p: float, a: float, b: float) -> float:
    """Where `beta_below` reaches p; 0 for a = 0 and 1 for b = 0, the distributions that lie on one point.

    >>> round(beta_quantile(0.579825, 2, 5), 5)
    0.3
    """
    if a <= 0.0 or b <= 0.0:
        return float(b <= 0.0)
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(100):
        gap = beta_below(x, a, b) - p
        low, high = (x, high) if gap < 0 else (low, x)
        # Newton's step where it stays between the bounds, else halving.
        slope = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + (a - 1) * log(x) + (b - 1) * log1p(-x))
        there = x - gap / slope if slope > 1e-200 else low
        there = there if low < there < high else (low + high) / 2
        if abs(there - x) <= 1e-12 * x + 1e-15:
            return there
        x = there
    return x
