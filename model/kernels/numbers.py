"""Powers and logarithms that LLVM can vectorise, in float32.

Shape legend: H events, C candidates.
"""

import numpy as np

from model.kernels.compiler import kernel

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
INF = np.float32(np.inf)
_LN2_HIGH, _LN2_LOW = np.float32(6.9313812256e-01), np.float32(9.0580006145e-06)
_LG1, _LG2, _LG3, _LG4 = (np.float32(x) for x in (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841))
_E1, _E2, _E3 = (np.float32(x) for x in (1.535336188319500e-4, 1.339887440266574e-3, 9.618437357674640e-3))
_E4, _E5, _E6 = (np.float32(x) for x in (5.550332471162809e-2, 2.402264791363012e-1, 6.931472028550421e-1))
_SMALLEST_EXPONENT = np.float32(-125)
_SHIFT, _EXPONENT_BIAS, _MANTISSA = np.int32(23), np.int32(0x7F), np.int32(0x7FFFFF)
_ROOT_HALF = np.int32(0x3F3504F3)
_TO_ROOT_HALF = np.int32(0x3F800000 - 0x3F3504F3)


@kernel
def halved(age_H, days, whole_H, weight_H):
    """Writes weight = 2 ** (-age / days), to one unit in the last place; below 2 ** -125 it stays there.

    Args:
        age_H, days: float32. whole_H: [H] int32 work space. weight_H: [H] float32, written.
    """
    bits_H = weight_H.view(np.int32)
    for h in range(len(age_H)):
        x = max(-age_H[h] / days, _SMALLEST_EXPONENT)
        whole = np.floor(x + HALF)
        f = x - whole
        p = _E1
        p = p * f + _E2
        p = p * f + _E3
        p = p * f + _E4
        p = p * f + _E5
        p = p * f + _E6
        weight_H[h] = p * f + ONE
        whole_H[h] = np.int32(whole) << _SHIFT
    for h in range(len(age_H)):
        bits_H[h] += whole_H[h]


@kernel
def log1p_row(row_C, work_2C):
    """row = log(1 + max(row, 0)) in place, to one unit in the last place: fdlibm's log1pf without branches.

    Args:
        row_C: [C] float32. work_2C: [2, at least C] float32 work space.
    """
    n = len(row_C)
    one_C, power_C = work_2C[0, :n], work_2C[1, :n]
    bits_C = one_C.view(np.int32)
    for c in range(n):
        row_C[c] = max(row_C[c], ZERO)
        one_C[c] = ONE + row_C[c]
        if row_C[c] < ONE:
            power_C[c] = (row_C[c] - (one_C[c] - ONE)) / one_C[c]
        else:
            power_C[c] = (ONE - (one_C[c] - row_C[c])) / one_C[c]
    whole_C = power_C.view(np.int32)
    for c in range(n):
        row_C[c] = power_C[c]
        shifted = np.int32(bits_C[c] + _TO_ROOT_HALF)
        whole_C[c] = np.int32((shifted >> _SHIFT) - _EXPONENT_BIAS)
        bits_C[c] = np.int32((shifted & _MANTISSA) + _ROOT_HALF)
    for c in range(n):
        k, f = np.float32(whole_C[c]), one_C[c] - ONE
        s = f / (TWO + f)
        z = s * s
        w = z * z
        r = z * (_LG1 + w * _LG3) + w * (_LG2 + w * _LG4)
        half = HALF * f * f
        row_C[c] = s * (half + r) + (k * _LN2_LOW + row_C[c]) - half + f + k * _LN2_HIGH
