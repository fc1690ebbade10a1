"""A BCH(127, 64) code: 64 bits that survive ten wrong ones among 127. Bits are numpy arrays of 0 and 1, first bit first.

Over GF(2^7) with x^7 + x^3 + 1. A code word is the 64 data bits, then the remainder of data(x) * x^63 by the generator,
the product of the minimal polynomials of a, a^3 ... a^19; bit i is the coefficient of x^(126 - i).
Ours, because the library for it is GPL and the free one brings a compiler (docs/decisions).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LENGTH, DATA, CORRECTABLE = 127, 64, 10
_PRIMITIVE = 0b10001001
_EXTRA = LENGTH - DATA

Bits = NDArray[np.uint8]


def encode(data: int) -> Bits:
    """The code word of a 64-bit number."""
    shifted = data << _EXTRA
    word = shifted | _remainder(shifted, _generator())
    return np.array([word >> (LENGTH - 1 - place) & 1 for place in range(LENGTH)], np.uint8)


def decode(bits: Bits) -> int | None:
    """The 64-bit number of the one code word within ten wrong bits, or None. A random word has one with 2e-5."""
    syndromes = _syndromes(bits)
    if not any(syndromes):
        return _number(bits)
    locator = _error_locator(syndromes)
    if len(locator) - 1 > CORRECTABLE:
        return None
    wrong = _roots(locator)
    if len(wrong) != len(locator) - 1:
        return None
    repaired = bits.copy()
    repaired[[LENGTH - 1 - power for power in wrong]] ^= 1
    return None if any(_syndromes(repaired)) else _number(repaired)


def _number(bits: Bits) -> int:
    return int("".join(map(str, bits[:DATA].tolist())), 2)


@cache
def _tables() -> tuple[list[int], dict[int, int]]:
    """Powers of the primitive element, and their logarithms."""
    powers = [1]
    for _ in range(LENGTH - 1):
        doubled = powers[-1] << 1
        powers.append(doubled ^ _PRIMITIVE if doubled >> 7 else doubled)
    return powers, {value: power for power, value in enumerate(powers)}


def _times(left: int, right: int) -> int:
    powers, logarithms = _tables()
    return powers[(logarithms[left] + logarithms[right]) % LENGTH] if left and right else 0


def _over(left: int, right: int) -> int:
    powers, logarithms = _tables()
    return powers[(logarithms[left] - logarithms[right]) % LENGTH] if left else 0


@cache
def _generator() -> int:
    """As an integer whose bits are the coefficients."""
    powers, _ = _tables()
    roots = {root * 2**turn % LENGTH for root in range(1, 2 * CORRECTABLE, 2) for turn in range(7)}
    product = [1]  # lowest power first
    for root in roots:
        shifted, scaled = [0, *product], [_times(powers[root], it) for it in product] + [0]
        product = [one ^ other for one, other in zip(shifted, scaled, strict=True)]
    return sum(bit << power for power, bit in enumerate(product))


def _remainder(dividend: int, divisor: int) -> int:
    while dividend.bit_length() >= divisor.bit_length():
        dividend ^= divisor << (dividend.bit_length() - divisor.bit_length())
    return dividend


def _syndromes(bits: Bits) -> list[int]:
    powers, _ = _tables()
    places = LENGTH - 1 - np.flatnonzero(bits)
    values = np.array(powers)[np.outer(np.arange(1, 2 * CORRECTABLE + 1), places) % LENGTH]
    return [int(it) for it in np.bitwise_xor.reduce(values, axis=1)]


def _error_locator(syndromes: list[int]) -> list[int]:
    """Berlekamp and Massey: the shortest recurrence of the syndromes, lowest power first."""
    locator, before, length, gap, last = [1], [1], 0, 1, 1
    for step, syndrome in enumerate(syndromes):
        wrong = syndrome
        for power in range(1, min(length, len(locator) - 1) + 1):
            wrong ^= _times(locator[power], syndromes[step - power])
        if wrong:
            factor = _over(wrong, last)
            moved = [0] * gap + [_times(factor, it) for it in before]
            size = max(len(moved), len(locator))
            changed = [
                (locator[power] if power < len(locator) else 0) ^ (moved[power] if power < len(moved) else 0)
                for power in range(size)
            ]
            if 2 * length <= step:
                before, length, gap, last = locator, step + 1 - length, 0, wrong
            locator = changed
        gap += 1
    while len(locator) > 1 and not locator[-1]:
        locator.pop()
    return locator


def _roots(locator: list[int]) -> list[int]:
    """The powers p where the polynomial is zero at a^-p: the wrong places."""
    powers, logarithms = _tables()
    terms = [(power, logarithms[factor]) for power, factor in enumerate(locator) if factor]
    degrees, factors = np.array(terms).T
    values = np.array(powers)[(factors - np.arange(LENGTH)[:, None] * degrees) % LENGTH]
    wrong: list[int] = np.flatnonzero(np.bitwise_xor.reduce(values, axis=1) == 0).tolist()
    return wrong
