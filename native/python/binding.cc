// Python's view of the public header, and nothing more; edgemood.features makes it comfortable.
#include <edgemood/edgemood.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace py = pybind11;
using Samples = py::array_t<float, py::array::c_style>;

namespace {

struct NativeError : std::runtime_error {
  NativeError(em_status s, const std::string &text) : std::runtime_error(text), status(s) {}
  em_status status;
};

// The GIL is released while the library works, and a handle is for one thread at a time: held by whoever works with it.
class Busy {
 public:
  explicit Busy(bool &busy) : busy_(busy) {
    if (busy_) throw NativeError(EM_ERROR_ARGUMENT, "in use by another thread: one object, one thread at a time");
    busy_ = true;
  }
  ~Busy() { busy_ = false; }
  Busy(const Busy &) = delete;
  Busy &operator=(const Busy &) = delete;

 private:
  bool &busy_;  // read and written under the GIL only
};

// Has `call(to, capacity, &count)` fill `out` without the GIL; gives the rows it wrote.
template <typename Call>
py::array_t<float> written(py::array_t<float> out, Call call) {
  const auto capacity = static_cast<size_t>(out.shape(0));
  float *data = out.mutable_data();
  size_t count = 0;
  em_status status;
  {
    py::gil_scoped_release release;
    status = call(data, capacity, &count);
  }
  if (status == EM_ERROR_NOT_FINITE) throw NativeError(status, std::to_string(count));
  if (status != EM_OK) throw NativeError(status, em_status_name(status));
  if (count == capacity) return out;
  return out[py::slice(0, static_cast<py::ssize_t>(count), 1)].cast<py::array_t<float>>();
}

class Extractor {
 public:
  Extractor(const em_config &config, const std::vector<std::string> &names) {
    std::vector<const char *> pointers;
    for (const std::string &name : names) pointers.push_back(name.c_str());
    char message[256];
    em_extractor *handle = nullptr;
    const em_status status =
        em_extractor_create(&config, pointers.data(), pointers.size(), &handle, message, sizeof message);
    if (status != EM_OK) throw NativeError(status, message);
    handle_.reset(handle);
  }

  py::array_t<float> push(const Samples &samples) {
    if (samples.ndim() != 1) throw py::value_error("samples must have one dimension (mono)");
    const auto n = static_cast<size_t>(samples.size());
    const float *data = samples.data();
    return rows(n, [this, data, n](float *out, size_t capacity, size_t *count) {
      return em_extractor_push(handle_.get(), data, n, out, capacity, count);
    });
  }

  py::array_t<float> drain() {
    return rows(0, [this](float *out, size_t capacity, size_t *count) {
      return em_extractor_drain(handle_.get(), out, capacity, count);
    });
  }

  py::array_t<float> finish() {
    return rows(0, [this](float *out, size_t capacity, size_t *count) {
      return em_extractor_finish(handle_.get(), out, capacity, count);
    });
  }

  void reset() {
    const Busy busy(busy_);
    em_extractor_reset(handle_.get());
  }
  size_t row_length() const { return em_extractor_row_length(handle_.get()); }
  size_t row_hop() const { return em_extractor_row_hop(handle_.get()); }

 private:
  struct Destroy {
    void operator()(em_extractor *e) const { em_extractor_destroy(e); }
  };

  template <typename Call>
  py::array_t<float> rows(size_t n_samples, Call call) {
    const Busy busy(busy_);
    const size_t capacity = em_extractor_max_rows(handle_.get(), n_samples);
    return written(py::array_t<float>({capacity, em_extractor_columns(handle_.get())}), call);
  }

  std::unique_ptr<em_extractor, Destroy> handle_;
  bool busy_ = false;
};

// Interleaved frames [n, channels], or [n] where there is one channel; mono samples out.
class Resampler {
 public:
  Resampler(uint32_t rate_in, uint32_t rate_out, uint32_t channels, bool low_latency) : channels_(channels) {
    char message[256];
    em_resampler *handle = nullptr;
    const em_status status =
        em_resampler_create(rate_in, rate_out, channels, low_latency, &handle, message, sizeof message);
    if (status != EM_OK) throw NativeError(status, message);
    handle_.reset(handle);
  }

  py::array_t<float> push(const Samples &frames) {
    const bool fits = frames.ndim() == 2 ? frames.shape(1) == static_cast<py::ssize_t>(channels_)
                                         : frames.ndim() == 1 && channels_ == 1;
    if (!fits) throw py::value_error("frames must be [n, " + std::to_string(channels_) + "]");
    const auto n = static_cast<size_t>(frames.shape(0));
    const float *data = frames.data();
    return samples(n, [this, data, n](float *out, size_t capacity, size_t *count) {
      return em_resampler_push(handle_.get(), data, n, out, capacity, count);
    });
  }

