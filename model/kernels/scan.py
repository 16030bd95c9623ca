"""The k largest inner products with a query, exact: a scan of int8 codes sieves, float vectors decide.

A block is up to LANES rows that lie one after another. Its codes lie one dimension a row, items side by side.

Why nothing is missed: with v = step * c + r (c int8, one step a block) and q = unit * p + g (p integer),

    q.v = unit * step * p.c + unit * p.r + g.v    so    |q.v - unit * step * p.c| <= |unit * p| * rest + |g| * length

where rest and length are the largest |r| and |v| of the block (Cauchy and Schwarz). That is an interval for each row.
A floor is a value that k lower ends reach: the k best have upper ends that reach it. Rows whose lower ends reach it are
scored; k of their scores reach a higher floor, and the rows whose upper ends reach that one are scored too.

Shape legend: N rows, d width, D width padded to a multiple of TOGETHER, B blocks, T lanes, W blocks to search, G groups
of lanes, S sieved rows, K rows wanted.
"""

import math

import numpy as np

from model.kernels.compiler import any_order, kernel
from model.kernels.numbers import INF
from model.kernels.selection import best

LANES = 256
"""Rows of a block."""
TOGETHER = 4
"""Products that are added in int16: the parts of the query are scaled to make that safe."""
GROUP = 16
"""Lanes whose largest sum is compared first."""
BINS = 1024
"""Of the histogram that gives a floor."""
_LARGEST = 127
"""Of a code."""
_MOST = 32767 // _LARGEST
"""Sum of TOGETHER parts of a query, without their signs."""
_ROUNDING = 2.0**-20
"""Share of |q| |v|, more than what rounding to float32 and sums in float64 change."""
_LEAST = 2.0**-149
"""More than what rounding to float32 changes in the smallest numbers."""
_ROUNDS = 8
"""Histograms, one within another: each is a thousand times finer."""
_TINY = 1e-150
"""Steps and units are not smaller, so that none of their products is 0."""
FINITE = float(np.finfo(np.float32).max)
"""An inner product beyond it counts as this."""
_NONE = np.int32(-0x80000000)
_LARGEST_SUM = 2.0**31 - 1


@kernel
def encode(vector_Nd, row_B, rows_B, code_BDT, bound_B3):
    """Writes the codes of each block and its (step, rest, length). Lanes without a row are 0.

    Args:
        vector_Nd: float32, finite. row_B, rows_B: int64, the first row of each block and how many there are.
        code_BDT: int8. bound_B3: [B, 3] float64.
    """
    for b in range(len(row_B)):
        block_Td, code_DT = vector_Nd[row_B[b] : row_B[b] + rows_B[b]], code_BDT[b]
        largest = 0.0
        for t in range(block_Td.shape[0]):
            for j in range(block_Td.shape[1]):
                largest = max(largest, np.float64(abs(block_Td[t, j])))
        step = max(largest / _LARGEST, _TINY)
        code_DT[:] = np.int8(0)
        most_rest, most_length = 0.0, 0.0
        for t in range(block_Td.shape[0]):
            rest, length = 0.0, 0.0
            for j in range(block_Td.shape[1]):
                x = np.float64(block_Td[t, j])
                code = np.rint(x / step)
                code_DT[j, t] = np.int8(code)
                rest += (x - code * step) ** 2
                length += x * x
            most_rest, most_length = max(most_rest, rest), max(most_length, length)
        bound_B3[b, 0], bound_B3[b, 1], bound_B3[b, 2] = step, math.sqrt(most_rest), math.sqrt(most_length)


