#include "extractor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "error.h"

namespace em {

namespace {

constexpr size_t kAlignment = 64, kReadAhead = 16;
constexpr size_t kBlocksBuffered = 4;  // amortises moving the overlap to the front

const Kernel *best_kernel() {
  size_t count = 0;
  const Kernel *const *all = kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (all[i]->supported()) return all[i];
  return all[count - 1];
}

// Index of the first NaN or infinity, or n.
size_t first_not_finite(const float *x, size_t n) {
  constexpr size_t kChunk = 1024;
  for (size_t start = 0; start < n; start += kChunk) {
    const size_t end = std::min(n, start + kChunk);
    int32_t bad = 0;
    for (size_t i = start; i < end; ++i) bad |= !(std::fabs(x[i]) <= 3.4028235e38f);
    if (!bad) continue;
    for (size_t i = start; i < end; ++i)
      if (!std::isfinite(x[i])) return i;
  }
  return n;
}

}  // namespace

void Extractor::AlignedDelete::operator()(float *p) const { ::operator delete[](p, std::align_val_t(kAlignment)); }

Extractor::AlignedFloats Extractor::aligned_floats(size_t count) {
  void *memory = ::operator new[](count * sizeof(float), std::align_val_t(kAlignment));
  std::memset(memory, 0, count * sizeof(float));
  return AlignedFloats(static_cast<float *>(memory));
}

Extractor::Extractor(const em_config &config, const std::vector<std::string> &names, const Kernel *kernel)
    : plan_(config, names), kernel_(kernel ? kernel : best_kernel()) {
  const size_t lanes = kernel_->lanes, hop = config.hop_length;
  block_need_ = plan_.span() + (lanes - 1) * hop;
  block_hop_ = lanes * hop;
  capacity_ = block_need_ + kBlocksBuffered * block_hop_;
  signal_.assign(capacity_ + kReadAhead, 0.0f);
  emphasised_.assign(capacity_ + kReadAhead, 0.0f);
  previous_.assign(plan_.tables().bins, 0.0f);
  workspace_ = aligned_floats(kernel_->workspace_bytes(plan_.tables()) / sizeof(float));
  values_ = aligned_floats(plan_.values() * lanes);
  for (const Column &column : plan_.columns()) row_values_.push_back(plan_.value_index(column));
  if (config.output == EM_OUTPUT_SEGMENTS) pooling_.emplace(plan_);
}

size_t Extractor::row_length() const {
  const em_config &c = plan_.config();
  return plan_.span() + (pooling_ ? static_cast<size_t>(c.segment_frames - 1) * c.hop_length : 0);
}

size_t Extractor::row_hop() const {
  const em_config &c = plan_.config();
  return static_cast<size_t>(c.hop_length) * (pooling_ ? c.segment_hop : 1);
}

uint64_t Extractor::rows_of(uint64_t samples) const {
  return samples < row_length() ? 0 : (samples - row_length()) / row_hop() + 1;
}

size_t Extractor::max_rows(size_t n_samples) const {
  return static_cast<size_t>(rows_of(samples_ + n_samples) - rows_);
}

em_status Extractor::push(const float *samples, size_t n, float *rows, size_t capacity_rows, size_t *n_rows) {
  *n_rows = 0;
  if (finished_) return EM_ERROR_FINISHED;
  if (capacity_rows < max_rows(n)) return EM_ERROR_CAPACITY;
  const size_t bad = first_not_finite(samples, n);
  if (bad < n) {
    *n_rows = bad;
    return EM_ERROR_NOT_FINITE;
  }
  out_ = rows;
  const uint64_t before = rows_;
  samples_ += n;
  while (n > 0) {
    if (skip_ > 0) {
      const size_t dropped = std::min(skip_, n);
      last_sample_ = samples[dropped - 1];
      skip_ -= dropped, samples += dropped, n -= dropped;
      continue;
    }
    const size_t count = std::min(n, capacity_ - filled_);
    take(samples, count);
    samples += count, n -= count;
    run_blocks();
  }
  *n_rows = static_cast<size_t>(rows_ - before);
  return EM_OK;
}

void Extractor::take(const float *samples, size_t count) {
  const float a = plan_.config().preemphasis;
  float *x = signal_.data() + filled_, *y = emphasised_.data() + filled_;
  std::memcpy(x, samples, count * sizeof(float));
  y[0] = x[0] - a * last_sample_;
  for (size_t i = 1; i < count; ++i) y[i] = x[i] - a * x[i - 1];
  last_sample_ = samples[count - 1];
  filled_ += count;
}

void Extractor::run_blocks() {
  size_t start = 0;
  for (; filled_ >= start + block_need_; start += block_hop_) run_kernel(start, kernel_->lanes);
  if (start == 0) return;
  const size_t kept = filled_ > start ? filled_ - start : 0;
  skip_ = start > filled_ ? start - filled_ : 0;
  if (kept) {
    std::memmove(signal_.data(), signal_.data() + start, kept * sizeof(float));
    std::memmove(emphasised_.data(), emphasised_.data() + start, kept * sizeof(float));
  }
  filled_ = kept;
}

void Extractor::run_kernel(size_t start, uint32_t frames) {
  KernelJob job;
  job.tables = &plan_.tables();
  job.descriptors = plan_.descriptors().data();
  job.descriptor_count = static_cast<uint32_t>(plan_.descriptors().size());
  job.signal = signal_.data() + start;
  job.emphasised = emphasised_.data() + start;
  job.previous = previous_.data();
  job.first = frames_ == 0;
  job.workspace = workspace_.get();
  job.values = values_.get();
  kernel_->run(job);

  const size_t lanes = kernel_->lanes;
  for (uint32_t lane = 0; lane < frames; ++lane) {
    const float *values = values_.get() + lane;
    if (pooling_) {
      if (!pooling_->push(values, lanes, out_)) continue;
    } else {
      for (size_t c = 0; c < row_values_.size(); ++c) out_[c] = values[row_values_[c] * lanes];
    }
    out_ += columns();
    ++rows_;
  }
  frames_ += frames;
}

em_status Extractor::finish(float *rows, size_t capacity_rows, size_t *n_rows) {
  *n_rows = 0;
  if (finished_) return EM_ERROR_FINISHED;
  if (capacity_rows < max_rows(0)) return EM_ERROR_CAPACITY;
  out_ = rows;
  const uint64_t before = rows_;
  const size_t span = plan_.span(), hop = plan_.config().hop_length;
  if (filled_ >= span) {
    std::fill(signal_.begin() + static_cast<std::ptrdiff_t>(filled_), signal_.end(), 0.0f);
    std::fill(emphasised_.begin() + static_cast<std::ptrdiff_t>(filled_), emphasised_.end(), 0.0f);
    run_kernel(0, static_cast<uint32_t>((filled_ - span) / hop + 1));
  }
  finished_ = true;
  *n_rows = static_cast<size_t>(rows_ - before);
  return EM_OK;
}

void Extractor::reset() {
  std::fill(signal_.begin(), signal_.end(), 0.0f);
  std::fill(emphasised_.begin(), emphasised_.end(), 0.0f);
  std::fill(previous_.begin(), previous_.end(), 0.0f);
  if (pooling_) pooling_->reset();
  filled_ = skip_ = 0;
  last_sample_ = 0;
  samples_ = frames_ = rows_ = 0;
  finished_ = false;
}

}  // namespace em
