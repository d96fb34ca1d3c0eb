#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/peers/files.h"
#include "sim/peers/programs/bgp.h"

namespace gatelab::sim::peers::programs {
namespace {

using Json = nlohmann::json;

std::string configuration(const BgpSettings& settings) {
    const auto seconds = [](Duration duration) {
        return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    };
    std::string text = fmt::format(
        "router bgp {}\n bgp router-id {}\n no bgp ebgp-requires-policy\n"
        " no bgp network import-check\n timers bgp {} {}\n",
        settings.as, to_string(settings.address), seconds(settings.keepalive), seconds(settings.hold));
    for (const auto& neighbour : settings.neighbours) {
        const auto address = to_string(neighbour.address);
        text += fmt::format(
            " neighbor {0} remote-as {1}\n neighbor {0} timers connect 1\n"
            " neighbor {0} update-source {2}\n",
            address, neighbour.as, to_string(settings.address));
        if (neighbour.as != settings.as) text += fmt::format(" neighbor {} ebgp-multihop 8\n", address);
    }
    text += " address-family ipv4 unicast\n";
    for (const auto& network : settings.networks) text += fmt::format("  network {}\n", to_string(network));
    return text + " exit-address-family\n";
}

// Its programs want root to be in a group of their own for their control sockets, and they wait for zebra.
constexpr const char* kScript =
    "mkdir -p /run/frr /var/tmp/frr\n"
    "sed -i '/^frrvty:/d' /etc/group; echo 'frrvty:x:4242:root' >> /etc/group\n"
    "/usr/lib/frr/zebra -d -u root -g root -f \"$1/zebra.conf\" -i /run/frr/zebra.pid -z /run/frr/zserv.api "
    "--vty_socket /run/frr -P 0 || exit 1\n"
    "exec /usr/lib/frr/bgpd -S -u root -g root -f \"$1/bgpd.conf\" -i /run/frr/bgpd.pid -z /run/frr/zserv.api "
    "--vty_socket /run/frr -P 0\n";

Result<BgpReport> report_in(const BgpSettings& settings, const std::string& text) {
    // Two documents: the summary and the table.
    const auto cut = text.find("\n{", 1);
    const auto summary = Json::parse(text.substr(0, cut), nullptr, false);
    const auto table = cut == std::string::npos ? Json{} : Json::parse(text.substr(cut), nullptr, false);
    if (!summary.is_object() || !table.is_object())
        return fail(Fault::Malformed, "vtysh: not JSON: " + text.substr(0, 200));
    BgpReport report;
    const auto peers = summary.value("peers", Json::object());
    for (const auto& neighbour : settings.neighbours) {
        const auto peer = peers.find(to_string(neighbour.address));
        if (peer != peers.end() && peer->value("state", "") == "Established")
            report.established.push_back(neighbour.address);
    }
    const auto routes = table.value("routes", Json::object());
    for (const auto& [name, paths] : routes.items()) {
        const auto prefix = parse_prefix(name);
        const auto learned = [](const Json& path) { return path.value("peerId", "(unspec)") != "(unspec)"; };
        if (prefix && paths.is_array() && std::any_of(paths.begin(), paths.end(), learned))
            report.learned.push_back(*prefix);
    }
    return report;
}

class Frr final : public BgpSpeaker {
public:
    Frr(Machine& machine, const BgpSettings& settings) : machine_(machine), settings_(settings) {
        const auto folder = machine.folder() / "frr";
        auto put = write_file(folder / "bgpd.conf", configuration(settings));
        if (put) put = write_file(folder / "zebra.conf", "ip nht resolve-via-default\n");
        if (!put) {
            ended_ = fail(put.error().fault, put.error().detail);
            return;
        }
        program_ = machine.run({{"/bin/sh", "-c", kScript, "frr", machine.inside("frr")}, kEnvironment, "frr.log"},
                               [this](Result<int> how) { ended_ = std::move(how); });
    }
    void ask(std::function<void(Result<BgpReport>)> told) override {
        asking_ = run_and_read(machine_,
                               {"/usr/bin/vtysh", "--vty_socket", "/run/frr", "-c",
                                "show bgp ipv4 unicast summary json", "-c", "show bgp ipv4 unicast json"},
                               "vtysh.txt", [this, told = std::move(told)](Result<std::string> text) {
                                   if (!text) return told(pass(text));
                                   told(report_in(settings_, *text));
                               });
    }
    std::optional<Result<int>> ended() const override { return ended_; }

private:
    Machine& machine_;
    const BgpSettings settings_;
    std::optional<Result<int>> ended_;
    std::unique_ptr<Program> program_, asking_;
};

}  // namespace

std::unique_ptr<BgpSpeaker> start_frr(Machine& machine, const BgpSettings& settings) {
    return std::make_unique<Frr>(machine, settings);
}

}  // namespace gatelab::sim::peers::programs
