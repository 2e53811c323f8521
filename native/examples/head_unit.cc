// The descriptors of what is playing, a row a second: an embedding of edgemood that needs its public header only.
//
//   c++ -std=c++17 head_unit.cc -o head_unit $(pkg-config --cflags --libs edgemood)
//   ffmpeg -i song.mp3 -f s16le -ac 2 -ar 44100 - | ./head_unit --sample-rate 44100 --channels 2 > song.csv
//
// Raw PCM in at standard input, ten milliseconds at a time; a row of the set lld50 out at standard output for every
// second, over the last three seconds.
#include <edgemood/edgemood.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr uint32_t kWorkingRate = 22050;  // Hz; the rate that the mood models are made for

constexpr char kHelp[] =
    "usage: head_unit [--sample-rate HZ] [--channels N] [--format s16le|f32le] [--tsv]\n"
    "Reads raw PCM from standard input, interleaved, and prints a row of descriptors a second.\n"
    "  --sample-rate HZ  of the input; default 22050, which is what higher rates are brought to:\n"
    "                    4000 to 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400, 192000,\n"
    "                    or another from 23968 to 192000 in a ratio to 22050 of whole numbers up to 500 or so\n"
    "  --channels N      1 to 32, averaged into one; default 1\n"
    "  --format F        s16le (default) or f32le, full scale -1 to 1\n"
    "  --tsv             tabs between columns, not commas\n"
    "  --help, --version\n";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  uint32_t sample_rate = kWorkingRate;
  uint32_t channels = 1;
  bool floats = false;
  char separator = ',';
};

uint32_t whole_number(const std::string &option, const std::string &text, uint32_t low, uint32_t high) {
  const bool digits = !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
  const unsigned long value = digits ? std::strtoul(text.c_str(), nullptr, 10) : 0;
  if (!digits || value < low || value > high)
    throw UsageError(option + " takes a whole number from " + std::to_string(low) + " to " + std::to_string(high) +
                     ", not '" + text + "'");
  return static_cast<uint32_t>(value);
}

Options parse(const std::vector<std::string> &arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &name = arguments[i];
    if (name == "--tsv") {
      options.separator = '\t';
      continue;
    }
    if (name != "--sample-rate" && name != "--channels" && name != "--format")
      throw UsageError("unknown argument '" + name + "'");
    if (++i == arguments.size()) throw UsageError(name + " needs a value");
    const std::string &value = arguments[i];
    if (name == "--sample-rate") options.sample_rate = whole_number(name, value, 4000, 192000);
    if (name == "--channels") options.channels = whole_number(name, value, 1, 32);
    if (name != "--format") continue;
    if (value != "s16le" && value != "f32le") throw UsageError("--format takes s16le or f32le, not '" + value + "'");
    options.floats = value == "f32le";
  }
  return options;
}

// The method's frames (30 ms every 25 ms) and segments (3 s every 1 s) at any sample rate.
em_config config_for(uint32_t sample_rate) {
  em_config config;
  em_config_init(&config);
  config.sample_rate = sample_rate;
  config.frame_length = (sample_rate * 30 + 500) / 1000;
  config.hop_length = (sample_rate * 25 + 500) / 1000;
  config.n_fft = 32;
  while (config.n_fft < config.frame_length) config.n_fft *= 2;
  const float nyquist_hz = static_cast<float>(sample_rate) / 2;
  config.mel_fmax_hz = std::min(config.mel_fmax_hz, nyquist_hz);
  config.lpc_fmax_hz = std::min(config.lpc_fmax_hz, nyquist_hz);
  config.f0_max_hz = std::min(config.f0_max_hz, nyquist_hz / 2);
  return config;
}

// Reads interleaved PCM ten milliseconds at a time; little-endian whatever the processor is.
class PcmReader {
 public:
  explicit PcmReader(const Options &options)
      : sample_bytes_(options.floats ? 4 : 2),
        frame_bytes_(sample_bytes_ * options.channels),
        bytes_(options.sample_rate / 100 * frame_bytes_),
        samples_(bytes_.size() / sample_bytes_) {}

