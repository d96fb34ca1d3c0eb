#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "sim/peers/files.h"
#include "sim/peers/programs/bgp.h"

namespace gatelab::sim::peers::programs {
namespace {

std::string name_of(std::size_t neighbour) { return fmt::format("bgp{}", neighbour); }

std::string configuration(const BgpSettings& settings) {
    const auto seconds = [](Duration duration) {
        return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    };
    std::string text = fmt::format(
        "router id {};\nprotocol device {{}}\n"
        "protocol kernel {{ learn; ipv4 {{ import where net = 0.0.0.0/0; export where source = RTS_BGP; }}; }}\n"
        "protocol static announced {{ ipv4;",
        to_string(settings.address));
    for (const auto& network : settings.networks) text += fmt::format(" route {} blackhole;", to_string(network));
    text += " }\n";
    for (std::size_t i = 0; i < settings.neighbours.size(); ++i) {
        const auto& neighbour = settings.neighbours[i];
        text += fmt::format(
            "protocol bgp {} {{ local {} as {}; neighbor {} as {}; multihop 8; hold time {}; keepalive time {}; "
            "connect delay time 1; connect retry time 1; error wait time 1, 5; "
            "ipv4 {{ import all; export where source = RTS_STATIC; next hop self; gateway recursive; }}; }}\n",
            name_of(i), to_string(settings.address), settings.as, to_string(neighbour.address), neighbour.as,
            seconds(settings.hold), seconds(settings.keepalive));
    }
    return text;
}

// "bgp0       BGP        ---        up     08:00:03.101  Established", and routes as
// "10.50.0.0/16         unicast [bgp0 08:00:03.111 from ...] * (100) [AS65010i]".
BgpReport report_in(const BgpSettings& settings, const std::string& text) {
    BgpReport report;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        for (std::size_t i = 0; i < settings.neighbours.size(); ++i)
            if (line.starts_with(name_of(i) + " ") && line.find("Established") != std::string::npos)
                report.established.push_back(settings.neighbours[i].address);
        const auto prefix = parse_prefix(line.substr(0, line.find(' ')));
        if (prefix && line.find(" [bgp") != std::string::npos) report.learned.push_back(*prefix);
    }
    return report;
}

class Bird final : public BgpSpeaker {
public:
    Bird(Machine& machine, const BgpSettings& settings) : machine_(machine), settings_(settings) {
        if (auto put = write_file(machine.folder() / "bird.conf", configuration(settings)); !put) {
            ended_ = fail(put.error().fault, put.error().detail);
            return;
        }
        program_ = machine.run(
            {{"/usr/sbin/bird", "-f", "-c", machine.inside("bird.conf"), "-s", "/run/bird.ctl", "-P", "/run/bird.pid"},
             kEnvironment,
             "bird.log"},
            [this](Result<int> how) { ended_ = std::move(how); });
    }
    void ask(std::function<void(Result<BgpReport>)> told) override {
        asking_ = run_and_read(
            machine_, {"/bin/sh", "-c", "birdc -s /run/bird.ctl show protocols && birdc -s /run/bird.ctl show route"},
            "birdc.txt", [this, told = std::move(told)](Result<std::string> text) {
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

std::unique_ptr<BgpSpeaker> start_bird(Machine& machine, const BgpSettings& settings) {
    return std::make_unique<Bird>(machine, settings);
}

}  // namespace gatelab::sim::peers::programs
