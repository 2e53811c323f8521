#include <algorithm>
#include <cstdio>

#include "error.h"
#include "plan.h"

namespace em {

namespace {

void require(bool good, const char *field, double value, const char *rule) {
  if (good) return;
  char text[160];
  std::snprintf(text, sizeof text, "%s = %g: must be %s", field, value, rule);
  throw Error(EM_ERROR_CONFIG, text);
}

bool between(double value, double low, double high) { return value >= low && value <= high; }  // false for NaN

void check_frames(const em_config &c) {
  require(c.output <= EM_OUTPUT_SEGMENTS, "output", c.output, "frames (0) or segments (1)");
  require(between(c.sample_rate, 4000, 192000), "sample_rate", c.sample_rate, "between 4000 and 192000 Hz");
  require(between(c.n_fft, 32, 16384) && (c.n_fft & (c.n_fft - 1)) == 0, "n_fft", c.n_fft,
          "a power of two from 32 to 16384");
  require(between(c.frame_length, 16, c.n_fft), "frame_length", c.frame_length, "between 16 and n_fft samples");
  require(between(c.hop_length, 1, 65536), "hop_length", c.hop_length, "between 1 and 65536 samples");
  require(c.window <= EM_WINDOW_RECTANGULAR, "window", c.window, "hann (0), hamming (1) or rectangular (2)");
  require(between(c.preemphasis, 0, 1), "preemphasis", c.preemphasis, "between 0 and 1");
  require(between(c.segment_frames, 1, 100000), "segment_frames", c.segment_frames, "between 1 and 100000");
  require(between(c.segment_hop, 1, 100000), "segment_hop", c.segment_hop, "between 1 and 100000");
  const char *few = "so small that it comes to at most 2147483647 samples";  // a size_t may have 32 bits
  require(1.0 * c.segment_frames * c.hop_length <= 2147483647, "segment_frames", c.segment_frames, few);
  require(1.0 * c.segment_hop * c.hop_length <= 2147483647, "segment_hop", c.segment_hop, few);
}

}  // namespace

void check_config(const em_config &c) {
  check_frames(c);
  const double nyquist = c.sample_rate / 2.0;
  require(between(c.n_mels, 1, 256), "n_mels", c.n_mels, "between 1 and 256");
  require(between(c.mel_fmin_hz, 0, nyquist), "mel_fmin_hz", c.mel_fmin_hz, "between 0 and half the sample rate");
  require(c.mel_fmax_hz > c.mel_fmin_hz && c.mel_fmax_hz <= nyquist, "mel_fmax_hz", c.mel_fmax_hz,
          "above mel_fmin_hz and at most half the sample rate");
  require(c.mel_edges <= EM_MEL_EDGES_BINS, "mel_edges", c.mel_edges, "exact (0) or bins (1)");
  require(between(c.f0_min_hz, 20, nyquist), "f0_min_hz", c.f0_min_hz, "at least 20 Hz");
  require(c.f0_max_hz > c.f0_min_hz && c.f0_max_hz <= nyquist / 2, "f0_max_hz", c.f0_max_hz,
          "above f0_min_hz and at most a quarter of the sample rate");
  require(between(c.voicing_threshold, 0, 1), "voicing_threshold", c.voicing_threshold, "between 0 and 1");
  require(between(c.lpc_order, 4, 32), "lpc_order", c.lpc_order, "between 4 and 32");
  const double lpc_fmax_hz = std::min<double>(c.lpc_fmax_hz, nyquist);  // NaN stays
  require(lpc_fmax_hz * c.n_fft / c.sample_rate >= 2.0 * c.lpc_order, "lpc_fmax_hz", c.lpc_fmax_hz,
          "such that 2 * lpc_order FFT bins fit below it and half the sample rate");
}

}  // namespace em

em_status em_config_init(em_config *config) {
  if (!config) return EM_ERROR_ARGUMENT;
  *config = em_config{};
  config->struct_size = sizeof(em_config);
  config->output = EM_OUTPUT_SEGMENTS;
  config->sample_rate = 22050;
  config->frame_length = 662;
  config->hop_length = 551;
  config->n_fft = 1024;
  config->window = EM_WINDOW_HANN;
  config->preemphasis = 0.97f;
  config->n_mels = 40;
  config->mel_fmin_hz = 20.0f;
  config->mel_fmax_hz = 10000.0f;
  config->mel_edges = EM_MEL_EDGES_EXACT;
  config->f0_min_hz = 55.0f;
  config->f0_max_hz = 1000.0f;
  config->voicing_threshold = 0.5f;
  config->lpc_order = 12;
  config->lpc_fmax_hz = 5500.0f;
  config->segment_frames = 120;
  config->segment_hop = 40;
  return EM_OK;
}