  // How many frames (a sample a channel) came; fewer than a piece only at the end of the input, none after it.
  size_t read() {
    const size_t got = std::fread(bytes_.data(), 1, bytes_.size(), stdin);
    if (std::ferror(stdin))
      throw std::runtime_error("cannot read standard input: " + std::generic_category().message(errno));
    for (size_t i = 0; i < got / sample_bytes_; ++i) samples_[i] = sample(bytes_.data() + i * sample_bytes_);
    if (got > 0) left_over_ = got % frame_bytes_;  // pieces are whole frames: only the last can leave some
    return got / frame_bytes_;
  }

  const float *samples() const { return samples_.data(); }
  size_t left_over() const { return left_over_; }  // bytes at the input's end that are no whole frame
  size_t frame_bytes() const { return frame_bytes_; }

 private:
  float sample(const unsigned char *p) const {
    if (sample_bytes_ == 2) return static_cast<float>(static_cast<int16_t>(p[0] | p[1] << 8)) / 32768.0f;
    const uint32_t bits = p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24;
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  size_t sample_bytes_, frame_bytes_;
  std::vector<unsigned char> bytes_;
  std::vector<float> samples_;
  size_t left_over_ = 0;
};

// Prints rows as they come: a line is on its way before the next samples are read.
class Table {
 public:
  Table(char separator, const em_config &config, const em_extractor *extractor)
      : separator_(separator),
        columns_(em_extractor_columns(extractor)),
        length_s_(static_cast<double>(em_extractor_row_length(extractor)) / config.sample_rate),
        hop_s_(static_cast<double>(em_extractor_row_hop(extractor)) / config.sample_rate) {}

  void header(const char *const *names) {
    line_ = std::string("start_s") + separator_ + "end_s";
    for (size_t c = 0; c < columns_; ++c) (line_ += separator_) += names[c];
    put_line();
  }

  void rows(const float *values, size_t count) {
    for (; count > 0; --count, ++rows_, values += columns_) {
      const double start_s = static_cast<double>(rows_) * hop_s_;
      line_.clear();
      number("%.6f", start_s);
      line_ += separator_;
      number("%.6f", start_s + length_s_);
      for (size_t c = 0; c < columns_; ++c) {
        line_ += separator_;
        number("%.9g", static_cast<double>(values[c]));  // nine digits give the float back exactly
      }
      put_line();
    }
  }

  uint64_t count() const { return rows_; }
  double length_s() const { return length_s_; }

 private:
  void number(const char *format, double value) {
    char text[40];
    std::snprintf(text, sizeof text, format, value);
    line_ += text;
  }
  void put_line() {
    line_ += '\n';
    if (std::fwrite(line_.data(), 1, line_.size(), stdout) != line_.size() || std::fflush(stdout) != 0)
      throw std::runtime_error("cannot write standard output: " + std::generic_category().message(errno));
  }

  char separator_;
  size_t columns_;
  double length_s_, hop_s_;
  uint64_t rows_ = 0;
  std::string line_;
};

// The library's handles, owned.
struct Destroy {
  void operator()(em_extractor *extractor) const { em_extractor_destroy(extractor); }
  void operator()(em_resampler *resampler) const { em_resampler_destroy(resampler); }
};

// From what comes in to rows: channels averaged, the rate brought down, descriptors computed.
class Analysis {
 public:
  explicit Analysis(const Options &options)
      : rate_in_(options.sample_rate), config_(config_for(std::min(options.sample_rate, kWorkingRate))) {
    char message[256];
    em_resampler *resampler = nullptr;
    if (em_resampler_create(rate_in_, config_.sample_rate, options.channels, 1, &resampler, message, sizeof message) !=
        EM_OK)
      throw std::runtime_error(message);
    resampler_.reset(resampler);
    em_extractor *extractor = nullptr;
    if (em_set_get("lld50", &names_, &columns_) != EM_OK) throw std::runtime_error("this edgemood has no set lld50");
    if (em_extractor_create(&config_, names_, columns_, &extractor, message, sizeof message) != EM_OK)
      throw std::runtime_error(message);
    extractor_.reset(extractor);
  }

