#include "sim/peers/programs/ping.h"

#include <fmt/format.h>

#include <charconv>

namespace gatelab::sim::peers::programs {
namespace {

template <class Number>
Number number_at(std::string_view text) {
    Number number{};
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

Result<PingReport> ping_report_in(std::string_view output) {
    PingReport report;
    bool whole = false;
    for (std::string_view left = output; !left.empty();) {
        const auto end = left.find('\n');
        const auto line = left.substr(0, end);
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
        if (const auto time = line.find(" time="); time != std::string_view::npos && line.ends_with(" ms"))
            report.round_trips.push_back(number_at<double>(line.substr(time + 6)));
        const auto sent = line.find(" packets transmitted, ");
        if (sent == std::string_view::npos) continue;
        report.sent = number_at<int>(line);
        report.received = number_at<int>(line.substr(sent + 22));
        whole = true;
    }
    if (!whole) return fail(Fault::Malformed, fmt::format("ping: no summary in \"{}\"", output.substr(0, 400)));
    return report;
}

std::unique_ptr<Program> ping(Machine& machine, const PingOptions& options,
                              std::function<void(Result<PingReport>)> done) {
    const auto seconds = std::chrono::duration<double>(options.interval).count();
    // It ends with 1 when no reply came; what it said decides.
    std::string command = fmt::format("ping -n -c {} -i {:.3f} -s {} -W 2", options.count, seconds, options.payload);
    if (options.from) command += fmt::format(" -I {}", to_string(*options.from));
    command += fmt::format(" {}; [ $? -le 1 ]", to_string(options.to));
    return run_and_read(machine, {"/bin/sh", "-c", std::move(command)}, "ping.txt",
                        [done = std::move(done)](Result<std::string> text) {
                            if (!text) return done(pass(text));
                            done(ping_report_in(*text));
                        });
}

}  // namespace gatelab::sim::peers::programs
