// What low-pass filters are made of.
#pragma once

namespace em {

// sin(pi x) / (pi x)
double sinc(double x);
// Modified Bessel function of the first kind, order 0: the shape of Kaiser's window.
double bessel_i0(double x);

}  // namespace em
