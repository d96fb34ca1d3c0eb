#include "sim/peers/sstp_machine.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <string_view>
#include <utility>
#include <vector>

#include "sim/peers/sstp_client_log.h"

namespace gatelab::sim::peers {

// The line, as a program; made by the build.
const std::vector<std::pair<std::string_view, std::string_view>>& ppp_line_files();

namespace {

constexpr const char* kName = "sstp";
constexpr const char* kLine = "ppp-line";
constexpr const char* kPrepareLog = "prepare.log";

std::string output_of(const char* file) { return fmt::format("{}/{}", kName, file); }

}  // namespace

SstpMachine::SstpMachine(const Stage& stage, Place place, SstpClientSettings settings)
    : ProgramMachine(stage, std::move(place), {kName, kSstpProgram, "sstp-client"}), settings_(std::move(settings)) {}

Result<std::unique_ptr<SstpMachine>> SstpMachine::start(const Stage& stage, Place place, SstpClientSettings settings) {
    if (stage.guests && ::access(kPppdProgram, X_OK) != 0)
        return fail(Fault::Unavailable, fmt::format("{}: there is no {}: install ppp", place.node, kPppdProgram));
    std::unique_ptr<SstpMachine> self{new SstpMachine{stage, std::move(place), std::move(settings)}};
    if (auto opened = self->open(); !opened) return pass(opened);
    self->places_.folder = self->folder();
    self->places_.environment = self->environment();
    for (auto& variable : sstp_environment(self->settings_)) self->places_.environment.push_back(std::move(variable));
    if (!self->is_guest()) {
        self->places_.line = self->folder() + kLine;
        if (auto put = self->put({{kLine, std::string{ppp_line_files().front().second}, true}}); !put) return pass(put);
    }
    if (auto put = self->put(sstp_client_files(self->settings_, self->places_)); !put) return pass(put);
    return self;
}

void SstpMachine::prepare(std::function<void(Result<void>)> ended) {
    preparing_ =
        machine().run({{"/bin/sh", folder() + "prepare"}, environment(), output_of(kPrepareLog)},
                      [this, ended = std::move(ended)](Result<int> how) {
                          preparing_.reset();
                          if (!how) return ended(tl::unexpected<Error>(how.error()));
                          if (*how == 0) return ended({});
                          ended(fail(Fault::Unavailable, "sstp-client cannot be set up: " + read(kPrepareLog)));
                      });
}

std::unique_ptr<Program> SstpMachine::dial(std::function<void(Result<int>)> ended) {
    note_start("sstpc");
    note_start("ppp");
    ProgramSpec spec{sstp_dial_arguments(settings_, places_), places_.environment,
                     output_of(is_guest() ? kSstpLog : kPppLog)};
    if (!is_guest()) spec.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return machine().run(spec, [this, ended = std::move(ended)](Result<int> how) {
        note_end(is_guest() ? "sstpc" : "ppp", how);
        ended(std::move(how));
    });
}

void SstpMachine::hang_up(Program& call) {
    if (!is_guest()) return call.signal(SIGTERM);
    hanging_up_ = machine().run({sstp_hang_up_arguments(), environment(), ""}, [this](Result<int>) {});
}

std::string SstpMachine::version() const { return sstp_version_in(read(kPrepareLog)); }

Error SstpMachine::wrong(Fault fault, const std::string& what) const {
    return ProgramMachine::wrong({"sstpc", "ppp"}, fault, what);
}

Result<void> SstpMachine::finish() { return ProgramMachine::finish(version(), &without_keys); }

}  // namespace gatelab::sim::peers
