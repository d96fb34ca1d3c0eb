// One run of one case, from topology to verdict, in the process that calls it.
#pragma once

#include <filesystem>

#include "conformance/runner.h"
#include "impl/base/bytes.h"

namespace gatelab::conformance {

// A result that says who and what, and no verdict yet.
CaseResult result_of(const Job&);

// Runs the case in this process; leaves its evidence in `directory` unless that is empty.
CaseResult run_here(const Job&, const Options&, const std::filesystem::path& directory);

// The part of a result that run_here() found, between processes.
Bytes encode(const CaseResult&);
Result<void> decode_into(CaseResult&, ByteView);

}  // namespace gatelab::conformance