@kernel
def nearest(code_BDT, bound_B3, row_B, rows_B, block_W, vector_Nd, query_d, row_K):
    """Writes the rows of the largest inner products to row_K, best first, equal ones by row; returns how many.

    An inner product is the float32 nearest to the sum in float64.

    Args:
        code_BDT, bound_B3, row_B, rows_B, vector_Nd: as `encode`.
        block_W: int64 blocks to search, in the order of their rows. query_d: float32, finite. row_K: [K] int64.
    """
    part_D = np.zeros(code_BDT.shape[1], np.int16)
    unit, whole, rest = _parts(query_d, part_D)
    sum_WT, peak_WG = np.empty((len(block_W), LANES), np.int32), np.empty((len(block_W), LANES // GROUP), np.int32)
    _scan(code_BDT, rows_B, block_W, part_D, sum_WT, peak_WG)

    scale_W, error_W = np.empty(len(block_W)), np.empty(len(block_W))
    low_G, groups = np.empty(peak_WG.size), 0
    for w in range(len(block_W)):
        b = block_W[w]
        step, most_rest, length = bound_B3[b, 0], bound_B3[b, 1], bound_B3[b, 2]
        scale_W[w] = unit * step
        error_W[w] = whole * (most_rest + _ROUNDING * length) + rest * length * (1 + _ROUNDING) + _LEAST
        for g in range((rows_B[b] + GROUP - 1) // GROUP):
            low_G[groups] = scale_W[w] * peak_WG[w, g] - error_W[w]
            groups += 1
    floor = _floor(low_G[:groups], len(row_K))
    row_S, low_S, high_S = _sieved(row_B, block_W, scale_W, error_W, sum_WT, peak_WG, floor)
    return _decided(row_S, low_S, high_S, floor, vector_Nd, query_d, row_K)


@kernel
def _sieved(row_B, block_W, scale_W, error_W, sum_WT, peak_WG, floor):
    """Rows whose upper ends reach the floor (and a few just below it), in order, and both their ends."""
    room, least_W = GROUP, np.empty(len(block_W), np.int32)
    for w in range(len(block_W)):
        least_W[w] = np.int32(min(max(np.floor((floor - error_W[w]) / scale_W[w]), _NONE + 1.0), _LARGEST_SUM))
        for g in range(peak_WG.shape[1]):
            room += GROUP * (peak_WG[w, g] >= least_W[w])
    row_S, low_S, high_S, sieved = np.empty(room, np.int64), np.empty(room), np.empty(room), 0
    for w in range(len(block_W)):
        least, first = least_W[w], row_B[block_W[w]]
        for g in range(peak_WG.shape[1]):
            if peak_WG[w, g] >= least:
                for t in range(g * GROUP, g * GROUP + GROUP):
                    about = scale_W[w] * sum_WT[w, t]
                    row_S[sieved], low_S[sieved], high_S[sieved] = first + t, about - error_W[w], about + error_W[w]
                    sieved += sum_WT[w, t] >= least
    return row_S[:sieved], low_S[:sieved], high_S[:sieved]


@kernel
def _parts(query_d, part_D):
    """Writes the query as integers of which TOGETHER neighbours add up to _MOST at most.

    Returns:
        (their unit, |unit * p|, |q - unit * p|).
    """
    largest = 0.0
    for g in range(0, len(query_d), TOGETHER):
        total = 0.0
        for j in range(g, min(g + TOGETHER, len(query_d))):
            total += np.float64(abs(query_d[j]))
        largest = max(largest, total)
    unit = max(largest / (_MOST - TOGETHER), _TINY)
    whole, rest = 0.0, 0.0
    for j in range(len(query_d)):
        x = np.float64(query_d[j])
        part = np.rint(x / unit)
        part_D[j] = np.int16(part)
        whole += (unit * part) ** 2
        rest += (x - unit * part) ** 2
    return unit, math.sqrt(whole), math.sqrt(rest)


@kernel
def _scan(code_BDT, rows_B, block_W, part_D, sum_WT, peak_WG):
    """Writes the integer inner product of each lane, _NONE where there is no row, and the largest of each group."""
    short_T = np.empty(LANES, np.int16)
    for w in range(len(block_W)):
        code_DT, sum_T = code_BDT[block_W[w]], sum_WT[w]
        for t in range(LANES):
            sum_T[t] = np.int32(0)
        for j in range(0, len(part_D), TOGETHER):
            p0, p1, p2, p3 = part_D[j], part_D[j + 1], part_D[j + 2], part_D[j + 3]
            for t in range(LANES):
                short = np.int16(p0 * code_DT[j, t] + p1 * code_DT[j + 1, t])
                short_T[t] = np.int16(short + p2 * code_DT[j + 2, t] + p3 * code_DT[j + 3, t])
            for t in range(LANES):
                sum_T[t] += short_T[t]
        for t in range(rows_B[block_W[w]], LANES):
            sum_T[t] = _NONE
        for g in range(LANES // GROUP):
            peak = sum_T[g * GROUP]
            for t in range(1, GROUP):
                peak = max(peak, sum_T[g * GROUP + t])
            peak_WG[w, g] = peak


@kernel
def _floor(value_G, k):
    """A value that at least k of the finite values reach and, mostly, few more do; -inf where there are no more than k.

    A histogram, and again within its bin where that holds many. What lies above it is counted in the highest bin.
    """
    if len(value_G) <= k:
        return -np.inf
    low, high = value_G.min(), value_G.max()
    count_B = np.empty(BINS, np.int64)
    for _ in range(_ROUNDS):
        width = (high - low) / BINS
        if width <= 1e-12 * max(abs(high), abs(low)):
            break
        count_B[:] = 0
        for g in range(len(value_G)):
            if value_G[g] >= low:
                count_B[np.int64(min(max((high - value_G[g]) / width, 0.0), BINS - 1.0))] += 1
        b, reached = 0, count_B[0]
        while reached < k:
            b += 1
            reached += count_B[b]
        # Edges are one hundredth of a bin wider, against rounding.
        low, high = max(low, high - (b + 1.01) * width), high - (b - 0.01) * width
        if reached - k <= k // 8:
            break
    return low


@kernel
def _decided(row_S, low_S, high_S, floor, vector_Nd, query_d, row_K):
    """Scores the sieved rows, those of large lower ends first, and writes the best."""
    score_S, first_S = np.full(len(row_S), -INF, np.float32), np.empty(len(row_S))
    first = 0
    for s in range(len(row_S)):
        if low_S[s] >= floor:
            score_S[s] = _inner(query_d, vector_Nd[row_S[s]])
            first_S[first] = score_S[s]
            first += 1
    higher = _floor(first_S[:first], len(row_K))
    for s in range(len(row_S)):
        if low_S[s] < floor and high_S[s] >= higher:
            score_S[s] = _inner(query_d, vector_Nd[row_S[s]])
    key_S = first_S.view(np.int64)
    n = best(score_S, len(row_K), key_S)
    for s in range(n):
        row_K[s] = row_S[key_S[s]]
    return n


@any_order
def _inner(a_d, b_d):
    """Inner product, summed in float64."""
    total = 0.0
    for j in range(len(a_d)):
        total += np.float64(a_d[j]) * np.float64(b_d[j])
    return np.float32(min(max(total, -FINITE), FINITE))
