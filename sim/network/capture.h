// A pcap file: nanosecond timestamps, LINKTYPE_RAW (packets start with the IP header), little endian on every machine.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::sim {

class Capture {
public:
    // Io when the file cannot be made.
    static Result<std::unique_ptr<Capture>> open(const std::filesystem::path& file);
    ~Capture();
    void record(Instant at, ByteView packet);  // no effect after finish()
    // Writes out and closes; Io when any of it did not reach the file. Idempotent.
    Result<void> finish();

private:
    explicit Capture(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
    std::FILE* file_ = nullptr;
    bool failed_ = false;
};

}  // namespace gatelab::sim
