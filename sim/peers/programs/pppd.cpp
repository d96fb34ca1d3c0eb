#include "sim/peers/programs/pppd.h"

#include <fmt/format.h>

#include "sim/peers/files.h"

namespace gatelab::sim::peers::programs {
namespace {

constexpr const char* kLog = "pppd.log";

// pppd dials by itself, but does not listen: it is given the accepted connection as its terminal.
std::string listener(const PppdSettings& settings, const std::string& arguments) {
    return fmt::format(
        "import os, socket\n"
        "ear = socket.socket()\n"
        "ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "ear.bind(('', {}))\n"
        "ear.listen(1)\n"
        "line, _ = ear.accept()\n"
        "os.dup2(line.fileno(), 0)\n"
        "os.dup2(line.fileno(), 1)\n"
        "os.execv('/usr/sbin/pppd', '{}'.split())\n",
        settings.port, arguments);
}

std::optional<Ipv4Address> address_after(std::string_view log, std::string_view phrase) {
    const auto at = log.rfind(phrase);
    if (at == std::string_view::npos) return std::nullopt;
    const auto rest = log.substr(at + phrase.size());
    const auto address = parse_address(rest.substr(0, rest.find_first_of(" \n")));
    return address ? std::optional{*address} : std::nullopt;
}

}  // namespace

Pppd::Pppd(Machine& machine, const PppdSettings& settings) : machine_(machine) {
    if (!machine.has_own_files()) {
        ended_ = fail(Fault::Unsupported, "pppd has its secrets in /etc/ppp: it runs on a guest only");
        return;
    }
    const auto common = fmt::format("nodetach debug noipv6 noccp nodefaultroute logfile {}", machine.inside(kLog));
    Result<void> put =
        write_file(machine.folder() / "chap-secrets", fmt::format("{} * {} *\n", settings.user, settings.password));
    std::string start;
    if (settings.dial) {
        start = fmt::format("exec /usr/sbin/pppd socket {}:{} noauth user {} {}", to_string(*settings.dial),
                            settings.port, settings.user, common);
    } else {
        const auto arguments = fmt::format("pppd notty auth require-mschap-v2 name server {}:{} {}",
                                           to_string(settings.own), to_string(settings.given), common);
        if (put) put = write_file(machine.folder() / "pppd-listen.py", listener(settings, arguments));
        start = "exec /usr/bin/python3 " + machine.inside("pppd-listen.py");
    }
    if (!put) {
        ended_ = fail(put.error().fault, put.error().detail);
        return;
    }
    const auto script = fmt::format("umask 077; mkdir -p /etc/ppp && cp {} /etc/ppp/chap-secrets && {}",
                                    machine.inside("chap-secrets"), start);
    program_ = machine.run({{"/bin/sh", "-c", script}, kEnvironment, "pppd.txt"},
                           [this](Result<int> how) { ended_ = std::move(how); });
}

std::string Pppd::log() const { return read_file(machine_.folder() / kLog); }
Pppd::Report Pppd::report() const { return pppd_report_in(log()); }

Pppd::Report pppd_report_in(std::string_view log) {
    Pppd::Report report;
    report.authenticated = log.find("CHAP authentication succeeded") != std::string_view::npos ||
                           log.find("sent [CHAP Success") != std::string_view::npos;
    report.local = address_after(log, "local  IP address ");
    report.remote = address_after(log, "remote IP address ");
    return report;
}

}  // namespace gatelab::sim::peers::programs
