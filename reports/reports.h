// Verdicts as files: report.json, JUnit XML and one HTML page; and what changed since a baseline.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/report.h"
#include "impl/base/result.h"

namespace gatelab::reports {

// --- report.json, schema "gatelab.report/1" ---------------------------------------------------------------------
// What depends on the machine (start, wall time, lateness, whatever a real-time run measured) stands under "machine"
// and nowhere else, so that the rest of two reports compares byte for byte.
std::string to_json(const conformance::Report&);
// Malformed, saying what was expected, for anything that is not such a report.
Result<conformance::Report> from_json(std::string_view text);
// NotFound, Io or as from_json(), naming the file. A directory stands for the report.json in it.
Result<conformance::Report> load(const std::filesystem::path&);

// --- other forms ------------------------------------------------------------------------------------------------
// A testsuite for each suite and a testcase for each result; client and gateway are the class name.
std::string to_junit(const conformance::Report&);
// One page without external requests. Message ladders come from the event logs under `directory`, where they exist;
// links to evidence are relative to it.
std::string to_html(const conformance::Report&, const std::filesystem::path& directory);
// For a terminal: the summary, the matrix of pairs, and every case that neither passed nor is unsupported, with its
// reason.
std::string render_text(const conformance::Report&);

// Writes report.json, junit.xml and report.html, each whole or not at all. Io, naming the file, when one could not be
// written.
Result<void> write_all(const conformance::Report&, const std::filesystem::path& directory);
// Writes a file by renaming a temporary one. Io when it could not be written whole.
Result<void> write_file(const std::filesystem::path&, std::string_view text);

// --- against a baseline -----------------------------------------------------------------------------------------
struct Change {
    std::string id, client, gateway;
    std::string before, now;  // verdicts; "" when it was or is not there
    std::string reason;       // of now
};

struct Diff {
    std::vector<Change> regressions;  // passed before and does not pass now: failed, error or invalid
    std::vector<Change> fixed;        // failed, error or invalid before and passes now
    std::vector<Change> fresh;        // not in the baseline
    std::vector<Change> gone;         // in the baseline only
    std::vector<Change> other;        // any other change of verdict
};

// By the order of `report`, then of `baseline`.
Diff diff(const conformance::Report& report, const conformance::Report& baseline);
std::string render_text(const Diff&);
std::string to_json(const Diff&);

}  // namespace gatelab::reports
