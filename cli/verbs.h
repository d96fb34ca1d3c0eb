// The verbs of the command, one file each. Internal to this folder.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/console.h"

namespace gatelab::cli {

// What the command line asked for: filled in while it is read, called afterwards.
struct Request {
    Console console;
    std::function<Exit(const Console&)> act;
};

void add_run(CLI::App& root, Request&);
void add_conformance(CLI::App& root, Request&);
void add_topology(CLI::App& root, Request&);
void add_profile(CLI::App& root, Request&);
void add_report(CLI::App& root, Request&);
void add_list(CLI::App& root, Request&);
void add_doctor(CLI::App& root, Request&);
void add_peers(CLI::App& root, Request&);

// A verb below `parent` that takes --json and, once chosen, calls `act`.
CLI::App* add_verb(CLI::App& parent, Request&, const std::string& name, const std::string& purpose,
                   std::function<Exit(const Console&)> act);

}  // namespace gatelab::cli
