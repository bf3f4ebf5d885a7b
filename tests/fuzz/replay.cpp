// Runs a fuzz target without libFuzzer, so that any compiler's test run has it: every file of the corpus directories
// given, then seeded random changes of them. What breaks a promise is left in the file LAST_INPUT.
//
//   session_fuzzer LAST_INPUT CORPUS_DIRECTORY...

#include <dirent.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// There only in a sanitized build.
[[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());
}

namespace {

using Sample = std::vector<char>;
using Random = std::minstd_rand;

constexpr int random_runs = 5000;
constexpr std::size_t max_sample = 1 << 20;

// By the C library alone: MemorySanitizer, which does not see into libstdc++'s, follows it.
std::vector<Sample> read_corpus(const std::string& directory) {
  std::vector<std::string> paths;
  DIR* const entries = ::opendir(directory.c_str());
  if (entries == nullptr) return {};
  while (const dirent* entry = ::readdir(entries)) paths.push_back(directory + "/" + entry->d_name);
  ::closedir(entries);
  std::ranges::sort(paths);
  std::vector<Sample> samples;
  for (const std::string& path : paths) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) continue;
    Sample sample(max_sample);
    sample.resize(std::fread(sample.data(), 1, sample.size(), file));
    const bool is_a_directory = std::ferror(file) != 0;
    if (!is_a_directory) samples.push_back(std::move(sample));
    std::fclose(file);
  }
  return samples;
}

const char* last_input_path;
// On the heap and of exact size, so that the sanitizer sees a step behind its end.
std::vector<std::uint8_t> last_input;

void leave_last_input() {
  std::FILE* const file = std::fopen(last_input_path, "wb");
  if (file == nullptr) return;
  std::fwrite(last_input.data(), 1, last_input.size(), file);
  std::fclose(file);
}

void leave_last_input_at_death() {
  std::signal(SIGABRT, [](int) { leave_last_input(); });
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(leave_last_input);
}

void run(const Sample& sample) {
  last_input = std::vector<std::uint8_t>(sample.begin(), sample.end());
  LLVMFuzzerTestOneInput(last_input.data(), last_input.size());
}

void change_once(Sample& sample, const Sample& other, Random& random) {
  if (sample.empty()) sample.push_back('\0');
  const auto at = sample.begin() + static_cast<std::ptrdiff_t>(random() % sample.size());
  switch (random() % 5) {
    case 0:
      *at = static_cast<char>(random());
      break;
    case 1:
      *at = static_cast<char>(*at ^ (1 << random() % 8));
      break;
    case 2:
      sample.insert(at, static_cast<char>(random()));
      break;
    case 3:
      sample.erase(at, at + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(1 + random() % 4), sample.end() - at));
      break;
    default:
      sample.insert(sample.end(), other.begin() + std::min<std::ptrdiff_t>(2, std::ssize(other)), other.end());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: %s LAST_INPUT CORPUS_DIRECTORY...\n", argv[0]), 2;
  last_input_path = argv[1];
  leave_last_input_at_death();
  std::vector<Sample> corpus;
  for (int i = 2; i < argc; ++i) std::ranges::move(read_corpus(argv[i]), std::back_inserter(corpus));
  for (const Sample& sample : corpus) run(sample);

  Random random(20240229);
  const auto pick = [&]() -> const Sample& { return corpus[random() % corpus.size()]; };
  for (int i = 0; i < random_runs && !corpus.empty(); ++i) {
    Sample sample = pick();
    for (auto changes = 1 + random() % 4; changes > 0; --changes) change_once(sample, pick(), random);
    run(sample);
  }
  std::printf("%zu samples and %d changes of them keep every promise\n", corpus.size(), random_runs);
  return corpus.empty() ? 1 : 0;
}
