// gatelab profile
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/verbs.h"
#include "sim/openvpn_profile.h"
#include "topologies/model/check.h"
#include "topologies/yaml/reader.h"

namespace gatelab::cli {
namespace {

struct Order {
    std::string topology, user, out;
    std::vector<std::string> settings;
    std::uint64_t seed = 1;
};

Result<topologies::Topology> topology_of(const Order& order, const Console& console) {
    std::vector<topologies::Override> overrides;
    for (const auto& one : order.settings) {
        auto parsed = topologies::parse_override(one);
        if (!parsed) return pass(parsed);
        overrides.push_back(std::move(*parsed));
    }
    auto topology = topologies::load(order.topology, overrides);
    if (!topology) return pass(topology);
    for (const auto& problem : topologies::check(*topology)) console.warn(to_string(problem));  // warnings only
    return topology;
}

// For its owner alone: a profile holds a private key.
Result<void> write_file(const std::string& path, std::string_view text) {
    const auto failed = [&] {
        return fail(Fault::Io,
                    fmt::format("cannot write {}: {}; give another file with --out", path, std::strerror(errno)));
    };
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return failed();
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            const auto failure = failed();
            ::close(file);
            return failure;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::close(file) != 0) return failed();
    return {};
}

Result<std::string> profile_text(const Order& order, const Console& console) {
    const auto topology = topology_of(order, console);
    if (!topology) return pass(topology);
    const auto pki = sim::prepare_pki(*topology, order.seed);
    if (!pki) return pass(pki);
    const auto profile = sim::profile_of(*topology, *pki, order.seed, order.user);
    if (!profile) return pass(profile);
    return profile::encode(*profile);
}

Exit write_profile(const Console& console, const Order& order) {
    const auto text = profile_text(order, console);
    // Whatever is wrong with a profile stands in what the user gave.
    if (!text) return console.complain(Exit::WrongInput, text.error().detail);
    if (!order.out.empty()) {
        if (const auto written = write_file(order.out, *text); !written) return console.complain(written.error());
    }
    if (console.json) {
        Json document{{"topology", order.topology}, {"user", order.user}, {"seed", order.seed}};
        if (order.out.empty())
            document["profile"] = *text;
        else
            document["file"] = order.out;
        console.print_document(document);
    } else if (order.out.empty()) {
        console.print(*text);
    }
    return Exit::Held;
}

}  // namespace

void add_profile(CLI::App& root, Request& request) {
    const auto order = std::make_shared<Order>();
    auto* verb = add_verb(root, request, "profile", "The OpenVPN profile that a gateway hands to one of its users",
                          [order](const Console& console) { return write_profile(console, *order); });
    verb->add_option("TOPOLOGY", order->topology, "A YAML file, or a name of the library")->required();
    verb->add_option("USER", order->user, "A client of the topology")->required();
    verb->add_option("--out", order->out, "The file to write, for its owner alone (default: standard output)");
    verb->add_option("--seed", order->seed, "What keys and certificates come from, as in a run")->capture_default_str();
    verb->add_option("--set", order->settings, "PATH=VALUE, such as clients.alice.openvpn.transport=udp")
        ->allow_extra_args(false);
}

}  // namespace gatelab::cli
