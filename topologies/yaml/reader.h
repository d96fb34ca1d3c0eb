// Topology files: YAML in the words of Azure's resources (docs/topologies.md describes the format).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "topologies/model/check.h"
#include "topologies/model/topology.h"

namespace gatelab::topologies {

// A value put into the file's tree before it is read: {"links.alice-isp.delay", "50ms"}.
struct Override {
    std::string path, value;
};

// "PATH=VALUE". Malformed when there is no "=" or no path.
Result<Override> parse_override(std::string_view);

// What came of reading a file. `topology` is there when nothing was wrong with the file's form; whether it makes sense
// is for check() to say.
struct Reading {
    std::optional<Topology> topology;
    std::vector<Problem> problems;
};

// Reads a file's text; `name` stands for it in messages and its folder is where certificate files are looked for.
// Bounded in time and memory whatever the text: at most 1 MiB, 64 levels, 100,000 values with aliases followed.
Reading parse(std::string_view text, const std::string& name, const std::vector<Override>& = {});

// A topology file's text, and the name that stands for it in messages.
struct Source {
    std::string text, name;
};

// The file, or a topology of the library when `path` is the name of one ("remote-user") and no such file exists.
// NotFound, or Io when it cannot be read. Text beyond the limit of parse() is cut off right behind it.
Result<Source> find_source(const std::string& path);

// Reads a file, or a topology of the library when `path` is the name of one ("remote-user") and no such file exists.
Reading read(const std::string& path, const std::vector<Override>& = {});

// parse() and check() in one: a topology that can run, or all errors, one a line.
Result<Topology> load(const Source&, const std::vector<Override>& = {});
// The same with find_source().
Result<Topology> load(const std::string& path, const std::vector<Override>& = {});

}  // namespace gatelab::topologies