  py::array_t<float> finish() {
    return samples(0, [this](float *out, size_t capacity, size_t *count) {
      return em_resampler_finish(handle_.get(), out, capacity, count);
    });
  }

  void reset() {
    const Busy busy(busy_);
    em_resampler_reset(handle_.get());
  }
  size_t latency() const { return em_resampler_latency(handle_.get()); }
  float peak() const { return em_resampler_peak(handle_.get()); }

 private:
  struct Destroy {
    void operator()(em_resampler *r) const { em_resampler_destroy(r); }
  };

  template <typename Call>
  py::array_t<float> samples(size_t n_frames, Call call) {
    const Busy busy(busy_);
    const size_t capacity = em_resampler_max_output(handle_.get(), n_frames);
    return written(py::array_t<float>(static_cast<py::ssize_t>(capacity)), call);
  }

  uint32_t channels_;
  std::unique_ptr<em_resampler, Destroy> handle_;
  bool busy_ = false;
};

using DescriptorRow = std::tuple<std::string, std::string, float, float, std::string, std::string, bool>;

std::vector<DescriptorRow> rows_of(size_t count, em_status (*get)(size_t, em_descriptor_info *)) {
  std::vector<DescriptorRow> all;
  for (size_t i = 0; i < count; ++i) {
    em_descriptor_info info;
    get(i, &info);
    all.emplace_back(info.name, info.unit, info.minimum, info.maximum, info.summary, info.source,
                     info.absent_is_zero != 0);
  }
  return all;
}

std::vector<DescriptorRow> descriptors() { return rows_of(em_descriptor_count(), em_descriptor_get); }

std::vector<DescriptorRow> segment_descriptors() {
  return rows_of(em_segment_descriptor_count(), em_segment_descriptor_get);
}

std::vector<std::string> functionals() {
  std::vector<std::string> names;
  for (size_t i = 0; i < em_functional_count(); ++i) names.emplace_back(em_functional_name(i));
  return names;
}

std::vector<std::string> set_names(const std::string &set) {
  const char *const *names = nullptr;
  size_t count = 0;
  if (em_set_get(set.c_str(), &names, &count) != EM_OK)
    throw NativeError(EM_ERROR_ARGUMENT, "no set of descriptors is called '" + set + "'");
  return {names, names + count};
}

em_config default_config() {
  em_config config;
  em_config_init(&config);
  return config;
}

}  // namespace

PYBIND11_MODULE(_native, m) {
  m.doc() = "Binding of edgemood.h.";
  static py::exception<NativeError> native_error(m, "NativeError");
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const NativeError &error) {
      PyErr_SetObject(native_error.ptr(), py::make_tuple(static_cast<int>(error.status), error.what()).ptr());
    }
  });

  py::class_<em_config> config(m, "Config");
  config.def(py::init(&default_config));
#define FIELD(name) config.def_readwrite(#name, &em_config::name)
  FIELD(output), FIELD(sample_rate), FIELD(frame_length), FIELD(hop_length), FIELD(n_fft), FIELD(window);
  FIELD(preemphasis), FIELD(n_mels), FIELD(mel_fmin_hz), FIELD(mel_fmax_hz), FIELD(mel_edges), FIELD(f0_min_hz);
  FIELD(f0_max_hz), FIELD(voicing_threshold), FIELD(lpc_order), FIELD(lpc_fmax_hz), FIELD(segment_frames);
  FIELD(segment_hop);
#undef FIELD

  py::class_<Extractor>(m, "Extractor")
      .def(py::init<const em_config &, const std::vector<std::string> &>(), py::arg("config"), py::arg("names"))
      .def("push", &Extractor::push, py::arg("samples").noconvert())
      .def("drain", &Extractor::drain)
      .def("finish", &Extractor::finish)
      .def("reset", &Extractor::reset)
      .def_property_readonly("row_length", &Extractor::row_length)
      .def_property_readonly("row_hop", &Extractor::row_hop);

  py::class_<Resampler>(m, "Resampler")
      .def(py::init<uint32_t, uint32_t, uint32_t, bool>(), py::arg("rate_in"), py::arg("rate_out"), py::arg("channels"),
           py::arg("low_latency") = false)
      .def("push", &Resampler::push, py::arg("frames").noconvert())
      .def("finish", &Resampler::finish)
      .def("reset", &Resampler::reset)
      .def_property_readonly("latency", &Resampler::latency)
      .def_property_readonly("peak", &Resampler::peak);

  m.def("descriptors", &descriptors, "(name, unit, minimum, maximum, summary, source, absent_is_zero) of each");
  m.def("segment_descriptors", &segment_descriptors, "The same of each descriptor of a segment");
  m.def("functionals", &functionals);
  m.def("set_names", &set_names, py::arg("set"));
  m.def("abi_version", &em_abi_version);
  m.def("version", &em_version);
  m.def("feature_version", &em_feature_version);
  m.def("instruction_set", &em_instruction_set);
}
