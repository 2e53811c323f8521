#include "extractor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "error.h"
#include "saturated.h"

namespace em {

namespace {

constexpr size_t kBlocksBuffered = 4;  // amortises moving the overlap to the front

float *at_or_null(AlignedFloats &buffer, size_t index) { return buffer.empty() ? nullptr : buffer.data() + index; }

void clear_from(AlignedFloats &buffer, size_t start) {
  if (!buffer.empty()) std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(start), buffer.end(), 0.0f);
}

}  // namespace

Extractor::Extractor(const em_config &config, const std::vector<std::string> &names, const Kernel *kernel)
    : plan_(config, names), kernel_(kernel ? kernel : best_kernel()) {
  const Tables &tables = plan_.tables();
  const size_t lanes = kernel_->lanes, hop = config.hop_length;
  block_need_ = plan_.span() + (lanes - 1) * hop;
  block_hop_ = lanes * hop;
  capacity_ = block_need_ + kBlocksBuffered * block_hop_;
  const size_t read = std::max(block_need_ + 2 * lanes, low_rate_samples_read(tables, kernel_->lanes));  // past the end
  const size_t room = capacity_ - block_need_ + read;
  if (tables.stages & ~kEmphasised) state_.signal.resize(room);
  if (tables.stages & kEmphasised) state_.emphasised.resize(room);
  state_.previous.resize(tables.bins);
  workspace_.resize(kernel_->workspace_bytes(tables) / sizeof(float));
  values_.resize(plan_.values() * lanes);
  for (const Column &column : plan_.columns()) row_offsets_.push_back(plan_.value_index(column) * kernel_->lanes);
  if (config.output == EM_OUTPUT_SEGMENTS) pooling_.emplace(plan_, *kernel_);
  saved_ = state_;
  saved_pooling_ = pooling_;
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
  return saturated(rows_of(saturated_sum(state_.samples, n_samples)) - state_.rows);
}

em_status Extractor::push(const float *samples, size_t n, float *rows, size_t capacity_rows, size_t *n_rows) {
  *n_rows = 0;
  if (state_.finished) return EM_ERROR_FINISHED;
  if (capacity_rows < max_rows(n)) return EM_ERROR_CAPACITY;
  out_ = rows;
  const uint64_t before = state_.rows;
  size_t done = 0;
  if (n > block_hop_) move_to_front();  // what save copies begins at the front
  while (done < n) {
    if (capacity_ - state_.filled < block_hop_) move_to_front();
    const size_t count = std::min({n - done, block_hop_, state_.skip ? state_.skip : capacity_ - state_.filled});
    const bool first = done == 0, last = done + count == n;
    if (!take(samples + done, count)) {
      if (!first) restore();
      next_ = nullptr;
      while (std::isfinite(samples[done])) ++done;
      *n_rows = done;
      return EM_ERROR_NOT_FINITE;
    }
    if (first && !last) save();
    done += count;
    next_ = n - done >= block_hop_ ? samples + done : nullptr;
    keep(samples[done - 1], count);
  }
  next_ = nullptr;
  if (pooling_) complete_segments();
  *n_rows = static_cast<size_t>(state_.rows - before);
  return EM_OK;
}

// Puts samples behind the buffered ones, which do not yet count; false where one of them is NaN or infinite.
bool Extractor::take(const float *samples, size_t count) {
  State &s = state_;
  const bool skipped = s.skip > 0;
  const bool finite = kernel_->take({samples, count, plan_.config().preemphasis, s.last_sample,
                                     skipped ? nullptr : at_or_null(s.signal, s.filled),
                                     skipped ? nullptr : at_or_null(s.emphasised, s.filled)});
  if (!finite && !skipped) {  // vectors read ahead
    clear_from(s.signal, s.filled);
    clear_from(s.emphasised, s.filled);
  }
  return finite;
}

// Counts what `take` put there.
void Extractor::keep(float last_sample, size_t count) {
  state_.last_sample = last_sample;
  state_.samples += count;
  if (state_.skip) {
    state_.skip -= count;
  } else {
    state_.filled += count;
    run_blocks();
  }
}

void Extractor::save() {
  const size_t filled = state_.filled;
  const auto copy = [filled](const AlignedFloats &from, AlignedFloats &to) {
    if (!from.empty()) std::copy_n(from.begin(), filled, to.begin());
  };
  copy(state_.signal, saved_.signal);
  copy(state_.emphasised, saved_.emphasised);
  static_cast<Counters &>(saved_) = state_;
  saved_.previous = state_.previous;
  if (pooling_) saved_pooling_->take_state(*pooling_);
}

