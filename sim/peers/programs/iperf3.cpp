#include "sim/peers/programs/iperf3.h"

#include <nlohmann/json.hpp>

namespace gatelab::sim::peers::programs {
namespace {

constexpr const char* kProgram = "/usr/bin/iperf3";

}  // namespace

std::unique_ptr<Program> serve_iperf3(Machine& machine, std::function<void(Result<int>)> ended) {
    return machine.run({{kProgram, "--server", "--one-off"}, kEnvironment, "iperf3-server.txt"}, std::move(ended));
}

Result<Iperf3Report> iperf3_report_in(std::string_view text) {
    const auto told = nlohmann::json::parse(text, nullptr, false);
    if (!told.is_object()) return fail(Fault::Malformed, "iperf3: not JSON: " + std::string{text.substr(0, 200)});
    if (told.contains("error")) return fail(Fault::Refused, "iperf3: " + told["error"].dump());
    const auto number = [&](const char* section, const char* name) {
        const auto pointer = nlohmann::json::json_pointer{std::string{"/end/"} + section + "/" + name};
        return told.contains(pointer) && told[pointer].is_number() ? told[pointer].get<double>() : 0.0;
    };
    Iperf3Report report;
    report.sent_bps = number("sum_sent", "bits_per_second");
    report.received_bps = number("sum_received", "bits_per_second");
    report.retransmits = static_cast<std::uint64_t>(number("sum_sent", "retransmits"));
    report.lost_percent = number("sum", "lost_percent");
    return report;
}

std::unique_ptr<Program> iperf3(Machine& machine, const Iperf3Options& options,
                                std::function<void(Result<Iperf3Report>)> done) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options.duration).count();
    std::vector<std::string> arguments = {
        kProgram, "--json", "--client", to_string(options.server), "--time", std::to_string(seconds)};
    if (options.udp) arguments.push_back("--udp");
    if (options.reverse) arguments.push_back("--reverse");
    if (options.bits_per_second != 0)
        arguments.insert(arguments.end(), {"--bitrate", std::to_string(options.bits_per_second)});
    return run_and_read(machine, std::move(arguments), "iperf3.json",
                        [done = std::move(done)](Result<std::string> text) {
                            if (!text) return done(pass(text));
                            done(iperf3_report_in(*text));
                        });
}

}  // namespace gatelab::sim::peers::programs
