#include "worker/module_loader.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <stdexcept>

namespace wsd::worker {

namespace {

// The linker names the path that it was given, which tells a user nothing.
std::string linker_error(const std::string& path, std::string_view name) {
  const char* const error = ::dlerror();
  std::string text = error == nullptr ? "the linker does not say why" : error;
  if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
  for (std::size_t at = 0; (at = text.find(path, at)) != std::string::npos;) text.replace(at, path.size(), name);
  return text;
}

}  // namespace

const AppModule& load_module(int descriptor, std::string_view name) {
  const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(fmt::format("cannot load {}: {}", name, linker_error(path, name)));
  const auto* const module = static_cast<const AppModule*>(::dlsym(library, "wsd_app_module"));
  if (module == nullptr) {
    throw std::runtime_error(fmt::format("{} is no wsd app: it exports no wsd_app_module; does it use WSD_APP?", name));
  }
  if (const std::string problem = abi_mismatch(name, module->abi_tag, WSD_ABI_TAG); !problem.empty()) {
    throw std::runtime_error(problem);
  }
  return *module;
}

std::string abi_mismatch(std::string_view name, std::string_view theirs, std::string_view ours) {
  if (theirs == ours) return {};
  return fmt::format(
      "{} was built for \"{}\" and this server is \"{}\": build it again with this server's header and "
      "compiler",
      name, theirs, ours);
}

}  // namespace wsd::worker
