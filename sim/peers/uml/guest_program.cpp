#include "sim/peers/uml/guest_program.h"

#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers::uml {
namespace {

class GuestProgram final : public Program {
public:
    GuestProgram(ControlChannel& control, std::string name, std::function<void(Result<int>)> ended)
        : name_(std::move(name)),
          ended_(std::move(ended)),
          line_(control.open({.received = [this](const agent::Message& message) { handle(message); },
                              .broken = [this](const Error& why) { end(fail(Fault::Io, why.detail)); }})) {}

    Result<void> start(const ProgramSpec& spec, const std::string& output) {
        return line_->send(agent::RunProgram{line_->channel(), spec.arguments, spec.environment, output});
    }
    void signal(int number) override {
        (void)line_->send(agent::SignalProgram{line_->channel(), static_cast<std::uint8_t>(number)});
    }

private:
    void handle(const agent::Message& message) {
        if (const auto* ended = std::get_if<agent::ProgramEnded>(&message)) {
            end(static_cast<int>(ended->status));
        } else if (const auto* failed = std::get_if<agent::ProgramFailed>(&message)) {
            const int number = static_cast<int>(failed->number);
            end(fail(number == ENOENT ? Fault::NotFound : Fault::Unavailable,
                     name_ + " does not start: " + std::strerror(number)));
        }
    }
    void end(const Result<int>& how) {
        const auto told = std::exchange(ended_, {});  // the call may destroy us
        if (told) told(how);
    }

    const std::string name_;
    std::function<void(Result<int>)> ended_;
    const std::unique_ptr<ControlChannel::Line> line_;
};

}  // namespace

std::unique_ptr<Program> run_in_guest(ControlChannel& control, const ProgramSpec& spec, const std::string& output,
                                      std::function<void(Result<int>)> ended) {
    const auto name = spec.arguments.empty() ? std::string{"a program without a name"} : spec.arguments.front();
    auto program = std::make_unique<GuestProgram>(control, name, std::move(ended));
    (void)program->start(spec, output);  // when the guest is no more, the line tells
    return program;
}

}  // namespace gatelab::sim::peers::uml
