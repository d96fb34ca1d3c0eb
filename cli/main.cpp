// The gatelab command.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "cli/verbs.h"

namespace gatelab::cli {

CLI::App* add_verb(CLI::App& parent, Request& request, const std::string& name, const std::string& purpose,
                   std::function<Exit(const Console&)> act) {
    auto* verb = parent.add_subcommand(name, purpose);
    verb->add_flag("--json", request.console.json, "Print one JSON document");
    verb->callback([&request, act = std::move(act)] { request.act = act; });
    return verb;
}

namespace {

constexpr auto kExitCodes =
    "Exit codes: 0 all held; 1 something did not; 2 the input is wrong; 3 the harness or a peer broke, or the machine\n"
    "lacks something that was asked for by name; 5 a real-time run fell behind its budget; 77 nothing ran.";

// --json anywhere on a command line that could not be understood: its error is JSON too.
bool asks_for_json(int count, char** words) {
    for (int i = 1; i < count; ++i)
        if (std::strcmp(words[i], "--json") == 0) return true;
    return false;
}

// What was printed must have arrived: a full disk behind a redirection is no success.
Exit deliver(const Console& console, Exit exit) {
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return exit;
    console.warn(
        fmt::format("cannot write to standard output: {}; free some space or write elsewhere", std::strerror(errno)));
    return Exit::Broken;
}

Exit run(int count, char** words) {
    Request request;
    CLI::App root{"Runs VPN gateways and their clients inside simulated networks and checks what they do", "gatelab"};
    root.set_version_flag("--version", "gatelab " GATELAB_VERSION);
    root.require_subcommand(1);
    root.footer(kExitCodes);
    add_run(root, request);
    add_conformance(root, request);
    add_topology(root, request);
    add_profile(root, request);
    add_report(root, request);
    add_list(root, request);
    add_doctor(root, request);
    add_peers(root, request);
    try {
        root.parse(count, words);
    } catch (const CLI::Success& wanted) {  // --help, --version
        root.exit(wanted);
        return deliver(request.console, Exit::Held);
    } catch (const CLI::ParseError& wrong) {
        request.console.json = asks_for_json(count, words);
        return deliver(request.console,
                       request.console.complain(Exit::WrongInput, fmt::format("{}; see --help", wrong.what())));
    }
    return deliver(request.console, request.act(request.console));
}

}  // namespace
}  // namespace gatelab::cli

int main(int count, char** words) {
    try {
        return static_cast<int>(gatelab::cli::run(count, words));
    } catch (const std::exception& broken) {
        std::fprintf(stderr, "gatelab: broken: %s; please report this with the command line\n", broken.what());
        return static_cast<int>(gatelab::cli::Exit::Broken);
    }
}
