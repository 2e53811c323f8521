#include "filter.h"

#include <cmath>

namespace em {

double sinc(double x) {
  const double angle = 3.14159265358979323846 * x;
  return x == 0 ? 1 : std::sin(angle) / angle;
}

double bessel_i0(double x) {  // by its series
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-12 * sum; ++k) sum += term *= x * x / (4.0 * k * k);
  return sum;
}

}  // namespace em
