#include "resample_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "error.h"
#include "filter.h"

namespace em {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kPassShare = 0.913;  // of the lower Nyquist frequency: what passes; from there on nothing does
constexpr double kRejectionDb = 140;  // in the stop-band; and of images behind the interpolation
constexpr uint32_t kMostTaps = 128, kMostEntries = 1 << 16;  // of the interpolation; in its table

// Kaiser 1974: the window that reaches the rejection, and how long it must be.
double kaiser_beta() { return 0.1102 * (kRejectionDb - 8.7); }
// `transition`: its width as a share of the sample rate.
double kaiser_length(double transition) { return (kRejectionDb - 7.95) / (14.36 * transition); }

// `at`: -1 to 1 from end to end.
double kaiser(double at) {
  const double inside = 1 - at * at;
  return inside < 0 ? 0 : bessel_i0(kaiser_beta() * std::sqrt(inside)) / bessel_i0(kaiser_beta());
}

}  // namespace

// A choice of lengths.
struct ResamplePlan::Shape {
  uint32_t n, factor;  // of the forward FFT; of samples that remain after the filter, one in `factor`
  uint32_t half;       // taps of the filter to either side of the middle one
  uint32_t n_taps;     // of the interpolation
  uint32_t lead, hop;  // samples
  uint32_t outputs;    // of a block
  uint32_t step, phases;
  double cost;  // of a sample

  Shape(uint32_t rate_in, uint32_t rate_out, uint32_t length, uint32_t decimation) : n(length), factor(decimation) {
    const uint32_t unit = std::gcd(rate_in, rate_out), up = rate_out / unit, down = rate_in / unit;
    const uint32_t common = std::gcd(down, up * factor);
    step = down / common;
    phases = up * factor / common;
    half = static_cast<uint32_t>(std::ceil(kaiser_length((1 - kPassShare) * rate_out / 2 / rate_in) / 2));
    // From the end of the signal's band to where its first image begins.
    const double gap = 1 - static_cast<double>(rate_out) * factor / rate_in;
    n_taps = phases == 1 ? 0 : gap <= 0 ? kMostTaps + 1 : 2 * static_cast<uint32_t>(std::ceil(kaiser_length(gap) / 2));
    const uint32_t margin = n_taps / 2 * factor;
    lead = (half + margin + factor - 1) / factor * factor;
    const uint32_t used = lead + half + margin;
    hop = n <= used ? 0 : (n - used) / down * down;
    outputs = hop / down * up;
    const double fft = n * std::log2(n) + n / factor * std::log2(n / factor);
    const double operations = hop ? 1.5 * fft / hop + 2.0 * n_taps * up / down : 0;
    cost = operations * (1 + n / 16384.0);  // long blocks leave the cache
  }

  bool possible() const {
    return outputs >= 16 && n / factor >= 32 && n_taps <= kMostTaps &&
           static_cast<uint64_t>(phases) * n_taps <= kMostEntries;
  }
};

ResamplePlan::Shape ResamplePlan::best_shape(uint32_t rate_in, uint32_t rate_out) {
  std::vector<Shape> shapes;
  for (uint32_t n = 1024; n <= 8192; n *= 2)
    for (uint32_t factor = 1; factor <= 8 && factor * rate_out <= rate_in; factor *= 2) {
      const Shape shape(rate_in, rate_out, n, factor);
      if (shape.possible()) shapes.push_back(shape);
    }
  if (shapes.empty())
    throw Error(EM_ERROR_CONFIG, "no resampling from " + std::to_string(rate_in) + " to " + std::to_string(rate_out) +
                                     " Hz: rate_out must be 1/30 to 0.92 of rate_in, in a ratio of whole numbers up "
                                     "to 500 or so");
  return *std::min_element(shapes.begin(), shapes.end(),
                           [](const Shape &a, const Shape &b) { return a.cost < b.cost; });
}

ResamplePlan::ResamplePlan(uint32_t rate_in, uint32_t rate_out) {
  const Shape shape = best_shape(rate_in, rate_out);
  forward_ = std::make_unique<FftPlan>(shape.n);
  inverse_ = std::make_unique<FftPlan>(shape.n / shape.factor);
  tables_.forward = forward_->tables();
  tables_.inverse = inverse_->tables();
  tables_.hop = shape.hop;
  tables_.outputs = shape.outputs;
  tables_.step = shape.step;
  tables_.phases = shape.phases;
  tables_.n_taps = shape.n_taps;
  lead_ = shape.lead;
  tables_.offset = lead_ / shape.factor - (shape.n_taps ? shape.n_taps / 2 - 1 : 0);
  plan_filter(rate_in, rate_out, shape.half);
  plan_interpolation();
}

// A sinc under a Kaiser window, symmetric about time 0: its spectrum is real.
void ResamplePlan::plan_filter(uint32_t rate_in, uint32_t rate_out, uint32_t half) {
  const uint32_t n = tables_.forward.n;
  const double nyquist = 0.5 * rate_out / rate_in, cutoff = nyquist * (1 + kPassShare) / 2;  // as shares of rate_in
  std::vector<double> filter(half + 1), cosine(n);
  double sum = 0;
  for (uint32_t m = 0; m <= half; ++m) {
    filter[m] = 2 * cutoff * sinc(2 * cutoff * m) * kaiser(static_cast<double>(m) / (half + 1));
    sum += m ? 2 * filter[m] : filter[m];
  }
  for (uint32_t i = 0; i < n; ++i) cosine[i] = std::cos(2 * kPi * i / n);

  tables_.bins = static_cast<uint32_t>(std::ceil(nyquist * n));
  for (uint32_t k = 0; k < tables_.bins; ++k) {
    double response = filter[0];
    for (uint32_t m = 1; m <= half; ++m) response += 2 * filter[m] * cosine[static_cast<uint64_t>(k) * m % n];
    response_.push_back(static_cast<float>(response / sum / n));
  }
  tables_.response = response_.data();
}

void ResamplePlan::plan_interpolation() {
  const uint32_t count = tables_.n_taps;
  for (uint32_t phase = 0; count && phase < tables_.phases; ++phase)
    for (uint32_t i = 0; i < count; ++i) {
      const double at = static_cast<double>(i) - (count / 2 - 1) - static_cast<double>(phase) / tables_.phases;
      taps_.push_back(static_cast<float>(sinc(at) * kaiser(2 * at / count)));
    }
  tables_.taps = taps_.data();
}

}  // namespace em
