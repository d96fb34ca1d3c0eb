// Runs a fuzz entry over files, without a fuzzer: every seed of the corpus, and each of its prefixes.
//
//   fuzz_replay FILE_OR_FOLDER...
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

bool replay(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    const std::vector<char> content{std::istreambuf_iterator<char>{file}, {}};
    if (!file && content.empty()) {
        std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
        return false;
    }
    for (std::size_t size = 0; size <= content.size(); ++size) {
        // A copy of its own, so that a sanitizer sees a read past the end.
        const std::vector<std::uint8_t> prefix(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size));
        LLVMFuzzerTestOneInput(prefix.data(), prefix.size());
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) {
            files.emplace_back(argv[i]);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) files.push_back(entry.path());
    }
    if (files.empty()) {
        std::fprintf(stderr, "no seeds: give files or folders\n");
        return 2;
    }
    for (const auto& file : files)
        if (!replay(file)) return 1;
    std::printf("replayed %zu seeds\n", files.size());
    return 0;
}