  const em_config &config() const { return config_; }
  const em_extractor *extractor() const { return extractor_.get(); }
  const char *const *names() const { return names_; }

  // Each gives the number of rows that rows() then holds.
  size_t push(const float *frames, size_t count) {
    size_t got = 0;
    make_room(mono_, em_resampler_max_output(resampler_.get(), count));
    const em_status status = em_resampler_push(resampler_.get(), frames, count, mono_.data(), mono_.size(), &got);
    if (status == EM_ERROR_NOT_FINITE)
      throw std::runtime_error("the sound at " + std::to_string(static_cast<double>(frames_ + got) / rate_in_) +
                               " s is NaN, infinite or absurdly loud");
    check(status);
    frames_ += count;
    return extract(got);
  }
  size_t finish() {
    size_t got = 0;
    make_room(mono_, em_resampler_max_output(resampler_.get(), 0));
    check(em_resampler_finish(resampler_.get(), mono_.data(), mono_.size(), &got));
    const size_t count = extract(got);
    const size_t done = count * columns_;
    make_room(rows_, done + em_extractor_max_rows(extractor_.get(), 0) * columns_);
    check(em_extractor_finish(extractor_.get(), rows_.data() + done, rows_.size() / columns_ - count, &got));
    return count + got;
  }
  const float *rows() const { return rows_.data(); }
  double heard_s() const { return static_cast<double>(frames_) / rate_in_; }

 private:
  static void check(em_status status) {
    if (status != EM_OK) throw std::runtime_error(em_status_name(status));
  }
  // Buffers grow in the first second to what ten milliseconds can need, and never again.
  static void make_room(std::vector<float> &buffer, size_t size) { buffer.resize(std::max(buffer.size(), size)); }

  size_t extract(size_t samples) {
    size_t got = 0;
    make_room(rows_, em_extractor_max_rows(extractor_.get(), samples) * columns_);
    check(em_extractor_push(extractor_.get(), mono_.data(), samples, rows_.data(), rows_.size() / columns_, &got));
    return got;
  }

  uint32_t rate_in_;
  em_config config_;
  std::unique_ptr<em_resampler, Destroy> resampler_;
  std::unique_ptr<em_extractor, Destroy> extractor_;
  const char *const *names_ = nullptr;
  size_t columns_ = 0;
  std::vector<float> mono_, rows_;
  uint64_t frames_ = 0;
};

void run(const Options &options) {
  Analysis analysis(options);
  PcmReader input(options);
  Table table(options.separator, analysis.config(), analysis.extractor());
  table.header(analysis.names());
  while (const size_t count = input.read()) {
    const size_t rows = analysis.push(input.samples(), count);
    table.rows(analysis.rows(), rows);
  }
  const size_t rows = analysis.finish();
  table.rows(analysis.rows(), rows);

  if (input.left_over())
    throw std::runtime_error("the input ends within a sample: " + std::to_string(input.left_over()) + " of " +
                             std::to_string(input.frame_bytes()) + " bytes");
  if (table.count() == 0)
    std::fprintf(stderr, "head_unit: %.3f s of sound are too short for a row, which takes %.3f s\n", analysis.heard_s(),
                 table.length_s());
}

}  // namespace

int main(int argc, char **argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error like any other
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (em_abi_version() != EM_ABI_VERSION) throw std::runtime_error("edgemood.h and libedgemood do not fit");
  if (arguments == std::vector<std::string>{"--help"}) return std::fputs(kHelp, stdout) < 0 || std::fflush(stdout) != 0;
  if (arguments == std::vector<std::string>{"--version"})
    return std::printf("edgemood %s, descriptors %s, %s\n", em_version(), em_feature_version(), em_instruction_set()) <
               0 ||
           std::fflush(stdout) != 0;
  run(parse(arguments));
  return 0;
} catch (const UsageError &error) {
  std::fprintf(stderr, "head_unit: %s\n%s", error.what(), kHelp);
  return 2;
} catch (const std::exception &error) {
  std::fprintf(stderr, "head_unit: %s\n", error.what());
  return 1;
}
