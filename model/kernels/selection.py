"""The best of a list, ties by position. Shape legend: P scored entries, B requests, N entries of all requests."""

import numpy as np

from model.kernels.compiler import kernel
from model.kernels.numbers import INF, ZERO

_HIGH, _LOW_HALF = np.int64(0x100000000), np.int64(0xFFFFFFFF)
_MIRROR = np.int64(-0x80000000)


@kernel
def best(score_P, k, key_P):
    """Leaves the positions of the k best, highest first, in key_P; returns how many. -inf is never among them.

    Args:
        score_P: [P] float32, no NaN. key_P: [P] int64, written.
    """
    bits_P = score_P.view(np.int32)
    n = 0
    for p in range(len(score_P)):
        if score_P[p] > -INF:
            # Bits of a float, the negative ones turned round, rise with it as an integer; -0 is 0.
            bits = np.int64(bits_P[p]) if score_P[p] != ZERO else np.int64(0)
            rising = bits if bits >= 0 else _MIRROR - bits
            key_P[n] = -rising * _HIGH + p
            n += 1
    if k < n:
        _smallest_first(key_P, n, k)
        n = k
    key_P[:n].sort()
    for p in range(n):
        key_P[p] &= _LOW_HALF
    return n


@kernel
def best_of_each(score_N, end_B, k, best_N, best_end_B):
    """Positions in score_N of the k best of each request, requests in order; returns how many there are in all.

    Args:
        end_B: [B] int64 where each request's entries end. best_N, best_end_B: int64, written.
    """
    key_P = np.empty(len(score_N), np.int64)
    begin, n = 0, 0
    for b in range(len(end_B)):
        end = end_B[b]
        listed = best(score_N[begin:end], k, key_P)
        for p in range(listed):
            best_N[n] = begin + key_P[p]
            n += 1
        best_end_B[b] = n
        begin = end
    return n


@kernel
def _smallest_first(key_P, n, k):
    """Hoare's quickselect over distinct keys: the k smallest of key_P[:n] come first, in any order."""
    low, high = 0, n - 1
    while low < high:
        pivot = key_P[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while key_P[i] < pivot:
                i += 1
            while key_P[j] > pivot:
                j -= 1
            if i <= j:
                key_P[i], key_P[j] = key_P[j], key_P[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return