void Extractor::restore() {
  state_ = saved_;
  clear_from(state_.signal, state_.filled);
  clear_from(state_.emphasised, state_.filled);
  if (pooling_) pooling_->take_state(*saved_pooling_);
}

void Extractor::run_blocks() {
  while (state_.filled >= state_.start + block_need_) {
    run_kernel(kernel_->lanes);
    drop(block_hop_);
  }
}

// Is done with the first samples buffered.
void Extractor::drop(size_t samples) {
  State &s = state_;
  s.start += samples;
  if (s.start < s.filled) return;
  s.skip = s.start - s.filled;
  s.start = s.filled = 0;
}

void Extractor::move_to_front() {
  State &s = state_;
  const size_t kept = s.filled - s.start;
  for (AlignedFloats *buffer : {&s.signal, &s.emphasised})
    if (!buffer->empty() && s.start) std::memmove(buffer->data(), buffer->data() + s.start, kept * sizeof(float));
  s.start = 0;
  s.filled = kept;
}

// A segment whose last frame is there does not wait for a block to fill.
void Extractor::complete_segments() {
  const size_t span = plan_.span(), hop = plan_.config().hop_length;
  const State &s = state_;
  while (s.filled >= s.start + span) {
    const uint64_t frames = (s.filled - s.start - span) / hop + 1, needed = pooling_->next_row() - s.frames;
    if (frames < needed) return;
    move_to_front();  // a block reads on where its last frames will be
    run_kernel(static_cast<uint32_t>(needed));
    drop(static_cast<size_t>(needed) * hop);
  }
}

void Extractor::run_kernel(uint32_t frames) {
  KernelJob job;
  job.tables = &plan_.tables();
  job.descriptors = plan_.descriptors().data();
  job.descriptor_count = static_cast<uint32_t>(plan_.descriptors().size());
  job.signal = at_or_null(state_.signal, state_.start);
  job.emphasised = at_or_null(state_.emphasised, state_.start);
  job.next = next_;
  job.phase = static_cast<uint32_t>(state_.frames * plan_.config().hop_length % plan_.tables().low.decimation);
  job.previous = state_.previous.data();
  job.path = &state_.path;
  job.chroma = state_.chroma;
  job.first = state_.frames == 0;
  job.frames = frames;
  job.workspace = workspace_.data();
  job.values = values_.data();
  kernel_->run(job);

  const size_t lanes = kernel_->lanes;
  for (uint32_t lane = 0; lane < frames; ++lane) {
    const float *values = values_.data() + lane;
    if (pooling_) {
      if (!pooling_->push(values, lanes, out_)) continue;
    } else {
      float *out = out_;
      for (const uint32_t offset : row_offsets_) *out++ = values[offset];
    }
    out_ += columns();
    ++state_.rows;
  }
  state_.frames += frames;
}

// A frame's bits do not depend on its lane, so that a block need not be full.
em_status Extractor::drain(float *rows, size_t capacity_rows, size_t *n_rows) {
  *n_rows = 0;
  if (state_.finished) return EM_ERROR_FINISHED;
  if (capacity_rows < max_rows(0)) return EM_ERROR_CAPACITY;
  out_ = rows;
  const uint64_t before = state_.rows;
  const size_t span = plan_.span(), hop = plan_.config().hop_length;
  move_to_front();
  if (state_.filled >= span) {
    clear_from(state_.signal, state_.filled);
    clear_from(state_.emphasised, state_.filled);
    const size_t frames = (state_.filled - span) / hop + 1;
    run_kernel(static_cast<uint32_t>(frames));
    drop(frames * hop);
  }
  *n_rows = static_cast<size_t>(state_.rows - before);
  return EM_OK;
}

em_status Extractor::finish(float *rows, size_t capacity_rows, size_t *n_rows) {
  const em_status status = drain(rows, capacity_rows, n_rows);
  state_.finished |= status == EM_OK;
  return status;
}

void Extractor::reset() {
  static_cast<Counters &>(state_) = {};
  clear_from(state_.signal, 0);
  clear_from(state_.emphasised, 0);
  clear_from(state_.previous, 0);
  if (pooling_) pooling_->reset();
}

}  // namespace em
