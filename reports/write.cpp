#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "reports/reports.h"

namespace gatelab::reports {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> cannot_write(const fs::path& path, int error) {
    return fail(Fault::Io,
                fmt::format("cannot write '{}': {}; {}", path.string(), std::generic_category().message(error),
                            error == ENOSPC || error == EDQUOT || error == EFBIG
                                ? "free some space or choose another directory with --out"
                                : "choose a directory that can be written with --out"));
}

}  // namespace

Result<void> write_file(const fs::path& path, std::string_view text) {
    auto temporary = path;
    temporary += ".part";
    const auto discard = [&](int error) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        return cannot_write(path, error);
    };
    std::FILE* file = std::fopen(temporary.c_str(), "wb");
    if (!file) return cannot_write(path, errno);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int write_error = errno;
    // A full disk may show only now.
    const bool closed = std::fclose(file) == 0;
    if (!written) return discard(write_error);
    if (!closed) return discard(errno);
    std::error_code error;
    fs::rename(temporary, path, error);
    if (error) return discard(error.value());
    return {};
}

Result<void> write_all(const conformance::Report& report, const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) return cannot_write(directory, error.value());
    // report.json last: where it is, the others are too.
    return write_file(directory / "junit.xml", to_junit(report))
        .and_then([&] { return write_file(directory / "report.html", to_html(report, directory)); })
        .and_then([&] { return write_file(directory / "report.json", to_json(report)); });
}

}  // namespace gatelab::reports
