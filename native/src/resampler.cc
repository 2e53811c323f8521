#include "resampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "error.h"
#include "saturated.h"

namespace em {

namespace {

constexpr uint32_t kLowestRate = 1000, kHighestRate = 1000000, kMostChannels = 1024;
constexpr float kAbsurd = 1e12f;  // the square of a sum of such would not fit a float

void check(const char *name, uint32_t value, uint32_t least, uint32_t most) {
  if (value < least || value > most)
    throw Error(EM_ERROR_CONFIG, std::string(name) + " = " + std::to_string(value) + ": must be " +
                                     std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace

Resampler::Resampler(uint32_t rate_in, uint32_t rate_out, uint32_t channels, bool low_latency, const Kernel *kernel)
    : rate_in_(rate_in),
      rate_out_(rate_out),
      channels_(channels),
      low_latency_(low_latency),
      kernel_(kernel ? kernel : best_kernel()) {
  check("rate_in", rate_in, kLowestRate, kHighestRate);
  check("rate_out", rate_out, kLowestRate, kHighestRate);
  check("channels", channels, 1, kMostChannels);
  if (rate_in == rate_out) return;
  const ResampleTables &tables = plan_.emplace(rate_in, rate_out).tables();
  mono_.resize(tables.forward.n + (kernel_->lanes - 1) * static_cast<size_t>(tables.hop));
  saved_mono_.resize(mono_.size());
  workspace_.resize(kernel_->resample_bytes(tables) / sizeof(float));
  last_outputs_.resize(static_cast<size_t>(kernel_->lanes) * tables.outputs);
  reset();
}

void Resampler::reset() {
  state_ = {};
  std::fill(mono_.begin(), mono_.end(), 0.0f);
  if (plan_) state_.filled = plan_->lead();  // silence precedes the signal
}

// To the nearest whole number, halves up. No product wraps: whole multiples of rate_in are apart.
uint64_t Resampler::outputs_of(uint64_t frames) const {
  const uint64_t whole = frames / rate_in_, rest = frames % rate_in_;
  return whole * rate_out_ + (2 * rest * rate_out_ + rate_in_) / (2 * static_cast<uint64_t>(rate_in_));
}

size_t Resampler::max_output(size_t n_frames) const {
  return saturated(outputs_of(saturated_sum(state_.frames, n_frames)) - state_.written);
}

size_t Resampler::latency() const {
  if (!plan_) return 0;
  return (low_latency_ ? plan_->tables().forward.n : mono_.size()) - plan_->lead();
}

em_status Resampler::push(const float *frames, size_t n, float *out, size_t capacity, size_t *n_out) {
  *n_out = 0;
  if (state_.finished) return EM_ERROR_FINISHED;
  if (capacity < max_output(n)) return EM_ERROR_CAPACITY;
  const State before = state_;
  std::copy_n(mono_.begin(), n > mono_.size() - state_.filled ? state_.filled : 0, saved_mono_.begin());
  for (size_t done = 0; done < n;) {
    const size_t count = plan_ ? std::min(n - done, mono_.size() - state_.filled) : n;
    float *produced = out + (state_.written - before.written);
    if (!mix(frames + done * channels_, count, plan_ ? mono_.data() + state_.filled : produced)) {
      *n_out = done + first_bad(frames + done * channels_);
      if (done) std::copy_n(saved_mono_.begin(), before.filled, mono_.begin());
      state_ = before;
      return EM_ERROR_NOT_FINITE;
    }
    done += count;
    keep(count, produced);
  }
  *n_out = static_cast<size_t>(state_.written - before.written);
  return EM_OK;
}

// False where a sample is none.
bool Resampler::mix(const float *frames, size_t count, float *mono) {
  const uint32_t bits = kernel_->mix({frames, count, channels_, mono});
  float peak;
  std::memcpy(&peak, &bits, sizeof peak);
  if (!(peak < kAbsurd)) return false;
  state_.peak = std::max(state_.peak, peak);
  return true;
}

// The first frame that is none, among some that hold one.
size_t Resampler::first_bad(const float *frames) {
  size_t i = 0;
  for (float mono; mix(frames + i * channels_, 1, &mono);) ++i;
  return i;
}

// Counts what was mixed, and runs the blocks that it completes.
void Resampler::keep(size_t count, float *out) {
  state_.frames += count;
  if (!plan_) {
    state_.written += count;
    return;
  }
  state_.filled += count;
  const ResampleTables &t = plan_->tables();
  if (state_.filled < t.forward.n) return;
  const auto blocks = static_cast<uint32_t>((state_.filled - t.forward.n) / t.hop + 1);
  if (low_latency_ || blocks == kernel_->lanes) run(blocks, out);
}

// Runs so many blocks and drops what no later one needs.
void Resampler::run(uint32_t blocks, float *out) {
  const ResampleTables &t = plan_->tables();
  kernel_->resample({&t, mono_.data(), blocks, workspace_.data(), out});
  const size_t used = static_cast<size_t>(blocks) * t.hop;
  state_.filled -= used;
  std::memmove(mono_.data(), mono_.data() + used, state_.filled * sizeof(float));
  state_.written += static_cast<uint64_t>(blocks) * t.outputs;
}

em_status Resampler::finish(float *out, size_t capacity, size_t *n_out) {
  *n_out = 0;
  if (state_.finished) return EM_ERROR_FINISHED;
  const size_t wanted = max_output(0);
  if (capacity < wanted) return EM_ERROR_CAPACITY;
  for (size_t done = 0; done < wanted;) {
    std::fill(mono_.begin() + static_cast<std::ptrdiff_t>(state_.filled), mono_.end(), 0.0f);  // silence follows
    state_.filled = mono_.size();
    run(kernel_->lanes, last_outputs_.data());
    const size_t count = std::min(wanted - done, last_outputs_.size());
    std::copy_n(last_outputs_.begin(), count, out + done);
    done += count;
  }
  state_.written = outputs_of(state_.frames);
  state_.finished = true;
  *n_out = wanted;
  return EM_OK;
}

}  // namespace em
